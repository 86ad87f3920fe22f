"""What signals do to a command, shown on little programs that use its runner."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.fronts.cli.failures import Interrupted
from oxide_desktop.fronts.cli.interrupt import run_interruptible
from tests.fronts.cli_program import LIMIT_S, ROOT, Oxide, end, read_until

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def start(tmp_path: Path, body: str, before: str = "", **options: Any) -> subprocess.Popen[bytes]:
    script = tmp_path / "program.py"
    script.write_text(
        "import asyncio, os, signal, sys\n"
        f"{before}\n"
        "from oxide_desktop.fronts.cli.interrupt import run_interruptible\n"
        "from oxide_desktop.fronts.cli.failures import ending\n"
        f"async def work():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
        "sys.exit(ending([], lambda: run_interruptible(work())))\n",
        encoding="utf-8",
    )
    oxide = Oxide(tmp_path / "home", tmp_path)
    return oxide.start(command=(sys.executable, str(script)), **options)


TIDY = """
print("ready", flush=True)
try:
    await asyncio.Event().wait()
finally:
    print("tidied up", flush=True)
"""
STUBBORN = """
print("ready", flush=True)
try:
    await asyncio.Event().wait()
finally:
    print("stopping", flush=True)
    await asyncio.Event().wait()
"""


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_lets_the_command_tidy_up(tmp_path: Path, number: int) -> None:
    process = start(tmp_path, TIDY)
    read_until(process, "ready\n")
    assert end(process, number) == (130, "tidied up\n", "Cancelled.\n")


def test_the_second_signal_ends_the_program_at_once(tmp_path: Path) -> None:
    process = start(tmp_path, STUBBORN)
    read_until(process, "ready\n")
    process.send_signal(signal.SIGTERM)
    read_until(process, "stopping\n")
    assert end(process) == (130, "", "")


def test_a_thread_that_hangs_does_not_keep_the_second_signal_from_working(tmp_path: Path) -> None:
    body = """
    print("ready", flush=True)
    try:
        await asyncio.to_thread(os.read, 0, 1)
    finally:
        print("stopping", flush=True)
    """
    process = start(tmp_path, body, stdin=subprocess.PIPE)
    read_until(process, "ready\n")
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT_S) == 130
    process.communicate()


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(tmp_path: Path) -> None:
    body = """
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0)
    print("still here", flush=True)
    """
    process = start(tmp_path, body, before="signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    out, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, errors) == (0, b"still here\n", b"")


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]

    async def answer() -> int:
        assert [signal.getsignal(number) for number in NUMBERS] != before
        return 42

    assert run_interruptible(answer()) == 42
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_work_that_ends_in_its_own_way_has_the_last_word() -> None:
    async def own_end() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "my way"
        raise AssertionError("the event was never set")

    assert run_interruptible(own_end()) == "my way"


def test_work_that_just_stops_is_told_as_interrupted() -> None:
    async def stops() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    with pytest.raises(Interrupted):
        run_interruptible(stops())


def test_ctrl_c_while_the_program_is_still_being_imported_ends_it_quietly(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    body = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise AssertionError('not interrupted')\n"
    (packages / "click.py").write_text(body, encoding="utf-8")
    oxide = Oxide(tmp_path / "home", tmp_path, {"PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"})
    process = oxide.start("run", "Hello")
    out, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, errors) == (130, b"", b"")
