"""The pipes between the app and one guard, and the guard's start. What differs by system in the app itself is here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, TypeAlias

from oxide_desktop.runtime.guard import guard_command

if TYPE_CHECKING and sys.platform == "win32":
    from asyncio.windows_utils import PipeHandle

    PipeEnd: TypeAlias = PipeHandle
else:
    PipeEnd: TypeAlias = IO[bytes]

Guard: TypeAlias = subprocess.Popen[bytes]  # noqa: TID251 - the one home of it
NO_FD = -1


class Plumbing:
    """A started guard and our ends of its pipes, as files that a loop's `connect_*_pipe` takes.

    Attributes:
        stdin: `None` if nothing is to be fed: the program then sees an end of file at once.
    """

    def __init__(
        self,
        guard: Guard,
        stdin: PipeEnd | None,
        stdout: PipeEnd,
        stderr: PipeEnd,
        control: PipeEnd,
        status: PipeEnd,
    ) -> None:
        self.guard = guard
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.control = control
        self.status = status

    def close(self) -> None:
        """Let go of everything, which ends the guard."""
        for end in (self.stdin, self.stdout, self.stderr, self.control, self.status):
            if end is not None:
                end.close()


if sys.platform == "win32":
    # Untried: written from the documentation of Popen and of asyncio's own pipes. Types are checked.
    import msvcrt
    from asyncio import windows_utils

    def start_guard(label: str, env: Mapping[str, str], *, feeds: bool) -> Plumbing:
        """Start a guard that waits for its job, without a console window.

        Raises:
            OSError: There is no more room for processes or handles.
        """
        theirs: list[int] = []
        ours: list[windows_utils.PipeHandle] = []
        try:
            stdin_fd = _give(theirs, ours, os.O_RDONLY) if feeds else NO_FD
            stdout_fd = _take(theirs, ours)
            stderr_fd = _take(theirs, ours)
            control_fd = _give(theirs, ours, os.O_RDONLY)
            status_fd = _take(theirs, ours)
            handles = [msvcrt.get_osfhandle(control_fd), msvcrt.get_osfhandle(status_fd)]
            for handle in handles:
                os.set_handle_inheritable(handle, True)  # noqa: FBT003 - its signature
            guard = subprocess.Popen(  # noqa: S603, TID251 - the one home of it; an argument list, no shell
                [*guard_command(), *(str(handle) for handle in handles), label],
                stdin=stdin_fd if feeds else subprocess.DEVNULL,
                stdout=stdout_fd,
                stderr=stderr_fd,
                env=dict(env),
                creationflags=subprocess.CREATE_NO_WINDOW,
                startupinfo=subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles}),
            )
        except BaseException:  # refused or interrupted: nobody else knows these ends
            for end in ours:
                end.close()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        return Plumbing(guard, ours.pop(0) if feeds else None, *ours)

    def _give(theirs: list[int], ours: list[windows_utils.PipeHandle], flags: int) -> int:
        """A pipe that we write."""
        read_handle, write_handle = windows_utils.pipe(overlapped=(False, True), duplex=True)
        ours.append(windows_utils.PipeHandle(write_handle))
        theirs.append(msvcrt.open_osfhandle(read_handle, flags))
        return theirs[-1]

    def _take(theirs: list[int], ours: list[windows_utils.PipeHandle]) -> int:
        """A pipe that we read."""
        read_handle, write_handle = windows_utils.pipe(overlapped=(True, False))
        ours.append(windows_utils.PipeHandle(read_handle))
        theirs.append(msvcrt.open_osfhandle(write_handle, 0))
        return theirs[-1]

else:

    def start_guard(label: str, env: Mapping[str, str], *, feeds: bool) -> Plumbing:
        """Start a guard that waits for its job, in a session of its own: no terminal can be asked for a password.

        Raises:
            OSError: There is no more room for processes or descriptors.
        """
        theirs: list[int] = []
        ours: list[IO[bytes]] = []
        try:
            stdin_fd = _give(theirs, ours) if feeds else NO_FD
            stdout_fd = _take(theirs, ours)
            stderr_fd = _take(theirs, ours)
            control_fd = _give(theirs, ours)
            status_fd = _take(theirs, ours)
            guard = subprocess.Popen(  # noqa: S603, TID251 - the one home of it; an argument list, no shell
                [*guard_command(), str(control_fd), str(status_fd), label],
                stdin=stdin_fd if feeds else subprocess.DEVNULL,
                stdout=stdout_fd,
                stderr=stderr_fd,
                env=dict(env),
                pass_fds=(control_fd, status_fd),
                start_new_session=True,
            )
        except BaseException:  # refused or interrupted: nobody else knows these ends
            for end in ours:
                end.close()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        return Plumbing(guard, ours.pop(0) if feeds else None, *ours)

    def _give(theirs: list[int], ours: list[IO[bytes]]) -> int:
        """A pipe that we write."""
        read_fd, write_fd = os.pipe()
        ours.append(os.fdopen(write_fd, "wb", 0))
        theirs.append(read_fd)
        return read_fd

    def _take(theirs: list[int], ours: list[IO[bytes]]) -> int:
        """A pipe that we read."""
        read_fd, write_fd = os.pipe()
        ours.append(os.fdopen(read_fd, "rb", 0))
        theirs.append(write_fd)
        return write_fd
