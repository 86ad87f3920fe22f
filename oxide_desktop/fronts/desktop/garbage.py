"""Garbage is collected in Qt's own thread only, and memory is given back to the system.

Python's collector runs in whichever thread happens to allocate. Where that is a worker, it deletes Qt objects that sit
in a reference cycle from outside their thread, which ends the process.

After a huge answer the C library (glibc) keeps a hundred megabytes that nobody uses, for an app that stays all day.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 2_000
# Every so many rounds the oldest generation is looked at as well; it costs tens of milliseconds.
FULL_EVERY = 30


class GuiThreadCollector(QObject):
    """Takes the place of the automatic collector for as long as the app runs."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rounds = 0
        self._give_back = _giver_back()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._collect)

    def start(self) -> None:
        """Switch the automatic collector off."""
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Put things back."""
        self._timer.stop()
        gc.enable()

    def _collect(self) -> None:
        self._rounds += 1
        if self._rounds % FULL_EVERY:
            gc.collect(1)
        else:
            gc.collect(2)
            self._give_back(0)


def _giver_back() -> Callable[[int], object]:
    """What gives free memory back; other systems and C libraries do so of themselves."""
    if sys.platform == "linux":
        trim: Callable[[int], object] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            return trim
    return lambda _: None
