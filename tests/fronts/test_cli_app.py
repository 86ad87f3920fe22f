"""Commands beside a running app: it owns what they ask, and nobody sees a difference but the time it takes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.cli.app_calls import AppAddress
from oxide_desktop.fronts.cli.app_task import AppTask, RunningApp
from tests.fakes.http_server import Fault, Received, Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import LIMIT_S, Done, Oxide, end, imported_by, only, read_until

STALL = Reply(pieces=["The answer"], fault=Fault.STALL, after=1)
ENGINE = "oxide_desktop.engine"
RECORD = TaskRecord(id="t", status=TaskStatus.RUNNING, prompt="Hello?", created_at=1.0, source="cli").to_dict()


class Server(OpenAIServer):
    """Tells when it is asked."""

    def __init__(self) -> None:
        super().__init__(models=["model-a"])
        self.was_asked = threading.Event()

    def next_reply(self, request: Received) -> Reply:
        self.was_asked.set()
        return super().next_reply(request)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: Server) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(fake=server.base_url) + "web: {port: 0}\n")
        yield program


@pytest.fixture
def app(oxide: Oxide) -> subprocess.Popen[bytes]:
    return serving(oxide)


def serving(oxide: Oxide) -> subprocess.Popen[bytes]:
    process = oxide.start("serve")
    read_until(process, "✓ fake: ", "stderr")
    return process


def told(done: Done) -> tuple[int, str, str]:
    """What a command said, without what is never twice the same."""
    return done.returncode, done.stdout, re.sub(r"\d+\.\d s|[0-9a-f]{8}", "…", done.stderr)


@pytest.mark.parametrize(
    "args",
    [
        ("run", "What is 2+2?"),
        ("run", "What is in here?", "-f", "notes.txt"),
        ("run", "Hello?", "--quiet"),
        ("run", "Hello?", "-m", "ghost"),
        ("run", "Hello?", "-s", "nobody"),
        ("run", "Hello?", "-f", "nothing.txt"),
        ("run", " "),
        ("analyze", "What is in here?", "."),
        ("analyze", "What is in here?", "nothing"),
        ("services", "test", "fake"),
        ("services", "test", "fake", "--prompt", " "),
        ("history", "replay", "nowhere"),
    ],
)
def test_what_a_command_says_is_the_same_with_and_without_the_app(
    oxide: Oxide, tmp_path: Path, args: tuple[str, ...]
) -> None:
    oxide.home = tmp_path.parent / f"{tmp_path.name}-home"  # apart from what is analysed
    (tmp_path / "home" / "config.yaml").rename(tmp_path / "config.yaml")
    oxide.configure((tmp_path / "config.yaml").read_text())
    (tmp_path / "config.yaml").unlink()
    (tmp_path / "notes.txt").write_text("the needle\n")
    without = told(oxide(*args))
    app = serving(oxide)
    assert told(oxide(*args)) == without
    end(app)


def test_the_app_works_on_it_and_no_engine_is_made(oxide: Oxide, app: subprocess.Popen[bytes]) -> None:
    assert ENGINE not in imported_by(oxide, "run", "What is 2+2?")
    (task,) = oxide.json("history", "list")["tasks"]
    assert (task["status"], task["source"]) == ("completed", "cli")
    end(app)
    assert ENGINE in imported_by(oxide, "run", "What is 2+2?")


def test_what_is_asked_again_is_the_apps_work_too_and_said_the_same(oxide: Oxide, server: Server) -> None:
    before = oxide.json("run", "What is 2+2?")
    alone = told(oxide("history", "replay", before["id"][:12]))
    app = serving(oxide)
    assert told(oxide("history", "replay", before["id"][:12])) == alone
    assert ENGINE not in imported_by(oxide, "history", "replay", before["id"])
    assert ENGINE not in imported_by(oxide, "services", "test", "fake")
    tasks = oxide.json("history", "list")["tasks"]
    assert [(task["source"], task.get("replay_of")) for task in tasks[:4]] == [
        ("cli", None), ("cli", before["id"]), ("cli", before["id"]), ("cli", before["id"]),
    ]  # fmt: skip
    end(app)


def test_the_record_is_printed_as_the_history_has_it(oxide: Oxide, app: subprocess.Popen[bytes]) -> None:
    record = oxide.json("run", "What is 2+2?")
    assert record == oxide.json("history", "show", record["id"])


def test_files_mean_the_folder_of_the_command(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    oxide.cwd = tmp_path / "elsewhere"
    oxide.cwd.mkdir()
    (oxide.cwd / "notes.txt").write_text("the needle")
    assert oxide("run", "What is in here?", "-f", "notes.txt").returncode == 0
    assert "the needle" in server.asked[-1].body["messages"][0]["content"]


def test_what_was_piped_in_is_asked_by_the_app(oxide: Oxide, server: Server, app: subprocess.Popen[bytes]) -> None:
    assert oxide.process("run", "Sum it up.", stdin="a long text").returncode == 0
    assert server.asked[-1].body["messages"][0]["content"] == "Sum it up.\n\na long text"


def test_ctrl_c_cancels_the_apps_task(oxide: Oxide, server: Server, app: subprocess.Popen[bytes]) -> None:
    server.usual = STALL
    process = oxide.start("run", "Hello?")
    read_until(process, "The answer")
    code, _, errors = end(process)
    assert (code, "Cancelled" in errors) == (130, True)
    (task,) = oxide.json("history", "list")["tasks"]
    assert (task["status"], task["result"]) == ("cancelled", "The answer")


def test_a_reader_that_goes_away_cancels_the_apps_task(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes]
) -> None:
    server.usual = Reply(pieces=["word "] * 20_000, fault=Fault.STALL, after=19_999)
    process = oxide.start("run", "Hello?")
    read_until(process, "word")
    process.stdout.close()
    assert process.wait(LIMIT_S) == 130
    process.stderr.close()
    (task,) = oxide.json("history", "list")["tasks"]
    assert task["status"] == "cancelled"


def test_an_app_that_dies_in_the_middle_is_an_error_that_says_so(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes]
) -> None:
    server.usual = STALL
    process = oxide.start("run", "Hello?")
    read_until(process, "The answer")
    app.kill()
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "The running Oxide does not answer" in errors.decode()


def test_a_task_of_an_app_that_is_stopped_is_cancelled_and_told_so(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes]
) -> None:
    server.usual = STALL
    process = oxide.start("run", "Hello?")
    read_until(process, "The answer")
    assert oxide("stop").returncode == 0
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "Oxide was closed" in errors.decode()
    (task,) = oxide.json("history", "list")["tasks"]
    assert task["status"] == "cancelled"


def test_a_command_that_vanishes_takes_its_task_with_it(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes]
) -> None:
    server.usual = STALL
    process = oxide.start("run", "Hello?")
    read_until(process, "The answer")
    process.kill()
    assert server.gone.wait(LIMIT_S)
    while (task := oxide.json("history", "list")["tasks"][0])["status"] == "running":
        assert app.poll() is None
    assert task["status"] == "cancelled"


async def heard(*lines: dict[str, Any]) -> AppTask:
    """What is known of a task once the app has told these lines of it."""

    async def told_lines() -> AsyncGenerator[dict[str, Any], None]:
        for line in lines:
            yield line

    task = AppTask(RunningApp(AppAddress(1, "token")), TaskRecord.from_dict(RECORD))
    await task.listen(told_lines())
    return task


async def test_what_the_app_says_behind_the_end_changes_nothing() -> None:
    end_of_it = {"type": "end", "record": {**RECORD, "status": "completed"}, "error": None}
    late = {"type": "state", "record": RECORD, "progress": None, "waiting": None}
    task = await heard(end_of_it, late)
    assert (task.error, task.record.status) == (None, TaskStatus.COMPLETED)


@pytest.mark.parametrize("line", [{"type": "chunks"}, {"type": "state", "progress": 7}, {}])
async def test_an_app_that_cannot_be_understood_is_an_error_and_no_end(line: dict[str, Any]) -> None:
    task = await heard(line)
    assert "cannot be read" in str(task.error)
    assert task.ended


@pytest.mark.parametrize(("told", "exit_code"), [({"exit_code": 130}, 130), ({}, 1)])
async def test_an_error_of_the_apps_ends_the_command_as_it_would_here(told: dict[str, Any], exit_code: int) -> None:
    body = json.dumps({"error": {"title": "No", "message": "Why.", "hint": "", **told}}).encode()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 503 Service Unavailable\r\n\r\n" + body)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as app:
        address = AppAddress(app.sockets[0].getsockname()[1], "token")
        with pytest.raises(OxideError, match="No: Why") as caught:
            await address.call("GET", "/api/tasks")
    assert caught.value.exit_code == exit_code


def test_an_app_that_hangs_is_not_waited_for(oxide: Oxide, app: subprocess.Popen[bytes]) -> None:
    os.kill(app.pid, signal.SIGSTOP)
    try:
        assert oxide("run", "What is 2+2?").returncode == 0
    finally:
        os.kill(app.pid, signal.SIGCONT)


@pytest.mark.parametrize("change", [{"version": "0.0.0"}, {"port": "x"}, None])
def test_word_of_an_app_that_cannot_be_ours_is_not_believed(
    oxide: Oxide, app: subprocess.Popen[bytes], change: dict[str, Any] | None
) -> None:
    place = oxide.home / "run" / "web.json"
    place.write_text("[" if change is None else json.dumps(json.loads(place.read_text()) | change))
    assert ENGINE in imported_by(oxide, "run", "What is 2+2?")


def test_a_name_that_is_no_text_is_left_to_an_engine_of_our_own(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    oxide.cwd = tmp_path / os.fsdecode(b"caf\xe9")
    assert oxide.process("run", "What is 2+2?").returncode == 0
    assert len(server.asked) == 1


def test_settings_that_changed_since_the_app_started_are_obeyed(
    oxide: Oxide, server: Server, app: subprocess.Popen[bytes]
) -> None:
    oxide.configure(only(renamed=server.base_url))
    future = (oxide.home / "run" / "web.json").stat().st_mtime + 10
    os.utime(oxide.home / "config.yaml", (future, future))
    assert oxide.json("run", "What is 2+2?", "-s", "renamed")["service"] == "renamed"


def test_a_link_lets_a_browser_in_once(oxide: Oxide, app: subprocess.Popen[bytes]) -> None:
    link = oxide("status", "--link").stdout.strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/launch\?code=[\w-]{43}", link)
    end(app)
    done = oxide("status", "--link")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Oxide is not running" in done.stderr
