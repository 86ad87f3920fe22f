"""Every fault by every kind of service, before a healthy one: no mixed answers, no useless retry, a true log."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from oxide_desktop import Orchestrator, load_config
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.model import Preferences, Request, Source, TaskType
from oxide_desktop.core.record import TaskRecord
from tests.fakes.http_server import Fault, Reply, ScriptedServer
from tests.fakes.ollama_server import OllamaServer
from tests.fakes.openai_server import OpenAIServer

HEALTHY = "healthy answer"
FAULTY = ("faulty ", "text ")
RETRIES = 1
AGAIN, ONCE = 1 + RETRIES, 1


@dataclass(frozen=True)
class Case:
    """A fault, and what must come of it.

    Attributes:
        tries: How often the faulty service is asked.
        kind: What the record calls it.
        shown: Whether text of the faulty service was seen, after which nobody else may go on.
    """

    name: str
    reply: Reply
    tries: int
    kind: str
    shown: bool = False


BEFORE = [
    Case("reset before the first byte", Reply(fault=Fault.RESET, before_headers=True), AGAIN, "transient"),
    Case("429 with a short pause", Reply(status=429, headers={"Retry-After": "0"}), AGAIN, "busy"),
    Case("429 without a pause", Reply(status=429), AGAIN, "busy"),
    Case("429 with a long pause", Reply(status=429, headers={"Retry-After": "3600"}), ONCE, "quota"),
    Case("401", Reply(status=401), ONCE, "auth"),
    Case("403", Reply(status=403), ONCE, "auth"),
    Case("500", Reply(status=500), AGAIN, "transient"),
    Case("503", Reply(status=503), AGAIN, "transient"),
    Case("garbage instead of an answer", Reply(fault=Fault.GARBAGE), AGAIN, "transient"),
    Case("half a line", Reply(fault=Fault.HALF_LINE), AGAIN, "transient"),
    Case("an error in the stream", Reply(fault=Fault.ERROR), AGAIN, "transient"),
    Case("nothing at all", Reply(fault=Fault.STALL), ONCE, "timeout"),
]
AFTER = [
    Case("reset after text", Reply(pieces=FAULTY, fault=Fault.RESET, after=2), ONCE, "transient", shown=True),
    Case("cut off after text", Reply(pieces=FAULTY, fault=Fault.CUT_OFF, after=2), ONCE, "transient", shown=True),
    Case("an end that is none", Reply(pieces=FAULTY, fault=Fault.HANG_UP, after=2), ONCE, "transient", shown=True),
    Case("garbage after text", Reply(pieces=FAULTY, fault=Fault.GARBAGE, after=2), ONCE, "transient", shown=True),
    Case("silence after text", Reply(pieces=FAULTY, fault=Fault.STALL, after=2), ONCE, "timeout", shown=True),
]
SAYS_TEXT = "print('faulty text ' * 9 + '\\nand more', flush=True)"
ASKS = "print('Please sign in: https://example.com/device', flush=True); time.sleep(60)"
PROGRAMS = [
    (Case("a crash", Reply(), ONCE, "crashed"), "sys.exit(3)"),
    (Case("a crash after text", Reply(), ONCE, "crashed", shown=True), f"{SAYS_TEXT}; sys.exit(3)"),
    (Case("a login prompt", Reply(), ONCE, "auth"), ASKS),
    (Case("no answer", Reply(), AGAIN, "transient"), "sys.exit(0)"),
    (Case("silence", Reply(), ONCE, "timeout"), "time.sleep(60)"),
    (Case("silence after text", Reply(), ONCE, "timeout", shown=True), f"{SAYS_TEXT}; time.sleep(60)"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def healthy() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        server.usual = Reply(pieces=[HEALTHY])
        yield server


async def ask(home: Path, faulty: str, healthy: OpenAIServer) -> TaskRecord:
    config = home / "config.yaml"
    config.write_text(
        f"services:\n  builtin: {{enabled: false}}\n  faulty:\n{faulty}    retry_delay: 0.01\n"
        f"  healthy:\n    type: http\n    api_type: openai_compatible\n    base_url: {healthy.base_url}\n"
        "routing_rules:\n  general: {primary: faulty, fallback: [healthy]}\n"
        f"execution:\n  max_retries: {RETRIES}\n  start_timeout_seconds: 5\n  first_byte_timeout_seconds: 1\n"
        "  idle_timeout_seconds: 1\n",
        encoding="utf-8",
    )
    wishes = Preferences(task_type=TaskType.GENERAL)
    async with Orchestrator(load_config(config), paths=Paths.from_environment()) as oxide:
        task = await oxide.submit(Request(prompt="Why?", preferences=wishes, source=Source.PYTHON, cwd=home))
        return await task.finished()


def check(record: TaskRecord, case: Case) -> None:
    tried = [attempt for attempt in record.attempts if attempt.service == "faulty"]
    others = [attempt for attempt in record.attempts if attempt.service == "healthy"]
    assert len(tried) == case.tries, record.attempts
    assert {attempt.kind for attempt in tried} == {case.kind}
    assert all(attempt.error and attempt.ended_at for attempt in tried)
    if case.shown:
        assert [attempt.status for attempt in tried] == ["partial"]
        assert (record.status, others) == ("failed", [])
        assert record.result is not None
        assert HEALTHY not in record.result
        assert record.result.startswith("faulty text")
    else:
        assert {attempt.status for attempt in tried} == {"failed"}
        assert {attempt.chars for attempt in tried} == {0}
        assert [attempt.status for attempt in others] == ["completed"]
        assert (record.status, record.result, record.service) == ("completed", HEALTHY, "healthy")


@pytest.mark.parametrize("case", [*BEFORE, *AFTER], ids=lambda case: case.name)
@pytest.mark.parametrize("dialect", [OpenAIServer, OllamaServer], ids=["openai_compatible", "ollama"])
async def test_a_server_that_fails(home: Path, healthy: OpenAIServer, dialect: type[ScriptedServer], case: Case):
    with dialect() as server:
        server.usual = case.reply
        url = server.base_url if isinstance(server, OpenAIServer) else server.url
        kind = "openai_compatible" if isinstance(server, OpenAIServer) else "ollama"
        record = await ask(home, f"    type: http\n    api_type: {kind}\n    base_url: {url}\n", healthy)
        assert len(server.asked) == case.tries
    check(record, case)


@pytest.mark.parametrize("dialect", [OpenAIServer, OllamaServer], ids=["openai_compatible", "ollama"])
async def test_a_server_that_is_not_there_is_passed_over_with_the_reason(
    home: Path, healthy: OpenAIServer, dialect: type[ScriptedServer]
):
    with dialect() as server:
        url = server.url
    kind = "openai_compatible" if dialect is OpenAIServer else "ollama"
    record = await ask(home, f"    type: http\n    api_type: {kind}\n    base_url: {url}\n", healthy)
    assert record.route is not None
    assert any(item.service == "faulty" and "cannot be reached" in item.reason for item in record.route.skipped)
    assert (record.result, {attempt.service for attempt in record.attempts}) == (HEALTHY, {"healthy"})


@pytest.mark.parametrize(("case", "script"), PROGRAMS, ids=[case.name for case, _ in PROGRAMS])
async def test_a_program_that_fails(home: Path, healthy: OpenAIServer, case: Case, script: str):
    program = home / "faulty.py"
    program.write_text(f"import sys, time\nsys.stdin.read()\n{script}\n")
    faulty = (
        f"    type: cli\n    api_type: command\n    executable: {shlex.quote(sys.executable)}\n"
        f"    args: [{shlex.quote(str(program))}]\n    version_args: []\n"
    )
    check(await ask(home, faulty, healthy), case)
