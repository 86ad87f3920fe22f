"""What history keeps of a task, as frozen values with their JSON shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from oxide_desktop.core.model import Route


class TaskStatus(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # its process died

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the task."""
        return self not in (TaskStatus.QUEUED, TaskStatus.RUNNING)


class AttemptStatus(StrEnum):
    """How one try on one service ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"  # before its first visible byte
    PARTIAL = "partial"  # after it: what came is kept, and no other service continues it
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Tokens:
    """How much went in and came out; `estimated` where the service did not count."""

    input: int
    output: int
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try on one service. Times are Unix seconds, `chars` is what became visible of it."""

    service: str
    started_at: float
    model: str | None = None
    status: AttemptStatus = AttemptStatus.RUNNING
    error: str | None = None
    kind: str | None = None
    first_chunk_at: float | None = None
    ended_at: float | None = None
    chars: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The shape kept in records."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Attempt:
        """Read the shape that `to_dict` writes."""
        known = {item.name for item in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        return cls(**{**values, "status": AttemptStatus(values.get("status", "completed"))})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What history keeps of a task.

    Times are Unix seconds, `duration` seconds, `cost` is in the price's currency. `cwd` is what relative `files` mean
    and `roots` where they might be read; both are kept for asking again and are not part of the shape that is shown.
    """

    id: str
    status: TaskStatus
    prompt: str
    created_at: float
    source: str
    files: tuple[str, ...] = ()
    preferences: Mapping[str, Any] = field(default_factory=dict)
    service: str | None = None
    model: str | None = None
    task_type: str | None = None
    result: str | None = None
    error: str | None = None
    started_at: float | None = None
    completed_at: float | None = None
    duration: float | None = None
    attempts: tuple[Attempt, ...] = ()
    route: Route | None = None
    tokens: Tokens | None = None
    cost: float | None = None
    notes: tuple[str, ...] = ()
    cwd: str | None = None
    roots: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The exact shape of PRODUCT: what HTTP, the command line and MCP show."""
        return {
            "id": self.id,
            "status": self.status.value,
            "prompt": self.prompt,
            "files": list(self.files),
            "preferences": dict(self.preferences),
            "service": self.service,
            "model": self.model,
            "task_type": self.task_type,
            "result": self.result,
            "error": self.error,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "duration": self.duration,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "route": self.route.to_dict() if self.route else None,
            "tokens": dataclasses.asdict(self.tokens) if self.tokens else None,
            "cost": self.cost,
            "source": self.source,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TaskRecord:
        """Read the shape that `to_dict` writes.

        Raises:
            KeyError, TypeError, ValueError: The mapping is not of that shape.
        """
        known = {item.name for item in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        return cls(
            **{
                **values,
                "status": TaskStatus(data["status"]),
                "files": tuple(data.get("files") or ()),
                "preferences": dict(data.get("preferences") or {}),
                "attempts": tuple(Attempt.from_dict(item) for item in data.get("attempts") or ()),
                "route": Route.from_dict(data["route"]) if data.get("route") else None,
                "tokens": Tokens(**data["tokens"]) if data.get("tokens") else None,
                "notes": tuple(data.get("notes") or ()),
                "roots": tuple(data["roots"]) if data.get("roots") is not None else None,
            }
        )
