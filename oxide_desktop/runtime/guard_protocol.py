"""What the app and a guard say to each other. Standard library only, and little of it: every child pays for the import.

App to guard, over the control pipe: the job, then lines (`stop SECONDS`). Its end of file means that the app is gone.
Guard to app, over the status pipe: lines (`pid KEEPER PROGRAM`, `failed ERRNO cwd|program`, `code N`). Its end of file
means that guard and tree are gone.
"""

from __future__ import annotations

import os

GUARD_FLAG = "--oxide-guard"
"""First argument that turns a frozen bundle's own executable into a guard."""

LINGER_S = 0.2
"""What others of the tree get to end by themselves once the program has ended: mostly a pipeline's last writer."""


class Job:
    """What a guard is to run. All of it bytes: no codec stands between the app and the program."""

    __slots__ = ("argv", "cwd", "env")

    def __init__(self, argv: list[bytes], env: dict[bytes, bytes], cwd: bytes) -> None:
        self.argv = argv
        self.env = env
        self.cwd = cwd

    def encode(self) -> bytes:
        """As it goes over the pipe: its length, then its parts, parted by NUL, which none of them can hold."""
        pairs = [name + b"=" + value for name, value in self.env.items()]
        body = b"\0".join([self.cwd, b"%d" % len(self.argv), *self.argv, *pairs])
        return b"%d\n" % len(body) + body

    @classmethod
    def decode(cls, body: bytes) -> Job:
        """Back from the pipe."""
        cwd, count, *rest = body.split(b"\0")
        argv, pairs = rest[: int(count)], rest[int(count) :]
        env = dict(pair.split(b"=", 1) for pair in pairs)
        return cls(argv, env, cwd)


def receive_job(control: int) -> Job | None:
    """Read the job; `None` if the app went away first."""
    data = b""
    while b"\n" not in data:
        part = os.read(control, 64)
        if not part:
            return None
        data += part
    length, _, body = data.partition(b"\n")
    parts = [body]
    missing = int(length) - len(body)
    while missing > 0:
        part = os.read(control, missing)
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return Job.decode(b"".join(parts))


def report(status: int, line: str) -> None:
    """Tell the app something; an app that is gone need not know."""
    try:
        os.write(status, line.encode() + b"\n")
    except OSError:
        return
