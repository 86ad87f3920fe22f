"""A process of its own with a history open: obeys lines on stdin, answers each on stdout.

python -m tests.fakes.history_program HOME [--largest-file BYTES] [--without-rights]
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import filelock  # noqa: F401 - before rights are given up, for Python itself may stand where only root looks

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.events import Chunk
from oxide_desktop.core.keeping import keeping_record
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import Attempt, TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.store.history import SqliteHistory
from oxide_desktop.store.rules import RuleFile

BACKGROUND = BackgroundTasks()
KEEPING = AsyncExitStack()
ROOT = Path(__file__).resolve().parents[2]


async def open_history(home: Path, **options) -> SqliteHistory:
    options = {"backups": home / "backups", "quarantine": home / "quarantine"} | options
    return await SqliteHistory.open(home / "oxide.db", **options)


def task(task_id: str, **fields) -> TaskRecord:
    given = {"status": TaskStatus.COMPLETED, "prompt": f"prompt of {task_id}", "created_at": 1000.0, "source": "cli"}
    return TaskRecord(id=task_id, **(given | fields))


def running(task_id: str) -> TaskRecord:
    return task(task_id, status=TaskStatus.RUNNING, attempts=(Attempt(service="qwen", started_at=1000.5),))


class Program:
    """The test's side of such a process."""

    def __init__(self, home: Path, *options: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.history_program", str(home), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
        )

    def opened(self) -> Self:
        """Wait until its history is open."""
        answer = self.answer()
        self._errors.seek(0)
        assert answer == "open", answer + self._errors.read().decode()
        return self

    def answer(self) -> str:
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, line: str) -> str:
        print(line, file=self.process.stdin, flush=True)
        return self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)
        self._errors.close()

    def __enter__(self) -> Self:
        return self.opened()

    def __exit__(self, *exc_info: object) -> None:
        if self.process.returncode is None:
            self.close()


async def obey(history: SqliteHistory, home: Path, line: str) -> str:
    order, *words = line.split()
    return str(await ORDERS[order](history, home, *words) or "done")


async def run(history: SqliteHistory, _: Path, task_id: str, parent: str | None = None) -> None:
    await history.add(dataclasses.replace(running(task_id), parent=parent))


async def answer(history: SqliteHistory, _: Path, task_id: str, *words: str) -> None:
    """A task whose answer comes, and goes on coming; answers once the words so far have been written down."""
    request = Request(prompt="why?", source=Source.CLI, cwd=Path.cwd())
    task = RunningTask(request, running(task_id))
    kept = asyncio.Event()

    async def save(record: TaskRecord) -> None:
        await history.save(record)
        if record.result == " ".join(words):
            kept.set()

    await history.add(task.record)
    await KEEPING.enter_async_context(keeping_record(task, save, BACKGROUND, interval_s=0.01))
    task.append(Chunk(task_id, 1, "qwen", " ".join(words)))
    await kept.wait()


async def add(history: SqliteHistory, _: Path, task_id: str, kilobytes: str) -> None:
    await history.add(task(task_id, result="x" * (1024 * int(kilobytes))))


async def delete(history: SqliteHistory, _: Path, task_id: str) -> None:
    await history.delete(task_id)


async def maintain(history: SqliteHistory, _: Path) -> None:
    await history.maintain()


async def count(history: SqliteHistory, _: Path) -> int:
    return (await history.list(TaskFilter())).total


async def notices(history: SqliteHistory, _: Path) -> str:
    return " ".join(history.notices) or "none"


async def allow(_: SqliteHistory, __: Path, largest_file: str) -> None:
    limit_files(int(largest_file))


async def set_rules(_: SqliteHistory, home: Path, *pairs: str) -> None:
    rules = RuleFile(home / "routing_rules.json", ("qwen", "gemini", "ollama_local"))
    for pair in pairs:
        rules.set(*pair.split("="))


ORDERS = {
    "run": run,
    "answer": answer,
    "add": add,
    "delete": delete,
    "maintain": maintain,
    "count": count,
    "notices": notices,
    "limit-files": allow,
    "set-rules": set_rules,
}


def limit_files(size: int) -> None:
    """Let the kernel refuse to write any file beyond that size, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--largest-file", type=int)
    parser.add_argument("--without-rights", action="store_true")
    options = parser.parse_args()
    home = options.home
    if options.largest_file:
        limit_files(options.largest_file)
    if options.without_rights and os.geteuid() == 0:
        os.seteuid(65534)  # root may write everything
    try:
        history = await open_history(home)
    except OxideError as error:
        print(error, flush=True)
        return
    try:
        print("open", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                print(await obey(history, home, line), flush=True)
            except OxideError as error:
                print(error, flush=True)
    finally:
        await KEEPING.aclose()
        limit_files(resource.RLIM_INFINITY)  # what measures coverage wants to write at the end, too
        await history.aclose()


if __name__ == "__main__":
    asyncio.run(main())
