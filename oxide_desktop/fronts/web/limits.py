"""How much of everything a client of the web front may have."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

_FEWEST_DESCRIPTORS, _ENOUGH_DESCRIPTORS = 256, 1024


def _descriptors() -> int:
    """How many files and sockets this process may have open, as far as it matters here."""
    if sys.platform != "win32":  # where sockets are not counted
        import resource  # noqa: PLC0415 - it exists only here

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft >= 0:
            return max(_FEWEST_DESCRIPTORS, min(soft, _ENOUGH_DESCRIPTORS))
    return _ENOUGH_DESCRIPTORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds per server.

    Attributes:
        connections: Open at once: three of eight of the descriptors that the system gives this process, which may be
            256 for everything. Who sends a request past it is told so (503).
        half_open: Those, in addition, that have not sent a whole request's head. Past it the oldest one has to go.
        head_bytes: Size of a request's head.
        head_s: Until it must be there.
        body_bytes: Size of a request's body.
        body_s: Until it must be there.
        message_bytes: Size of a WebSocket message from a client.
        queue: Events that wait for a WebSocket client; past it the oldest are lost to it.
        send_s: How long a WebSocket client may not read before it is dropped.
        metrics_s: Between two messages with figures to a WebSocket client.
        close_s: Until a WebSocket's client must have read what was sent before the end.
    """

    connections: int = field(default_factory=lambda: _descriptors() * 3 // 8)
    half_open: int = field(default_factory=lambda: _descriptors() // 4)
    head_bytes: int = 32 * 1024
    head_s: float = 10.0
    body_bytes: int = 32 * 1024 * 1024
    body_s: float = 30.0
    message_bytes: int = 64 * 1024
    queue: int = 1000
    send_s: float = 10.0
    metrics_s: float = 2.0
    close_s: float = 5.0
