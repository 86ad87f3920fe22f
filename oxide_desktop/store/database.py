"""Connections to the history's file: how they are set up, and how SQLite's errors become sentences."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from oxide_desktop.config.private_files import DISK_FULL, FORBIDDEN
from oxide_desktop.core.errors import DiskFullError, StoreError

BUSY_TIMEOUT_MS = 10_000
APPLICATION_ID = 0x4F784465  # "OxDe" in the file's header: this database is ours
_NEXT_TO_NOTHING_BYTES = 128 * 1024
_WAL_LIMIT_BYTES = 64 * 1024 * 1024
_FORBIDDEN = (*FORBIDDEN, errno.EEXIST, errno.ENOTDIR)


def is_sound(version: str) -> bool:
    """Whether that SQLite is free of the fault by which resetting the WAL can corrupt a database in use."""
    number = tuple(int(part) for part in version.split("."))
    mended_branch = (3, 44, 6) <= number < (3, 45) or (3, 50, 7) <= number < (3, 51)
    return number < (3, 7) or number >= (3, 51, 3) or mended_branch


def require_sound_sqlite(version: str) -> None:
    """Refuse to open anything with a SQLite that can corrupt it.

    Raises:
        StoreError: The version is in the faulty range.
    """
    if not is_sound(version):
        raise StoreError(
            "The history cannot be opened",
            f"SQLite {version} can damage a database that two programs have open.",
            "Install apsw 3.51.3 or newer, which brings a mended SQLite.",
        )


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """Open the database as Oxide needs it: durable, bounded waits, several processes.

    Args:
        path: The database.
        read_only: The connection may not change anything; the file must be there.

    Raises:
        apsw.Error: It cannot be opened.
        StoreError: The disk does not take what opening writes.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if read_only else apsw.SQLITE_OPEN_CREATE)
    connection = apsw.Connection(str(path), flags=flags)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute(
            f"""
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA fullfsync = ON;
            PRAGMA foreign_keys = ON;
            PRAGMA cell_size_check = ON;
            PRAGMA trusted_schema = OFF;
            PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES};
            PRAGMA query_only = {int(read_only)};
            """
        ).fetchall()
    except apsw.IOError as error:
        number = connection.system_errno  # which is gone with the connection, and tells a full disk from a bad one
        connection.close()
        raise store_error(error, path, number) from error
    except apsw.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All or nothing. The write lock is taken at the start, so that no two writers deadlock half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # whatever it was, cancelled work included: all or nothing
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file itself is broken."""
    return isinstance(error, apsw.CorruptError | apsw.NotADBError)


@contextmanager
def translated(path: Path, connection: apsw.Connection | None = None) -> Iterator[None]:
    """Errors of SQLite and of the file system leave as `StoreError`, with the file and what to do."""
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise store_error(error, path, _errno(error, connection)) from error


def store_error(error: Exception, path: Path, number: int | None = None) -> StoreError:
    """What a person needs to know of an error around the file at `path`; `number` is the system's errno."""
    if isinstance(error, apsw.FullError) or number in DISK_FULL or _has_no_room(error, path):
        return DiskFullError(
            "The disk is full",
            f"{path} could not be written; even deleting tasks needs a little room.",
            "Free some space on that disk, then try again.",
        )
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError) or number in _FORBIDDEN:
        return StoreError(
            "The history cannot be written",
            f"Oxide may not open or write {path} ({_reason(error)}).",
            "Give your user the right to write that file and its folder, or set OXIDE_HOME to another folder.",
        )
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreError(
            "The history is locked",
            f"Another program has held {path} for more than {BUSY_TIMEOUT_MS // 1000} seconds.",
            "Close programs that have that file open, then try again.",
        )
    if is_damage(error):
        return StoreError(
            "The history is damaged",
            f"{path} cannot be read ({_reason(error)}).",
            "Close every Oxide and start it again: it sets the file aside and takes the newest backup.",
        )
    hint = "Look whether the disk that holds it is in order and has room, then try again."
    return StoreError("The history failed", f"{path}: {_reason(error)}.", hint)


def _has_no_room(error: Exception, path: Path) -> bool:
    # The file that processes share is made whole at once: where that fails it is for want of room.
    return isinstance(error, apsw.IOError) and (
        getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE or _is_full(path)
    )


def _is_full(path: Path) -> bool:
    """SQLite does not always tell why it could not write."""
    try:
        return shutil.disk_usage(path.parent).free < _NEXT_TO_NOTHING_BYTES
    except OSError:
        return False


def _errno(error: Exception, connection: apsw.Connection | None) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    return connection.system_errno if connection is not None and isinstance(error, apsw.IOError) else None


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
