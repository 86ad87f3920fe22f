"""The history at 100,000 tasks of about 3 KB, beside the ancestor's way: one JSON file, rewritten for each task.

python benchmarks/history.py [--quick] [--tasks N]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from oxide_desktop.core.model import TaskType  # noqa: E402 - the path comes first
from oxide_desktop.core.ports import TaskFilter  # noqa: E402 - the path comes first
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus  # noqa: E402 - the path comes first
from oxide_desktop.store import tasks  # noqa: E402 - the path comes first
from oxide_desktop.store.history import SqliteHistory  # noqa: E402 - the path comes first

_RANDOM = random.Random(1)
WORDS = ["".join(_RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=_RANDOM.randint(2, 10))) for _ in range(20_000)]
# As in a language: the n-th word is n times rarer than the first.
_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))
RARE = WORDS[15_000]
SERVICES = ("gemini", "qwen", "ollama_local")


def text(words: int) -> str:
    return " ".join(_RANDOM.choices(WORDS, cum_weights=_WEIGHTS, k=words))


def record(created_at: float) -> TaskRecord:
    service = _RANDOM.choice(SERVICES)
    return TaskRecord(
        id=uuid.UUID(int=_RANDOM.getrandbits(128)).hex,
        status=_RANDOM.choice((TaskStatus.COMPLETED, TaskStatus.COMPLETED, TaskStatus.FAILED)),
        prompt=text(40),
        result=text(400),
        source="mcp",
        service=service,
        task_type=_RANDOM.choice(list(TaskType)).value,
        created_at=created_at,
        completed_at=created_at + 5,
        duration=5.0,
        attempts=(Attempt(service=service, started_at=created_at, status=AttemptStatus.COMPLETED, chars=2500),),
    )


def records(count: int) -> Iterator[TaskRecord]:
    first = time.time() - count
    return (record(first + number) for number in range(count))


async def timed(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Milliseconds that each run took, sorted."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken)


def show(what: str, taken: list[float]) -> None:
    p99 = taken[min(len(taken) - 1, round(len(taken) * 0.99))]
    print(f"{what:44} {statistics.median(taken):10.2f} {p99:10.2f}   ({len(taken)} runs)")


async def fill(history: SqliteHistory, count: int) -> None:
    """In large transactions: the subject is the size, not the way there."""
    source = records(count)
    while batch := list(itertools.islice(source, 2000)):
        await history._writer.run(tasks.add_missing, batch, "")  # noqa: SLF001 - the port adds one at a time


async def measure(home: Path, count: int, inserts: int) -> None:
    where = {"backups": home / "backups", "quarantine": home / "quarantine"}
    history = await SqliteHistory.open(home / "oxide.db", **where)
    await fill(history, count)
    size = (home / "oxide.db").stat().st_size
    print(f"{count} tasks, {size / count / 1000:.1f} KB each in the database with its index; milliseconds:")
    print(f"{'':44} {'median':>10} {'p99':>10}")

    fresh = iter([record(time.time() + number) for number in range(inserts * 2)])
    show("insert, on the disk when it returns", await timed(lambda: history.add(next(fresh)), inserts))
    known = [task.id for task in (await history.list(TaskFilter(), 50)).tasks]
    show("get by id", await timed(lambda: history.get(_RANDOM.choice(known)), 200))
    show("get by the start of an id", await timed(lambda: history.get(_RANDOM.choice(known)[:12]), 200))
    show("latest 10, with totals", await timed(lambda: history.list(TaskFilter()), 200))
    latest = TaskFilter(status=TaskStatus.FAILED, service="qwen")
    show("latest 10 of a status and a service", await timed(lambda: history.list(latest), 200))
    for what, words in (
        ("a rare word", RARE),
        ("three words", f"{WORDS[300]} {WORDS[500]} {WORDS[800]}"),
        ("the start of a word", WORDS[1000][:3]),
        ("the commonest word, in every task", f"{WORDS[0]} {WORDS[1]}"),
    ):
        found = (await history.list(TaskFilter(text=words))).filtered
        show(
            f"search: {what} ({found} found)", await timed(lambda words=words: history.list(TaskFilter(text=words)), 20)
        )
    show("search: signs that no index knows", await timed(lambda: history.list(TaskFilter(text="!=")), 1))
    show("statistics", await timed(history.statistics, 200))

    busy = asyncio.gather(*(history.list(TaskFilter(text="!=")) for _ in range(2)))
    show("insert while that search runs", await timed(lambda: history.add(next(fresh)), min(inserts, 50)))
    await busy
    show("check and daily backup", await timed(history.maintain, 1))
    await history.aclose()

    async def open_and_close() -> None:
        again = await SqliteHistory.open(home / "oxide.db", **where)
        await again.aclose()

    show("open and close", await timed(open_and_close, 10))


async def measure_ancestor(home: Path, count: int) -> None:
    """What it did for each task: read the file, add the task, write the file."""
    file = home / "tasks.json"
    file.write_text(json.dumps({task.id: task.to_dict() for task in records(count)}, indent=2))

    async def insert() -> None:
        kept = json.loads(file.read_text())
        new = record(time.time())
        kept[new.id] = new.to_dict()
        file.write_text(json.dumps(kept, indent=2))

    async def search() -> None:
        kept = json.loads(file.read_text())
        _ = [task for task in kept.values() if RARE in task["prompt"] or RARE in task["result"]]

    show("ancestor's way: insert, not synced", await timed(insert, 3))
    show("ancestor's way: search for the rare word", await timed(search, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 tasks")
    parser.add_argument("--tasks", type=int, default=100_000)
    options = parser.parse_args()
    count = 5_000 if options.quick else options.tasks
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), count, 200 if options.quick else 1000))
        asyncio.run(measure_ancestor(Path(folder), count))


if __name__ == "__main__":
    main()
