"""Processes by their parents, as the system lists them: for people, and for what a killed guard has left.

Import it where it is needed: psutil takes 55 ms.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

import psutil

from oxide_desktop.runtime.births import birth_of
from oxide_desktop.runtime.environment import MARK

ROUND_S = 0.02
GUARD_TIME_S = 1.0
KILL_TIME_S = 2.0

Born: TypeAlias = tuple[int, str]
"""A process by its number and its birth."""


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


def command_of(pid: int) -> tuple[str, ...]:
    """Program and arguments of a process; nothing where there is none or it may not be seen."""
    with contextlib.suppress(psutil.Error):
        return tuple(psutil.Process(pid).cmdline())
    return ()


def end_guarded(guard: Born, program: Born) -> None:
    """Have a guard end its tree, and wait for that. One that does not is killed: then the app ends what it leaves."""
    asked, ending = _still([guard]), _still([guard, program])
    _each(asked, psutil.Process.terminate)
    left = psutil.wait_procs(ending, timeout=GUARD_TIME_S)[1]
    _each(set(left).intersection(asked), psutil.Process.kill)
    psutil.wait_procs(left, timeout=KILL_TIME_S)


def end_leftovers(guards: Iterable[Born], programs: Iterable[Born], mark: str) -> int:
    """End what is left of children whose guard, or whose app, was killed; answers how many processes that were.

    Only what is surely ours is touched: processes whose number and birth were written down, those that carry the
    mark in their environment, and what stands below either. Guards that still live are asked first: they know
    their tree better than any list does.
    """
    asked = _still(guards)
    _each(asked, psutil.Process.terminate)
    psutil.wait_procs(asked, timeout=GUARD_TIME_S)
    roots = [*asked, *_still(programs)]
    found: set[psutil.Process] = set()
    deadline = time.monotonic() + KILL_TIME_S
    while (alive := _alive({*roots, *_marked(mark)})) and time.monotonic() < deadline:
        # First stop them all: of one that is killed while it forks, the child would fall to init and be lost.
        if new := alive - found:
            _each(new, psutil.Process.suspend)
            found |= new
        else:
            _each(alive, psutil.Process.kill)
            psutil.wait_procs(alive, timeout=ROUND_S)
    return len(found)


def _each(processes: Iterable[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            act(process)


def _still(listed: Iterable[Born]) -> list[psutil.Process]:
    """Those that are still the processes that were written down."""
    processes = []
    for pid, birth in listed:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)  # before the look at its birth: psutil never signals a later one
            if birth_of(pid) == birth:
                processes.append(process)
    return processes


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
