"""SIGKILL at random moments while three processes write one history: is anything lost that was acknowledged?

Each writer adds a task, completes it, and says so on stdout after each step. Each is killed at a moment of its own.
Then the history is opened again: every acknowledged step must be there, whole, and the database intact.

    python benchmarks/store_kill.py [--quick] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import apsw

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from oxide_desktop.core.errors import OxideError  # noqa: E402 - the path comes first
from oxide_desktop.core.record import TaskRecord, TaskStatus  # noqa: E402 - the path comes first
from oxide_desktop.store.history import SqliteHistory  # noqa: E402 - the path comes first

WRITERS = 3
LONGEST_LIFE_S = 0.5  # after the first acknowledged step
_FIRST_STEP_TIMEOUT_S = 60.0


@dataclass
class Outcome:
    """What the rounds found; all of the last four must be empty."""

    rounds: int = 0
    killed: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    mangled: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def open_history(home: Path) -> SqliteHistory:
    return await SqliteHistory.open(home / "oxide.db", backups=home / "backups", quarantine=home / "quarantine")


def answer_of(task_id: str) -> str:
    """Long enough to spread over several pages, and told by the id, so that a torn record shows."""
    return f"answer of {task_id} " * 200


async def write_for_ever(home: Path) -> None:
    history = await open_history(home)
    count = 0
    while True:
        task_id = uuid.uuid4().hex
        record = TaskRecord(
            id=task_id, status=TaskStatus.RUNNING, prompt=f"kill me {task_id}", created_at=time.time(), source="python"
        )
        await history.add(record)
        print(task_id, record.status, flush=True)
        record = dataclasses.replace(record, status=TaskStatus.COMPLETED, result=answer_of(task_id), duration=1.0)
        await history.save(record)
        print(task_id, record.status, flush=True)
        count += 1
        if count % 25 == 0:
            await history.maintain()


class Writer:
    """One writing process and what it has acknowledged."""

    def __init__(self, home: Path) -> None:
        self.steps: dict[str, str] = {}
        self.kill_at: float | None = None  # set by its first step; one in eight dies before that, while it starts
        if random.random() < 1 / 8:
            self.kill_at = time.monotonic() + random.uniform(0, LONGEST_LIFE_S)
        self._rest = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--write", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout.fileno()

    def read(self) -> bool:
        """Take what it has said; False at its end. A line without its end was not acknowledged."""
        piece = os.read(self.output, 65536)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            task_id, status = line.decode().split()
            self.steps[task_id] = status
            if self.kill_at is None:
                self.kill_at = time.monotonic() + random.uniform(0, LONGEST_LIFE_S)
        return bool(piece)

    def end(self) -> str:
        """Wait for the end; answers what it complained of before it was killed."""
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(30)
        self._errors.seek(0)
        with self._errors:
            return self._errors.read().decode() if self.process.returncode != -signal.SIGKILL else ""


def write_and_kill(home: Path) -> list[Writer]:
    """Run the writers until each has been killed at its own random moment."""
    writers = [Writer(home) for _ in range(WRITERS)]
    give_up_at = time.monotonic() + _FIRST_STEP_TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        for writer in writers:
            selector.register(writer.output, selectors.EVENT_READ, writer)
        while selector.get_map():
            now = time.monotonic()
            for writer in writers:
                if now >= (writer.kill_at or give_up_at):
                    writer.process.kill()
            left = [writer.kill_at or give_up_at for writer in writers if writer.process.poll() is None]
            next_kill = min(left, default=now)
            for key, _ in selector.select(max(0.001, next_kill - now)):
                if not key.data.read():
                    selector.unregister(key.fd)
    return writers


async def look_after(home: Path, outcome: Outcome, steps: dict[str, str]) -> None:
    """Open the history as the next start would, and compare."""
    history = await open_history(home)
    try:
        outcome.damage += history.notices
        for task_id, status in steps.items():
            try:
                record = await history.get(task_id)
            except OxideError as error:
                outcome.lost.append(f"{task_id}: {error}")
                continue
            # A step may have been done and its acknowledgement lost; the other way round must not be.
            allowed = {"running": {"interrupted", "completed"}, "completed": {"completed"}}[status]
            whole = record.result == (answer_of(task_id) if record.status == "completed" else None)
            if record.status not in allowed or not whole:
                outcome.mangled.append(f"{task_id}: {record.status}, acknowledged {status}")
    finally:
        await history.aclose()
    outcome.damage += check(home / "oxide.db")


def check(database: Path) -> list[str]:
    """What SQLite, the index and the tallies say of the file."""
    with contextlib.closing(apsw.Connection(str(database))) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        counted = Counter(dict(connection.execute("SELECT status, count(*) FROM tasks GROUP BY status").fetchall()))
        tallied: Counter[str] = Counter()
        for status, count in connection.execute("SELECT status, tasks FROM tallies"):
            tallied[status] += count
        if +tallied != counted:
            found.append(f"tallies {tallied} differ from {counted}")
        if left := connection.execute("SELECT count(*) FROM tasks WHERE owner IS NOT NULL").get:
            found.append(f"{left} tasks of dead processes still run")
    return found


def run_rounds(home: Path, rounds: int) -> Outcome:
    outcome = Outcome()
    for _ in range(rounds):
        writers = write_and_kill(home)
        steps: dict[str, str] = {}
        for writer in writers:
            if complaint := writer.end():
                outcome.refused.append(complaint)
            outcome.killed += writer.process.returncode == -signal.SIGKILL
            steps |= writer.steps
        outcome.rounds += 1
        outcome.acknowledged |= steps
        asyncio.run(look_after(home, outcome, steps))
    asyncio.run(look_after(home, outcome, outcome.acknowledged))
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 rounds")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        asyncio.run(write_for_ever(options.write))
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_rounds(Path(folder), 10 if options.quick else options.rounds)
    print(f"rounds                  {outcome.rounds:8}")
    print(f"processes killed        {outcome.killed:8}")
    print(f"tasks acknowledged      {len(outcome.acknowledged):8}")
    print(f"lost                    {len(outcome.lost):8}")
    print(f"mangled                 {len(outcome.mangled):8}")
    print(f"damage found            {len(outcome.damage):8}")
    print(f"writers that failed     {len(outcome.refused):8}")
    wrong = [*outcome.lost, *outcome.mangled, *outcome.damage, *outcome.refused]
    print("\n".join(wrong[:10]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
