"""Corrections in the history's database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from oxide_desktop.core.corrections import MOST, Correction
from oxide_desktop.core.model import TaskType
from oxide_desktop.store.database import transaction
from oxide_desktop.store.desk import Desk
from oxide_desktop.store.rows import clean

_KEPT_CHARS = 2_000
_TYPES = frozenset(TaskType)


class SqliteCorrections:
    """`core.corrections.CorrectionStore`."""

    def __init__(self, writer: Desk, reader: Desk) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> Sequence[Correction]:
        """The newest, newest first."""
        return await self._reader.run(_all)

    async def put(self, correction: Correction) -> None:
        """Keep one, in place of an earlier one of that task."""
        await self._writer.run(_put, correction)

    async def remove(self, task_id: str) -> bool:
        """Forget one; `False` if there is none of that task."""
        return bool(await self._writer.run(_remove, "WHERE task_id = ?", (task_id,)))

    async def clear(self) -> int:
        """Forget all; answers how many there were."""
        return await self._writer.run(_remove, "", ())


def _all(connection: apsw.Connection) -> list[Correction]:
    read = "SELECT task_id, prompt, was, said, made_at FROM corrections ORDER BY made_at DESC LIMIT ?"
    rows: list[tuple[Any, ...]] = connection.execute(read, (MOST,)).fetchall()
    return [
        Correction(task_id, prompt, TaskType(was), TaskType(said), made_at)
        for task_id, prompt, was, said, made_at in rows
        if {was, said} <= _TYPES
    ]


def _put(connection: apsw.Connection, correction: Correction) -> None:
    values = (
        correction.task_id,
        clean(correction.prompt[:_KEPT_CHARS]),
        correction.was.value,
        correction.said.value,
        correction.made_at,
    )
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?, ?)", values)


def _remove(connection: apsw.Connection, chosen: str, bound: tuple[str, ...]) -> int:
    with transaction(connection):
        connection.execute(f"DELETE FROM corrections {chosen}", bound)  # noqa: S608 - `chosen` is our own
        return connection.changes()
