"""Connections of clients: uvicorn's, with bounds on what each can hold, and with refusals in Oxide's words."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders

from oxide_desktop.fronts.web.door import Door
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.refusals import unreadable

_SHUTDOWN_LIMIT_S = 2


class ServerConfig(uvicorn.Config):
    """uvicorn's settings as Oxide wants them, and what its connections have in common."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(
            app,
            http=BoundedHttp,
            ws=BoundedWebSocket,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # the gate adds it
            proxy_headers=False,
            h11_max_incomplete_event_size=limits.head_bytes,
            timeout_graceful_shutdown=_SHUTDOWN_LIMIT_S,
            ws_max_size=limits.message_bytes,
            ws_ping_interval=limits.ping_s,
            ws_ping_timeout=limits.ping_s,
            ws_per_message_deflate=False,
        )
        self.limits = limits
        self.door = Door(limits)


class _Parser(h11.Connection):
    """Remembers why it would not go on."""

    refused: h11.RemoteProtocolError | None = None

    def next_event(self) -> Any:  # noqa: ANN401 - h11's own
        try:
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.refused = error
            raise


class BoundedHttp(H11Protocol):
    """Has no patience with a client that does not finish its request's head, and tells the door when it is idle."""

    config: ServerConfig
    conn: _Parser

    def __init__(self, config: ServerConfig, *args: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(config, *args, **options)
        self.conn = _Parser(h11.SERVER, config.limits.head_bytes)
        self._head_timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Give it a little time for its first request."""
        super().connection_made(transport)
        self._await_head()
        self.config.door.waits(self)

    def data_received(self, data: bytes) -> None:
        """Read on, unless this client has been refused."""
        if not self._refused:
            super().data_received(data)
        if not self._refused:
            self._look()

    def _look(self) -> None:
        """See whether the head is whole."""
        if self.conn.their_state is not h11.IDLE:
            self._settle()
        elif self._head_timer is None:
            self._await_head()

    def on_response_complete(self) -> None:
        """Answered; the next request may be there already."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self.config.door.waits(self)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Give the place to what the connection becomes."""
        self.config.door.leave(self)
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that cannot be read, in the shape of every other error.

        What the client goes on sending is swallowed for a moment: a socket that is closed over unread data takes back
        what it has said.
        """
        self._settle()
        self._refused = True
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # an answer has begun, which was another request's
            return
        status = self.conn.refused.error_status_hint if self.conn.refused else 400
        self.transport.write(unreadable(status, str(self.conn.refused or msg)))
        self.transport.write_eof()
        self.config.door.waits(self)
        self._head_timer = self.loop.call_later(self.config.limits.close_s, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place to somebody else."""
        self._settle()
        self.config.door.leave(self)
        super().connection_lost(exc)

    def leave_now(self) -> None:
        """Make room for somebody else."""
        if self.transport is not None:  # else it is not connected yet, and leaves by itself
            self.transport.abort()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.config.limits.head_s, self.transport.abort)

    def _settle(self) -> None:
        self.config.door.asked(self)
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """Does not wait for ever until a client has read what it was sent before the end."""

    config: ServerConfig

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the place that the request for it had."""
        self.config.door.enter(self)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Read on, and answer an upgrade that cannot be read."""
        super().data_received(data)
        refused = self.conn.handshake_exc
        if refused is not None and not self.handshake_initiated:  # uvicorn would say nothing, and wait for ever
            self.handshake_initiated = self.handshake_complete = True
            too_long = isinstance(refused, RequestLineTooLong | HeaderLineTooLong | TooManyHeaders)
            self.transport.write(unreadable(431 if too_long else 400, str(refused)))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place to somebody else."""
        self.config.door.leave(self)
        super().connection_lost(exc)

    def leave_now(self) -> None:
        """Make room for somebody else; the door asks no WebSocket to."""
        self.transport.abort()

    async def send(self, message: Any) -> None:  # noqa: ANN401 - uvicorn's own
        """Send, or say that nobody listens: uvicorn calls it a mistake of ours where it has begun to close."""
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else uvicorn logs a refused upgrade as a mistake of the application

    async def run_asgi(self) -> None:
        """Run the application, and end soon after it has."""
        await super().run_asgi()
        self.loop.call_later(self.config.limits.close_s, self.transport.abort)
