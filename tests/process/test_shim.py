"""`oxide-mcp` as a process: it starts the app, survives its death, and ends with its client. All of it is real."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from oxide_desktop import __version__
from oxide_desktop.fronts.mcp.shim import Shim
from oxide_desktop.ipc.channel import (
    FRAME_LIMIT,
    Connection,
    _SocketStream,
    address_of,
    home_folder,
    socket_path,
)
from tests.fakes.http_server import Fault, Reply
from tests.fakes.openai_server import OpenAIServer

ROOT = Path(__file__).parents[2]
APP = (sys.executable, "-m", "oxide_desktop")
SHIM = (sys.executable, "-m", "oxide_desktop.fronts.mcp.shim")
TOOLS = ["route_task", "analyze_parallel", "list_services", "get_task_result"]
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
CONFIG = """
services:
  stub: {{type: http, api_type: openai_compatible, base_url: "{url}", model: model-a}}
  gemini: {{enabled: false}}
  qwen: {{enabled: false}}
  ollama_local: {{enabled: false}}
  lmstudio: {{enabled: false}}
  builtin: {{enabled: false}}
web: {{port: 0, enabled: false}}
"""


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**kept, "OXIDE_HOME": str(home), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, model: OpenAIServer) -> Iterator[Path]:
    """A home of this test's own."""
    yield (place := new_home(tmp_path, model))
    end_apps_on(place)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, model: OpenAIServer) -> Iterator[Path]:
    """A home on which an app runs, for all who do not harm it."""
    place = new_home(tmp_path_factory.mktemp("running"), model)
    process = subprocess.Popen([*APP, "serve"], env=environment(place), stderr=subprocess.PIPE)
    said = iter(process.stderr.readline, b"")
    assert any(b"is running" in line for line in said), "the app has ended"
    yield place
    process.terminate()
    process.communicate(timeout=60)


def new_home(folder: Path, model: OpenAIServer) -> Path:
    """A home whose only service is the fake server."""
    place = folder / "home"
    place.mkdir()
    (place / "config.yaml").write_text(CONFIG.format(url=model.base_url))
    model.received.clear()
    return place


def end_apps_on(home: Path) -> None:
    """Whatever a shim has started is not its child, and would stay."""
    for process in apps_on(home):
        process.kill()
        process.wait(10)


def apps_on(home: Path) -> list[psutil.Process]:
    """The apps that run on that home."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = "oxide_desktop" in process.cmdline()[1:4]
            if ours and process.environ().get("OXIDE_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


class Session:
    """A client of the shim that speaks JSON lines, and sees everything that comes back."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._last_id = 0

    async def send(self, line: bytes) -> None:
        self.process.stdin.write(line)
        await self.process.stdin.drain()

    async def notify(self, method: str) -> None:
        await self.send(json.dumps({"jsonrpc": "2.0", "method": method}).encode() + b"\n")

    async def begin(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params or {}}
        await self.send(json.dumps(message).encode() + b"\n")
        return self._last_id

    async def receive(self) -> dict[str, Any]:
        return json.loads(await self.process.stdout.readuntil(b"\n"))

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request_id = await self.begin(method, params)
        answer = await self.receive()
        assert answer["id"] == request_id
        return answer

    async def open(self) -> dict[str, Any]:
        answer = await self.ask("initialize", INITIALIZE)
        await self.notify("notifications/initialized")
        return answer

    async def call(self, prompt: str) -> dict[str, Any]:
        return await self.ask("tools/call", {"name": "route_task", "arguments": {"prompt": prompt}})

    async def tools(self) -> list[str]:
        return [tool["name"] for tool in (await self.ask("tools/list"))["result"]["tools"]]


