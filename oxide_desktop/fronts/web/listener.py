"""The listening side: a port of this machine or, if wanted, of all, and uvicorn with bounds on what clients hold."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.settings import Listen
from oxide_desktop.fronts.web.connections import BoundedHttp, ServerConfig
from oxide_desktop.fronts.web.limits import Limits

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_ADDRESSES = {Listen.LOOPBACK: LOOPBACK, Listen.ALL: "0.0.0.0"}  # noqa: S104 - refused without a token of the person's
PORTS_TRIED = 100
_BACKLOG = 1024  # who waits outside; a client that does not fit in tries again after a second, then three, then seven
_ACCEPT_RETRY_S = 1.0
_SHUTDOWN_LIMIT_S = 2
_PROBE_LIMIT_S = 0.25


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


class _Server(uvicorn.Server):
    """Leaves signals alone, wakes up for nothing, and ends within bounds whatever clients do."""

    config: ServerConfig

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.stop = asyncio.Event()
        self._accepting = BackgroundTasks()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept by ourselves: asyncio's own servers take in whoever comes, room or not."""
        await self.lifespan.startup()
        self.servers: list[asyncio.Server] = []
        for listener in sockets or ():
            listener.settimeout(0)
            self._accepting.start(self._let_in(listener), "HTTP door")
        self.started = True
        self.up.set()

    async def _let_in(self, listener: socket.socket) -> None:
        """Accept clients as places are free. The first one for whom there is none is held; the others wait outside."""
        loop, door = asyncio.get_running_loop(), self.config.door
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError as error:  # it left already, or the process has no descriptors left
                log.warning("a client could not be let in: %s", error)
                door.send_one_away()
                await asyncio.sleep(_ACCEPT_RETRY_S)
                continue
            try:
                await door.room()
            except asyncio.CancelledError:
                accepted.close()
                raise
            guest = BoundedHttp(self.config, self.server_state, self.lifespan.state)
            door.enter(guest)
            self._accepting.start(_connect(guest, accepted), "HTTP connection")

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._accepting.close()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


async def _connect(guest: BoundedHttp, accepted: socket.socket) -> None:
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: guest, accepted)
    except OSError:  # it left already
        guest.config.door.leave(guest)
        accepted.close()


@asynccontextmanager
async def serve_app(app: ASGIApp, listener: socket.socket, limits: Limits) -> AsyncIterator[None]:
    """Serve an application on a bound socket inside the block."""
    server, background = _Server(ServerConfig(app, limits)), BackgroundTasks()
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
