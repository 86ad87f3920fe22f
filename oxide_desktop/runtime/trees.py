"""Processes by their parents, as the system lists them: for people, and for what a killed guard has left.

Import it where it is needed: psutil takes 55 ms.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterable

import psutil

from oxide_desktop.runtime.births import birth_of
from oxide_desktop.runtime.environment import MARK

ROUND_S = 0.02
GUARD_TIME_S = 1.0


def describe_tree(guard_pid: int, keeper_pid: int) -> tuple[int, list[tuple[int, str]]]:
    """Resident bytes and members (number, name) of what a guard guards, the guard itself left out."""
    memory = 0
    members: list[tuple[int, str]] = []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(guard_pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.pid != keeper_pid:
                    memory += process.memory_info().rss
                    members.append((process.pid, process.name()))
    return memory, members


def end_leftovers(known: Iterable[tuple[int, str]], mark: str) -> int:
    """End what is left of children whose guard, or whose app, was killed; answers how many processes that were.

    Only what is surely ours is touched: processes whose number and birth were written down, those that carry the
    mark in their environment, and what stands below either. Guards that still live are asked first: they know
    their tree better than any list does.
    """
    found: set[psutil.Process] = set()
    roots = [process for pid, birth in known if (process := _process(pid)) and birth_of(pid) == birth]
    _ask_guards(roots)
    deadline = time.monotonic() + GUARD_TIME_S
    while alive := _alive({*roots, *_marked(mark)}):
        found |= alive
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=ROUND_S)
        if time.monotonic() > deadline:
            break
    return len(found)


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _ask_guards(roots: Collection[psutil.Process]) -> None:
    guards = [process for process in roots if _is_guard(process)]
    for guard in guards:
        with contextlib.suppress(psutil.Error):
            guard.terminate()
            guard.resume()
    psutil.wait_procs(guards, timeout=GUARD_TIME_S)


def _is_guard(process: psutil.Process) -> bool:
    try:
        return any("guard" in part for part in process.cmdline()[:5])
    except psutil.Error:
        return False


def _alive(roots: Iterable[psutil.Process]) -> set[psutil.Process]:
    """Those of the trees that are more than an exit status."""
    members: set[psutil.Process] = set()
    for root in roots:
        with contextlib.suppress(psutil.Error):
            members |= {root, *root.children(recursive=True)}
    alive = set()
    for process in members:
        with contextlib.suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.add(process)
    return alive


def _marked(mark: str) -> list[psutil.Process]:
    """Processes that carry the mark of a child, or of any child of a run."""
    marked = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            found = process.environ().get(MARK, "") if process.pid != os.getpid() else ""
            if found == mark or found.startswith(f"{mark}/"):
                marked.append(process)
    return marked
