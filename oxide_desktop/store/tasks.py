"""What is asked of the table of tasks, each a function of a connection."""

# ruff: noqa: S608 - the conditions put together here are our own; what comes from outside is bound

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from oxide_desktop.core.errors import NotFoundError, StoreError, UsageError
from oxide_desktop.core.ports import TaskFilter, TaskPage, TaskStatistics
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.store import rows, search, shares
from oxide_desktop.store.database import transaction

BATCH = 500
FIRST_PLACE = -(2**62)
_EXPORT_BATCH = 50  # an answer may be long, and all of them are held at once
DIED = "Oxide ended while this task was running."
_MATCHES_SHOWN = 5
_PROMPT_CHARS = 40
_LARGEST = 2**62


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Several questions about the same moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


# -- writing: one statement is all or nothing by itself ----------------------------------------------


def add(connection: apsw.Connection, record: TaskRecord, owner: str) -> None:
    """Store a new record.

    Raises:
        StoreError: There is one of that id.
    """
    if not (shares.add(connection, record) if record.parent else _insert(connection, record, owner)):
        raise StoreError("The task was not stored", f"There is already a task {record.id}.")


def add_missing(connection: apsw.Connection, records: Iterable[TaskRecord], owner: str) -> int:
    """Store those whose ids are new, all at once; answers how many were."""
    with transaction(connection):
        return sum(_insert(connection, record, owner) for record in records)


def change(connection: apsw.Connection, record: TaskRecord, owner: str) -> None:
    """Replace a record; it keeps the time at which it was created.

    Raises:
        NotFoundError: There is none of that id.
    """
    if not (shares.change(connection, record) if record.parent else _change(connection, record, owner)):
        raise _unknown(record.id)


def remove(connection: apsw.Connection, task_id: str) -> None:
    """Remove an ended record.

    Raises:
        NotFoundError: There is none.
        UsageError: It has not ended, or is a share of an analysis.
    """
    with transaction(connection):
        record = find(connection, task_id)
        if record.parent:
            message = f"Task {record.id} belongs to the analysis {record.parent}."
            raise UsageError("A share is not deleted alone", message, "Delete the analysis, and its shares go with it.")
        if not record.status.ended:
            raise UsageError("The task is still running", f"Task {record.id} is {record.status}.", "Cancel it first.")
        connection.execute("DELETE FROM tasks WHERE id = ?", (record.id,))


def newest(connection: apsw.Connection) -> int:
    """The place of the newest task."""
    found: int | None = connection.execute("SELECT max(seq) FROM tasks").get
    return found or 0


def remove_some(connection: apsw.Connection, status: TaskStatus | None, up_to: int) -> int:
    """Remove up to `BATCH` ended records, oldest first, so that others may write in between; answers how many."""
    chosen = "owner IS NULL AND seq <= ?" + (" AND status = ?" if status else "")
    return _remove(connection, chosen, [up_to, status.value] if status else [up_to])


def remove_older(connection: apsw.Connection, before_s: float) -> int:
    """Remove up to `BATCH` records that ended before a time; answers how many."""
    chosen = "owner IS NULL AND seq < ? AND coalesce(completed_at, created_at) < ?"
    return _remove(connection, chosen, [rows.microseconds(before_s), before_s])


def sweep(connection: apsw.Connection, living: Collection[str]) -> int:
    """Mark tasks whose process is gone as interrupted; answers how many."""
    gone = f"{rows.READ} WHERE owner IS NOT NULL AND owner NOT IN (SELECT value FROM json_each(?))"
    with transaction(connection):
        found = connection.execute(gone, (json.dumps(list(living)),)).fetchall()
        for row in found:
            record = rows.interrupted(rows.record_of(row), DIED)
            _change(connection, record, "")
            shares.interrupt(connection, record.id, DIED)
    return len(found)


def _change(connection: apsw.Connection, record: TaskRecord, owner: str) -> bool:
    connection.execute(rows.CHANGE, rows.values_of(record, owner))
    return bool(connection.changes())


