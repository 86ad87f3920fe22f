"""The door: how many connections may be open, and who has to go when others stand outside.

Whoever comes when all places are taken waits outside, in the system's line of connections that nobody has accepted
yet. For the first of them, the connection goes that has waited longest for its client's next request: one that was
never asked anything, or is kept for later. Nobody is sent away who has come just now.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from oxide_desktop.fronts.web.limits import Limits

_LOOK_S = 1.0


class Guest(Protocol):
    """A connection."""

    def leave_now(self) -> None:
        """End without a word."""


class Door:
    """Knows every connection of one server."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._inside: set[Guest] = set()
        self._idle: dict[Guest, float] = {}  # those that wait for a request, since when, longest first
        self._changed = asyncio.Event()

    def enter(self, guest: Guest) -> None:
        """Somebody takes a place."""
        self._inside.add(guest)

    def leave(self, guest: Guest) -> None:
        """A place becomes free."""
        self._inside.discard(guest)
        self.asked(guest)

    def waits(self, guest: Guest) -> None:
        """It has been asked nothing, or has answered everything."""
        self._idle.setdefault(guest, self._clock())
        self._changed.set()

    def asked(self, guest: Guest) -> None:
        """Its client has sent a request's whole head."""
        self._idle.pop(guest, None)
        self._changed.set()

    async def room(self) -> None:
        """Wait until there is a place for one more, and make one if need be."""
        while len(self._inside) >= self._limits.connections:
            self._changed.clear()
            wait_s = self._until_one_may_go()
            if wait_s <= 0:
                self.send_one_away()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()

    def send_one_away(self) -> None:
        """End the connection that has waited longest for a request, if any does."""
        if (longest := next(iter(self._idle), None)) is not None:
            self.leave(longest)  # now: the transport tells of its end later, and the next one in must not pick it again
            longest.leave_now()

    def _until_one_may_go(self) -> float:
        """How long the one that has waited longest still has to begin, or how long until it is worth looking again."""
        since = next(iter(self._idle.values()), None)
        return _LOOK_S if since is None else since + self._limits.grace_s - self._clock()
