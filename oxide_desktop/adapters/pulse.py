"""When to say again that a service works though it shows nothing."""

from __future__ import annotations

import math
import time

ALIVE_EVERY_S = 1.0


class Pulse:
    """Counts what comes and is no text: that a model thinks, uses a tool, reads on, or says that it is still there."""

    def __init__(self) -> None:
        self._told_at = -math.inf

    def is_due(self, *, came: bool = True) -> bool:
        """Whether something came, and nothing was told of late."""
        now = time.monotonic()
        if now - self._told_at < ALIVE_EVERY_S or not came:
            return False
        self._told_at = now
        return True
