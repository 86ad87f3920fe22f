"""How much of everything a client of the web front may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds per server.

    Attributes:
        connections: Open at once; some systems give a process 256 descriptors for everything.
        half_open: Of those, the ones that have not sent a whole request's head. Past it the oldest one has to go.
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

    connections: int = 96
    half_open: int = 48
    head_bytes: int = 32 * 1024
    head_s: float = 10.0
    body_bytes: int = 32 * 1024 * 1024
    body_s: float = 30.0
    message_bytes: int = 64 * 1024
    queue: int = 1000
    send_s: float = 10.0
    metrics_s: float = 2.0
    close_s: float = 5.0
