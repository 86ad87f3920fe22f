"""What guards on Linux and macOS have in common: start the program, watch it and the app, end the tree."""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from oxide_desktop.runtime.guard_protocol import LINGER_S, Job, receive_job, report

assert sys.platform != "win32"  # noqa: S101 - tells mypy which system's names are known

RESTORED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)
KILL_ROUND_S = 0.02
GIVE_UP_S = 10.0  # a tree that SIGKILL does not end (another user's, or stuck in the kernel) is not waited for longer


class Bell:
    """Makes signals readable, so that one `select` waits for everything."""

    def __init__(self) -> None:
        self.fd, write_end = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def silence(self) -> None:
        """Forget what has rung."""
        try:
            while os.read(self.fd, 4096):
                pass
        except BlockingIOError:
            return

    def wait(self, timeout_s: float) -> None:
        """Until it rings, or for so long."""
        select.select([self.fd], [], [], timeout_s)
        self.silence()


def let_go_of_streams() -> None:
    """Give up the program's standard streams: a guard that kept them would hide its end of file."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if nothing > 2:  # noqa: PLR2004 - the three standard streams
        os.close(nothing)


class Keeper:
    """Runs one program, reports how it ended, and leaves nothing of its tree.

    Args:
        watched: Descriptors beside the control pipe on which something that matters may come.
    """

    def __init__(self, control: int, status: int, watched: list[int]) -> None:
        self.job: Job | None = None
        self._control = control
        self._status = status
        self._watched = watched
        self._bell = Bell()
        self._program = 0
        self._ended = False
        self._deadline: float | None = None
        self._commands = b""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._end_now())

    def descendants(self) -> list[int]:
        """Every process that came of the program and lives."""
        raise NotImplementedError

    def note(self) -> None:
        """Look at what has changed in the tree; called at every turn."""

    def run(self) -> int:
        """Do the whole job."""
        self.job = receive_job(self._control)
        if self.job is None or not self._start(self.job):
            return 1
        let_go_of_streams()
        os.chdir("/")
        self._watch()
        self._linger()
        self.end_all()
        return 0

    def _start(self, job: Job) -> bool:
        stage = "cwd"
        try:
            if job.cwd:
                os.chdir(job.cwd)
            stage = "program"
            self._program = os.posix_spawn(
                job.argv[0], job.argv, job.env, setpgroup=0, setsigmask=(), setsigdef=RESTORED_SIGNALS
            )
        except OSError as error:
            report(self._status, f"failed {error.errno} {stage}")
            return False
        report(self._status, f"pid {os.getpid()} {self._program}")
        self.note()
        return True

    def _watch(self) -> None:
        """Until the program has ended, or may not go on."""
        while not self._ended:
            left_s = None if self._deadline is None else self._deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                self._end_now()  # it has had its time: nothing is left to linger for
                return
            readable = select.select([self._bell.fd, self._control, *self._watched], [], [], left_s)[0]
            self._bell.silence()
            if self._control in readable:
                self._obey()
            if any(fd in readable and self.is_final(fd) for fd in self._watched):
                self._end_now()
            self.note()
            self.reap()

    def is_final(self, fd: int) -> bool:  # noqa: ARG002 - for those that also watch what is not final
        """Whether what can be read from a watched descriptor means the end."""
        return True

    def _obey(self) -> None:
        data = os.read(self._control, 4096)
        if not data:
            self._end_now()
        *lines, self._commands = (self._commands + data).split(b"\n")
        for line in lines:
            word, _, argument = line.partition(b" ")
            if word == b"stop":
                self._ask_to_end(float(argument))

    def _ask_to_end(self, grace_s: float) -> None:
        until = time.monotonic() + grace_s
        self._deadline = until if self._deadline is None else min(until, self._deadline)
        if grace_s > 0:
            for pid in self.descendants():
                send(pid, signal.SIGTERM)
                send(pid, signal.SIGCONT)

    def _end_now(self) -> None:
        self._deadline = 0.0

    def _linger(self) -> None:
        until = time.monotonic() + LINGER_S
        while self._deadline != 0.0 and self.reap() and (left_s := until - time.monotonic()) > 0:
            self._bell.wait(left_s)

    def reap(self) -> bool:
        """Take the exit statuses there are; whether a child is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._program:
                    self._ended = True
                    report(self._status, f"code {os.waitstatus_to_exitcode(status)}")
        except ChildProcessError:
            return False

    def is_empty(self) -> bool:
        """Whether nothing is left of the tree."""
        return not self.reap()

    def end_all(self) -> None:
        """Stop all, then kill the youngest first, until nothing is left.

        One that is stopped forks no more; and whoever has to go on if this process is killed meanwhile still finds
        each member below the oldest.
        """
        give_up = time.monotonic() + GIVE_UP_S
        stopped: set[int] = set()
        while not self.is_empty() and time.monotonic() < give_up:
            members = self.descendants()
            new = [pid for pid in members if pid not in stopped]
            for pid in new:
                send(pid, signal.SIGSTOP)
            stopped.update(new)
            if not new:
                for pid in reversed(members):
                    send(pid, signal.SIGKILL)
                self._bell.wait(KILL_ROUND_S)


def send(pid: int, number: int) -> None:
    """Signal a process that may be gone, or not ours to signal."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
