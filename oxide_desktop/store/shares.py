"""The shares of analyses, in a table of their own: lists, searches and figures are about what people asked."""

from __future__ import annotations

import apsw

from oxide_desktop.core.record import TaskRecord
from oxide_desktop.store import rows

READ = rows.READ.replace("FROM tasks", "FROM shares")
_ADD = """
INSERT INTO shares (id, parent, status, service, task_type, created_at, completed_at, duration, details, prompt, result)
VALUES (:id, :parent, :status, :service, :task_type, :created_at, :completed_at, :duration, :details, :prompt, :result)
ON CONFLICT DO NOTHING
"""
_CHANGE = rows.CHANGE.replace("UPDATE tasks", "UPDATE shares").replace("owner = :owner,", "")
_RUNNING = f"{READ} WHERE parent = ? AND status IN ('queued', 'running')"


def add(connection: apsw.Connection, record: TaskRecord) -> bool:
    """Store a share; `False` if there is one of that id."""
    connection.execute(_ADD, rows.values_of(record, "") | {"parent": record.parent})
    return bool(connection.changes())


def change(connection: apsw.Connection, record: TaskRecord) -> bool:
    """Replace a share's record; `False` if there is none of that id."""
    connection.execute(_CHANGE, rows.values_of(record, ""))
    return bool(connection.changes())


def interrupt(connection: apsw.Connection, parent: str, error: str) -> None:
    """Mark the shares of an analysis whose process is gone."""
    for row in connection.execute(_RUNNING, (parent,)).fetchall():
        change(connection, rows.interrupted(rows.record_of(row), error))
