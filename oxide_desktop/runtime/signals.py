"""Ending in good order when the system, a terminal or a person says so.

Works under asyncio's own loops and under Qt's: where the loop can take signals it does, and elsewhere (Windows)
Python's own handlers call into it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

STOP_LIMIT_S = 4.5


def stop_signals() -> tuple[signal.Signals, ...]:
    """Signals that ask a program to end, on this system."""
    if sys.platform == "win32":
        return (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
    else:  # noqa: RET505 - mypy takes what follows a platform's branch for unreachable
        return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopping_on_signals(
    stop: Callable[[signal.Signals], object], *, limit_s: float = STOP_LIMIT_S
) -> Iterator[Callable[[], signal.Signals | None]]:
    """Call `stop` in the running loop at the first signal; yields a question after the signal that came.

    From then on the program has `limit_s` seconds: one that hangs while it stops is ended, as is one that is signalled
    a second time. Either is safe, for guards end their children when the app is gone, however it went.
    """
    loop = asyncio.get_running_loop()
    came: list[signal.Signals] = []
    watchdogs: list[threading.Timer] = []

    def first(number: signal.Signals) -> None:
        if came:
            end_now(number)
        came.append(number)
        log.info("stopping on %s", number.name)
        watchdog = threading.Timer(limit_s, end_now, [number])
        watchdog.daemon = True
        watchdog.start()
        watchdogs.append(watchdog)
        stop(number)

    put_back = [_on(loop, number, first) for number in stop_signals()]
    try:
        yield lambda: came[0] if came else None
    finally:
        for undo in put_back:
            undo()
        for watchdog in watchdogs:
            watchdog.cancel()


def exit_code(number: signal.Signals) -> int:
    """What a shell is told of a program that ended on a signal."""
    return 128 + number


def end_now(number: signal.Signals) -> None:
    """End without any more ado."""
    log.error("ended at once on %s", number.name)
    os._exit(exit_code(number))


def _on(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, handle: Callable[[signal.Signals], None]
) -> Callable[[], object]:
    """Have a signal handled in the loop; answers how to put things back."""
    before = signal.getsignal(number) or signal.SIG_DFL
    try:
        loop.add_signal_handler(number, handle, number)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(handle, number))
        return lambda: signal.signal(number, before)

    def put_back() -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, before)

    return put_back
