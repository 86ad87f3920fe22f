"""Deadlines: of one attempt (until it has started, its first text, between two texts), and of the whole task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Self

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.settings import ExecutionSettings


class Phase(StrEnum):
    """What an attempt is waiting for."""

    START = "start"
    FIRST_BYTE = "first byte"
    IDLE = "idle"


_SENTENCES = {
    Phase.START: "It did not take the request within {limit:g} s.",
    Phase.FIRST_BYTE: "It took the request, but no text came within {limit:g} s.",
    Phase.IDLE: "Its answer stopped coming: no text for {limit:g} s.",
}
_KEYS = {
    Phase.START: "start_timeout_seconds",
    Phase.FIRST_BYTE: "first_byte_timeout_seconds",
    Phase.IDLE: "idle_timeout_seconds",
}


class Watchdog:
    """Ends the block it guards when the current phase lasts too long.

    A text costs one clock reading: the timer is not moved for each, it looks again when it fires.

    Raises:
        ServiceError: Kind `timeout`, from the guarded block.
    """

    def __init__(self, service: str, limits: ExecutionSettings) -> None:
        self._service = service
        self._limits = {
            Phase.START: limits.start_timeout_seconds,
            Phase.FIRST_BYTE: limits.first_byte_timeout_seconds,
            Phase.IDLE: limits.idle_timeout_seconds,
        }
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle  # there as soon as the block is entered
        self.phase = Phase.START
        self._since = 0.0

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._begin(Phase.START)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._timer.cancel()
        try:
            await self._timeout.__aexit__(*exc_info)  # type: ignore[arg-type]  # it is handed through as it came
        except TimeoutError as error:
            limit = self._limits[self.phase]
            raise ServiceError(
                FailureKind.TIMEOUT,
                f"{self._service} timed out",
                _SENTENCES[self.phase].format(limit=limit),
                f"If it needs longer, raise execution.{_KEYS[self.phase]} in the settings.",
            ) from error

    def enter(self, phase: Phase) -> None:
        """Go on to another phase, with its own limit."""
        self._timer.cancel()
        self._begin(phase)

    def touch(self) -> None:
        """Something came: the current phase's limit counts from now."""
        self._since = self._loop.time()

    def _begin(self, phase: Phase) -> None:
        self.phase = phase
        self.touch()
        self._timer = self._loop.call_at(self._since + self._limits[phase], self._look)

    def _look(self) -> None:
        due = self._since + self._limits[self.phase]
        if self._loop.time() >= due:
            self._timeout.reschedule(self._loop.time())
        else:
            self._timer = self._loop.call_at(due, self._look)


@asynccontextmanager
async def whole_task_deadline(limits: ExecutionSettings) -> AsyncIterator[asyncio.Timeout]:
    """The deadline over all of a task: reading, routing, every attempt and every pause.

    Raises:
        ServiceError: Kind `timeout`, from the guarded block.
    """
    timeout = asyncio.timeout(limits.timeout_seconds)
    try:
        async with timeout:
            yield timeout
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise ServiceError(
            FailureKind.TIMEOUT,
            "The task ran out of time",
            f"It was not done within {limits.timeout_seconds:g} s.",
            "If it needs longer, raise execution.timeout_seconds in the settings.",
        ) from error
