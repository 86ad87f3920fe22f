"""How many requests one service is given at a time: more while it answers well, fewer when it says that it is too much.

Additive increase, multiplicative decrease, as networks do it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from oxide_desktop.core.errors import FailureKind, ServiceError

LONGEST_REST_S = 60.0
_LONGEST_BACKOFF_S = 20.0
_SLOWING = {FailureKind.BUSY, FailureKind.TIMEOUT}
# Another request would meet the same: what is missing, forbidden or used up stays so for a while.
_LASTING = {FailureKind.AUTH, FailureKind.LICENCE, FailureKind.MISSING, FailureKind.QUOTA}
_MOST_IN_A_ROW = {FailureKind.BUSY: 8, FailureKind.QUOTA: 8, FailureKind.TIMEOUT: 2}


class Pace:
    """What one service bears.

    Attributes:
        running: Requests in flight.
        lost_reason: Why it is given nothing more, `None` while it is.
    """

    def __init__(
        self,
        *,
        start: int,
        ceiling: int,
        tries: int,
        base_s: float,
        draw: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.running = 0
        self.lost_reason: str | None = None
        self._ceiling = ceiling
        self._limit = float(max(1, min(start, ceiling)))
        self._tries = tries
        self._base_s = base_s
        self._draw = draw
        self._clock = clock
        self._slowed = False
        self._in_a_row: dict[FailureKind, int] = {}
        self._rests_until = 0.0

    @property
    def rest_s(self) -> float:
        """Seconds that it still rests."""
        return max(0.0, self._rests_until - self._clock())

    @property
    def free(self) -> bool:
        """Whether it may be given a request now."""
        return self.lost_reason is None and self.running < int(self._limit) and not self.rest_s

    def succeeded(self) -> None:
        """It answered: it may be given more."""
        self._in_a_row.clear()
        self._limit = min(self._ceiling, self._limit + (1 / self._limit if self._slowed else 1))

    def failed(self, error: ServiceError) -> None:
        """It did not: it rests, is given less, or is given up."""
        count = self._in_a_row[error.kind] = self._in_a_row.get(error.kind, 0) + 1
        if error.kind in _SLOWING:
            self._slowed = True
            self._limit = max(1.0, self._limit / 2)
        most = _MOST_IN_A_ROW.get(error.kind, self._tries)
        asked_s = error.retry_after_s or 0.0
        lasting = error.kind in _LASTING and not (error.kind is FailureKind.QUOTA and asked_s)
        if lasting or error.about_request or count >= most or asked_s > LONGEST_REST_S:
            self.lost_reason = error.phrase
            return
        backoff_s = self._draw.uniform(0, min(self._base_s * 2 ** (count - 1), _LONGEST_BACKOFF_S))
        self._rests_until = self._clock() + (asked_s or backoff_s)
