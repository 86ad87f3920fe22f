"""Damaged files: how they are noticed, set aside (never deleted) and replaced."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from oxide_desktop.config.private_files import private_folder, sync_folder
from oxide_desktop.core.errors import StoreError
from oxide_desktop.store.database import APPLICATION_ID, BUSY_TIMEOUT_MS, is_damage
from oxide_desktop.store.files import sync_file
from oxide_desktop.store.schema import NEWEST, version_of

CHECK_EVERY_S = 86_400.0
_COMPANIONS = ("-wal", "-shm", "-journal", "")  # the database itself goes last: without it nothing is taken for whole
_STEPS_BETWEEN_LOOKS = 1_000


@contextlib.contextmanager
def untouched(path: Path) -> Iterator[apsw.Connection]:
    """Read a database without changing its file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute("PRAGMA cell_size_check = ON")
        yield connection
    finally:
        connection.close()


def examine(path: Path, *, thorough: bool, limit_s: float) -> tuple[str, bool]:
    """Look whether the history's file can be used.

    Args:
        path: The database, which is there.
        thorough: Look at each page, even if that was done within a day.
        limit_s: How long to look at pages at most; what is left over, the next `maintain` looks at.

    Returns:
        What is wrong, empty if nothing was found; and whether every page was looked at.

    Raises:
        StoreError: The file is no history, or one of a newer Oxide.
        apsw.Error: It could not be opened.
    """
    try:
        with untouched(path) as connection:
            _require_ours(connection, path)
            if not version_of(connection):
                return "", False
            connection.execute("SELECT * FROM tasks ORDER BY seq DESC LIMIT 10").fetchall()
            if not (thorough or is_check_due(connection)):
                return "", False
            return look_at_each_page(connection, limit_s)
    except apsw.Error as error:
        if is_damage(error):
            return str(error), True
        raise


def look_at_each_page(connection: apsw.Connection, limit_s: float | None = None) -> tuple[str, bool]:
    """SQLite's quick check: what is wrong, empty if nothing; and whether it came to the end in time."""
    if limit_s is not None:
        deadline = time.monotonic() + limit_s
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        answer = str(connection.execute("PRAGMA quick_check(1)").fetchall()[0][0])
    except apsw.InterruptError:
        if limit_s is None:
            raise  # the history is being closed
        return "", False
    except (apsw.CorruptError, apsw.NotADBError) as error:  # on bad damage the check fails instead of answering
        return str(error), True
    finally:
        connection.set_progress_handler(None)
    return ("" if answer == "ok" else answer), True


def is_check_due(connection: apsw.Connection) -> bool:
    """Whether the last look at each page is a day old."""
    checked_at = connection.execute("SELECT value FROM meta WHERE name = 'checked_at'").get
    return checked_at is None or not 0 <= time.time() - float(checked_at) < CHECK_EVERY_S


def note_check(connection: apsw.Connection) -> None:
    """Remember that each page was looked at just now."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('checked_at', ?)", (str(time.time()),))


def is_whole(path: Path) -> bool:
    """Whether a copy of the history can be read to its last page by this Oxide."""
    try:
        return examine(path, thorough=True, limit_s=float("inf")) == ("", True)
    except (apsw.Error, StoreError):
        return False


def set_aside(path: Path, quarantine: Path) -> Path:
    """Move a database and what belongs to it into a folder of its own; answers where the database went."""
    private_folder(quarantine)
    moment = dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    names = (moment if number == 1 else f"{moment}-{number}" for number in itertools.count(1))
    folder = next(quarantine / name for name in names if not (quarantine / name).exists())
    folder.mkdir(mode=0o700)
    for companion in _COMPANIONS:
        file = path.with_name(path.name + companion)
        if file.exists():
            shutil.move(file, folder / file.name)
    sync_folder(folder)
    sync_folder(path.parent)
    return folder / path.name


def restore(copy: Path, path: Path) -> None:
    """Put a copy in the place of a database that has been set aside."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".restored-") as folder:
        temporary = Path(folder) / path.name
        shutil.copy(copy, temporary)
        sync_file(temporary)
        temporary.replace(path)
    sync_folder(path.parent)


def _require_ours(connection: apsw.Connection, path: Path) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if tables and connection.pragma("application_id") != APPLICATION_ID:
        raise StoreError(
            "The history cannot be opened",
            f"{path} is a database of another program.",
            "Move that file somewhere else, or set OXIDE_HOME to another folder.",
        )
    if version_of(connection) > NEWEST:
        raise StoreError(
            "The history cannot be opened",
            f"{path} was written by a newer Oxide; this one would not understand it. The file was left as it is.",
            "Start the newer Oxide, or set OXIDE_HOME to another folder.",
        )
