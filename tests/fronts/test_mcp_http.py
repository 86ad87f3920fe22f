"""MCP as streamable HTTP at /mcp: the same server, behind the web front's gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.mcp.server import McpFront
from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.server import WebFront
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter
from tests.fronts.front_house import FrontHouse, front_house
from tests.fronts.mcp_house import ERAS, stub, texts

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@asynccontextmanager
async def served(
    home: Path, *adapters: ScriptedAdapter, sessions: int = 256
) -> AsyncIterator[tuple[FrontHouse, WebFront]]:
    async with front_house(home, *adapters) as house:
        mcp = McpFront(house, progress_every_s=0.02, http_sessions=sessions)
        web = server.serve(house, house.paths, house.settings, beside={"/mcp": mcp.http})
        async with web as front, mcp.serve(house.paths):
            yield house, front


@asynccontextmanager
async def client(front: WebFront, era: str, **options: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {front.token}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{front.url}/mcp", http_client=http), mode=era, **options) as asker,
    ):
        yield asker


@ERAS
async def test_a_client_of_either_era_asks_with_progress(tmp_path: Path, era: str) -> None:
    told = asyncio.Event()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.set()

    async with served(tmp_path, stub(["Four."])) as (house, front), client(front, era) as asker:
        result = await asker.call_tool("route_task", {"prompt": "What is 2+2?"}, progress_callback=heard)
        names = [tool.name for tool in (await asker.list_tools()).tools]
        assert (await asker.list_resources()).resources == []
        record = await house.record_of(TaskStatus.COMPLETED)
    assert texts(result)[0] == "Four."
    assert told.is_set()
    assert "route_task" in names
    assert record.source == "mcp"


@ERAS
async def test_cancelling_the_call_cancels_the_task(tmp_path: Path, era: str) -> None:
    adapter = stub([STALL])
    async with served(tmp_path, adapter) as (house, front), client(front, era) as asker:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(asker.call_tool("route_task", {"prompt": "Wait."}))
            await adapter.stalled.wait()
            call.cancel()
        await house.record_of(TaskStatus.CANCELLED)
        assert (await asker.list_tools()).tools


async def test_two_sessions_may_use_the_same_ids(tmp_path: Path) -> None:
    adapter = stub([STALL])
    async with (
        served(tmp_path, adapter) as (house, front),
        client(front, "legacy") as first,
        client(front, "legacy") as second,
        asyncio.TaskGroup() as group,
    ):
        one = group.create_task(first.call_tool("route_task", {"prompt": "one"}))
        await adapter.stalled.wait()
        adapter.stalled.clear()
        two = group.create_task(second.call_tool("route_task", {"prompt": "two"}))
        await adapter.stalled.wait()
        while len(house.running()) < 2:  # noqa: ASYNC110 - a task begins while its first record is still being written
            await asyncio.sleep(0)
        two.cancel()
        await asyncio.wait([task.work for task in house.running()], return_when=asyncio.FIRST_COMPLETED)
        (left,) = (task for task in house.running() if not task.ended)
        one.cancel()
    assert left.record.prompt == "one"


@ERAS
async def test_a_relative_path_needs_a_project_and_an_absolute_one_does_not(tmp_path: Path, era: str) -> None:
    adapter = stub(["read"])
    (tmp_path / "notes.txt").write_text("the needle")
    async with served(tmp_path / "home", adapter) as (_, front), client(front, era) as asker:
        refused = await asker.call_tool("route_task", {"prompt": "Read.", "files": ["notes.txt"]})
        await asker.call_tool("route_task", {"prompt": "Read.", "files": [str(tmp_path / "notes.txt")]})
    assert refused.is_error
    assert "Send absolute paths." in texts(refused)[0]
    assert len(adapter.calls) == 1
    assert "the needle" in adapter.calls[0].prompt


async def test_a_character_that_came_in_two_halves_is_whole_in_the_answer(tmp_path: Path) -> None:
    async with (
        served(tmp_path, stub(["\ud83d", "\ude00 and half: \udfff"])) as (_, front),
        client(front, "legacy") as asker,
    ):
        result = await asker.call_tool("route_task", {"prompt": "Smile."})
    assert texts(result)[0].startswith("\N{GRINNING FACE} and half: \N{REPLACEMENT CHARACTER}")


async def test_a_service_that_is_not_there_is_said_at_once_and_no_task_is_kept(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (house, front), client(front, "legacy") as asker:
        wish = {"prompt": "?", "preferences": {"preferred_service": "nope"}}
        result = await asker.call_tool("route_task", wish)
        page = await house.history.list(TaskFilter(), limit=1)
    assert result.is_error
    assert "'nope' is not one of stub" in texts(result)[0]
    assert page.total == 0


async def test_the_gate_stands_before_it(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (_, front), httpx.AsyncClient(base_url=front.url) as http:
        good = {"Authorization": f"Bearer {front.token}", "Accept": "application/json, text/event-stream"}
        assert (await http.post("/mcp", json=PING)).status_code == 401
        foreign = await http.post("/mcp", json=PING, headers={**good, "Origin": "http://evil.com"})
        assert foreign.status_code == 403
        assert (
            await http.post("/mcp", content=b"{}", headers={**good, "Content-Type": "text/plain"})
        ).status_code == 415
        rebound = await http.post("/mcp", json=PING, headers={**good, "Host": "evil.com:8000"})
        assert rebound.status_code == 421
        for path in ("/mcp", "/mcp/"):
            answer = await http.post(path, json=PING, headers={**good, "MCP-Protocol-Version": "2026-07-28"})
            assert answer.headers["content-type"] == "application/json"
            assert answer.json()["id"] == 1


async def test_an_open_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    adapter = stub([STALL])
    async with served(tmp_path, adapter) as (_, front):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the SDK raises what it likes when its server goes
            async with client(front, "legacy") as asker, asyncio.TaskGroup() as group:
                group.create_task(asker.call_tool("route_task", {"prompt": "Wait."}))
                await adapter.stalled.wait()
                raise RuntimeError("it goes")


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


async def test_clients_that_leave_without_a_word_keep_nobody_out(tmp_path: Path) -> None:
    """The session that was idle for longest gives way; one with a call on its way does not."""
    adapter = stub([STALL])
    async with (
        served(tmp_path, adapter, sessions=3) as (house, front),
        client(front, "legacy") as busy,
        httpx.AsyncClient(
            base_url=front.url,
            headers={
                "Authorization": f"Bearer {front.token}",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": "2025-06-18",
            },
        ) as http,
        asyncio.TaskGroup() as group,
    ):
        call = group.create_task(busy.call_tool("route_task", {"prompt": "Wait."}))
        await adapter.stalled.wait()
        ids = []
        for _ in range(5):
            answer = await http.post("/mcp", json=INITIALIZE)
            assert answer.status_code == 200, answer.text
            ids.append(answer.headers["mcp-session-id"])

        async def lives(session: str) -> int:
            return (await http.post("/mcp", json=PING, headers={"mcp-session-id": session})).status_code

        assert [await lives(session) for session in ids] == [404, 404, 404, 200, 200]
        assert not call.done()
        call.cancel()
        await house.record_of(TaskStatus.CANCELLED)
