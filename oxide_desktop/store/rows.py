"""A record as a row of the table `tasks`, and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from oxide_desktop.core.record import AttemptStatus, TaskRecord, TaskStatus

READ = "SELECT id, status, service, task_type, created_at, completed_at, duration, details, prompt, result FROM tasks"
ADD = """
INSERT INTO tasks (seq, id, status, service, task_type, owner, created_at, completed_at, duration, details, prompt,
                   result)
VALUES (CASE WHEN EXISTS (SELECT 1 FROM tasks WHERE seq = :wanted) THEN
            (SELECT seq + 1 FROM tasks AS taken WHERE seq >= :wanted
             AND NOT EXISTS (SELECT 1 FROM tasks WHERE seq = taken.seq + 1) ORDER BY seq LIMIT 1)
        ELSE :wanted END,
        :id, :status, :service, :task_type, :owner, :created_at, :completed_at, :duration, :details, :prompt, :result)
ON CONFLICT (id) DO NOTHING
"""
"""Takes the first free place from `wanted` on: tasks of the same microsecond keep the order they came in."""
CHANGE = """
UPDATE tasks SET status = :status, service = :service, task_type = :task_type, owner = :owner,
                 completed_at = :completed_at, duration = :duration, details = :details, prompt = :prompt,
                 result = :result
WHERE id = :id
"""

PARTIAL = "The answer is not complete: it is what had been written down before the end."
_COLUMNS = ("id", "status", "service", "task_type", "created_at", "completed_at", "duration")
_TEXTS = ("prompt", "result")


def clean(text: str) -> str:
    """Text that can be written as UTF-8: half characters, which prompts from a command line may hold, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def microseconds(time_s: float) -> int:
    """The place of a time in the order of the table."""
    return round(time_s * 1_000_000)


def values_of(record: TaskRecord, owner: str) -> dict[str, Any]:
    """What is bound to `ADD` (which also wants `wanted`) and `CHANGE`. A task that has ended belongs to nobody."""
    # As they were given, bytes that are no text included: whoever asks again wants those files.
    as_given = {"files": record.files, "cwd": record.cwd, "roots": record.roots, "piped": record.piped}
    data = record.to_dict() | as_given
    columns = {name: data.pop(name) for name in (*_COLUMNS, *_TEXTS)}
    columns = {name: clean(value) if isinstance(value, str) else value for name, value in columns.items()}
    return {**columns, "details": json.dumps(data), "owner": None if record.status.ended else owner}


def record_of(row: tuple[Any, ...]) -> TaskRecord:
    """The record in a row that `READ` answered; what of it makes no sense is left out, and the record says so."""
    *columns, details, prompt, result = row
    known = dict(zip(_COLUMNS, columns, strict=True)) | {"prompt": prompt, "result": result}
    try:
        return TaskRecord.from_dict(json.loads(details) | known)
    except (ValueError, TypeError, KeyError):
        status = known["status"] if known["status"] in tuple(TaskStatus) else TaskStatus.INTERRUPTED
        notes = ("Parts of this record could not be read.",)
        return TaskRecord.from_dict(known | {"status": status, "source": "unknown", "notes": notes})


def interrupted(record: TaskRecord, error: str) -> TaskRecord:
    """The record of a task whose process is gone: when it ended, nobody knows."""
    notes = (*record.notes, PARTIAL) if record.result and PARTIAL not in record.notes else record.notes
    attempts = tuple(
        dataclasses.replace(attempt, status=AttemptStatus.INTERRUPTED, error=error)
        if attempt.status is AttemptStatus.RUNNING
        else attempt
        for attempt in record.attempts
    )
    return dataclasses.replace(record, status=TaskStatus.INTERRUPTED, error=error, attempts=attempts, notes=notes)
