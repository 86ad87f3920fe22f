"""One client's MCP session over the local socket: the SDK's server between two streams of JSON lines."""

from __future__ import annotations

import asyncio
import json
import logging

import anyio
import mcp_types as types
from mcp.server import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.shared._context_streams import ContextReceiveStream, ContextSendStream, create_context_streams
from mcp.shared.message import SessionMessage

from oxide_desktop.fronts.mcp.client import Client
from oxide_desktop.fronts.mcp.shim import APP_GONE

log = logging.getLogger(__name__)

_WRITE_LIMIT_S = 30.0


async def converse(
    server: Server[Client], client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Run a session until its client leaves."""
    incoming, to_read = create_context_streams[SessionMessage | Exception](0)
    to_write, outgoing = create_context_streams[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_receive, reader, incoming, to_write.clone())
        group.start_soon(_send, outgoing, writer)
        await serve_dual_era_loop(server, to_read, to_write, lifespan_state=client)


async def _receive(
    reader: asyncio.StreamReader,
    incoming: ContextSendStream[SessionMessage | Exception],
    to_write: ContextSendStream[SessionMessage],
) -> None:
    async with incoming, to_write:
        while line := await _line(reader):
            try:
                message = _message(line)
            except ValueError:  # pydantic's is one as well
                await to_write.send(SessionMessage(_complaint(line)))
            else:
                await incoming.send(SessionMessage(message))


def _message(line: bytes) -> types.JSONRPCMessage:
    """The message that a line is.

    Raises:
        ValueError: It is none.
    """
    message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    if isinstance(message, types.JSONRPCNotification) and "id" in json.loads(line):
        raise ValueError("a request whose id is none is not a notification: somebody waits for its answer")
    return message


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        log.warning("an MCP client sent a line that is too long; its session ends")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # it left
    return b""


def _complaint(line: bytes) -> types.JSONRPCError:
    """Why a line is no message, to whoever waits for its answer."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        error = types.ErrorData(code=types.PARSE_ERROR, message="This line is not JSON.")
        return types.JSONRPCError(jsonrpc="2.0", id=None, error=error)
    given_id = given.get("id") if isinstance(given, dict) else None
    known_id = given_id if isinstance(given_id, str | int) and not isinstance(given_id, bool) else None
    error = types.ErrorData(code=types.INVALID_REQUEST, message="This is not a JSON-RPC request.")
    return types.JSONRPCError(jsonrpc="2.0", id=known_id, error=error)


async def _send(outgoing: ContextReceiveStream[SessionMessage], writer: asyncio.StreamWriter) -> None:
    async with outgoing:
        async for item in outgoing:
            writer.write(_encoded(item) + b"\n")
            try:
                with anyio.fail_after(_WRITE_LIMIT_S):
                    await writer.drain()
            except (TimeoutError, ConnectionError) as error:
                log.info("an MCP client no longer reads: %s", error)
                writer.transport.abort()  # which ends the reading side, and with it the session
                return


def _encoded(item: SessionMessage) -> bytes:
    message = item.message
    if isinstance(message, types.JSONRPCError) and message.error.code == types.CONNECTION_CLOSED:
        # What the SDK tells of calls that are on their way when Oxide ends, in words that help.
        error = message.error.model_copy(update={"message": APP_GONE})
        message = message.model_copy(update={"error": error})
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode()
