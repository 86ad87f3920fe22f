"""How many may come at once: a crowd waits its turn, what is too much is told so, nobody holds a place for nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from oxide_desktop.core.events import Chunk
from oxide_desktop.fronts.web.connections import BoundedWebSocket, ServerConfig
from oxide_desktop.fronts.web.limits import Limits
from tests.fakes.scripted_adapter import STALL
from tests.fronts.web_house import Web, served, stub

FEW = Limits(connections=12, requests=4, listeners=3, grace_s=0.05)


@asynccontextmanager
async def raw(web: Web) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.front.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def request(web: Web, *lines: str, path: str = "/api/monitoring/health", method: str = "GET") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{web.front.port}",
        f"Authorization: Bearer {web.front.token}",
        *lines,
    )
    return "\r\n".join([*head, "", ""]).encode()


def listening(web: Web) -> connect:
    headers = {"Authorization": f"Bearer {web.front.token}"}
    return connect(f"ws://127.0.0.1:{web.front.port}/ws", additional_headers=headers)


async def test_a_crowd_larger_than_all_places_waits_its_turn_and_is_answered(tmp_path: Path) -> None:
    """Everybody connects before anybody asks: nobody who has just come is sent away for the next one."""
    async with served(tmp_path, stub(), limits=Limits(connections=20, grace_s=600)) as web, AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(raw(web)) for _ in range(120)]
        for _, writer in crowd:
            writer.write(request(web, "Connection: close"))
        answers = await asyncio.gather(*(reader.read() for reader, _ in crowd))
    assert [answer.split()[1] for answer in answers] == [b"200"] * 120


async def test_whoever_only_waits_goes_for_whoever_comes_the_longest_first(tmp_path: Path) -> None:
    async with served(tmp_path, stub(), limits=FEW) as web, AsyncExitStack() as stack:
        first = await stack.enter_async_context(raw(web))
        first[1].write(request(web))
        assert b"200" in await first[0].readline()  # answered, and kept for the next request
        idle = [await stack.enter_async_context(raw(web)) for _ in range(30)]
        async with raw(web) as (reader, writer):
            writer.write(request(web, "Connection: close"))
            assert b"200" in await reader.read()
        over = await asyncio.gather(*(ended(reader) for reader, _ in (first, *idle)))
    assert over[0]
    gone = [index for index, ended_now in enumerate(over[1:]) if ended_now]
    assert gone == list(range(len(gone)))
    assert len(gone) >= 30 - FEW.connections


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server has closed it; what it said before does not matter."""
    try:
        async with asyncio.timeout(0.5):
            while await reader.read(65536):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


async def test_who_is_being_answered_keeps_the_place_whoever_comes(tmp_path: Path) -> None:
    adapter = stub(["x", STALL, "y"])
    async with served(tmp_path, adapter, limits=FEW) as web, AsyncExitStack() as stack:
        url = "/api/tasks/execute?follow=true"
        answer = await stack.enter_async_context(web.client.stream("POST", url, json={"prompt": "hi"}))
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["type"] == "begin"
        await adapter.stalled.wait()
        for _ in range(40):
            await stack.enter_async_context(raw(web))
        async with httpx.AsyncClient(base_url=web.front.url, headers=web.client.headers) as other:
            (running,) = (await other.get("/api/tasks")).json()["tasks"]
            await other.post(f"/api/tasks/{running['id']}/cancel")
        assert json.loads([line async for line in lines][-1])["type"] == "end"


async def test_more_requests_than_may_be_answered_at_once_are_told_to_come_again(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["x", STALL]), limits=FEW) as web, AsyncExitStack() as stack:
        url = "/api/tasks/execute?follow=true"
        for _ in range(FEW.requests):
            await stack.enter_async_context(web.client.stream("POST", url, json={"prompt": "hi"}))
        refused = await web.get("/api/tasks")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "4 requests are being answered" in refused.json()["error"]["message"]
        for_openai = await web.get("/v1/models")
        assert (for_openai.status_code, for_openai.json()["error"]["type"]) == (503, "server_error")
        nobody = await web.get("/api/tasks", headers={"Authorization": "Bearer wrong"})
        assert nobody.status_code == 401
        for task in web.house.running():
            task.cancel()
            await task.finished()
    async with served(tmp_path, stub(), limits=FEW) as web:
        for _ in range(FEW.requests * 3):
            assert (await web.get("/api/tasks")).status_code == 200


async def test_more_websockets_than_may_listen_are_refused_and_take_no_requests_place(tmp_path: Path) -> None:
    async with served(tmp_path, stub(), limits=FEW) as web, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(listening(web)) for _ in range(FEW.listeners)]
        with pytest.raises(InvalidStatus) as caught:
            await listening(web)
        assert caught.value.response.status_code == 503
        assert caught.value.response.headers["retry-after"] == "1"
        assert (await web.get("/api/tasks")).status_code == 200
        for socket in sockets:
            await socket.send("ping")
            while await socket.recv() != "pong":
                pass
        await sockets[0].close()
        async with asyncio.timeout(20):
            while True:  # the server learns of it a moment later
                with suppress(InvalidStatus):
                    async with listening(web):
                        break


