"""Signals that end the app."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from oxide_desktop.runtime.signals import exit_code, stop_signals, stopping_on_signals


@pytest.mark.parametrize("number", stop_signals())
async def test_a_signal_calls_stop_once_and_handlers_are_put_back(number):
    before = signal.getsignal(number)
    stopped: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with stopping_on_signals(stopped.put_nowait) as came:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            assert await stopped.get() == number
        assert came() == number
    assert signal.getsignal(number) == before


async def test_without_a_signal_nothing_came():
    with stopping_on_signals(lambda _: None) as came:
        assert came() is None


def test_a_second_signal_ends_the_program_at_once():
    program = """
import asyncio, os, signal
from oxide_desktop.runtime.signals import stopping_on_signals
async def main():
    with stopping_on_signals(lambda _: os.kill(os.getpid(), signal.SIGTERM)):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=20, check=False)
    assert ended.returncode == exit_code(signal.SIGTERM)


class LoopWithoutSignals(asyncio.SelectorEventLoop):
    """As on Windows."""

    def add_signal_handler(self, *_):
        raise NotImplementedError


def test_a_loop_that_takes_no_signals_is_called_from_pythons_own_handler():
    async def main() -> None:
        stopped = asyncio.Event()
        with stopping_on_signals(lambda _: stopped.set()):
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(5):
                await stopped.wait()

    before = signal.getsignal(signal.SIGTERM)
    with asyncio.Runner(loop_factory=LoopWithoutSignals) as runner:
        runner.run(main())
    assert signal.getsignal(signal.SIGTERM) == before
