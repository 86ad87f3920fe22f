"""The durable history of tasks, on SQLite. Several processes may have it open at once."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import apsw

from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.experience import Try
from oxide_desktop.core.ports import Imported, TaskFilter, TaskPage, TaskStatistics
from oxide_desktop.core.quota import Limit, ServiceUse, UsedUp
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.store import ancestor, damage, exchange, opening, requests, tasks, tries
from oxide_desktop.store.backups import back_up, copy_of
from oxide_desktop.store.corrections import SqliteCorrections
from oxide_desktop.store.database import connect
from oxide_desktop.store.desk import Desk
from oxide_desktop.store.files import try_lock
from oxide_desktop.store.opening import Places
from oxide_desktop.store.owners import Owner

log = logging.getLogger(__name__)

_CLOSING_TIMEOUT_S = 15.0
_LAST_BACKUP_LIMIT_S = 2.0
_SMALL_BYTES = 64 * 1024 * 1024


class SqliteHistory:
    """`core.ports.History` on a database with one writer in this process, and readers beside it.

    What a method acknowledged is on the disk. A slow search or a backup holds up neither writes nor lists: each kind
    of work has a connection and a thread of its own.

    Attributes:
        retention_days: Ended tasks older than that are removed by `maintain`; `None` keeps all.
    """

    def __init__(self, places: Places, retention_days: int | None, *, read_only: bool = False) -> None:
        self.retention_days = retention_days
        self._places = places
        self._owner = Owner(places.run)
        self._notices: list[str] = []
        self._is_open = False
        self._read_only = read_only
        if read_only:
            look = partial(opening.look_into, places)
            self._writer, self._reader, self._searcher, self._clerk = (
                self._desk(name, look) for name in ("writer", "reader", "searcher", "clerk")
            )
            return
        read = partial(connect, places.database, read_only=True)
        self._writer = self._desk("writer", lambda: opening.open_history(places, self._owner, self._notices))
        self._reader = self._desk("reader", read)
        self._searcher = self._desk("searcher", read)
        self._clerk = self._desk("clerk", partial(connect, places.database))  # export, import, check, backup

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        backups: Path,
        quarantine: Path,
        ancestor: Path | None = None,
        retention_days: int | None = None,
        read_only: bool = False,
    ) -> SqliteHistory:
        """Open the history, or make it.

        A damaged file is set aside and replaced by the newest backup, tasks of processes that died become interrupted,
        and an ancestor's file is imported at the first time; `notices` tell of it.

        Args:
            path: The database.
            backups: Folder of the daily copies.
            quarantine: Folder to which damaged files are moved.
            ancestor: The `tasks.json` of an ancestor, if there may be one.
            retention_days: How long ended tasks are kept, `None` for ever.
            read_only: Only look: nothing is made, mended, swept or imported, and what would write is refused.

        Raises:
            StoreError: It cannot be opened, and why.
        """
        history = cls(Places(path, backups, quarantine), retention_days, read_only=read_only)
        try:
            await history._writer.run(tasks.newest)  # the first work opens
            if ancestor is not None and not read_only:
                await history._import_ancestor(ancestor)
        except BaseException:  # refused or cancelled: nobody will close what nobody is given
            await history.aclose()
            raise
        history._is_open = not read_only
        return history

    @property
    def corrections(self) -> SqliteCorrections:
        """What the person said that tasks really were."""
        return SqliteCorrections(self._writer, self._reader)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know of the history's state: replaced, imported, refused. One sentence or two each."""
        return tuple(self._notices)

    async def add(self, record: TaskRecord) -> None:
        """Store a new record.

        Raises:
            StoreError: It could not be written, or there is one of that id.
        """
        await self._writer.run(tasks.add, record, self._owner.id)

    async def save(self, record: TaskRecord) -> None:
        """Replace the record of that id; the time at which it was created stays.

        Raises:
            NotFoundError: There is none.
            StoreError: It could not be written.
        """
        await self._writer.run(tasks.change, record, self._owner.id)

    async def get(self, task_id: str) -> TaskRecord:
        """One record, by its id or a unique start of it.

        Raises:
            NotFoundError: There is none, or more than one.
        """
        return await self._reader.run(tasks.find, task_id)

    async def list(self, wanted: TaskFilter, limit: int = 10, offset: int = 0) -> TaskPage:
        """Records that match, newest first."""
        desk = self._searcher if wanted.text or wanted.since is not None else self._reader
        return await desk.run(tasks.page, wanted, limit, offset)

    async def delete(self, task_id: str) -> None:
        """Remove one ended record.

        Raises:
            NotFoundError: There is none.
            UsageError: It has not ended.
        """
        await self._writer.run(tasks.remove, task_id)

    async def clear(self, status: TaskStatus | None = None) -> int:
        """Remove ended records, of one status or all; answers how many went."""
        newest = await self._writer.run(tasks.newest)
        return await self._remove(partial(tasks.remove_some, status=status, up_to=newest))

    async def statistics(self) -> TaskStatistics:
        """Figures over everything kept: the duration is that of completed tasks, the rate is over all that ended."""
        return await self._reader.run(tasks.statistics)

    async def used_up(self, service: str, limits: Sequence[Limit]) -> UsedUp | None:
        """The limit that a service has come to, `None` if it may be asked."""
        return await self._reader.run(requests.used_up, service, limits)

    async def reserve(self, service: str, started_at: float, limits: Sequence[Limit]) -> UsedUp | None:
        """Count a request that is about to be sent, unless a limit is reached, which is the answer then."""
        return await self._writer.run(requests.reserve, service, started_at, limits)

    async def use_since(self, service: str, since: float) -> ServiceUse:
        """What a service was sent from a moment on, of the last two days."""
        return await self._reader.run(requests.use_since, service, since)

    async def tries(self, last: int) -> Sequence[Try]:
        """What the attempts of the last tasks came to, those that say nothing of their service left out."""
        return await self._reader.run(tries.tries, last)

    async def export(self) -> AsyncGenerator[str, None]:
        """Everything kept now, as the text of an ancestor's `tasks.json`, piece by piece: its size does not matter."""
        place, newest, is_first = tasks.FIRST_PLACE, await self._clerk.run(tasks.newest), True
        while True:
            place, text = await self._clerk.run(exchange.members, place, newest)
            if not text:
                break
            yield ("{\n" if is_first else ",\n") + text
            is_first = False
        yield "{}\n" if is_first else "\n}\n"

    async def import_file(self, path: Path) -> Imported:
        """Read a `tasks.json`; the file is not changed.

        Raises:
            StoreError: The file is damaged (then nothing was taken from it), or the history could not be written.
        """
        await self._clerk.run(lambda _: exchange.verify(path))
        entries = exchange.read(path)
        read, imported, refused = 0, 0, list[tuple[str, str]]()
        try:
            while batch := await self._clerk.run(lambda _: list(islice(entries, tasks.BATCH))):
                records = [entry for entry in batch if isinstance(entry, TaskRecord)]
                refused += [(entry.id, entry.reason) for entry in batch if isinstance(entry, exchange.Refused)]
                read += len(records)
                imported += await self._writer.run(tasks.add_missing, records, self._owner.id)
        finally:
            with contextlib.suppress(StoreError):  # the history has been closed meanwhile: what counts is said already
                await self._clerk.run(lambda _: entries.close())  # there, since it may be at the next batch
        return Imported(imported=imported, already_there=read - imported, refused=tuple(refused))

    async def maintain(self) -> None:
        """What has to be done now and then: mark tasks of the dead, remove the old, check, back up. Safe to repeat.

        Raises:
            StoreError: Part of it failed: no room for a backup, or the file is damaged.
        """
        if self._read_only:
            return
        await self._writer.run(opening.sweep, self._places, self._owner)
        await self._writer.run(requests.forget_old)
        if self.retention_days is not None:
            await self._remove(partial(tasks.remove_older, before_s=tasks.cutoff(self.retention_days)))
        if self._is_backup_due() or await self._reader.run(damage.is_check_due):
            await self._clerk.run(self._check_and_back_up)

    async def aclose(self) -> None:
        """Finish what is being written, and a backup that is due and quick; what is being read is broken off."""
        for desk in (self._reader, self._searcher):
            await desk.close(_CLOSING_TIMEOUT_S, hurry=True)
        await self._back_up_at_the_end()
        await self._clerk.close(_CLOSING_TIMEOUT_S, hurry=True)
        await self._writer.close(_CLOSING_TIMEOUT_S, hurry=False)
        self._owner.release()

    def _desk(self, name: str, make: Callable[[], apsw.Connection]) -> Desk:
        return Desk(name, self._places.database, make, on_damage=self._note_damage)

    def _note_damage(self) -> None:
        with contextlib.suppress(OSError):  # the error that led here is what the caller gets
            self._places.damage_mark.touch()

    async def _remove(self, some: Callable[[apsw.Connection], int]) -> int:
        """Remove in steps, so that others may write in between."""
        removed = 0
        while step := await self._writer.run(some):
            removed += step
        return removed

    async def _import_ancestor(self, path: Path) -> None:
        with contextlib.ExitStack() as held:
            due = await self._clerk.run(
                lambda connection: (
                    try_lock(self._places.import_lock, held) and ancestor.is_due(connection, path, self._notices)
                )
            )
            if not due:
                return
            try:
                outcome = await self.import_file(path)
            except exchange.UnreadableFileError as error:
                notice, done = str(error), False
            except StoreError as error:  # no fault of the file: the next start tries again, and the history is usable
                self._notices.append(str(error))
                return
            else:
                notice, done = ancestor.sentence(path, outcome), True
                for task_id, reason in outcome.refused:
                    log.warning("record %s of %s was set aside: %s", task_id, path, reason)
            self._notices.append(notice)
            await self._writer.run(ancestor.remember, path, notice, done=done)

    def _is_backup_due(self) -> bool:
        try:
            return not copy_of(self._places.backups, _today()).exists()
        except OSError:  # the folder is out of reach: the backup itself will say so
            return True

    def _is_small(self) -> bool:
        try:
            return self._places.database.stat().st_size < _SMALL_BYTES
        except OSError:  # gone, or out of reach: nothing to copy
            return False

    async def _back_up_at_the_end(self) -> None:
        """Programs that end at once never come to `maintain`. What is not quick is left to those that stay."""
        due = self._is_open and self._is_backup_due() and self._is_small()
        self._is_open = False
        if due:
            try:
                async with asyncio.timeout(_LAST_BACKUP_LIMIT_S):
                    await self._clerk.run(self._check_and_back_up)
            except (StoreError, TimeoutError) as error:
                log.warning("no backup at the end: %s", str(error) or f"it took more than {_LAST_BACKUP_LIMIT_S:g} s")

    def _check_and_back_up(self, connection: apsw.Connection) -> None:
        if damage.is_check_due(connection):
            wrong, _ = damage.look_at_each_page(connection)
            if wrong:
                raise apsw.CorruptError(wrong)
            damage.note_check(connection)
        back_up(connection, self._places.backups, _today())


def _today() -> dt.date:
    return dt.datetime.now().astimezone().date()
