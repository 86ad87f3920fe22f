"""How late the loop is: while it is busy with something else, whoever answers in time is heard too late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

_STEP_S = 0.05
# Of the time: an idle loop is late by a fiftieth, one that is busy with a huge answer by a half.
_BUSY = 0.1


class Lateness:
    """Looks on a timer of its own; made by `lateness`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._late_s = 0.0
        self._next = self._begin_step()

    def _begin_step(self) -> asyncio.TimerHandle:
        return self._loop.call_later(_STEP_S, self._end_step)

    def _overdue_s(self) -> float:
        return max(0.0, self._loop.time() - self._next.when())

    def _end_step(self) -> None:
        self._late_s += self._overdue_s()
        self._next = self._begin_step()

    @property
    def was_busy(self) -> bool:
        """Whether the loop had no time to look at what came."""
        passed_s = self._loop.time() - self._began
        return self._late_s + self._overdue_s() > passed_s * _BUSY

    def stop(self) -> None:
        """Look no more."""
        self._next.cancel()


@contextmanager
def lateness() -> Iterator[Lateness]:
    """Look while the block lasts."""
    made = Lateness()
    try:
        yield made
    finally:
        made.stop()
