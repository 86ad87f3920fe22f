"""Runs a command's coroutine. The first Ctrl-C (or SIGTERM, SIGHUP) cancels it cleanly, the second ends the program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

from oxide_desktop.fronts.cli.failures import CANCELLED, Interrupted

T = TypeVar("T")

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def run_interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end.

    Raises:
        Interrupted: A signal cancelled it, and it did not choose to end in its own way.
    """
    stop = _Stop()
    with stop.listening(), asyncio.Runner() as runner:
        try:
            return runner.run(stop.watched(work))
        except asyncio.CancelledError:
            raise Interrupted from None


class _Stop:
    """Turns signals into the cancellation of one asyncio task."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._asked = False

    async def watched(self, work: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        if self._asked:
            work.close()
            raise asyncio.CancelledError
        return await work

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Not `loop.add_signal_handler`: Windows lacks it, and servers on the loop like to replace it."""
        before = {number: signal.signal(number, self._on_signal) for number in _signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(CANCELLED)  # the guards end the children of a program that vanishes
        self._asked = True
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed: we are ending anyway
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)


@contextlib.asynccontextmanager
async def watch_signals(stop: Callable[[], None]) -> AsyncIterator[None]:
    """Call `stop` when the system asks the process to end, on a loop that somebody else runs (Qt's)."""
    loop = asyncio.get_running_loop()
    watched = []
    for number in _signals():
        # Through the loop, which wakes up for it: Qt's would sleep on over a plain handler. Windows has none of this.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
            watched.append(number)
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)


def _signals() -> list[signal.Signals]:
    """Those that ask to stop. One that we were started to ignore (nohup, a script's `&`) stays ignored."""
    known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