@asynccontextmanager
async def shim(home: Path, stderr: int | None = None, **variables: str) -> AsyncIterator[Session]:
    process = await asyncio.create_subprocess_exec(
        *SHIM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**environment(home), **variables},
        cwd=home.parent,
        limit=2**24,
    )
    try:
        yield Session(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process.stdin.close()


@asynccontextmanager
async def app(home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`oxide serve`, until it listens."""
    process = await asyncio.create_subprocess_exec(*APP, "serve", env=environment(home), stderr=subprocess.PIPE)
    try:
        while (line := await process.stderr.readline()) and b"is running" not in line:
            pass
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


# -- as a program ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "part"), [("--help", "usage: oxide-mcp"), ("--version", f"oxide-mcp {__version__}")]
)
def test_it_tells_what_it_is(option: str, part: str) -> None:
    told = subprocess.run(
        [*SHIM, option], check=False, capture_output=True, text=True, env=environment(Path("/nowhere")), timeout=20
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert part in told.stdout


def test_an_unknown_option_is_refused_on_standard_error() -> None:
    told = subprocess.run(
        [*SHIM, "--fast"], check=False, capture_output=True, text=True, env=environment(Path("/nowhere")), timeout=20
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert "usage: oxide-mcp" in told.stderr


def test_it_imports_nothing_but_the_standard_library_and_the_channel() -> None:
    code = "import sys, oxide_desktop.fronts.mcp.shim; print('\\n'.join(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        env=environment(Path("/nowhere")),
        check=True,
    ).stdout.split()
    ours = {name for name in modules if name.startswith("oxide_desktop")}
    assert ours == {
        "oxide_desktop",
        "oxide_desktop.fronts",
        "oxide_desktop.fronts.mcp",
        "oxide_desktop.fronts.mcp.shim",
        "oxide_desktop.ipc",
        "oxide_desktop.ipc.channel",
    }
    assert not {"asyncio", "subprocess", "pathlib", "logging", "dataclasses", "argparse"} & set(modules)


def test_it_looks_for_the_socket_where_the_app_opens_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from oxide_desktop.config.paths import Paths

    monkeypatch.chdir(tmp_path)
    for given in (str(tmp_path), "relative/home", "~/elsewhere", "", str(tmp_path / ("deep" * 40)), "a/../b"):
        monkeypatch.setenv("OXIDE_HOME", given)
        paths = Paths.from_environment()
        assert address_of(socket_path(home_folder())) == address_of(str(paths.socket))


# -- and the app -------------------------------------------------------------------------------------------------------


async def test_it_starts_the_app_and_the_first_call_is_answered(home: Path, model: OpenAIServer) -> None:
    async with shim(home) as session:
        assert (await session.open())["result"]["serverInfo"]["name"] == "oxide"
        assert await session.tools() == TOOLS
        answer = await session.call("Hello?")
        assert answer["result"]["structuredContent"]["result"] == "Hello, world."
    assert len(apps_on(home)) == 1
    async with shim(home) as another:
        await another.open()
        assert await another.tools() == TOOLS
    assert len(apps_on(home)) == 1
    assert len(model.asked) == 1


async def test_what_lies_in_the_person_s_home_stands_in_for_no_module_of_the_app(home: Path, tmp_path: Path) -> None:
    (tmp_path / "person").mkdir()
    (tmp_path / "person/random.py").write_text("raise SystemExit('this is no module of Python')\n")
    async with shim(home, HOME=str(tmp_path / "person")) as session:
        assert (await session.open())["result"]["serverInfo"]["name"] == "oxide"


def test_a_request_that_meets_the_death_of_the_app_is_answered() -> None:
    class MeetsDeath(Shim):
        def _connected(self, *, replay: bool) -> Connection:
            ours, theirs = socket.socketpair()
            theirs.close()
            self._connection = dying = Connection(_SocketStream(ours))
            self._lost(dying)  # as the thread that reads the app does
            return dying

    said = io.BytesIO()
    MeetsDeath(io.BytesIO(), said)._forward(b'{"jsonrpc": "2.0", "id": 7, "method": "tools/list"}\n')
    answer = json.loads(said.getvalue())
    assert (answer["id"], "Call again" in answer["error"]["message"]) == (7, True)


async def test_of_several_that_find_no_app_one_starts_it(home: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'oxide_desktop' in sys.orig_argv[1:4]:\n"
        f"    open({str(tmp_path / 'starts')!r}, 'a').write('started\\n')\n"
    )
    seen = f"{tmp_path}{os.pathsep}{ROOT}"
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(shim(home, PYTHONPATH=seen)) for _ in range(5)]
        answers = await asyncio.gather(*(session.open() for session in sessions))
    assert all(answer["result"]["serverInfo"]["name"] == "oxide" for answer in answers)
    assert (tmp_path / "starts").read_text() == "started\n"


async def test_a_session_survives_the_sudden_death_of_the_app(home: Path, model: OpenAIServer) -> None:
    model.play(Reply(fault=Fault.STALL, after=1))
    async with shim(home) as session:
        await session.open()
        in_flight = await session.begin("tools/call", {"name": "route_task", "arguments": {"prompt": "Stall."}})
        await until(lambda: len(model.asked) == 1)
        (victim,) = apps_on(home)
        victim.send_signal(signal.SIGKILL)

        answer = await session.receive()
        assert answer["id"] == in_flight
        assert "Oxide ended while it worked on this" in answer["error"]["message"]
        again = await session.call("Once more.")
        assert again["result"]["structuredContent"]["result"] == "Hello, world."
    (successor,) = apps_on(home)
    assert successor.pid != victim.pid
    assert [request.body["messages"][-1]["content"] for request in model.asked] == ["Stall.", "Once more."]


async def test_a_call_on_its_way_is_told_when_the_app_ends_in_good_order(home: Path, model: OpenAIServer) -> None:
    model.play(Reply(fault=Fault.STALL, after=1))
    async with shim(home) as session:
        await session.open()
        in_flight = await session.begin("tools/call", {"name": "route_task", "arguments": {"prompt": "Stall."}})
        await until(lambda: len(model.asked) == 1)
        apps_on(home)[0].terminate()
        answer = await session.receive()
        assert answer["id"] == in_flight
        assert answer["result"]["isError"]
        assert "Oxide was closed" in answer["result"]["content"][0]["text"]


async def until(condition: Any) -> None:
    """Wait for something in another thread or process that tells nobody."""
    while not condition():  # noqa: ASYNC110 - as the docstring says
        await asyncio.sleep(0.02)


async def test_a_session_survives_restarts_of_the_app(home: Path) -> None:
    async with shim(home) as session:
        for _ in range(2):
            async with app(home):
                if session._last_id == 0:
                    await session.open()
                assert await session.tools() == TOOLS
                assert not (await session.call("Hello?"))["result"].get("isError")
    assert apps_on(home) == []


async def test_what_concerns_an_app_that_is_gone_does_not_start_another(home: Path) -> None:
    async with shim(home) as session:
        async with app(home):
            await session.open()
        await session.notify("notifications/cancelled")
        await session.notify("notifications/roots/list_changed")
        session.process.stdin.close()
        assert await session.process.wait() == 0
    assert apps_on(home) == []


async def test_an_app_that_cannot_start_is_an_error_and_not_the_end(home: Path) -> None:
    good = (home / "config.yaml").read_text()
    (home / "config.yaml").write_text("services: 4\n")
    async with shim(home, stderr=subprocess.PIPE) as session:
        refused = await session.ask("initialize", INITIALIZE)
        reason = refused["error"]["message"]
        assert f"it does not start. The settings cannot be used: {home / 'config.yaml'}:1: services: " in reason
        assert reason in (await session.process.stderr.readline()).decode()
        (home / "config.yaml").write_text(good)
        assert (await session.open())["result"]["serverInfo"]["name"] == "oxide"


async def test_what_was_said_before_the_client_went_is_answered_once_the_app_is_up(home: Path) -> None:
    async with shim(home) as session:
        await session.begin("initialize", INITIALIZE)
        session.process.stdin.close()
        assert (await session.receive())["result"]["serverInfo"]["name"] == "oxide"
        assert await session.process.wait() == 0


def test_in_a_folder_that_is_gone_it_works_from_home(home: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE})
    script = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && echo '{line}' | {' '.join(SHIM)}"
    told = subprocess.run(["sh", "-c", script], check=False, capture_output=True, env=environment(home), timeout=60)
    assert json.loads(told.stdout)["result"]["serverInfo"]["name"] == "oxide"


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_without_a_client_on_both_sides_it_says_so(closed: str, home: Path) -> None:
    told = subprocess.run(
        ["sh", "-c", f"{' '.join(SHIM)} {closed}"],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(home),
        timeout=20,
    )
    assert told.returncode == 2
    assert told.stderr.startswith("oxide-mcp: Standard input and output are closed")


async def test_what_is_no_message_is_refused_and_the_session_goes_on(running: Path) -> None:
    async with shim(running) as session:
        await session.send(b"not json\n")
        assert (await session.receive())["error"]["code"] == -32700
        for line, request_id in (
            (b"[]", None),
            (b"5", None),
            (b"null", None),
            (b'{"id": 7}', 7),
            (b'{"id": 1.5, "method": "x"}', None),
        ):
            await session.send(line + b"\n")
            refused = await session.receive()
            assert (refused["id"], refused["error"]["code"]) == (request_id, -32600)
        await session.send(b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": [1]}\n')
        await session.send(b"\n")
        await session.open()
        giant = {"name": "route_task", "arguments": {"prompt": "x" * FRAME_LIMIT}}
        assert "8 MiB" in (await session.ask("tools/call", giant))["error"]["message"]
        assert await session.tools() == TOOLS


async def test_a_long_prompt_and_a_long_answer_pass_whole(running: Path, model: OpenAIServer) -> None:
    model.play(Reply(pieces=["y" * 100_000] * 20))
    async with shim(running) as session:
        await session.open()
        answer = await session.call("x" * 500_000)
        page = answer["result"]["structuredContent"]
        whole = await session.ask("resources/read", {"uri": f"oxide://tasks/{page['task_id']}"})
    assert (page["result"], page["next_offset"]) == ("y" * 40_000, 40_000)
    assert whole["result"]["contents"][0]["text"] == "y" * 2_000_000
    assert model.asked[-1].body["messages"][-1]["content"] == "x" * 500_000


async def test_a_line_past_all_bounds_is_not_even_kept(running: Path) -> None:
    async with shim(running) as session:
        await session.send(b"[" * 200_000 + b"\n")
        assert (await session.receive())["error"]["code"] == -32700
        for _ in range(48):
            await session.send(b"x" * 2**20)
        await session.send(b"\n")
        refused = await session.receive()
        assert "8 MiB" in refused["error"]["message"]
        assert refused["id"] is None
        await session.send(b'{"jsonrpc": "2.0", "method": "id", "id": 9, "params": {"id": 1, "text": "')
        for _ in range(48):
            await session.send(b"x" * 2**20)
        await session.send(b'"}}\n')
        assert (await session.receive())["id"] == 9
        await session.open()
        assert await session.tools() == TOOLS
        assert psutil.Process(session.process.pid).memory_info().rss < 200 * 2**20


async def test_an_app_that_it_started_serves_the_web_page_if_the_client_wants_it(home: Path) -> None:
    for wanted in ("false", "true"):
        async with shim(home, OXIDE_AUTO_START_WEB=wanted) as session:
            await session.open()
            served = (home / "run" / "web.json").exists()
        assert served == (wanted == "true")
        end_apps_on(home)


async def test_an_app_that_it_started_holds_no_file_of_its_own_open_for_what_it_says(home: Path) -> None:
    async with shim(home) as session:
        await session.open()
        (started,) = apps_on(home)
        assert Path(f"/proc/{started.pid}/fd/2").readlink() == Path("/dev/null")


# -- and its client ----------------------------------------------------------------------------------------------------


async def test_it_ends_when_its_client_closes_its_input(running: Path) -> None:
    async with shim(running) as session:
        await session.open()
        session.process.stdin.close()
        assert await session.process.wait() == 0


async def test_it_ends_even_while_a_call_is_in_flight(running: Path, model: OpenAIServer) -> None:
    before = len(model.asked)
    model.play(Reply(fault=Fault.STALL, after=1))
    async with shim(running) as session:
        await session.open()
        await session.begin("tools/call", {"name": "route_task", "arguments": {"prompt": "Stall."}})
        await until(lambda: len(model.asked) > before)
        session.process.stdin.close()
        assert await session.process.wait() == 0
        model.release()


async def test_it_ends_when_its_client_does_even_if_the_app_hangs_and_reads_nothing(home: Path) -> None:
    async def welcome_and_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        reader._transport.pause_reading()
        writer.write(b"{}\n")
        hangs.set_result(writer)

    hangs: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    (home / "run").mkdir(mode=0o700)
    server = await asyncio.start_unix_server(welcome_and_hang, address_of(str(home / "run" / "oxide.sock")))
    async with server, shim(home) as session:
        await session.begin("initialize", INITIALIZE)
        app_side = await hangs
        await session.begin("tools/call", {"name": "route_task", "arguments": {"prompt": "x" * 3_000_000}})
        session.process.stdin.close()
        assert await session.process.wait() == 0
        app_side.transport.abort()
        await app_side.wait_closed()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_it_ends_at_once_on_a_signal(running: Path, number: signal.Signals) -> None:
    async with shim(running) as session:
        await session.open()
        session.process.send_signal(number)
        assert await session.process.wait() == -number


async def test_it_ends_when_nobody_reads_its_output(running: Path) -> None:
    async with shim(running) as session:
        await session.open()
        reading_end = session.process._transport.get_pipe_transport(1)
        reading_end.close()
        await until(lambda: reading_end.get_extra_info("pipe").closed)  # else a quick answer may still find a reader
        await session.begin("tools/list")
        assert await session.process.wait() == 0


async def warm(home: Path) -> None:
    """A fresh app needs a second or so for its first client."""
    async with shim(home) as session:
        await session.open()


async def test_requests_that_are_piped_in_are_answered_before_it_ends(running: Path) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "two", "method": "tools/list"},
    ]
    async with shim(running) as session:
        await warm(running)
        out, _ = await session.process.communicate("\n".join(json.dumps(line) for line in lines).encode())
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1, "two"]
