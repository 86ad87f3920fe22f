"""The listening side: a port of the loopback address, and uvicorn with bounds on what clients can hold."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.settings import Listen
from oxide_desktop.fronts.web.limits import Limits

LOOPBACK = "127.0.0.1"
_ADDRESSES = {Listen.LOOPBACK: LOOPBACK, Listen.ALL: "0.0.0.0"}  # noqa: S104 - refused without a token of the person's
PORTS_TRIED = 100
_ACCEPTED_AT_ONCE = 4  # by asyncio, before it reads from any: with more, a burst would push out who has just come
_BACKLOG = 1024  # by the system: a client that does not fit in tries again after a second, then three, then seven
_SHUTDOWN_LIMIT_S = 2
_PROBE_LIMIT_S = 0.25
_UNREADABLE_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def bind(port: int, listen: Listen = Listen.LOOPBACK) -> socket.socket:
    """A bound socket on that port, or on the next one that is free; 0 leaves the choice to the system.

    On all interfaces it is that port or none: somebody has published it, and would publish another one for nothing.

    Raises:
        UsageError: None of the ports tried could be had.
    """
    last = port if listen is Listen.ALL else min(port + PORTS_TRIED, 65535)
    for candidate in range(port, last + 1) if port else (0,):
        if candidate and _answers(candidate):
            continue
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # On Windows the option of that name lets others take the port over; elsewhere it only skips TIME_WAIT.
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_ADDRESSES[listen], candidate))
            listener.listen(_BACKLOG)  # now: two that were only bound could share a port until one of them listens
        except OSError:  # taken, or not for us
            listener.close()
        else:
            return listener
    raise UsageError(
        "The HTTP API cannot be served",
        f"No port from {port} to {last} is free." if last > port else f"Port {port} is not free.",
        "Set web.port to another one, or web.enabled to false.",
    )


def _answers(port: int) -> bool:
    """Whether somebody listens there, on all interfaces perhaps, which some systems let us shadow."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=_PROBE_LIMIT_S).close()
    except TimeoutError:
        return True  # somebody who is busy
    except OSError:
        return False
    return True


class _Config(uvicorn.Config):
    """uvicorn's settings as Oxide wants them, and what its connections have in common."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(
            app,
            http=_BoundedHttp,
            ws=_BoundedWebSocket,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # the gate adds it
            proxy_headers=False,
            backlog=_ACCEPTED_AT_ONCE,
            h11_max_incomplete_event_size=limits.head_bytes,
            timeout_graceful_shutdown=_SHUTDOWN_LIMIT_S,
            limit_concurrency=limits.connections,
            ws_max_size=limits.message_bytes,
            ws_per_message_deflate=False,
        )
        self.limits = limits
        self.half_open: dict[_BoundedHttp, None] = {}


class _BoundedHttp(H11Protocol):
    """Has no patience with a client that does not finish its request's head."""

    config: _Config

    def __init__(self, config: _Config, *args: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(config, *args, **options)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()
        limits, waiting = self.config.limits, self.config.half_open
        waiting[self] = None
        if len(self.connections) > limits.connections + limits.half_open or len(waiting) > limits.half_open:
            oldest = next(iter(waiting))
            del waiting[oldest]  # now: its connection_lost comes later, and the next one in must not pick it again
            oldest.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._settle()
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.config.limits.head_s, self.transport.abort)

    def _settle(self) -> None:
        self.config.half_open.pop(self, None)
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _BoundedWebSocket(WebSocketsSansIOProtocol):
    """Does not wait for ever until a client has read what it was sent before the end."""

    config: _Config

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:  # a whole head was given; one that it cannot take it leaves unanswered
            self.transport.write(_UNREADABLE_HEAD)
            self.transport.close()

    async def send(self, message: Any) -> None:  # noqa: ANN401 - uvicorn's own
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else uvicorn logs a refused upgrade as a mistake of the application

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(self.config.limits.close_s, self.transport.abort)


class _Server(uvicorn.Server):
    """Leaves signals alone, wakes up for nothing, and ends within bounds whatever clients do."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)
        self.up.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@asynccontextmanager
async def serve_app(app: ASGIApp, listener: socket.socket, limits: Limits) -> AsyncIterator[None]:
    """Serve an application on a bound socket inside the block."""
    server, background = _Server(_Config(app, limits)), BackgroundTasks()
    serving = background.start(server.serve(sockets=[listener]), "HTTP server")
    try:
        await _first(background, server.up, serving)
        yield
    finally:
        server.stop.set()
        await asyncio.wait([serving], timeout=_SHUTDOWN_LIMIT_S * 2)
        await background.close()


async def _first(background: BackgroundTasks, up: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait until the server is up, or has failed."""
    rising = background.start(up.wait(), "HTTP server's start")
    await asyncio.wait([rising, serving], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
