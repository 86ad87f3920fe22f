"""What a guard costs: a guarded child beside a bare one, in alternating runs, from the call to its exit code.

Goal: at most 67 ms more for a start, which is what a guard of the simplest kind was measured to cost.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.runtime.processes import GuardedSpawner

GOAL_MS = 67.0
FLOOD_BYTES = 256 * 1024 * 1024


async def bare(argv: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.DEVNULL)
    await process.wait()


async def guarded(spawner: GuardedSpawner, argv: list[str]) -> None:
    async with await spawner.spawn(ChildSpec(argv=argv, purpose="benchmark")) as child:
        await child.wait()


async def timed_ms(work: Callable[[], Awaitable[None]]) -> float:
    start = time.perf_counter()
    await work()
    return (time.perf_counter() - start) * 1000


async def throughput(spawner: GuardedSpawner) -> float:
    """Bytes a second through a guarded child, decoded."""
    spec = ChildSpec(argv=["/usr/bin/head", "-c", str(FLOOD_BYTES), "/dev/zero"], purpose="flood", output_limit=2**40)
    start = time.perf_counter()
    async with await spawner.spawn(spec) as child:
        size = sum([len(part) async for part in child.text()])
    return size / (time.perf_counter() - start)


def memory_of(pid: int) -> int:
    """Private and shared memory of a process in bytes, the shared part divided among those who share it."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) * 1024


async def measure(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spawner = GuardedSpawner(Path(folder), "benchmark")
        plain, under_guard = [], []
        for _ in range(rounds):
            plain.append(await timed_ms(lambda: bare(["/bin/true"])))
            under_guard.append(await timed_ms(lambda: guarded(spawner, ["/bin/true"])))
        many = await timed_ms(lambda: all_at_once(spawner, 20))
        async with await spawner.spawn(ChildSpec(argv=["/bin/sleep", "60"], purpose="sleep")) as child:
            memory = memory_of(child.guard.pid) + memory_of(child.keeper_pid)
        speed = await throughput(spawner)
        await spawner.aclose()
    more = statistics.median(under_guard) - statistics.median(plain)
    print(f"   bare: {statistics.median(plain):6.1f} ms to the exit code of /bin/true")
    print(f"guarded: {statistics.median(under_guard):6.1f} ms, worst {max(under_guard):.1f}; 20 at once {many:.0f}")
    print(f" memory: {memory / 2**20:6.1f} MB for a guard (its two processes)")
    print(f" output: {speed / 2**20:6.0f} MB/s, decoded")
    print(f"   more: {more:6.1f} ms a child (goal: {GOAL_MS:.0f} or less) {'met' if more <= GOAL_MS else 'MISSED'}")


async def all_at_once(spawner: GuardedSpawner, count: int) -> None:
    await asyncio.gather(*(guarded(spawner, ["/bin/true"]) for _ in range(count)))


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds")
    asyncio.run(measure(rounds=10 if arguments.parse_args().quick else 60))


if __name__ == "__main__":
    main()
