"""The guard on macOS, which knows no subreapers: it follows the tree as it grows.

Untried: written from Apple's manual pages kqueue(2) (EVFILT_PROC with NOTE_FORK, NOTE_EXEC and NOTE_EXIT) and ps(1)
(-E), and from libproc.h (`proc_listchildpids`); types are checked. Each process that is known is watched for forks; at
each fork its children are looked up and watched too. One that forks twice and leaves between two looks falls to
launchd: such a one is found, when the tree is to end, by the mark in its environment. A guard that is killed itself is
covered by the app, which knows program and mark, and after that by the sweep of the next start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import subprocess
import sys

assert sys.platform == "darwin"  # noqa: S101 - tells mypy which system's names are known

from oxide_desktop.runtime.guard_posix import Keeper  # noqa: E402 - mypy must know the system first

MARK = b"OXIDE_CHILD"
MARK_ROUNDS = 5
MOST_CHILDREN = 4096
PS_LIMIT_S = 2.0


def run(control: int, status: int) -> int:
    """Keep one program."""
    for fd in (control, status):
        os.set_inheritable(fd, False)  # noqa: FBT003 - its signature
    return DarwinKeeper(control, status).run()


class DarwinKeeper(Keeper):
    """Knows the tree by having followed it."""

    def __init__(self, control: int, status: int) -> None:
        self._queue = select.kqueue()
        super().__init__(control, status, [self._queue.fileno()])
        self._libproc = ctypes.CDLL("/usr/lib/libproc.dylib", use_errno=True)
        self._known: set[int] = set()

    def is_final(self, fd: int) -> bool:
        """News of the tree are no reason to end it."""
        return fd != self._queue.fileno()

    def note(self) -> None:
        """Watch whoever is new, and forget who has gone."""
        for event in self._queue.control(None, 64, 0):
            if event.fflags & select.KQ_NOTE_EXIT:
                self._known.discard(event.ident)
        new = {os.getpid(), *self._known}
        while new:
            new = {child for parent in new for child in self._children(parent)} - self._known
            for pid in new:
                self._watch_process(pid)

    def _watch_process(self, pid: int) -> None:
        self._known.add(pid)
        flags = select.KQ_NOTE_FORK | select.KQ_NOTE_EXEC | select.KQ_NOTE_EXIT
        event = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_CLEAR, flags)
        try:
            self._queue.control([event], 0, 0)
        except OSError:
            self._known.discard(pid)  # it has gone already

    def _children(self, parent: int) -> list[int]:
        """Children of a process. The array is read by its content: what the call returns has changed over time."""
        pids = (ctypes.c_int * MOST_CHILDREN)()
        self._libproc.proc_listchildpids(parent, ctypes.byref(pids), ctypes.sizeof(pids))
        return [pid for pid in pids if pid > 0 and pid != os.getpid()]

    def descendants(self) -> list[int]:
        """Every process that is known, and its children."""
        self.note()
        return sorted(self._known)

    def is_empty(self) -> bool:
        """Whether nothing that is known is left."""
        return not self.reap() and not self.descendants()

    def end_all(self) -> None:
        """End what is known, then what carries the mark, until there is neither."""
        super().end_all()
        for _ in range(MARK_ROUNDS):
            marked = self._marked()
            for pid in marked:
                self._watch_process(pid)
            if not marked:
                return
            super().end_all()

    def _marked(self) -> list[int]:
        """Processes with this child's mark in their environment, as ps lists them."""
        mark = MARK + b"=" + self.job.env.get(MARK, b"") if self.job else b""
        if not mark:
            return []
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            listed = subprocess.run(  # noqa: TID251 - the guard is the spawner's other half
                ["/bin/ps", "-A", "-E", "-ww", "-o", "pid=,command="],
                capture_output=True,
                check=False,
                timeout=PS_LIMIT_S,
            )
            lines = [line.split() for line in listed.stdout.splitlines()]
            return [int(words[0]) for words in lines if mark in words[1:] and int(words[0]) != os.getpid()]
        return []
