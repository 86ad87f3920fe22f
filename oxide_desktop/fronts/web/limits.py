"""How much of everything a client of the web front may have."""

from __future__ import annotations

import sys
from dataclasses import dataclass

_DESCRIPTORS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds per server.

    Attributes:
        connections: Open at once. Who comes then waits until one becomes free, or has had nothing to do for a while.
        requests: Of those, the ones whose request is being answered. Past it the answer is 503.
        listeners: Of those, the WebSockets. Past it the answer is 503.
        grace_s: How long a connection may have had nothing to do before it goes for another one.
        head_bytes: Size of a request's head.
        head_s: Until it must be there.
        body_bytes: Size of a request's body.
        body_s: Until it must be there.
        message_bytes: Size of a WebSocket message from a client.
        queue: Events that wait for a WebSocket client; past it the oldest are lost to it.
        send_s: How long a WebSocket client may not read before it is dropped.
        metrics_s: Between two messages with figures to a WebSocket client.
        ping_s: Between two pings to a WebSocket client, and until it must have answered one.
        close_s: Until a WebSocket's client must have read what was sent before the end.
    """

    connections: int = 480
    requests: int = 256
    listeners: int = 128
    grace_s: float = 0.5
    head_bytes: int = 32 * 1024
    head_s: float = 10.0
    body_bytes: int = 32 * 1024 * 1024
    body_s: float = 30.0
    message_bytes: int = 64 * 1024
    queue: int = 1000
    send_s: float = 10.0
    metrics_s: float = 2.0
    ping_s: float = 20.0
    close_s: float = 5.0


def limits_of_this_process() -> Limits:
    """The usual ones, or a quarter of the connections and half the grace where a process may have few descriptors.

    What is answered and who listens never fills all connections: the rest is for those who are about to ask.
    """
    if _descriptors() >= _DESCRIPTORS:
        return Limits()
    return Limits(connections=120, requests=40, listeners=32, grace_s=0.25)


if sys.platform == "win32":

    def _descriptors() -> int:
        """Enough: sockets are no descriptors there."""
        return _DESCRIPTORS

else:
    import resource

    def _descriptors() -> int:
        """How many this process may have; it asks for more where that is few for no reason, as 256 on macOS is."""
        soft, hard = (sys.maxsize if it == resource.RLIM_INFINITY else it for it in _limit())
        most = min(hard, _DESCRIPTORS)
        if soft >= most:
            return soft
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, _limit()[1]))
        except (OSError, ValueError):  # the system has its own idea; what there is has to do
            return soft
        return most

    def _limit() -> tuple[int, int]:
        return resource.getrlimit(resource.RLIMIT_NOFILE)
