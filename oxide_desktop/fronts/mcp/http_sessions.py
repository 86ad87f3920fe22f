"""Sessions over HTTP, where nobody notices that a client is gone: they end when idle, or when one needs the place."""

from __future__ import annotations

import math

from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from oxide_desktop.fronts.mcp.client import Client

BODY_BYTES = 8 * 1024 * 1024
IDLE_S = 30 * 60.0


class HttpSessions(StreamableHTTPSessionManager):
    """The SDK's, which would turn newcomers away for half an hour after clients that left without a word."""

    def __init__(self, server: Server[Client], most: int) -> None:
        super().__init__(server, max_sessions=most, max_request_body_size=BODY_BYTES, session_idle_timeout=IDLE_S)

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        if self.max_sessions is not None and len(self._server_instances) >= self.max_sessions:
            self._end_longest_idle()
        return super()._admit_session(requestor)

    def _end_longest_idle(self) -> None:
        """End the session whose client has asked nothing for longest, if there is one without a call or a stream."""
        name, transport = min(self._server_instances.items(), key=lambda item: _ends_at(item[1]))
        if transport.idle_scope is not None and _ends_at(transport) < math.inf:
            del self._server_instances[name]  # now: the session's own task does so when it gets its turn
            transport.idle_scope.cancel()


def _ends_at(transport: StreamableHTTPServerTransport) -> float:
    """When it would end by itself: never while something is on its way."""
    scope = transport.idle_scope
    return math.inf if scope is None or scope.cancel_called else scope.deadline
