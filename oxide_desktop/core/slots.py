"""How many tasks each service takes at once, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from oxide_desktop.core.events import EventBus, TaskWaiting
from oxide_desktop.core.running import RunningTask


@dataclass(slots=True)
class _Lane:
    size: int
    free: asyncio.Semaphore
    waiting: list[tuple[RunningTask, EventBus]] = field(default_factory=list)


class Slots:
    """Each service's places. Who comes first gets the next one; who waits knows how many are ahead."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._lanes = {name: _Lane(size, asyncio.Semaphore(size)) for name, size in sizes.items()}

    @asynccontextmanager
    async def taken(self, service: str, task: RunningTask, bus: EventBus) -> AsyncIterator[None]:
        """Hold a place at a service, once there is one."""
        lane = self._lanes[service]
        if lane.free.locked():
            await self._wait(lane, service, (task, bus))
        else:
            await lane.free.acquire()
        try:
            yield
        finally:
            lane.free.release()

    async def _wait(self, lane: _Lane, service: str, who: tuple[RunningTask, EventBus]) -> None:
        lane.waiting.append(who)
        try:
            self._tell(lane, service)
            await lane.free.acquire()  # bounded by the task's own deadline
        finally:
            lane.waiting.remove(who)
            who[0].waiting = None
            self._tell(lane, service)

    @staticmethod
    def _tell(lane: _Lane, service: str) -> None:
        for place, (task, bus) in enumerate(lane.waiting):
            now = TaskWaiting(task.id, service, ahead=lane.size + place)
            if task.waiting != now:
                task.waiting = now
                task.tell(now, bus)
