"""The real Gemini CLI and Qwen Code, at the versions that the adapters were tried with: `make test-clis`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from oxide_desktop.adapters import builtin_child
from oxide_desktop.adapters.agent_cli import AgentCli
from oxide_desktop.adapters.registry import adapter_class
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.ports import AdapterTools, Alive, Started, Usage
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from tests.fakes.asking import ask, question
from tests.fakes.gemini_api import PER_DAY, PER_MINUTE, WRONG_KEY, GeminiServer
from tests.fakes.http_server import Fault, Reply, ScriptedServer
from tests.fakes.openai_server import OpenAIServer
from tests.unit.agent_program import home_of_nobody

pytestmark = pytest.mark.clis

K = FailureKind
KINDS = ("gemini", "qwen")
SERVERS = {"gemini": GeminiServer, "qwen": OpenAIServer}
FAILURES = {
    "401": (Reply(status=401, error="Request had invalid authentication credentials."), K.AUTH),
    "403": (Reply(status=403, error="Permission denied."), K.AUTH),
    "404": (Reply(status=404, error="The model 'x' is not found."), K.MISSING),
    "500": (Reply(status=500, error="boom"), K.TRANSIENT),
    "503": (Reply(status=503, error="The model is overloaded."), K.BUSY),
    "reset": (Reply(fault=Fault.RESET, before_headers=True), K.TRANSIENT),
    "empty": (Reply(pieces=[]), K.TRANSIENT),
    "context": (Reply(status=400, error="This model's maximum context length is 8192 tokens."), K.CONTEXT),
}
OF_ONE = {
    ("gemini", "wrong key"): (Reply(status=400, error=WRONG_KEY), K.AUTH),
    ("gemini", "per minute"): (Reply(status=429, error=PER_MINUTE), K.BUSY),
    ("gemini", "per day"): (Reply(status=429, error=PER_DAY), K.QUOTA),
    ("gemini", "blocked"): (Reply(pieces=[], finish="SAFETY"), K.POLICY),
    ("qwen", "per minute"): (Reply(status=429, error="Rate limit reached"), K.BUSY),
    ("qwen", "per day"): (Reply(status=429, error="insufficient_quota"), K.QUOTA),
}
Make = Callable[..., AgentCli]


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with home_of_nobody(tmp_path) as home:
        yield home


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def server(kind: str) -> Iterator[ScriptedServer]:
    with SERVERS[kind]() as server:
        server.strict = False
        yield server


@pytest.fixture
def make(adapter_tools: AdapterTools) -> Make:
    def _make(kind: str, url: str, **values: object) -> AgentCli:
        where = Path(os.environ["OXIDE_TEST_CLIS"]) / kind
        given = {"name": kind, "type": ServiceType.CLI, "kind": kind, "executable": str(where), "api_key": "dummy"}
        model = "flash" if kind == "gemini" else "model-a"
        base_url = url if kind == "gemini" else f"{url}/v1"
        settings = ServiceSettings(**{**given, "base_url": base_url, "model": model, **values})
        return adapter_class(kind)(settings, adapter_tools)

    return _make


@pytest.fixture
async def adapter(make: Make, kind: str, server: ScriptedServer) -> AsyncIterator[AgentCli]:
    async with asyncio.timeout(100):
        yield make(kind, server.url)


def sent(server: ScriptedServer) -> str:
    return str(server.asked[-1].body)


async def test_an_answer_streams_with_its_model_and_its_token_counts(adapter: AgentCli, server: ScriptedServer) -> None:
    server.usual = Reply(pieces=["Größe ", "漢字 ", "🦀"])
    heard = await ask(adapter, question("größer 漢字 --help"))
    assert heard.error is None
    assert heard.text == "Größe 漢字 🦀"
    assert heard.model in await adapter.list_models()
    assert heard.usage == Usage(5, 4)
    assert "größer 漢字 --help" in sent(server)
    assert len(server.asked) == 1


async def test_nothing_but_the_prompt_and_a_few_words_is_sent(
    adapter: AgentCli, server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "GEMINI.md").write_text("moo")
    (tmp_path / "QWEN.md").write_text("moo")
    await ask(adapter, question(cwd=tmp_path))
    assert server.asked[-1].body.get("tools") in (None, [], [{"functionDeclarations": []}])
    assert len(sent(server)) < 2500
    assert "moo" not in sent(server)


@pytest.mark.parametrize("prompt", ["/help", "/init", "/stats", "  /about", "!ls", "?"])
async def test_a_prompt_that_looks_like_a_command_is_a_prompt(
    prompt: str, adapter: AgentCli, server: ScriptedServer
) -> None:
    heard = await ask(adapter, question(prompt))
    assert heard.text == "Hello, world."
    assert prompt in sent(server)
    assert len(server.asked) == 1


async def test_a_path_in_the_prompt_is_not_read(
    adapter: AgentCli, server: ScriptedServer, tmp_path: Path, home: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    (home / "mine.txt").write_text("the secret")
    paths = ("@secret.txt", f"@{secret}", "@~/mine.txt", "@../home/.gemini/settings.json", "@../home/settings.json")
    prompt = f"What do {' and '.join(paths)} say? def f(): @property"
    assert (await ask(adapter, question(prompt, cwd=tmp_path))).error is None
    assert prompt in sent(server)
    assert "the secret" not in sent(server)
    assert "selectedType" not in sent(server)


@pytest.mark.parametrize(("kind", "count"), [("gemini", 300_000), ("qwen", 20_000)])
async def test_a_large_prompt_arrives_whole(kind: str, count: int, adapter: AgentCli, server: ScriptedServer) -> None:
    """Gemini prints it again and loses what it could not print before it ends: a service that thinks gives it time."""
    server.usual = Reply(pause_s=0.5)
    prompt = "0123456789 " * count + "the end"
    assert (await ask(adapter, question(prompt))).error is None
    assert prompt in sent(server)


@pytest.mark.parametrize("kind", ["qwen"])
async def test_a_prompt_that_the_program_itself_finds_too_large_is(
    kind: str, adapter: AgentCli, server: ScriptedServer
) -> None:
    heard = await ask(adapter, question("0123456789 " * 300_000))
    assert heard.error
    assert heard.error.kind is K.CONTEXT


@pytest.mark.parametrize("fault", list(FAILURES))
async def test_a_failure_has_its_kind_within_seconds(fault: str, adapter: AgentCli, server: ScriptedServer) -> None:
    """Left to themselves they would try again for minutes."""
    server.usual, kind = FAILURES[fault]
    started = time.monotonic()
    heard = await ask(adapter)
    assert time.monotonic() - started < 30
    assert heard.error
    assert heard.error.kind is kind
    assert heard.text == ""
    assert heard.error.hint


@pytest.mark.parametrize(("kind", "fault"), list(OF_ONE))
async def test_a_failure_of_its_own_kind_has_its_kind(
    kind: str, fault: str, adapter: AgentCli, server: ScriptedServer
) -> None:
    server.usual, expected = OF_ONE[kind, fault]
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is expected


async def test_nobody_at_the_address_is_told_within_seconds(make: Make, kind: str, dead_url: str) -> None:
    heard = await ask(make(kind, dead_url))
    assert heard.error
    assert heard.error.kind in (K.TRANSIENT, K.MISSING)


async def test_what_came_before_a_break_is_kept(adapter: AgentCli, server: ScriptedServer) -> None:
    server.usual = Reply(fault=Fault.CUT_OFF, after=2)
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.TRANSIENT
    assert heard.text.startswith("Hello, ")
    assert "API Error" not in heard.text


async def test_closing_a_stalled_answer_leaves_no_process(
    adapter: AgentCli, server: ScriptedServer, adapter_tools: AdapterTools
) -> None:
    server.usual = Reply(fault=Fault.STALL, after=1)
    async with aclosing(adapter.execute(question())) as outputs:
        assert isinstance(await anext(outputs), Started)
        assert await anext(outputs) == Alive()
        assert await anext(outputs) == "Hello"
        (child,) = adapter_tools.spawner.children()
        assert len(child.tree) == 1, "one process, not a launcher and its child"
    assert adapter_tools.spawner.children() == ()
    assert await asyncio.to_thread(server.gone.wait, 60)


async def test_the_persons_home_is_not_touched(adapter: AgentCli, home: Path) -> None:
    assert (await adapter.check(Depth.PROVE)).tier is Tier.ANSWERS
    assert list(home.iterdir()) == []


async def test_a_probe_knows_the_version_and_its_help_the_options(adapter: AgentCli) -> None:
    health = await adapter.check(Depth.PROBE)
    assert health.version == adapter.tested_version
    adapter.tested_version = "another"  # so that it asks for the options instead of knowing them
    assert (await ask(adapter)).text == "Hello, world."


async def test_without_a_key_it_says_so_by_itself(make: Make, kind: str, server: ScriptedServer) -> None:
    adapter = make(kind, server.url, api_key=None, base_url=None)
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert server.asked == []


@pytest.mark.model
async def test_qwen_answers_by_a_real_model(make: Make, adapter_tools: AdapterTools) -> None:
    settings = ServiceSettings(name="small", type=ServiceType.HTTP, kind="builtin")
    parts = await asyncio.to_thread(builtin_child.find_parts, settings)
    server = await builtin_child.start("small", adapter_tools.spawner, parts, 8192)
    try:
        url = {"base_url": f"{server.url.removesuffix('/v1')}/v1", "api_key": server.api_key, "model": parts.model.stem}
        adapter = make("qwen", "", max_context_tokens=512, **url)
        async with asyncio.timeout(100):
            heard = await ask(adapter, question("What is 2+2?"))
    finally:
        await server.child.stop()
    assert heard.error is None
    assert heard.text
    assert heard.usage.input_tokens > 10
