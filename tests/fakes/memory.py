"""Engine parts in memory: what the core needs besides adapters, without a disk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from oxide_desktop.core.children import ChildInfo
from oxide_desktop.core.corrections import Correction
from oxide_desktop.core.errors import NotFoundError, OxideError, StoreError, UsageError
from oxide_desktop.core.experience import Try
from oxide_desktop.core.model import TaskType, parse_task_type
from oxide_desktop.core.ports import TaskFilter, TaskPage
from oxide_desktop.core.quota import Limit, ServiceUse, UsedUp
from oxide_desktop.core.record import TaskRecord, TaskStatus


class MemoryCorrections:
    """Corrections in a list, newest first."""

    def __init__(self) -> None:
        self.made: list[Correction] = []

    async def all(self) -> Sequence[Correction]:
        return tuple(self.made)

    async def put(self, correction: Correction) -> None:
        await self.remove(correction.task_id)
        self.made.insert(0, correction)

    async def remove(self, task_id: str) -> bool:
        before = len(self.made)
        self.made = [item for item in self.made if item.task_id != task_id]
        return len(self.made) < before

    async def clear(self) -> int:
        count = len(self.made)
        self.made.clear()
        return count


class MemoryHistory:
    """Keeps records in a dict, and every version that was saved.

    Attributes:
        past: What `tries` answers.
        full: It refuses like a full disk.
        room_chars: It refuses longer answers.
        gate: Until it is set, writing takes as long as a slow disk; `waiting` tells that somebody waits.
        gate_only: Only records of that status wait.
        full_after_gate: What has waited is refused like by a full disk.
    """

    notices: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.records: dict[str, TaskRecord] = {}
        self.versions: list[TaskRecord] = []
        self.requests: list[tuple[str, float]] = []
        self.past: list[Try] = []
        self.corrections = MemoryCorrections()
        self.full = False
        self.full_after: int | None = None
        self.full_after_gate = False
        self.room_chars = sys.maxsize
        self.gate: asyncio.Event | None = None
        self.gate_only: TaskStatus | None = None
        self.waiting = asyncio.Event()
        self.saved = asyncio.Event()
        self.maintained = 0
        self.maintained_often = asyncio.Event()
        self.maintenance_fails = 0
        self.closed = False

    async def add(self, record: TaskRecord) -> None:
        await self.save(record)

    async def save(self, record: TaskRecord) -> None:
        if self.full or (self.full_after is not None and len(self.versions) >= self.full_after):
            raise StoreError("The history could not be written", "The disk is full.", "Free some space.")
        if record.result and len(record.result) > self.room_chars:
            raise StoreError("The history could not be written", "The disk is nearly full.", "Free some space.")
        if self.gate is not None and self.gate_only in (None, record.status):
            self.waiting.set()
            await asyncio.shield(asyncio.ensure_future(self.gate.wait()))
            if self.full_after_gate:
                raise StoreError("The history could not be written", "The disk is full.", "Free some space.")
        self.records[record.id] = record
        self.versions.append(record)
        self.saved.set()

    async def newest(self, status: TaskStatus) -> TaskRecord:
        """The newest version, once it has that status."""
        while not self.versions or self.versions[-1].status is not status:
            self.saved.clear()
            await self.saved.wait()
        return self.versions[-1]

    async def get(self, task_id: str) -> TaskRecord:
        try:
            return self.records[task_id]
        except KeyError:
            raise NotFoundError("No such task", f"There is no task {task_id}.") from None

    async def list(self, wanted: TaskFilter, limit: int = 10, offset: int = 0) -> TaskPage:
        found = list(reversed(self.records.values()))
        return TaskPage(found[offset : offset + limit], len(found), len(found))

    async def delete(self, task_id: str) -> None:
        await self.get(task_id)
        del self.records[task_id]

    async def clear(self, status: TaskStatus | None = None) -> int:
        gone = [record.id for record in self.records.values() if status in (None, record.status)]
        for task_id in gone:
            del self.records[task_id]
        return len(gone)

    async def used_up(self, service: str, limits: Sequence[Limit]) -> UsedUp | None:
        for limit in limits:
            sent = [start for name, start in self.requests if name == service and start > limit.since]
            if len(sent) >= limit.most:
                return limit.used_up(len(sent), sent[-limit.most])
        return None

    async def reserve(self, service: str, started_at: float, limits: Sequence[Limit]) -> UsedUp | None:
        for _ in range(20):  # others go on meanwhile, as they do while a disk works
            await asyncio.sleep(0)
        found = await self.used_up(service, limits)
        if found is None:
            self.requests.append((service, started_at))
        return found

    async def use_since(self, service: str, since: float) -> ServiceUse:
        return ServiceUse(sum(name == service and start >= since for name, start in self.requests))

    async def tries(self, last: int) -> Sequence[Try]:
        if self.full:
            raise StoreError("The history could not be read", "The disk is full.", "Free some space.")
        return self.past[-last:]

    async def maintain(self) -> None:
        self.maintained += 1
        if self.maintained >= 4:
            self.maintained_often.set()
        if self.maintenance_fails and self.maintained == 2:
            raise StoreError("The history could not be copied", "The disk is full.", "Free some space.")

    async def aclose(self) -> None:
        self.closed = True

    def forget_cwd(self, task_id: str) -> None:
        self.records[task_id] = replace(self.records[task_id], cwd=None)


class MemoryRules:
    """Rules in a dict."""

    def __init__(self, services: tuple[str, ...] = ()) -> None:
        self._services = services
        self._rules: dict[TaskType, str] = {}
        self.broken = False
        self.unused: tuple[OxideError, ...] = ()

    def all(self) -> Mapping[TaskType, str]:
        if self.broken:
            raise KeyError("a bug")
        return dict(self._rules)

    def problems(self) -> tuple[OxideError, ...]:
        return self.unused

    def set(self, task_type: TaskType, service: str) -> None:
        if service not in self._services:
            raise UsageError("No such service", f"{service} is not configured.")
        self._rules[task_type] = service

    def remove(self, task_type: str) -> None:
        if self._rules.pop(parse_task_type(task_type), None) is None:
            raise NotFoundError("No such rule", f"No service is assigned to {task_type}.")

    def clear(self) -> int:
        count = len(self._rules)
        self._rules.clear()
        return count


class NoChildren:
    """A spawner that never spawns."""

    def children(self) -> tuple[ChildInfo, ...]:
        return ()
