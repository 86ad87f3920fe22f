"""The MCP front's door: the local socket, and HTTP at `/mcp`. The SDK takes a second to import, beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.ipc import server as ipc
from oxide_desktop.ipc.server import Hello

if TYPE_CHECKING:
    from mcp.server import Server
    from starlette.types import Receive, Scope, Send

    from oxide_desktop.config.paths import Paths
    from oxide_desktop.fronts.mcp.client import Client
    from oxide_desktop.fronts.mcp.http_sessions import HttpSessions

PROGRESS_EVERY_S = 5.0
"""Other clients give up on a call after a minute without news, Claude Code after longer."""
HTTP_SESSIONS = 256


class McpFront:
    """Speaks MCP with every client that wishes for it, by whatever way it comes; one server object for all."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        progress_every_s: float = PROGRESS_EVERY_S,
        http_sessions: int = HTTP_SESSIONS,
    ) -> None:
        self._orchestrator = orchestrator
        self._progress_every_s = progress_every_s
        self._http_sessions = http_sessions
        self._background = BackgroundTasks()
        self._opening = asyncio.Lock()
        self._server: Server[Client] | None = None
        self._http: HttpSessions | None = None
        self._closing = asyncio.Event()

    @asynccontextmanager
    async def serve(self, paths: Paths, beside: Mapping[str, ipc.Handler] | None = None) -> AsyncIterator[None]:
        """Serve the local socket inside the block, and let HTTP in. The caller holds the instance lock.

        Args:
            paths: Where the socket is.
            beside: What else may be wished for there, by name.

        Raises:
            AlreadyServedError: Another Oxide listens there.
        """
        try:
            async with ipc.serve(paths.socket, {"mcp": self._converse, **(beside or {})}):
                self._background.start(self._ready(), "MCP warm-up")  # so that the first client does not wait for it
                yield
        finally:
            self._closing.set()
            await self._background.close()

    async def _ready(self) -> Server[Client]:
        async with self._opening:
            if self._server is None:
                await asyncio.to_thread(_import_sdk)
                from oxide_desktop.fronts.mcp.endpoint import build_server  # noqa: PLC0415 - at hand by now

                self._server = build_server(self._orchestrator, self._progress_every_s)
            return self._server

    async def _converse(self, hello: Hello, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client of the socket until it leaves. Its tasks go on without it."""
        server = await self._ready()
        from oxide_desktop.fronts.mcp.client import Client  # noqa: PLC0415 - at hand by now
        from oxide_desktop.fronts.mcp.session import converse  # noqa: PLC0415 - at hand by now

        await converse(server, Client(hello.cwd), reader, writer)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application: MCP as streamable HTTP. Whoever serves it keeps strangers out."""
        manager = await self._http_manager()
        await manager.handle_request(scope, receive, send)

    async def _http_manager(self) -> HttpSessions:
        server = await self._ready()
        async with self._opening:
            if self._http is None:
                from oxide_desktop.fronts.mcp.http_sessions import HttpSessions  # noqa: PLC0415 - as above

                manager = HttpSessions(server, self._http_sessions)
                up = asyncio.Event()
                self._background.start(self._keep(manager, up), "MCP over HTTP")
                await up.wait()
                self._http = manager
            return self._http

    async def _keep(self, manager: HttpSessions, up: asyncio.Event) -> None:
        """The SDK wants its sessions opened and closed by one and the same task."""
        async with manager.run():
            up.set()
            await self._closing.wait()


def _import_sdk() -> None:
    from oxide_desktop.fronts.mcp import endpoint, http_sessions, session  # noqa: F401, PLC0415 - for their side effect
