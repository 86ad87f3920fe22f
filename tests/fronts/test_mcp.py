"""MCP as a client meets it: the SDK's own client, the real shim as its child, the app's server behind the socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import mcp_types as types
import psutil
import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.ipc.channel import FRAME_LIMIT, connect
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter, service
from tests.fronts.mcp_house import ERAS, client, served, stub, texts


@ERAS
async def test_a_client_of_either_era_asks_and_gets_the_answer_with_its_record(tmp_path: Path, era: str) -> None:
    async with served(tmp_path, stub(["Four", "."])) as house, client(tmp_path, era) as asker:
        result = await asker.call_tool("route_task", {"prompt": "What is 2+2?"})
        record = await house.record_of(TaskStatus.COMPLETED)

    assert not result.is_error
    assert texts(result)[0] == "Four."
    assert record.id in texts(result)[1]
    assert result.structured_content == {
        "result": "Four.",
        "next_offset": None,
        "task_id": record.id,
        "status": "completed",
        "service": "stub",
        "model": "scripted-1",
        "task_type": record.task_type,
        "duration": round(record.duration, 2),
        "notes": [],
    }
    assert (record.source, record.prompt) == ("mcp", "What is 2+2?")


@ERAS
async def test_the_tools_are_offered_with_schemas_and_annotations_in_few_tokens(tmp_path: Path, era: str) -> None:
    async with served(tmp_path, stub()), client(tmp_path, era) as asker:
        tools = (await asker.list_tools()).tools
        assert asker.server_info.name == "oxide"
        assert asker.instructions is not None
        assert len(asker.instructions.split()) < 150
    arguments = {tool.name: set(tool.input_schema["properties"]) for tool in tools}
    assert arguments == {
        "route_task": {"prompt", "files", "preferences"},
        "analyze_parallel": {"directory", "prompt", "num_workers"},
        "get_task_result": {"task_id", "offset"},
        "list_services": set(),
    }
    assert all(tool.output_schema and tool.annotations.read_only_hint for tool in tools)
    listed = "".join(tool.model_dump_json(by_alias=True, exclude_none=True) for tool in tools)
    assert len(listed) < 1500 * 3


@ERAS
async def test_progress_comes_while_a_service_works(tmp_path: Path, era: str) -> None:
    adapter, news = stub(["thinking", STALL]), asyncio.Queue[tuple[float, str | None]]()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        news.put_nowait((progress, message))

    async with served(tmp_path, adapter) as house, client(tmp_path, era) as asker:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(asker.call_tool("route_task", {"prompt": "Think."}, progress_callback=heard))
            told = [await news.get()]
            while told[-1][1] != "stub has written 8 characters":
                told.append(await news.get())
            (task,) = house.running()
            task.cancel()
        result = call.result()

    assert [progress for progress, _ in told] == sorted(progress for progress, _ in told)
    assert result.is_error
    assert "stopped" in texts(result)[0]
    assert result.structured_content["status"] == "cancelled"


@ERAS
async def test_cancelling_the_call_cancels_the_task(tmp_path: Path, era: str) -> None:
    adapter = stub([STALL])
    async with served(tmp_path, adapter) as house, client(tmp_path, era) as asker:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(asker.call_tool("route_task", {"prompt": "Wait."}))
            await adapter.stalled.wait()
            call.cancel()
        record = await house.record_of(TaskStatus.CANCELLED)
        assert (await asker.list_tools()).tools
    assert record.error is not None


@ERAS
async def test_a_task_outlives_the_session_that_asked_for_it(tmp_path: Path, era: str) -> None:
    gate = asyncio.Event()

    class Gated(ScriptedAdapter):
        async def execute(self, call):  # type: ignore[override]
            async for item in super().execute(call):
                yield item
            self.stalled.set()
            await gate.wait()
            yield " last"

    adapter = Gated(service("stub"), ["first"])
    async with served(tmp_path, adapter) as house:

        async def ask() -> None:
            async with client(tmp_path, era) as asker:
                await asker.call_tool("route_task", {"prompt": "Go on without me."})

        await ask_until(adapter.stalled, ask)
        (task,) = house.running()
        gate.set()
        record = await task.finished()
    assert (record.status, record.result) == (TaskStatus.COMPLETED, "first last")


async def ask_until(event: asyncio.Event, ask: Callable[[], Awaitable[None]]) -> None:
    """Run `ask` until the event, then end its session the hard way: by killing its shim."""

    async def kill() -> None:
        await event.wait()
        for child in psutil.Process().children():
            if any("shim" in part for part in child.cmdline()):
                child.kill()

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        with pytest.raises(BaseExceptionGroup):
            await ask()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "The prompt is empty"),
        ({"prompt": "  "}, "The prompt is empty"),
        ({"prompt": 4}, "prompt must be a string"),
        ({"prompt": "x", "files": "a.py"}, "files must be a list of paths"),
        ({"prompt": "x", "preferences": ["qwen"]}, "preferences must be an object"),
        ({"prompt": "x", "preferences": {"speed": "fast"}}, "Unknown preference"),
        ({"prompt": "x", "preferences": {"task_type": "poetry"}}, "Unknown task type"),
        ({"prompt": "x", "temperature": 1}, "not temperature"),
        ({"prompt": "x", "preferences": {"preferred_service": "nobody"}}, "'nobody' is not one of stub"),
    ],
)
async def test_what_cannot_be_asked_is_answered_with_what_to_do(
    tmp_path: Path, arguments: dict[str, Any], complaint: str
) -> None:
    async with served(tmp_path, stub()), client(tmp_path) as asker:
        result = await asker.call_tool("route_task", arguments)
    assert result.is_error
    assert complaint in texts(result)[0]


async def test_an_unknown_tool_is_named_in_the_error(tmp_path: Path) -> None:
    async with served(tmp_path, stub()), client(tmp_path) as asker:
        with pytest.raises(Exception, match="no tool 'fly' here"):
            await asker.call_tool("fly", {})


async def test_a_failed_task_tells_why_and_what_had_come(tmp_path: Path) -> None:
    broken = ServiceError(FailureKind.CRASHED, "stub broke", "It ended in the middle.", "Start it again.")
    async with served(tmp_path, stub(["half an ans", broken])), client(tmp_path) as asker:
        result = await asker.call_tool("route_task", {"prompt": "x"})
    assert result.is_error
    assert "Start it again." in texts(result)[0]
    assert "half an ans" in texts(result)[0]
    assert result.structured_content["status"] == "failed"


async def test_relative_paths_mean_the_clients_project(tmp_path: Path) -> None:
    project, adapter = tmp_path / "project", stub(["read"])
    project.mkdir()
    (project / "notes.txt").write_text("the needle")
    (tmp_path / "outside.txt").write_text("the secret")
    async with served(tmp_path / "home", adapter), client(tmp_path / "home", cwd=project) as asker:
        await asker.call_tool("route_task", {"prompt": "Read.", "files": ["notes.txt", "../outside.txt"]})
    assert "the needle" in adapter.calls[0].prompt
    assert "the secret" not in adapter.calls[0].prompt


async def test_a_client_that_names_its_roots_opens_them_and_no_others(tmp_path: Path) -> None:
    project, library, adapter = tmp_path / "project", tmp_path / "a library", stub(["read"])
    for folder in (project, library):
        folder.mkdir()
        (folder / "notes.txt").write_text(f"found in {folder.name}")

    async def roots(context: object) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri=library.as_uri())])

    asking = client(tmp_path / "home", "legacy", cwd=project, list_roots_callback=roots)
    async with served(tmp_path / "home", adapter), asking as asker:
        files = [str(library / "notes.txt"), "notes.txt"]
        await asker.call_tool("route_task", {"prompt": "Read.", "files": files})
    assert "found in a library" in adapter.calls[0].prompt
    assert "found in project" not in adapter.calls[0].prompt


async def test_a_client_that_cannot_name_its_roots_has_its_project(tmp_path: Path) -> None:
    adapter = stub(["read"])
    (tmp_path / "notes.txt").write_text("the needle")

    async def roots(context: object) -> types.ErrorData:
        return types.ErrorData(code=types.INTERNAL_ERROR, message="no idea")

    asking = client(tmp_path / "home", "legacy", cwd=tmp_path, list_roots_callback=roots)
    async with served(tmp_path / "home", adapter), asking as asker:
        await asker.call_tool("route_task", {"prompt": "Read.", "files": ["notes.txt"]})
    assert "the needle" in adapter.calls[0].prompt


async def test_a_line_that_is_too_long_ends_its_own_session_only(tmp_path: Path) -> None:
    hello = {"wish": "mcp", "cwd": str(tmp_path), "client": "test", "version": "1", "pid": 1}
    async with served(tmp_path, stub()) as house, client(tmp_path) as asker:
        giant = await asyncio.to_thread(connect, str(house.paths.socket), hello)
        with suppress(ConnectionError):
            await asyncio.to_thread(giant.write, b"x" * (2 * FRAME_LIMIT))
        assert await asyncio.to_thread(giant.read_line) == b""
        giant.close()
        assert (await asker.list_tools()).tools


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"not": "json', (None, -32700)),
        (b'{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": []}', (7, -32600)),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', (None, -32600)),
        (b'{"jsonrpc": "1.0", "id": "a", "method": "ping"}', ("a", -32600)),
        (b'"\\ud800"', (None, -32600)),
        (b"[" * 50_000, (None, -32700)),
        (b"[]", (None, -32600)),
    ],
)
async def test_a_line_that_is_no_message_is_answered_and_the_session_goes_on(
    tmp_path: Path, line: bytes, expected: tuple[object, int]
) -> None:
    hello = {"wish": "mcp", "cwd": str(tmp_path), "client": "test", "version": "1", "pid": 1}
    async with served(tmp_path, stub()) as house:
        raw = await asyncio.to_thread(connect, str(house.paths.socket), hello)
        raw.write(line + b"\n")
        answer = json.loads(await asyncio.to_thread(raw.read_line))
        raw.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        pong = json.loads(await asyncio.to_thread(raw.read_line))
        raw.close()
    assert (answer["id"], answer["error"]["code"]) == expected
    assert pong["result"] == {}


async def test_many_calls_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    class Echo(ScriptedAdapter):
        async def execute(self, call):  # type: ignore[override]
            async for item in super().execute(call):
                yield item
            yield call.prompt.strip().splitlines()[-1]

    async with served(tmp_path, Echo(service("stub"), [])), client(tmp_path) as asker, asyncio.TaskGroup() as group:
        calls = [group.create_task(asker.call_tool("route_task", {"prompt": f"number {count}"})) for count in range(20)]
    assert [texts(call.result())[0] for call in calls] == [f"number {count}" for count in range(20)]
