"""Kills the app, and guards, with SIGKILL over a tree that does what it can to survive; counts who is left after 2 s.

Half of the kills come while the tree is being built. Each first proves that the tree is there. Goal: nobody is left.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fakes.nasty_tree import MEMBERS  # noqa: E402
from tests.fakes.tree_watch import TreeWatch, living, tree_command  # noqa: E402

LIMIT_S = 2.0
APP = ROOT / "tests" / "fakes" / "spawning_app.py"


class Tally:
    """How one kind of kill went."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kills = 0
        self.seen = 0
        self.left = 0
        self.gone_ms: list[float] = []

    def print(self) -> None:
        times = sorted(self.gone_ms)
        print(
            f"{self.name:>32}: {self.kills:3} kills over {self.seen / self.kills:.1f} processes on average, "
            f"{self.left} left; gone in {statistics.median(times):.0f} ms (median), {times[-1]:.0f} ms (worst)"
        )


async def trial(tally: Tally, members: int, victims: Callable[[int, int, int], list[int]]) -> None:
    """One tree, one kill."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, str(APP), str(folder / "run"), "app", "none", *tree_command(folder)]
        async with TreeWatch(folder) as watch:
            with subprocess.Popen(  # noqa: ASYNC220 - nothing else waits for this loop
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
            ) as app:
                _, guard, keeper = (int(pid) for pid in app.stdout.readline().split())
                await watch.members(members)
                there = len(living(folder))
                assert there >= members, "there was no tree"
                for pid in victims(app.pid, guard, keeper):
                    with contextlib.suppress(ProcessLookupError):  # the one before it has ended it already
                        os.kill(pid, signal.SIGKILL)
                start = time.perf_counter()
                left = await survivors(folder, {guard, keeper})
                tally.gone_ms.append((time.perf_counter() - start) * 1000)
                app.kill()
        tally.kills += 1
        tally.seen += there
        tally.left += len(left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def survivors(folder: Path, guards: set[int]) -> set[int]:
    """Who lives after the limit; guards count as well. A guard that the app has yet to reap does not live."""
    deadline = time.perf_counter() + LIMIT_S
    while left := {*living(folder), *(pid for pid in guards if lives(pid))}:
        if time.perf_counter() > deadline:
            return left
        await asyncio.sleep(0.002)
    return set()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


KINDS = {
    "the app": (200, lambda app, _guard, _keeper: [app]),
    "a guard's watcher": (25, lambda _app, guard, _keeper: [guard]),
    "a guard's keeper": (25, lambda _app, _guard, keeper: [keeper]),
    "app and watcher together": (20, lambda app, guard, _keeper: [app, guard]),
    "app and keeper together": (20, lambda app, _guard, keeper: [app, keeper]),
    "both halves of a guard": (20, lambda _app, guard, keeper: [guard, keeper]),
}


async def measure(share: float) -> int:
    left = 0
    for name, (count, victims) in KINDS.items():
        tally = Tally(name)
        for number in range(max(2, int(count * share))):
            members = random.randrange(1, len(MEMBERS)) if number % 2 else len(MEMBERS)
            await trial(tally, members, victims)
        tally.print()
        left += tally.left
    print(f"{'left in all':>32}: {left} (goal: 0) {'met' if left == 0 else 'MISSED'}")
    return left


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the kills")
    sys.exit(asyncio.run(measure(0.1 if arguments.parse_args().quick else 1.0)) > 0)


if __name__ == "__main__":
    main()
