"""The guard on Linux: two processes that watch each other, both child subreapers.

app -> watcher -> keeper -> program. Whatever loses its parent inside the tree falls to the keeper, the nearest
subreaper above it; if the keeper is killed, to the watcher; if the watcher is, the keeper sees its pipe end. So either
may be killed, and the app too, and the other still ends the tree. The app need not be a subreaper for that, and so
does not adopt the browsers that it opens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

assert sys.platform != "win32"  # noqa: S101 - tells mypy which system's names are known

from oxide_desktop.runtime.guard_posix import Keeper, let_go_of_streams, send  # noqa: E402 - mypy must know the system first

PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36


def run(control: int, status: int) -> int:
    """Watch over a keeper until it and the tree are gone."""
    for fd in (control, status):
        os.set_inheritable(fd, False)  # noqa: FBT003 - its signature
    adopt_orphans()
    read_end, write_end = os.pipe()  # the write end is the watcher's alone: its end of file is the watcher's death
    keeper = os.fork()
    if keeper == 0:
        code = 70
        try:
            os.close(write_end)
            adopt_orphans()
            code = LinuxKeeper(control, status, [read_end]).run()
        finally:
            os._exit(code)
    os.close(read_end)
    return watch_over(keeper, control, status)


def watch_over(keeper: int, control: int, status: int) -> int:
    """Wait for the keeper; if it did not do its work to the end, do it."""
    let_go_of_streams()
    os.chdir("/")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: send(keeper, signal.SIGTERM))
    os.waitpid(keeper, 0)
    LinuxKeeper(control, status, []).end_all()
    return 0


def adopt_orphans() -> None:
    """Become the nearest subreaper, by the name people see in a list of processes."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NAME, b"oxide-guard", 0, 0, 0)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")


class LinuxKeeper(Keeper):
    """Finds the tree by the parents that the kernel names: no orphan gets past a subreaper."""

    def descendants(self) -> list[int]:
        """Every process below this one."""
        children: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib costs a guard 5 ms
            if name.isdigit() and (parent := parent_of(name)) is not None:
                children.setdefault(parent, []).append(int(name))
        found: list[int] = []
        above = [os.getpid()]
        while above:
            below = children.get(above.pop(), ())
            found += below
            above += below
        return found


def parent_of(pid: str) -> int | None:
    """Parent of a process, or `None` if it has gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - as above
            stat = file.read()
        return int(stat[stat.rindex(b")") + 2 :].split()[1])
    except (OSError, ValueError):
        return None
