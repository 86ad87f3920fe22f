"""One client's MCP session over the local socket: the SDK's low-level server between two streams of JSON lines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import anyio
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.shared._context_streams import ContextReceiveStream, ContextSendStream, create_context_streams
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from oxide_desktop import __version__
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.mcp.tools import INSTRUCTIONS, ROUTE_TASK, RouteTask, answer, refusal, stage

log = logging.getLogger(__name__)

_WRITE_LIMIT_S = 30.0
_ROOTS_LIMIT_S = 5.0

Context = ServerRequestContext[Any, Any]


class _Call:
    """A tool call on its way."""

    task: RunningTask | None = None
    cancelled = False  # by the client; a session that merely ends leaves the task alone


class Session:
    """What one client asks and is told.

    Attributes:
        server: The SDK's side of it.
    """

    def __init__(self, orchestrator: Orchestrator, cwd: Path, progress_every_s: float) -> None:
        self._orchestrator = orchestrator
        self._cwd = cwd
        self._progress_every_s = progress_every_s
        self._calls: dict[str, _Call] = {}
        self.server: Server[Any] = Server(
            "oxide",
            title="Oxide",
            version=__version__,
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )

    async def _list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[ROUTE_TASK])

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name != ROUTE_TASK.name:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r} here, only {ROUTE_TASK.name}.")
        try:
            return await self._route_task(context, RouteTask.parse(params.arguments or {}))
        except OxideError as error:
            return refusal(error)

    async def _route_task(self, context: Context, wish: RouteTask) -> types.CallToolResult:
        request = Request(
            prompt=wish.prompt,
            files=wish.files,
            preferences=wish.preferences,
            source=Source.MCP,
            cwd=self._cwd,
            roots=await self._roots(context) if wish.files else (self._cwd,),
        )
        call, key = _Call(), str(context.request_id)
        self._calls[key] = call
        try:
            with anyio.CancelScope(shield=True):  # a task that is recorded must be known here, too
                task = call.task = await self._orchestrator.submit(request)
            await self._watch(context, task)
            return answer(task)
        finally:
            self._calls.pop(key, None)
            if call.cancelled and call.task:
                call.task.cancel()

    async def _watch(self, context: Context, task: RunningTask) -> None:
        """Wait for the end, and say often enough that there is progress."""
        began = anyio.current_time()
        while not task.ended:
            await context.session.report_progress(anyio.current_time() - began, None, stage(task))
            with anyio.move_on_after(self._progress_every_s):
                await task.finished()

    async def _roots(self, context: Context) -> tuple[Path, ...]:
        """Where the client lets us read: the roots it names if it names any, else its project."""
        capabilities = context.session.client_capabilities
        if capabilities is None or capabilities.roots is None or not context.session.can_send_request:
            return (self._cwd,)
        try:
            found = await context.session.send_request(
                types.ListRootsRequest(), types.ListRootsResult, request_read_timeout_seconds=_ROOTS_LIMIT_S
            )
        except (MCPError, ValidationError) as error:
            log.info("a client did not name its roots: %s", error)
            return (self._cwd,)
        folders = (urlsplit(str(root.uri)) for root in found.roots)
        return tuple(Path(url2pathname(uri.path)) for uri in folders if uri.scheme == "file") or (self._cwd,)

    def heard(self, message: types.JSONRPCMessage) -> None:
        """See a message before the SDK does: it ends a cancelled call exactly as it ends one whose client is gone."""
        if isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            params: Mapping[str, Any] = message.params or {}
            if call := self._calls.get(str(params.get("requestId"))):
                call.cancelled = True


async def converse(session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Run a session until its client leaves."""
    incoming, to_read = create_context_streams[SessionMessage | Exception](0)
    to_write, outgoing = create_context_streams[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_receive, session, reader, incoming)
        group.start_soon(_send, outgoing, writer)
        await session.server.run(to_read, to_write, session.server.create_initialization_options())


async def _receive(
    session: Session, reader: asyncio.StreamReader, incoming: ContextSendStream[SessionMessage | Exception]
) -> None:
    async with incoming:
        while line := await _line(reader):
            try:
                message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError as error:
                await incoming.send(error)
            else:
                session.heard(message)
                await incoming.send(SessionMessage(message))


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        log.warning("an MCP client sent a line that is too long; its session ends")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # it left
    return b""


async def _send(outgoing: ContextReceiveStream[SessionMessage], writer: asyncio.StreamWriter) -> None:
    async with outgoing:
        async for item in outgoing:
            writer.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            try:
                with anyio.fail_after(_WRITE_LIMIT_S):
                    await writer.drain()
            except (TimeoutError, ConnectionError) as error:
                log.info("an MCP client no longer reads: %s", error)
                writer.transport.abort()  # which ends the reading side, and with it the session
                return
