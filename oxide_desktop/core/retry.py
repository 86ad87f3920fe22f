"""When to try the same service again, and after how long: full jitter, and never longer than it is worth waiting."""

from __future__ import annotations

import random
from dataclasses import dataclass

from oxide_desktop.core.errors import ServiceError
from oxide_desktop.core.settings import ExecutionSettings, ServiceSettings

LONGEST_PAUSE_S = 60.0
# With another service waiting, a long pause asked for by this one only costs the person time.
LONGEST_PAUSE_WITH_FALLBACK_S = 10.0
_LONGEST_BACKOFF_S = 20.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How one service is retried within one task.

    Attributes:
        tries: How often it is asked at most, the first time included.
        base_s: The first pause is drawn from 0 to this, the next from 0 to twice this, and so on.
        longest_pause_s: A service that asks for more is given up.
    """

    tries: int
    base_s: float
    longest_pause_s: float

    @classmethod
    def of(cls, service: ServiceSettings, execution: ExecutionSettings, *, has_fallback: bool) -> RetryPolicy:
        """The policy that the settings ask for."""
        retries = execution.max_retries if service.max_retries is None else service.max_retries
        return cls(
            tries=1 + (retries if execution.retry_on_failure else 0),
            base_s=service.retry_delay,
            longest_pause_s=LONGEST_PAUSE_WITH_FALLBACK_S if has_fallback else LONGEST_PAUSE_S,
        )

    def pause_s(self, error: ServiceError, tried: int, draw: random.Random) -> float | None:
        """Seconds to wait before the next try after `tried` of them, `None` if there should be none."""
        if not error.kind.retriable or tried >= self.tries:
            return None
        if error.retry_after_s is None:
            return draw.uniform(0, min(self.base_s * 2 ** (tried - 1), _LONGEST_BACKOFF_S))
        if error.retry_after_s > self.longest_pause_s:
            return None
        return error.retry_after_s + draw.uniform(0, 0.1 * error.retry_after_s)
