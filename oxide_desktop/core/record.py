"""What history keeps of a task, as frozen values with their JSON shape."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from oxide_desktop.core.model import Analysis, Route
from oxide_desktop.core.receipts import FileReceipt, as_text


def new_task_id() -> str:
    """An id that no other task has."""
    return str(uuid.uuid4())


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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Tokens | None:
        """Read what `dataclasses.asdict` writes."""
        return cls(**data) if data else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try on one service.

    Times are Unix seconds, `chars` is what became visible of it, `cost` is in the price's currency.

    Attributes:
        tokens: The service's own counts; of a whole answer that it did not count, estimates.
        left_machine: Whether the service is on another machine; `None` in records of before that was kept.
    """

    service: str
    started_at: float
    model: str | None = None
    status: AttemptStatus = AttemptStatus.RUNNING
    error: str | None = None
    kind: str | None = None
    first_chunk_at: float | None = None
    ended_at: float | None = None
    chars: int = 0
    tokens: Tokens | None = None
    cost: float | None = None
    left_machine: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """The shape kept in records."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Attempt:
        """Read the shape that `to_dict` writes."""
        known = {item.name for item in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        status = AttemptStatus(values.get("status", "completed"))
        return cls(**{**values, "status": status, "tokens": Tokens.from_dict(values.get("tokens"))})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What history keeps of a task.

    Times are Unix seconds, `duration` seconds, `cost` is in the price's currency. `cwd` is what relative `files` mean
    and `roots` where they might be read, `piped` how much of the prompt's end may be cut; they are kept for asking
    again and are not part of the shape that is shown.

    Attributes:
        replay_of: The task that asked the same before.
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
    piped: int = 0
    analysis: Analysis | None = None
    receipt: tuple[FileReceipt, ...] = ()
    parent: str | None = None
    replay_of: str | None = None

    @property
    def left_machine(self) -> bool | None:
        """Whether anything of the task was sent to another machine; `None` where that is not known."""
        known = [attempt.left_machine for attempt in self.attempts]
        if not known and self.result:  # an ancestor's, who kept no attempts
            return None
        return True if True in known else None if None in known else False

    def to_dict(self) -> dict[str, Any]:
        """The shape that HTTP, the command line, exports and the history have in common."""
        return {
            "id": self.id,
            "status": self.status.value,
            "prompt": self.prompt,
            "files": [as_text(path) for path in self.files],
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
            "left_machine": self.left_machine,
            **({"replay_of": self.replay_of} if self.replay_of else {}),
            **self._of_analysis(),
        }

    def _of_analysis(self) -> dict[str, Any]:
        """What only an analysis and its parts have."""
        shape: dict[str, Any] = {"parent": self.parent} if self.parent else {}
        if self.analysis:
            shape |= {"analysis": self.analysis.to_dict(), "receipt": [item.to_dict() for item in self.receipt]}
        return shape

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
                "tokens": Tokens.from_dict(data.get("tokens")),
                "notes": tuple(data.get("notes") or ()),
                "roots": tuple(data["roots"]) if data.get("roots") is not None else None,
                "analysis": Analysis.from_dict(data["analysis"]) if data.get("analysis") else None,
                "receipt": tuple(FileReceipt.from_dict(item) for item in data.get("receipt") or ()),
            }
        )
