"""One running child: its pipes, its guard, and how it came to its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from typing import Self

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.children import ChildSpec, Exit
from oxide_desktop.core.errors import Bug, FailureKind, ServiceError
from oxide_desktop.runtime.output import Output, PlainText, Tail
from oxide_desktop.runtime.pipes import Plumbing

log = logging.getLogger(__name__)

START_LIMIT_S = 20.0
STDERR_WAIT_S = 1.0
KILL_WAIT_S = 2.0
KILLED = -9


class StatusLines(asyncio.Protocol):
    """Hands on what a guard says, line by line, and that it has gone."""

    def __init__(self, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._on_line = on_line
        self._on_end = on_end
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Hand on complete lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Guard and tree are gone, or the guard was killed."""
        self._on_end()


def _same(protocol: asyncio.Protocol) -> asyncio.Protocol:
    return protocol


class GuardedChild:
    """A program under guard. Made by the spawner only.

    Attributes:
        gone: Done when guard and tree are gone and the spawner has taken note of it.
    """

    def __init__(
        self, spec: ChildSpec, plumbing: Plumbing, background: BackgroundTasks, on_end: Callable[[GuardedChild], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.spec = spec
        self.guard = plumbing.guard
        self.keeper_pid = 0
        self.started_at = time.time()
        self.gone: asyncio.Future[None] = loop.create_future()
        self._plumbing = plumbing
        self._background = background
        self._on_end = on_end
        self._pid = 0
        self._started: asyncio.Future[None] = loop.create_future()
        self._code: asyncio.Future[int] = loop.create_future()
        self._output = Output(spec.output_limit, self._cap)
        self._errors = Tail()
        self._transports: list[asyncio.BaseTransport] = []
        self._control: asyncio.WriteTransport | None = None
        self._claimed = False
        self._end_told = False
        self._closing: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Process id of the program itself."""
        return self._pid

    @property
    def was_killed(self) -> bool:
        """Whether the guard went without having said how the program ended."""
        return not self._code.done()

    async def start(self, job: bytes) -> None:
        """Connect the pipes, hand over the job, and wait until the program runs.

        Raises:
            ServiceError: It cannot be started.
        """
        await self._connect(job)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await asyncio.shield(self._started)
        except TimeoutError:
            raise ServiceError(
                FailureKind.TRANSIENT,
                f"{self.spec.purpose} cannot be started",
                f"Its guard did not start it within {START_LIMIT_S:.0f} seconds.",
                "The machine may be overloaded: try again.",
            ) from None

    async def _connect(self, job: bytes) -> None:
        loop = asyncio.get_running_loop()
        pipes = self._plumbing
        status = StatusLines(self._heard, self._tell_end)
        readers = ((status, pipes.status), (self._output, pipes.stdout), (self._errors, pipes.stderr))
        for protocol, pipe in readers:
            self._transports.append((await loop.connect_read_pipe(partial(_same, protocol), pipe))[0])
        if pipes.stdin is not None:
            stdin = (await loop.connect_write_pipe(asyncio.Protocol, pipes.stdin))[0]
            self._transports.append(stdin)
            stdin.write(self.spec.stdin)
            stdin.close()  # once all is written
        self._control = (await loop.connect_write_pipe(asyncio.Protocol, pipes.control))[0]
        self._transports.append(self._control)
        self._control.write(job)

    def _tell_end(self) -> None:
        if not self._end_told:
            self._end_told = True
            self._on_end(self)

    def _heard(self, line: str) -> None:
        word, *values = line.split()
        if word == "pid":
            self.keeper_pid, self._pid = int(values[0]), int(values[1])
            self._started.set_result(None)
        elif word == "code":
            self._code.set_result(int(values[0]))
        elif word == "failed":
            self._started.set_exception(why_not_started(self.spec, int(values[0]), values[1]))

    def end(self) -> None:
        """Take note that guard and tree are gone."""
        if not self._started.done():
            title = f"{self.spec.purpose} cannot be started"
            self._started.set_exception(
                ServiceError(FailureKind.TRANSIENT, title, "Its guard was killed.", "Try again.")
            )
        if not self._code.done():
            self._code.set_result(KILLED)
        self._started.exception()  # spawning may have been given up: then nobody asks
        self._output.guard_gone()
        self.gone.set_result(None)

    def text(self) -> AsyncIterator[str]:
        """Standard output as it comes. Once only; what nobody reads holds the program up, unless `wait` is called."""
        if self._claimed:
            raise Bug("Output was asked for twice", f"{self.spec.purpose} writes its output once.")
        self._claimed = True
        return self._text()

    async def _text(self) -> AsyncGenerator[str, None]:
        plain = PlainText()
        try:
            while data := await self._output.read():
                if part := plain.feed(data):
                    yield part
            if part := plain.finish():
                yield part
        finally:
            self._output.discard()

    def stderr_tail(self) -> str:
        """The last 64 KiB of standard error so far."""
        return self._errors.text()

    async def wait(self) -> Exit:
        """Wait for the program itself to end. Output that nobody has asked for until now is thrown away."""
        if not self._claimed:
            self._output.discard()
        code = await asyncio.shield(self._code)
        await asyncio.wait([self._errors.ended], timeout=STDERR_WAIT_S)
        return Exit(code=code, stderr=self.stderr_tail(), capped=self._output.capped)

    def _cap(self) -> None:
        log.warning("%s (%d) writes too much and is ended", self.spec.purpose, self._pid)
        self.ask_to_end(self.spec.stop_grace_s)

    def ask_to_end(self, grace_s: float) -> None:
        """Tell the guard to end the tree within that time. The guard keeps the time, whatever becomes of us."""
        if self._control and not self._control.is_closing():
            self._control.write(b"stop %f\n" % grace_s)

    async def stop(self) -> None:
        """Ask it to end, then kill the tree; it is gone when this returns. Safe to call again."""
        await self.stop_within(self.spec.stop_grace_s)

    async def stop_within(self, grace_s: float) -> None:
        """`stop` with another grace; the shortest counts."""
        self.ask_to_end(grace_s)
        if self._closing is None:
            self._closing = self._background.start(self._close(grace_s), f"stop {self.spec.purpose}")
        await asyncio.shield(self._closing)

    async def _close(self, grace_s: float) -> None:
        """Until the guard has gone; one that does not answer is killed, and what it leaves with it."""
        if not self.gone.done() and not self._code.done():
            log.info("ending %s (%d), with %g s to end by itself", self.spec.purpose, self._pid, grace_s)
        try:
            if self._control is None:  # given up before all pipes were connected: the guard waits for its job in vain
                self._plumbing.control.close()
                self._tell_end()
            await asyncio.wait([self.gone], timeout=grace_s + KILL_WAIT_S)
            if not self.gone.done():
                log.warning("the guard of %s (%d) does not answer and is killed", self.spec.purpose, self._pid)
                self._kill_guard()
                await asyncio.wait([self.gone], timeout=2 * KILL_WAIT_S)
        finally:
            for transport in self._transports:
                transport.close()
            if self._control is None:
                self._plumbing.close()

    def _kill_guard(self) -> None:
        """Both of it, where it is two. What they leave is the spawner's to end."""
        if sys.platform != "win32" and self.keeper_pid and self.guard.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.keeper_pid, signal.SIGKILL)
        self.guard.kill()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()


REASONS = {
    errno.ENOENT: ("There is no such program, or the interpreter that its first line names is missing.", "Install it"),
    errno.EACCES: ("It may not be run.", "Make it executable"),
    errno.ENOEXEC: ("It is not a program that this system can run.", "Install the one for this system"),
}


def why_not_started(spec: ChildSpec, number: int, stage: str) -> ServiceError:
    """The sentence for an operating system's refusal."""
    title = f"{spec.purpose} cannot be started"
    if stage == "cwd":
        message = f"Its directory {spec.cwd} cannot be entered: {os.strerror(number)}."
        return ServiceError(FailureKind.INVALID, title, message, "Start the task from a directory that exists.")
    if number == errno.E2BIG:
        message = "Its arguments are longer than the system allows."
        return ServiceError(FailureKind.INVALID, title, message, "Let the prompt go by standard input.")
    reason, cure = REASONS.get(number, (f"{os.strerror(number)}.", "Check the installation"))
    hint = f"{cure}, or set `executable` of the service to one that works."
    return ServiceError(FailureKind.MISSING, title, f"{spec.argv[0]}: {reason}", hint)
