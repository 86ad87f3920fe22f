"""The app's loop: qasync with one queue, one heap and one precise timer in place of a Qt timer for every callback.

As it comes, qasync (0.28) starts a Qt timer for each `call_soon` and `call_later`. A finished `asyncio.timeout` leaves
its timer alive until it would have fired, a queued callback costs a Qt event, sleeps are coarse,
`call_soon_threadsafe` loses the context, and a generator that was forgotten is ended by nobody. Each of these is mended
here, and has a test.

Two hazards remain and are the callers' to avoid: no `dialog.exec()` inside a coroutine (use `open()` and a future), and
no `app.quit()` (return from main instead).
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import math
import sys
from collections import deque
from collections.abc import Callable

import qasync
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

# Qt's timers count milliseconds: a callback this close to its time runs now, not a millisecond later.
_DUE_TOLERANCE_S = 0.0005
_SWEEP_AFTER = 100


class _Doorbell(QObject):
    """Carries a handle from another thread into the loop's."""

    rung = Signal(object)


class Loop(qasync.QEventLoop):  # type: ignore[misc]  # qasync has no types
    """An asyncio loop that runs inside Qt's."""

    def __init__(self, app: QApplication) -> None:
        self._due: deque[asyncio.Handle] = deque()
        self._later: list[asyncio.TimerHandle] = []
        self._cancelled_later = 0
        self._wake: QTimer | None = None
        super().__init__(app)
        self._doorbell = _Doorbell()
        self._doorbell.rung.connect(self._push, Qt.ConnectionType.QueuedConnection)
        self._wake = QTimer(self._doorbell)
        self._wake.setSingleShot(True)
        self._wake.setTimerType(Qt.TimerType.PreciseTimer)
        self._wake.timeout.connect(self._turn)
        self._arm()

    # -- scheduling --------------------------------------------------------------------------------

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` in the loop's next turn."""
        handle = asyncio.Handle(callback, args, self, context)
        self._push(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` at `when`, in seconds of the loop's clock."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        handle._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio's own mark, as its loops set it
        heapq.heappush(self._later, handle)
        if self._later[0] is handle:
            self._arm()
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: object, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` after `delay` seconds."""
        return self.call_at(self.time() + max(0.0, delay), callback, *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: object, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` in the loop's next turn, from any thread, in the caller's context."""
        handle = asyncio.Handle(callback, args, self, context or contextvars.copy_context())
        self._doorbell.rung.emit(handle)
        return handle

    def _timer_handle_cancelled(self, _handle: asyncio.TimerHandle) -> None:
        """A `TimerHandle` reports its own cancelling here; many of them are swept out at once."""
        self._cancelled_later += 1
        if self._cancelled_later > _SWEEP_AFTER and self._cancelled_later * 2 > len(self._later):
            self._later = [handle for handle in self._later if not handle.cancelled()]
            heapq.heapify(self._later)
            self._cancelled_later = 0

    # -- turning -----------------------------------------------------------------------------------

    def _push(self, handle: asyncio.Handle) -> None:
        self._due.append(handle)
        if len(self._due) == 1:
            self._arm()

    def _arm(self) -> None:
        if self._wake is None:  # still inside the constructor of asyncio's loop
            return
        if self._due:
            self._wake.start(0)
        elif self._later:
            wait_s = self._later[0].when() - self.time()
            self._wake.start(max(0, math.ceil(wait_s * 1000)))

    def _turn(self) -> None:
        self._collect()
        count = len(self._due)  # what these add waits for the next turn, so that Qt's own events get theirs
        if count > 1:
            self._wake.start(0)  # type: ignore[union-attr]  # a modal dialog opened by a callback must not stop the rest
        while count and self._due:
            count -= 1
            handle = self._due.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - what every asyncio loop does with its handles
        self._arm()

    def _collect(self) -> None:
        """Move what has come due from the heap to the queue."""
        now = self.time() + _DUE_TOLERANCE_S
        while self._later and (self._later[0].cancelled() or self._later[0].when() <= now):
            handle = heapq.heappop(self._later)
            handle._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001 - as above
            if handle.cancelled():
                self._cancelled_later = max(0, self._cancelled_later - 1)
            else:
                self._due.append(handle)

    def run_forever(self) -> int:
        """Run until somebody stops it; as asyncio's own loops do, end asynchronous generators that were forgotten."""
        before = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)
        try:
            return int(super().run_forever())
        finally:
            sys.set_asyncgen_hooks(*before)

    def close(self) -> None:
        """Drop what still waits and release everything."""
        if self._wake is not None:
            self._wake.stop()
        self._due.clear()
        self._later.clear()
        super().close()
