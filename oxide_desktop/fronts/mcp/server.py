"""The MCP front's door: a handler for the local socket. The SDK behind it takes a second to import, beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.ipc import server as ipc
from oxide_desktop.ipc.server import Hello

if TYPE_CHECKING:
    from oxide_desktop.config.paths import Paths

PROGRESS_EVERY_S = 5.0
"""Other clients give up on a call after a minute without news, Claude Code after longer."""


@asynccontextmanager
async def serve(
    orchestrator: Orchestrator, paths: Paths, progress_every_s: float = PROGRESS_EVERY_S
) -> AsyncIterator[None]:
    """Serve MCP on the local socket inside the block. The caller holds the instance lock.

    Raises:
        AlreadyServedError: Another Oxide listens there.
    """
    front, background = McpFront(orchestrator, progress_every_s), BackgroundTasks()
    async with ipc.serve(paths.socket, {"mcp": front.handle}):
        background.start(front.warm_up(), "MCP warm-up")
        try:
            yield
        finally:
            await background.close()


class McpFront:
    """Speaks MCP with every client that wishes for it."""

    def __init__(self, orchestrator: Orchestrator, progress_every_s: float) -> None:
        self._orchestrator = orchestrator
        self._progress_every_s = progress_every_s

    async def warm_up(self) -> None:
        """Import the SDK now, so that the first client does not wait for it."""
        await asyncio.to_thread(_session_module)

    async def handle(self, hello: Hello, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves. Its tasks go on without it."""
        module: Any = await asyncio.to_thread(_session_module)
        session = module.Session(self._orchestrator, hello.cwd, self._progress_every_s)
        await module.converse(session, reader, writer)


def _session_module() -> ModuleType:
    from oxide_desktop.fronts.mcp import session  # noqa: PLC0415 - imports the SDK

    return session