def _insert(connection: apsw.Connection, record: TaskRecord, owner: str) -> bool:
    values = rows.values_of(record, owner) | {"wanted": rows.microseconds(record.created_at)}
    connection.execute(rows.ADD, values)
    return bool(connection.changes())


def _remove(connection: apsw.Connection, chosen: str, bound: list[Any]) -> int:
    with transaction(connection):
        connection.execute(
            f"DELETE FROM tasks WHERE seq IN (SELECT seq FROM tasks WHERE {chosen} ORDER BY seq LIMIT {BATCH})", bound
        )
        return connection.changes()


# -- reading -----------------------------------------------------------------------------------------


def find(connection: apsw.Connection, task_id: str) -> TaskRecord:
    """One record, by its id or a unique start of it, however short. Oxide's own ids are found in capitals too.

    Shares of analyses are found as well, after everything that people asked themselves.

    Raises:
        NotFoundError: There is none, or more than one.
    """
    task_id = rows.clean(task_id).strip()
    if not task_id:
        raise NotFoundError("No such task", "No id was given.", "`oxide history` lists them.")
    for read in (rows.READ, shares.READ):
        if found := _begun(connection, read, (task_id, task_id.lower())):
            break
    else:
        raise _unknown(task_id)
    if len(found) > 1:
        raise _ambiguous(task_id, found)
    return found[0]


def _begun(connection: apsw.Connection, read: str, starts: Sequence[str]) -> list[TaskRecord]:
    """The record of exactly that id, or those whose ids start with it, newest first."""
    for start in starts:
        for row in connection.execute(f"{read} WHERE id = ?", (start,)):
            return [rows.record_of(row)]
    bound = [edge for start in starts for edge in (start, start + "\U0010ffff")]
    begun = f"{read} WHERE id >= ? AND id < ? OR id >= ? AND id < ? ORDER BY rowid DESC LIMIT {_MATCHES_SHOWN + 1}"
    return [rows.record_of(row) for row in connection.execute(begun, bound)]


def _ambiguous(task_id: str, found: Sequence[TaskRecord]) -> NotFoundError:
    lines = [f"  {record.id}  {' '.join(record.prompt.split())[:_PROMPT_CHARS]}" for record in found[:_MATCHES_SHOWN]]
    more = ["  …"] if len(found) > _MATCHES_SHOWN else []
    message = "\n".join([f"More than one id starts with {task_id!r}:", *lines, *more])
    return NotFoundError("Several tasks match", message, "Give more of the id.")


def _unknown(task_id: str) -> NotFoundError:
    return NotFoundError("No such task", f"The history holds no task {task_id!r}.", "`oxide history` lists them.")


def page(connection: apsw.Connection, wanted: TaskFilter, limit: int, offset: int) -> TaskPage:
    """Records that match, newest first, and how many there are."""
    limit, offset = (min(max(number, 0), _LARGEST) for number in (limit, offset))
    text, bound = search.conditions(connection, wanted.text or "")
    with snapshot(connection):
        total = _tallied(connection, TaskFilter())
        if text:
            found = _places(connection, wanted, text, bound)
            tasks = _at(connection, found[offset : offset + limit])
            return TaskPage(tasks, total, len(found))
        chosen, bound = _where(wanted)
        read = f"{rows.READ} WHERE {chosen} ORDER BY seq DESC LIMIT ? OFFSET ?"
        tasks = [rows.record_of(row) for row in connection.execute(read, (*bound, limit, offset))]
        return TaskPage(tasks, total, _count(connection, wanted))


