"""A breaker for each service: after five failures in a row it is left alone for half a minute, then one try decides."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from oxide_desktop.core.errors import FailureKind

log = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
OPEN_S = 30.0
# A refused input, a missing key or a used-up quota says nothing about whether the service works.
_COUNTED = {
    FailureKind.TRANSIENT,
    FailureKind.BUSY,
    FailureKind.TIMEOUT,
    FailureKind.CRASHED,
    FailureKind.MISSING,
}


@dataclass(slots=True)
class _State:
    failures: int = 0
    opened_at: float | None = None
    probing: bool = False


class Breakers:
    """What is known of each service's run of failures. `clock` gives seconds that never run back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    def closed_reason(self, service: str) -> str | None:
        """Why the service should be left alone now, `None` if it may be tried."""
        state = self._states.get(service)
        if state is None or state.opened_at is None:
            return None
        left_s = state.opened_at + OPEN_S - self._clock()
        if left_s > 0:
            return f"failed {state.failures} times in a row, next try in {left_s:.0f} s"
        return "is being tried again after failing" if state.probing else None

    def begin(self, service: str) -> None:
        """A try starts; while a breaker is half open it is the only one."""
        state = self._states.setdefault(service, _State())
        state.probing = state.opened_at is not None

    def succeeded(self, service: str) -> None:
        """The try worked: everything is forgotten."""
        self._states.pop(service, None)

    def failed(self, service: str, kind: FailureKind) -> None:
        """The try failed."""
        state = self._states.setdefault(service, _State())
        state.probing = False
        if kind not in _COUNTED:
            return
        state.failures += 1
        if state.failures >= FAILURES_TO_OPEN:
            state.opened_at = self._clock()
            log.warning("%s failed %d times in a row and is left alone for %d s", service, state.failures, OPEN_S)

    def abandoned(self, service: str) -> None:
        """The try was stopped from outside, which says nothing about the service."""
        if state := self._states.get(service):
            state.probing = False
