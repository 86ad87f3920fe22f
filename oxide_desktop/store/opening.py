"""How the history is opened: checked, mended, lifted to the newest version, freed of what the dead left."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import apsw

from oxide_desktop.config.private_files import private_folder
from oxide_desktop.core.errors import StoreError
from oxide_desktop.store import damage, tasks
from oxide_desktop.store.backups import existing, newest_good
from oxide_desktop.store.database import connect, require_sound_sqlite, store_error
from oxide_desktop.store.files import locked, try_lock
from oxide_desktop.store.owners import Owner, look_around
from oxide_desktop.store.schema import migrate

_CHECK_LIMIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where the history and what belongs to it stand."""

    database: Path
    backups: Path
    quarantine: Path

    @property
    def run(self) -> Path:
        """Locks and marks of the processes that have the history open."""
        return self.database.parent / "run" / "history"

    @property
    def opening_lock(self) -> Path:
        """Held while a process opens the history."""
        return self.run / "opening.lock"

    @property
    def import_lock(self) -> Path:
        """Held while a process imports an ancestor's history."""
        return self.run / "import.lock"

    @property
    def damage_mark(self) -> Path:
        """There as soon as a process has seen damage: the next start looks at each page."""
        return self.run / "damaged"


def open_history(places: Places, owner: Owner, notices: list[str]) -> apsw.Connection:
    """Make the history usable and answer a connection that may write; what a person should know joins `notices`.

    Raises:
        StoreError: It cannot be used as it is, and why.
        apsw.Error, OSError: Likewise, for the caller to translate.
    """
    require_sound_sqlite(apsw.sqlite_lib_version())
    private_folder(places.database.parent)
    with contextlib.ExitStack() as undo, locked(places.opening_lock):
        living, died = look_around(places.run)
        looked_at_each_page = _examine_and_mend(places, living, notices, died=died)
        _create(places.database)
        connection = connect(places.database)
        undo.callback(connection.close)
        migrate(connection)
        owner.take()
        undo.callback(owner.release)
        _settle(connection, places, {*living, owner.id}, notices, looked_at_each_page=looked_at_each_page)
        undo.pop_all()
    return connection


def look_into(places: Places) -> apsw.Connection:
    """A connection for a home that is read-only: it changes nothing and makes no file; empty where there is no history.

    Raises:
        apsw.Error: It cannot be opened, for the caller to translate.
    """
    path = places.database
    if path.exists():
        wal = path.with_name(f"{path.name}-wal")
        has_wal = wal.exists() and wal.stat().st_size
        # Without a log there is nothing to share, and SQLite would want to make the files for it all the same.
        uri = path.absolute().as_uri() + ("?mode=ro" if has_wal else "?immutable=1")
        connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    else:
        connection = apsw.Connection(":memory:")
        migrate(connection)
    connection.execute("PRAGMA query_only = ON")
    return connection


def sweep(connection: apsw.Connection, places: Places, owner: Owner) -> int:
    """Mark tasks of processes that died as interrupted, unless somebody does so just now; answers how many."""
    with contextlib.ExitStack() as held:
        if not try_lock(places.opening_lock, held):
            return 0
        living, _ = look_around(places.run)
        return tasks.sweep(connection, {*living, owner.id})


def _examine_and_mend(places: Places, living: set[str], notices: list[str], *, died: bool) -> bool:
    """Leave a file in place that can be used, or none; answers whether each page was looked at."""
    path = places.database
    if not path.exists():
        return False
    if not path.is_file():
        raise StoreError(
            "The history cannot be opened", f"{path} is not a file.", "Move it somewhere else and start Oxide again."
        )
    marked = places.damage_mark.exists()
    if path.stat().st_size == 0:
        wrong, looked = ("it is empty" if any(existing(places.backups)) else ""), False
    else:
        limit_s = float("inf") if marked else _CHECK_LIMIT_S
        wrong, looked = damage.examine(path, thorough=marked or died, limit_s=limit_s)
    if wrong:
        _replace(places, wrong, living, notices)
    places.damage_mark.unlink(missing_ok=True)
    return looked and not wrong


def _replace(places: Places, wrong: str, living: set[str], notices: list[str]) -> None:
    """Set the damaged file aside and take the newest backup, or start afresh."""
    path = places.database
    if living:
        places.damage_mark.touch()
        raise StoreError(
            "The history is damaged",
            f"{path}: {wrong}. Another Oxide still has it open, so it cannot be replaced now.",
            "Quit every Oxide and start it again: it sets the file aside and takes the newest backup.",
        )
    aside = damage.set_aside(path, places.quarantine)
    notices.append(f"The history was damaged ({wrong.rstrip('.')}) and has been set aside as {aside}.")
    copy = newest_good(places.backups)
    if copy is None:
        notices.append("There was no good backup, so the history starts afresh.")
        return
    damage.restore(copy, path)
    notices.append(f"The backup {copy.name} took its place; what came after it is only in the file set aside.")


def _create(path: Path) -> None:
    """Make a new file that only its owner can read, before SQLite would make one for all."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _settle(
    connection: apsw.Connection, places: Places, living: set[str], notices: list[str], *, looked_at_each_page: bool
) -> None:
    """Write down what opening found. On a full disk the history can still be read, so that is said, not raised."""
    try:
        tasks.sweep(connection, living)
        if looked_at_each_page:
            damage.note_check(connection)
    except (apsw.FullError, apsw.IOError) as error:
        notices.append(str(store_error(error, places.database, connection.system_errno)))
