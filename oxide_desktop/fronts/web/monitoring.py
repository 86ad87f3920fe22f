"""Routes about how Oxide is, and the figures that every page and listener shares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter
from pydantic import BaseModel, Field

from oxide_desktop.core.health import ServiceStatus
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.web.schemas import ERRORS, Json

FRESH_S = 0.5


class ServiceCounts(BaseModel):
    """Services in figures; one that nobody has looked at is neither healthy nor unhealthy."""

    total: int
    enabled: int
    healthy: int
    unhealthy: int


class TaskCounts(BaseModel):
    """Tasks in figures; `queued` and `running` are those of this process."""

    total: int
    queued: int
    running: int
    completed: int
    failed: int
    cancelled: int
    interrupted: int


class System(BaseModel):
    """How busy this machine is."""

    cpu_percent: float
    memory_percent: float
    memory_used_mb: float
    memory_total_mb: float


class Listeners(BaseModel):
    """Who listens to `/ws`."""

    connections: int


class MetricsReport(BaseModel):
    """Figures of now."""

    services: ServiceCounts
    tasks: TaskCounts
    system: System
    websocket: Listeners
    timestamp: float = Field(description="Unix seconds")


class Stats(BaseModel):
    """Figures over the whole history. Durations are seconds, the rate is percent of those that ended."""

    total_tasks: int
    avg_duration: float
    success_rate: float
    tasks_by_status: dict[str, int]
    tasks_by_service: dict[str, int]
    tasks_by_type: dict[str, int]


class HealthReport(BaseModel):
    """Whether Oxide is well, and what is not."""

    status: str
    healthy: bool
    issues: list[str]
    cpu_percent: float
    memory_percent: float


class Metrics:
    """The figures of one engine, taken once for all who ask at about the same time."""

    def __init__(self, oxide: Orchestrator) -> None:
        self._oxide = oxide
        self._connections = 0
        self._taking = asyncio.Lock()
        self._taken_at = float("-inf")
        self._last: Json = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count a listener inside the block."""
        self._connections += 1
        try:
            yield
        finally:
            self._connections -= 1

    async def now(self) -> Json:
        """The figures, at most half a second old."""
        async with self._taking:
            if time.monotonic() - self._taken_at > FRESH_S:
                self._last = await self._take()
                self._taken_at = time.monotonic()
            return self._last

    async def _take(self) -> Json:
        return {
            "services": _service_counts(self._oxide.services()),
            "tasks": await self._task_counts(),
            "system": dict(await self._oxide.system_metrics()),
            "websocket": {"connections": self._connections},
            "timestamp": time.time(),
        }

    async def _task_counts(self) -> Json:
        found = await self._oxide.history.statistics()
        kept = {status.value: found.tasks_by_status.get(status.value, 0) for status in TaskStatus if status.ended}
        live = [task.record.status for task in self._oxide.running()]
        here = {status.value: live.count(status) for status in (TaskStatus.QUEUED, TaskStatus.RUNNING)}
        return {"total": found.total_tasks, **here, **kept}


def monitoring_router(oxide: Orchestrator, metrics: Metrics) -> APIRouter:
    """The routes on how this engine is."""
    router = APIRouter(prefix="/api/monitoring", tags=["monitoring"], responses=ERRORS)

    @router.get("/metrics", response_model=MetricsReport)
    async def get_metrics() -> Json:
        """Services, tasks, this machine and listeners in figures, of now. `/ws` sends the same every two seconds."""
        return await metrics.now()

    @router.get("/stats", response_model=Stats)
    async def get_stats() -> Stats:
        """Figures over everything in the history."""
        found = await oxide.history.statistics()
        return Stats(
            total_tasks=found.total_tasks,
            avg_duration=found.avg_duration,
            success_rate=found.success_rate,
            tasks_by_status=dict(found.tasks_by_status),
            tasks_by_service=dict(found.tasks_by_service),
            tasks_by_type=dict(found.tasks_by_type),
        )

    @router.get("/health", response_model=HealthReport)
    async def health() -> Json:
        """Whether every enabled service that was looked at can be used."""
        issues = [_issue(status) for status in oxide.services() if _fails(status)]
        measured = await oxide.system_metrics()
        return {
            "status": "degraded" if issues else "healthy",
            "healthy": not issues,
            "issues": issues,
            "cpu_percent": measured["cpu_percent"],
            "memory_percent": measured["memory_percent"],
        }

    return router


def _service_counts(services: tuple[ServiceStatus, ...]) -> Json:
    return {
        "total": len(services),
        "enabled": sum(status.settings.enabled for status in services),
        "healthy": sum(status.healthy for status in services),
        "unhealthy": sum(map(_fails, services)),
    }


def _fails(status: ServiceStatus) -> bool:
    return status.settings.enabled and status.health is not None and not status.health.healthy


def _issue(status: ServiceStatus) -> str:
    return f"{status.settings.name}: {status.health.message}" if status.health else status.settings.name
