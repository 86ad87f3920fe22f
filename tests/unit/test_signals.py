"""Signals that end a program: in good order at first, at once in the end."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from oxide_desktop.runtime import signals
from oxide_desktop.runtime.signals import CANCELLED, run_stoppable, stop_signals, watch_signals

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def run(body: str) -> int:
    """The exit code of a program with that `main`."""
    program = (
        "import asyncio, os, signal, threading\n"
        "from oxide_desktop.runtime.signals import run_stoppable, watch_signals\n"
        f"async def main():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program + "run_stoppable(main(), limit_s=0.1)"], timeout=30, check=False
    )
    return ended.returncode


@pytest.mark.parametrize("number", NUMBERS)
async def test_on_somebody_else_s_loop_a_signal_is_told_and_then_no_more(number: int):
    before = signal.getsignal(number)
    told = asyncio.Event()
    async with watch_signals(told.set), asyncio.timeout(60):
        os.kill(os.getpid(), number)
        await told.wait()

    assert signal.getsignal(number) in (before, signal.SIG_DFL, signal.default_int_handler)


class LoopWithoutSignals(asyncio.SelectorEventLoop):
    """As on Windows."""

    def add_signal_handler(self, *_: object) -> None:
        raise NotImplementedError


def test_a_loop_that_takes_no_signals_is_no_error():
    async def main() -> str:
        async with watch_signals(lambda: None):
            return "done"

    with asyncio.Runner(loop_factory=LoopWithoutSignals) as runner:
        assert runner.run(main()) == "done"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_cancels_the_work(number: int):
    async def work() -> None:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    before = [signal.getsignal(item) for item in NUMBERS]
    with pytest.raises(asyncio.CancelledError):
        run_stoppable(work())
    assert [signal.getsignal(item) for item in NUMBERS] == before


def test_a_signal_that_does_not_interrupt_the_waiting_loop_wakes_it():
    def signalled_elsewhere() -> None:
        threading.Event().wait(0.2)  # until the loop waits
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    late = threading.Event()

    async def work() -> None:
        threading.Thread(target=signalled_elsewhere).start()
        asyncio.get_running_loop().call_later(60, late.set)
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        run_stoppable(work())
    assert not late.is_set()


def test_a_signal_before_the_loop_runs_is_not_lost():
    async def work() -> None:
        raise AssertionError("this was to be stopped before it began")

    stop = signals._Stop(60)
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(stop.watched(work()))


def test_one_that_hangs_while_it_stops_is_ended():
    assert (
        run("""
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            threading.Event().wait()
    """)
        == CANCELLED
    )


def test_one_that_is_signalled_a_second_time_is_ended():
    assert (
        run("""
        async with watch_signals(lambda: os.kill(os.getpid(), signal.SIGTERM), limit_s=600):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
    """)
        == CANCELLED
    )


def test_what_was_ignored_from_the_start_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in stop_signals()
    finally:
        signal.signal(signal.SIGHUP, before)
