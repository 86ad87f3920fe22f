"""Ending in good order when the system, a terminal or a person says so.

The first signal lets the work stop; from then on it has a few seconds. One that hangs while it stops is ended, as is
one that is signalled a second time. Either is safe: guards end the children of a program that vanishes, and the history
loses nothing that it acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

from oxide_desktop.core.errors import CancelledTaskError

log = logging.getLogger(__name__)

T = TypeVar("T")

CANCELLED = CancelledTaskError.exit_code
TIDY_UP_LIMIT_S = 4.5
WAKE_BYTES = 4096
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def stop_signals() -> list[signal.Signals]:
    """Those that ask to stop. One that we were started to ignore (nohup, a script's `&`) stays ignored."""
    known = [signal.Signals[name] for name in _NAMES if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def run_stoppable(work: Coroutine[Any, Any, T], *, limit_s: float = TIDY_UP_LIMIT_S) -> T:
    """Run `work` on a loop of its own; the first signal cancels it.

    Raises:
        asyncio.CancelledError: A signal cancelled it, and it did not choose to end in its own way.
    """
    stop = _Stop(limit_s)
    with stop.listening(), asyncio.Runner() as runner:
        return runner.run(stop.watched(work))


@contextlib.asynccontextmanager
async def watch_signals(stop: Callable[[], None], *, limit_s: float = TIDY_UP_LIMIT_S) -> AsyncIterator[None]:
    """Call `stop` at the first signal, on a loop that somebody else runs (Qt's)."""
    loop, patience = asyncio.get_running_loop(), _Patience(limit_s)
    watched = []

    def signalled(number: signal.Signals) -> None:
        patience.begin(number)
        stop()

    for number in stop_signals():
        # Through the loop, which wakes up for it: Qt's would sleep on over a plain handler. Windows has none of this.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, signalled, number)
            watched.append(number)
    try:
        yield
    finally:
        patience.over()
        for number in watched:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have signals wake the loop: it would sleep on over one that came in the instant before it began to wait."""
    if sys.platform == "win32":  # its loop has that of itself
        yield
    else:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(0)
            theirs.settimeout(0)
            loop.add_reader(ours, ours.recv, WAKE_BYTES)
            before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
            try:
                yield
            finally:
                signal.set_wakeup_fd(before)
                loop.remove_reader(ours)


class _Patience:
    """How long a program may take to stop."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._timer: threading.Timer | None = None

    def begin(self, number: int) -> None:
        """The first signal starts the clock, the second stops waiting for it."""
        if self._timer is not None:
            _end_now()
        log.info("stopping on %s", signal.Signals(number).name)
        self._timer = threading.Timer(self._limit_s, _end_now)
        self._timer.daemon = True
        self._timer.start()

    def over(self) -> None:
        """It has stopped."""
        if self._timer is not None:
            self._timer.cancel()


def _end_now() -> None:
    log.info("ended at once, without tidying up")
    os._exit(CANCELLED)


class _Stop:
    """Turns signals into the cancellation of one asyncio task."""

    def __init__(self, limit_s: float) -> None:
        self._patience = _Patience(limit_s)
        self._task: asyncio.Task[Any] | None = None
        self._asked = False

    async def watched(self, work: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        if self._asked:
            work.close()
            raise asyncio.CancelledError
        with _waking(asyncio.get_running_loop()):
            return await work

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Not `loop.add_signal_handler`: Windows lacks it, and it ends with the loop, whose threads may then hang."""
        before = {number: signal.signal(number, self._on_signal) for number in stop_signals()}
        try:
            yield
        finally:
            self._patience.over()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._patience.begin(number)
        self._asked = True
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed: we are ending anyway
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