async def test_a_hundred_are_answered_at_once_by_more_places_than_the_smallest_system_has(tmp_path: Path) -> None:
    """The form with 200 tasks and 50 listeners, of which 10 stall, is `benchmarks/web_load.py`."""
    async with served(tmp_path, stub(["4"], max_concurrency=8)) as web, AsyncExitStack() as stack:
        body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "2+2?"}]}).encode()
        asking = request(
            web, "Connection: close", "Content-Type: application/json", f"Content-Length: {len(body)}",
            path="/v1/chat/completions", method="POST",
        )  # fmt: skip
        crowd = [await stack.enter_async_context(raw(web)) for _ in range(100)]
        for _, writer in crowd:
            writer.write(asking + body)
        answers = await asyncio.gather(*(reader.read() for reader, _ in crowd))
    assert {answer.split()[1] for answer in answers} == {b"200"}


async def test_a_listener_that_no_longer_answers_pings_is_dropped_without_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, stub(), limits=Limits(ping_s=0.1, close_s=0.1)) as web, listening(web) as socket:
        before = len(web.house.bus._listeners)
        socket.transport.pause_reading()
        while len(web.house.bus._listeners) == before:
            web.house.bus.publish(Chunk("task", 1, "stub", "x"))
            await asyncio.sleep(0.01)
        socket.transport.resume_reading()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_is_sent_to_a_socket_that_closes_is_no_mistake_of_ours() -> None:
    config = ServerConfig(FastAPI(), Limits())
    config.load()
    socket = BoundedWebSocket(config, ServerState(), {})
    socket.close_sent = True  # as where a ping was not answered, and what was sent before still waits to be read
    with pytest.raises(ClientDisconnected):
        await socket.send({"type": "websocket.send", "text": "more"})


# -- heads that cannot be read -----------------------------------------------------------------------------------------

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        (f"/ws?{'a' * 9000}", (), b"431"),
        ("/ws", (f"X-Long: {'a' * 9000}",), b"431"),
        ("/ws", tuple(f"X-{number}: 1" for number in range(150)), b"431"),
    ],
    ids=["address", "header", "headers"],
)
async def test_an_upgrade_with_too_long_a_head_is_answered_and_closed(
    tmp_path: Path, path: str, more: tuple[str, ...], status: bytes
) -> None:
    async with served(tmp_path, stub(), limits=Limits(connections=1, grace_s=600)) as web:
        for _ in range(3):  # each needs the only place
            async with raw(web) as (reader, writer):
                writer.write(request(web, *UPGRADE, *more, path=path))
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert head.split()[1] == status
            assert json.loads(body)["error"]["title"]


async def one_answer(web: Web, data: bytes) -> tuple[bytes, bytes]:
    async with raw(web) as (reader, writer):
        writer.write(data)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return head, body


async def test_what_cannot_be_read_is_refused_in_the_shape_of_every_error(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        for data, status in (
            (b"hello\r\n\r\n", b"400"),
            (request(web, "Content-Length: 3", "Content-Length: 4"), b"400"),
            (request(web, f"X-Long: {'a' * 1_000_000}"), b"431"),
            (b"GET / HTTP/1.1\r\nX-Filler: " + b"x" * 40_000, b"431"),
        ):
            head, body = await one_answer(web, data)
            assert head.split()[1] == status, data[:80]
            assert b"connection: close" in head.lower()
            error = json.loads(body)["error"]
            assert all(error[name] for name in ("title", "message", "hint"))


async def test_a_body_whose_length_is_told_twice_is_refused_and_nothing_behind_it_is_read(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        headers = ("Content-Type: application/json", "Content-Length: 5", "Transfer-Encoding: chunked")
        smuggled = b"0\r\n\r\n" + request(web, path="/api/tasks")
        head, body = await one_answer(web, request(web, *headers, path="/api/explain", method="POST") + smuggled)
    assert head.split()[1] == b"400"
    assert b"connection: close" in head.lower()
    assert body.count(b"HTTP/1.1") == 0
    assert "contradict each other" in json.loads(body)["error"]["message"]


async def test_an_answer_that_has_begun_is_not_followed_by_a_second_one(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web, raw(web) as (reader, writer):
        writer.write(request(web, "Content-Type: text/plain", "Transfer-Encoding: chunked", method="POST"))
        first = await reader.readline()
        writer.write(b"no chunk\r\n")
        rest = await reader.read()
    assert b"415" in first
    assert b"HTTP/1.1" not in rest


# -- how many descriptors there are ------------------------------------------------------------------------------------

ASK = "from oxide_desktop.fronts.web.limits import limits_of_this_process as of\nlimits = of()\n"
TELL = "import resource\nprint(limits.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"


@pytest.mark.skipif(os.name == "nt", reason="a process has no such limit there")
@pytest.mark.parametrize(
    ("soft", "hard", "told"), [(256, 4096, "480 1024"), (256, 256, "120 256"), (2048, 4096, "480 2048")]
)
def test_where_descriptors_are_few_more_are_asked_for_and_the_places_fit_what_there_is(
    soft: int, hard: int, told: str
) -> None:
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + ASK + TELL], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == told
