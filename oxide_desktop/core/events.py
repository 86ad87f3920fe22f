"""What happens, as values, and the one bus they travel on.

Publishing never waits and never fails: a subscriber that does not keep up loses its oldest events and is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from oxide_desktop.core.health import Health
from oxide_desktop.core.record import TaskRecord


@dataclass(frozen=True, slots=True)
class TaskQueued:
    """A task was recorded and will start."""

    record: TaskRecord


@dataclass(frozen=True, slots=True)
class TaskRouted:
    """A task was profiled and routed; its record says where to."""

    record: TaskRecord


@dataclass(frozen=True, slots=True)
class TaskWaiting:
    """A task waits for a service that has as many as it takes at once; so many come before it."""

    task_id: str
    service: str
    ahead: int


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A service is being asked. `attempt` counts from 1 within the task."""

    task_id: str
    attempt: int
    service: str
    task_type: str


class Chunk(NamedTuple):
    """A piece of visible text, from exactly one attempt on one service.

    A tuple, since there are thousands in an answer: it is made in a third of a dataclass's time.
    """

    task_id: str
    attempt: int
    service: str
    text: str


@dataclass(frozen=True, slots=True)
class AnalysisProgress:
    """How far an analysis has come.

    Attributes:
        parts_done: Requests that were answered.
        parts_running: Requests in flight.
        left_s: Seconds that the rest is likely to take, `None` while nothing is known.
    """

    task_id: str
    files_done: int
    files_total: int
    parts_done: int
    parts_running: int
    left_s: float | None


@dataclass(frozen=True, slots=True)
class TaskNoted:
    """Something worth saying about a task that is not part of its answer."""

    task_id: str
    note: str


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task completed, failed or was cancelled; its record is final."""

    record: TaskRecord


@dataclass(frozen=True, slots=True)
class ServiceStatusChanged:
    """A check found something else than the one before."""

    health: Health


@dataclass(frozen=True, slots=True)
class HistoryChanged:
    """Records were deleted, cleared or imported."""


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """Routing rules were set or removed."""


@dataclass(frozen=True, slots=True)
class CorrectionsChanged:
    """The person said what a task really was, or took it back."""


@dataclass(frozen=True, slots=True)
class Missed:
    """So many events were dropped because this subscriber did not keep up."""

    count: int


Event = (
    TaskQueued
    | TaskRouted
    | TaskWaiting
    | AttemptStarted
    | Chunk
    | AnalysisProgress
    | TaskNoted
    | TaskEnded
    | ServiceStatusChanged
    | HistoryChanged
    | RulesChanged
    | CorrectionsChanged
    | Missed
)


class Subscription:
    """A bounded queue of events; iterate it, and leave its `with` block to unsubscribe."""

    def __init__(self, bus: EventBus, limit: int) -> None:
        self._bus = bus
        self._limit = limit
        self._events: deque[Event] = deque()
        self._missed = 0
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._bus.listen(self._put)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bus.unlisten(self._put)

    def _put(self, event: Event) -> None:
        if len(self._events) >= self._limit:
            self._events.popleft()
            self._missed += 1
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Event:
        """Wait for one event; `Missed` comes first where some were dropped."""
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._missed:
            missed, self._missed = self._missed, 0
            return Missed(missed)
        return self._events.popleft()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.next()


class EventBus:
    """Carries events from the engine to whoever listens, on the engine's loop."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[Event], None], ...] = ()

    def publish(self, event: Event) -> None:
        """Hand an event to every listener, in the order they came."""
        for listener in self._listeners:
            listener(event)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event from now on. It must be quick and must not raise."""
        self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Callable[[Event], None]) -> None:
        """Undo `listen`; a listener that is not there is no error."""
        self._listeners = tuple(item for item in self._listeners if item != listener)

    def subscribe(self, limit: int = 1000) -> Subscription:
        """A queue of at most `limit` events; use it as a context manager."""
        return Subscription(self, limit)