def statistics(connection: apsw.Connection) -> TaskStatistics:
    """Figures over everything kept. Only completed tasks count for the duration; all that ended for the rate."""
    by_status: Counter[str] = Counter()
    by_service: Counter[str] = Counter()
    by_type: Counter[str] = Counter()
    timed = microseconds = 0
    tallies = "SELECT status, service, task_type, tasks, timed, microseconds FROM tallies WHERE tasks > 0"
    for status, service, task_type, count, with_duration, duration in connection.execute(tallies):
        by_status[status] += count
        by_service[service] += count
        by_type[task_type] += count
        if status == TaskStatus.COMPLETED:
            timed += with_duration
            microseconds += duration
    ended = by_status.total() - by_status[TaskStatus.QUEUED] - by_status[TaskStatus.RUNNING]
    del by_service[""], by_type[""]
    return TaskStatistics(
        total_tasks=by_status.total(),
        avg_duration=round(microseconds / timed / 1e6, 2) if timed else 0.0,
        success_rate=round(100 * by_status[TaskStatus.COMPLETED] / ended, 2) if ended else 0.0,
        tasks_by_status={status: count for status, count in by_status.items() if count},
        tasks_by_service=dict(by_service),
        tasks_by_type=dict(by_type),
    )


def following(connection: apsw.Connection, after: int, up_to: int) -> tuple[int, list[TaskRecord]]:
    """A few records behind a place, oldest first, and the place of the last one; none if there is none behind it."""
    behind = f"SELECT seq FROM tasks WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT {_EXPORT_BATCH}"
    places = [place for (place,) in connection.execute(behind, (after, up_to))]
    last = places[-1] if places else after
    read = f"{rows.READ} WHERE seq > ? AND seq <= ? ORDER BY seq"
    return last, [rows.record_of(row) for row in connection.execute(read, (after, last))]


def cutoff(retention_days: int) -> float:
    """The time before which ended tasks go."""
    return time.time() - retention_days * 86_400


def _where(wanted: TaskFilter) -> tuple[str, list[Any]]:
    """Everything but the text, as a condition."""
    given = {
        "status = ?": wanted.status.value if wanted.status else None,
        "service = ?": rows.clean(wanted.service) if wanted.service else None,
        "task_type = ?": wanted.task_type.value if wanted.task_type else None,
        "tasks.seq >= ?": rows.microseconds(wanted.since) if wanted.since is not None else None,
    }
    kept = {part: value for part, value in given.items() if value is not None}
    return " AND ".join(kept) or "TRUE", list(kept.values())


def _count(connection: apsw.Connection, wanted: TaskFilter) -> int:
    if wanted.since is None:
        return _tallied(connection, wanted)
    chosen, bound = _where(wanted)
    # The index by status alone holds all that is needed to count, a fraction of the table's size.
    every = ", ".join(f"'{status}'" for status in TaskStatus)
    found: int = connection.execute(f"SELECT count(*) FROM tasks WHERE {chosen} AND status IN ({every})", bound).get
    return found


def _tallied(connection: apsw.Connection, wanted: TaskFilter) -> int:
    chosen, bound = _where(wanted)
    found: int = connection.execute(f"SELECT coalesce(sum(tasks), 0) FROM tallies WHERE {chosen}", bound).get
    return found


def _places(connection: apsw.Connection, wanted: TaskFilter, text: str, bound: list[Any]) -> list[int]:
    """Where the tasks stand that hold the text, newest first."""
    chosen, more = _where(wanted)
    if "tasks." in text or more:
        source = "words CROSS JOIN tasks ON tasks.seq = words.rowid" if "words" in text else "tasks"
        order = "words.rowid" if "words" in text else "seq"
        read = f"SELECT {order} FROM {source} WHERE {text} AND {chosen} ORDER BY {order} DESC"
    else:
        read = f"SELECT rowid FROM words WHERE {text} ORDER BY rowid DESC"
    return [place for (place,) in connection.execute(read, (*bound, *more))]


def _at(connection: apsw.Connection, places: list[int]) -> list[TaskRecord]:
    read = f"{rows.READ} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq DESC"
    return [rows.record_of(row) for row in connection.execute(read, (json.dumps(places),))]
