"""What an analysis gives back, as callers of the Python API and programs read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from oxide_desktop.core.receipts import FileReceipt
from oxide_desktop.core.record import TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult:
    """An ended analysis.

    Attributes:
        aggregated_text: The one answer; empty if there is none.
        total_duration_seconds: From its start to its end.
        receipt: What became of every file; in a broadcast one entry for each file and service.
        task_id: The record that has all of it; the shares' records are named in the receipt.
        error: Why it failed, as a sentence.
        notes: What else is to be said: folders that were not looked into, how many files `.gitignore` left out.
    """

    aggregated_text: str
    total_duration_seconds: float
    receipt: tuple[FileReceipt, ...]
    task_id: str
    status: str
    error: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: TaskRecord) -> Self:
        """What the record of an ended analysis amounts to."""
        return cls(
            aggregated_text=record.result or "",
            total_duration_seconds=record.duration or 0.0,
            receipt=record.receipt,
            task_id=record.id,
            status=record.status.value,
            error=record.error,
            notes=record.notes,
        )

    def to_dict(self) -> dict[str, Any]:
        """The shape of `oxide analyze --json`, of HTTP and of MCP."""
        return {
            "aggregated_text": self.aggregated_text,
            "total_duration_seconds": self.total_duration_seconds,
            "receipt": [item.to_dict() for item in self.receipt],
            "task_id": self.task_id,
            "status": self.status,
            "error": self.error,
            "notes": [*self.notes],
        }
