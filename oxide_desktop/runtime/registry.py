"""The list of running children on the disk: what the next start ends if this run cannot.

Each run has a file of its own, `children-RUN.jsonl`, one line for a change, and holds a lock on it as long as it lives:
so whoever gets the lock knows that the owner is dead.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oxide_desktop.runtime.births import birth_of

log = logging.getLogger(__name__)

PREFIX = "children-"
SUFFIX = ".jsonl"
HIGHEST_PID = 2**31 - 1

if sys.platform == "win32":
    import msvcrt

    LOCKED_BYTE = 1 << 30  # far behind the text: Windows keeps others from reading what is locked

    def take_lock(fd: int, *, waits: bool) -> bool:
        """Lock an open file for as long as it stays open; `False` if another process has it."""
        os.lseek(fd, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def take_lock(fd: int, *, waits: bool) -> bool:
        """Lock an open file for as long as it stays open; `False` if another process has it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class ChildRegistry:
    """This run's list, made when the first child starts. A list that cannot be written costs the net, not the child."""

    def __init__(self, run_dir: Path, run_id: str) -> None:
        self._dir = run_dir
        self._run_id = run_id
        self._path = run_dir / f"{PREFIX}{run_id}{SUFFIX}"
        self._fd: int | None = None
        self._listed: dict[int, str] = {}  # births

    def started(self, pid: int, *, is_guard: bool, about: Mapping[str, Any] | None = None) -> None:
        """Write down a process: a guard before it has its job, then the program, with what people may want to know."""
        if birth := birth_of(pid):
            self._listed[pid] = birth
            self._write({"pid": pid, "birth": birth, "guard": is_guard, "app": os.getpid(), **(about or {})})

    def ended(self, *pids: int) -> None:
        """Cross processes out; an empty list starts afresh."""
        for pid in pids:
            if self._listed.pop(pid, None):
                self._write({"pid": pid, "birth": None, "guard": False})
        if not self._listed and self._fd is not None:
            try:
                os.ftruncate(self._fd, 0)
            except OSError as error:
                self._cannot_write(error)

    def birth_of(self, pid: int) -> str | None:
        """The birth of a process that is listed."""
        return self._listed.get(pid)

    def _write(self, line: dict[str, Any]) -> None:
        try:
            if self._fd is None:
                self._fd = self._open()
            os.write(self._fd, json.dumps(line).encode() + b"\n")
        except OSError as error:
            self._cannot_write(error)

    def _cannot_write(self, error: OSError) -> None:
        log.warning("the list of children %s cannot be written: %s", self._path, error)

    def _open(self) -> int:
        """Make the file and lock it. A sweeper may have taken it for a dead run's before the lock was ours: again."""
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
            locked = take_lock(fd, waits=True)
            if locked and os.fstat(fd).st_nlink:
                return fd
            os.close(fd)
            if not locked:
                raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    def sweep(self) -> int:
        """End what dead runs have left, and forget them; answers how many processes that were."""
        return sum(_sweep_file(path) for path in self._dir.glob(f"{PREFIX}*{SUFFIX}") if path != self._path)

    def close(self) -> None:
        """Nothing runs any more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            with contextlib.suppress(OSError):
                self._path.unlink()


def _sweep_file(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return 0  # another start has swept it
    try:
        if not take_lock(fd, waits=False):
            return 0
        try:
            count = _end_listed(path)
        except OSError as error:  # kept for the next start, and no reason to leave the other lists
            log.warning("the list of children %s cannot be read: %s", path, error)
            return 0
        if sys.platform != "win32":
            path.unlink(missing_ok=True)
    finally:
        os.close(fd)
    if sys.platform == "win32":
        with contextlib.suppress(OSError):
            path.unlink()
    if count:
        log.warning("ended %d processes that an earlier run had left", count)
    return count


def listed_in(path: Path) -> list[dict[str, Any]]:
    """What has been written down and not been crossed out. A line that cannot be one of ours is passed over."""
    listed: dict[int, dict[str, Any]] = {}
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if _is_entry(entry):
                listed[entry["pid"]] = entry
    return [entry for entry in listed.values() if entry["birth"]]


def _is_entry(entry: object) -> bool:
    match entry:
        case {"pid": int(pid), "birth": str() | None, "guard": bool()}:
            return 0 < pid <= HIGHEST_PID
    return False


def _end_listed(path: Path) -> int:
    """End what was listed when the run died."""
    left = listed_in(path)
    if not left:
        return 0
    from oxide_desktop.runtime.trees import end_leftovers  # noqa: PLC0415 - psutil, only if something was left

    guards = [(entry["pid"], entry["birth"]) for entry in left if entry["guard"]]
    programs = [(entry["pid"], entry["birth"]) for entry in left if not entry["guard"]]
    return end_leftovers(guards, programs, path.name.removeprefix(PREFIX).removesuffix(SUFFIX))
