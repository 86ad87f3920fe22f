"""The WebSocket: what happens to tasks, in order, to everybody who keeps up; who does not costs nobody anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from oxide_desktop.core.errors import FailureKind, ServiceError, StoreError
from oxide_desktop.core.events import Chunk, TaskNoted, TaskWaiting
from oxide_desktop.core.health import Depth
from oxide_desktop.core.model import Analysis, Request, Source, TaskType
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.server import WebFront
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter, service
from tests.fronts.front_house import FrontHouse, front_house

BROKEN = ServiceError(FailureKind.MISSING, "first is not there", "It is gone.")


def stub(*scenes: Any, name: str = "stub", **values: Any) -> ScriptedAdapter:
    return ScriptedAdapter(service(name, **values), *scenes)


@asynccontextmanager
async def served(
    home: Path, *adapters: ScriptedAdapter, limits: Limits | None = None
) -> AsyncIterator[tuple[FrontHouse, WebFront]]:
    async with (
        asyncio.timeout(30),
        front_house(home, *adapters) as house,
        server.serve(house, house.paths, house.settings, limits) as front,
    ):
        yield house, front


def following(front: WebFront, **options: Any) -> connect:
    headers = {"Authorization": f"Bearer {front.token}"}
    return connect(f"ws://127.0.0.1:{front.port}/ws", additional_headers=headers, **options)


async def ask(house: FrontHouse, prompt: str = "What is 2+2?") -> RunningTask:
    return await house.submit(Request(prompt=prompt, source=Source.HTTP, cwd=Path.cwd()))


async def until_complete(socket: ClientConnection) -> list[dict[str, Any]]:
    """What is said of tasks, and what was missed."""
    messages = [{"type": ""}]
    while messages[-1]["type"] != "task_complete":
        message = json.loads(await socket.recv())
        if message["type"] == "missed" or message["type"].startswith("task_"):
            messages.append(message)
    return messages[1:]


async def test_a_task_is_followed_from_its_start_to_its_end(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Four", "."])) as (house, front), following(front) as socket:
        record = await (await ask(house)).finished()
        messages = await until_complete(socket)
    same = {"task_id": record.id, "attempt": 1, "service": "stub"}
    assert messages == [
        {"type": "task_start", **same, "task_type": record.task_type},
        {"type": "task_progress", **same, "chunk": "Four"},
        {"type": "task_progress", **same, "chunk": "."},
        {
            "type": "task_complete",
            **same,
            "success": True,
            "status": "completed",
            "error": None,
            "duration": record.duration,
        },
    ]


async def test_each_attempt_says_which_it_is(tmp_path: Path) -> None:
    first, second = stub([BROKEN], name="first"), stub(["ok"], name="second")
    async with served(tmp_path, first, second) as (house, front), following(front) as socket:
        await ask(house)
        messages = await until_complete(socket)
    told = [(message["type"], message["attempt"], message["service"]) for message in messages]
    assert told == [
        ("task_start", 1, "first"),
        ("task_start", 2, "second"),
        ("task_progress", 2, "second"),
        ("task_complete", 2, "second"),
    ]


async def test_a_failed_task_completes_without_success_and_says_why(tmp_path: Path) -> None:
    async with served(tmp_path, stub([BROKEN])) as (house, front), following(front) as socket:
        await ask(house)
        (*_, last) = await until_complete(socket)
    assert (last["success"], last["status"]) == (False, "failed")
    assert "first is not there" in last["error"]


async def test_ping_is_answered_in_between_and_other_texts_are_not(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (_, front), following(front) as socket:
        await socket.send("hello")
        await socket.send(b"ping")
        await socket.send("ping")
        assert await socket.recv() == "pong"


async def test_everybody_who_keeps_up_sees_every_chunk_in_order(tmp_path: Path) -> None:
    chunks = [f"{count} " for count in range(300)]
    async with served(tmp_path, stub(chunks)) as (house, front), AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(following(front)) for _ in range(5)]
        await ask(house)
        seen = await asyncio.gather(*(until_complete(socket) for socket in sockets))
    for messages in seen:
        assert [message["chunk"] for message in messages if message["type"] == "task_progress"] == chunks


async def test_a_client_that_does_not_read_is_told_what_it_missed_and_holds_nobody_up(tmp_path: Path) -> None:
    async with (
        served(tmp_path, stub(), limits=Limits(queue=10)) as (house, front),
        following(front, max_queue=1) as slow,
    ):
        await slow.send("ping")
        assert await slow.recv() == "pong"
        for count in range(2000):
            house.bus.publish(Chunk("task", 1, "stub", f"{count:05}" + "x" * 5000))
            await asyncio.sleep(0)  # as the engine would: other tasks get their turn, and nobody is waited for
        record = await (await ask(house)).finished()
        seen = await until_complete(slow)
    missed = sum(message["count"] for message in seen if message["type"] == "missed")
    got = [int(message["chunk"][:5]) for message in seen if message.get("task_id") == "task"]
    assert missed > 1000
    assert got == sorted(got)
    assert len(got) + missed >= 2000
    assert seen[-1]["task_id"] == record.id


async def test_a_client_that_never_reads_again_is_dropped(tmp_path: Path) -> None:
    limits = Limits(queue=10, send_s=0.05, close_s=0.05)
    async with served(tmp_path, stub(), limits=limits) as (house, front), following(front, max_queue=1) as dead:
        dead.transport.pause_reading()
        before = len(house.bus._listeners)
        while len(house.bus._listeners) == before:
            house.bus.publish(Chunk("task", 1, "stub", "x" * 100_000))
            await asyncio.sleep(0.01)
        dead.transport.resume_reading()
        with pytest.raises(ConnectionClosed):
            while True:
                await dead.recv()


async def test_a_client_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (house, front):
        before = len(house.bus._listeners)
        async with following(front) as socket:
            await socket.send("ping")
            await socket.recv()
            assert len(house.bus._listeners) == before + 1
        while len(house.bus._listeners) > before:  # noqa: ASYNC110 - the bus tells nobody who left
            await asyncio.sleep(0)


async def test_a_giant_message_ends_the_connection(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (_, front), following(front) as socket:
        await socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed, match="1009"):
            await socket.recv()


async def test_the_end_of_oxide_closes_the_connection_politely(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with served(tmp_path, stub(["x", STALL])) as (house, front):
            socket = await stack.enter_async_context(following(front))
            await ask(house)
            while json.loads(await socket.recv())["type"] != "task_start":
                pass
        with pytest.raises(ConnectionClosed, match="1012"):
            while True:
                await socket.recv()


async def test_a_websocket_without_the_token_sees_403(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (_, front):
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(f"ws://127.0.0.1:{front.port}/ws"):
                pass


async def test_a_page_with_its_cookie_and_key_and_our_origin_may_follow(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (_, front):
        session = front.access.redeem(front.access.launch_code())
        assert session
        headers = {"Cookie": f"oxide_{front.port}={session.cookie}"}
        address, own = f"ws://localhost:{front.port}/ws", f"http://localhost:{front.port}"
        with pytest.raises(InvalidStatus, match="403"):
            await connect(address, additional_headers=headers, origin=own, subprotocols=["oxide", "oxide.other"])
        keys = ["oxide", f"oxide.{session.key}"]
        async with connect(address, additional_headers=headers, origin=own, subprotocols=keys) as socket:
            assert socket.subprotocol == "oxide"
            await socket.send("ping")
            assert await socket.recv() == "pong"


async def test_an_upgrade_whose_head_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (_, front):
        with pytest.raises(InvalidStatus, match="431"):
            await connect(f"{front.url.replace('http', 'ws')}/ws?{'a' * 9000}")


# -- beside tasks ------------------------------------------------------------------------------------------------------


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while (message := json.loads(await socket.recv()))["type"] != kind:
        pass
    return message


async def test_whoever_listens_is_sent_the_figures_again_and_again(tmp_path: Path) -> None:
    limits = Limits(metrics_s=0.01)
    async with served(tmp_path, stub(), limits=limits) as (_, front), following(front) as socket:
        figures = await until(socket, "metrics")
        assert set(figures) == {"type", "services", "tasks", "system", "websocket", "timestamp"}
        assert figures["websocket"] == {"connections": 1}
        assert await until(socket, "metrics")


async def test_a_history_that_cannot_be_read_for_now_costs_one_round_of_figures(tmp_path: Path) -> None:
    limits = Limits(metrics_s=0.01)
    async with served(tmp_path, stub(), limits=limits) as (house, front):
        real = house.history.statistics

        async def broken_once() -> Any:
            house.history.statistics = real
            raise StoreError("The history cannot be read", "For now.")

        house.history.statistics = broken_once
        async with following(front) as socket:
            assert await until(socket, "metrics")


async def test_changes_of_services_rules_and_history_are_told(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (house, front), following(front) as socket:
        await socket.send("ping")
        await socket.recv()
        await house.check_service("stub", Depth.PROBE)
        told = await until(socket, "service_status")
        assert (told["service"], told["healthy"], told["tier"]) == ("stub", True, "starts")
        await house.set_rule(TaskType.CODING, "stub")
        assert await until(socket, "rules_changed") == {"type": "rules_changed"}
        await house.clear_history()
        assert await until(socket, "history_changed") == {"type": "history_changed"}


async def test_an_analysis_tells_how_far_it_has_come(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    async with served(tmp_path / "home", stub()) as (house, front), following(front) as socket:
        request = Request(prompt="?", files=("a.txt",), source=Source.HTTP, cwd=tmp_path, analysis=Analysis())
        task = await house.submit(request)
        told = await until(socket, "analysis_progress")
    assert told.keys() == {
        "type", "task_id", "files_done", "files_total", "parts_done", "parts_running", "left_s"
    }  # fmt: skip
    assert (told["task_id"], told["files_total"]) == (task.id, 1)


async def test_a_task_that_waits_and_what_is_noted_about_one_are_told(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as (house, front), following(front) as socket:
        await socket.send("ping")
        await socket.recv()
        house.bus.publish(TaskWaiting("task", "stub", 2))
        house.bus.publish(TaskNoted("task", "slow today"))
        waiting = {"type": "task_waiting", "task_id": "task", "service": "stub", "ahead": 2}
        assert await until(socket, "task_waiting") == waiting
        assert await until(socket, "task_note") == {"type": "task_note", "task_id": "task", "note": "slow today"}


async def test_many_tasks_at_once_lose_nothing_while_some_listeners_stall(tmp_path: Path) -> None:
    """The short form of `benchmarks/web_load.py`."""
    chunks = [f"{count} " for count in range(20)]
    async with (
        served(tmp_path, stub(chunks, max_concurrency=10)) as (_, front),
        httpx.AsyncClient(base_url=front.url, headers={"Authorization": f"Bearer {front.token}"}) as client,
        AsyncExitStack() as stack,
    ):
        for _ in range(3):
            stalled = await stack.enter_async_context(following(front, max_queue=1, close_timeout=0.1))
            stalled.transport.pause_reading()
        listeners = [await stack.enter_async_context(following(front, max_queue=None)) for _ in range(7)]
        seen = [asyncio.ensure_future(completed(socket, 40)) for socket in listeners]
        asked = (client.post("/api/tasks/execute", json={"prompt": f"question {number}"}) for number in range(40))
        ids = {answer.json()["task_id"] for answer in await asyncio.gather(*asked)}
        for texts in await asyncio.gather(*seen):
            assert texts == dict.fromkeys(ids, "".join(chunks))


async def completed(socket: ClientConnection, count: int) -> dict[str, str]:
    """The text of each task, once so many are complete."""
    texts: dict[str, str] = {}
    while count:
        message = json.loads(await socket.recv())
        assert message["type"] != "missed"
        if message["type"] == "task_progress":
            texts[message["task_id"]] = texts.get(message["task_id"], "") + message["chunk"]
        count -= message["type"] == "task_complete"
    return texts
