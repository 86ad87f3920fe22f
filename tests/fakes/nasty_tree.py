"""A tree of processes that does what it can to outlive its parent.

    python -I -S nasty_tree.py FOLDER

Members run in sessions of their own, fork twice, are started by exec with an empty environment; all ignore SIGTERM and
SIGHUP. Each one opens the FIFO `FOLDER/news`, says `NAME PID` into it and keeps it open: the reader learns who there
is, and its end of file is the death of them all. Linux and macOS.
"""

import os
import signal
import sys

MEMBERS = (
    "root",
    "child",
    "grandchild",
    "session",
    "session-child",
    "twice",
    "twice-child",
    "scrubbed",
    "scrubbed-child",
)


def say(folder: str, name: str) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.write(os.open(f"{folder}/news", os.O_WRONLY), f"{name} {os.getpid()}\n".encode())


def stay() -> None:
    while True:
        signal.pause()


def branch(folder: str, name: str, below: str, *, session: bool = False, twice: bool = False) -> None:
    """A member with one below it; with `twice` its parent leaves at once."""
    if os.fork():
        return
    if session:
        os.setsid()
    if twice and os.fork():
        os._exit(0)
    say(folder, name)
    if os.fork() == 0:
        say(folder, below)
    stay()


def main(folder: str, role: str) -> None:
    say(folder, role)
    if role == "root":
        branch(folder, "child", "grandchild")
        branch(folder, "session", "session-child", session=True)
        branch(folder, "twice", "twice-child", session=True, twice=True)
        if os.fork() == 0:
            os.setsid()
            os.execve(sys.executable, [sys.executable, "-I", "-S", __file__, folder, "scrubbed"], {})
    elif os.fork() == 0:
        say(folder, f"{role}-child")
    stay()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "root")
