"""Daily copies of the history, the newest seven."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw

from oxide_desktop.config.private_files import private_folder, sync_folder
from oxide_desktop.core.errors import StoreError
from oxide_desktop.store.damage import is_whole
from oxide_desktop.store.files import sync_file, try_lock

KEPT = 7
_ROOM_TO_LEAVE_BYTES = 64 * 1024 * 1024


def back_up(connection: apsw.Connection, folder: Path, today: dt.date) -> Path | None:
    """Copy the history unless that has been done today, or is being done; answers the copy.

    Raises:
        StoreError: The disk has no room for it.
    """
    private_folder(folder)
    with contextlib.ExitStack() as held:
        target = copy_of(folder, today)
        if not try_lock(folder / "backup.lock", held) or target.exists():
            return None
        if not connection.execute("SELECT EXISTS (SELECT 1 FROM tasks)").get:
            return None  # in seven days empty copies would have pushed out those that hold something
        require_room(connection, folder, shutil.disk_usage(folder).free)
        copy_to(connection, target)
        for old in list(existing(folder))[KEPT:]:
            old.unlink()
        return target


def copy_of(folder: Path, day: dt.date) -> Path:
    """Where the copy of a day stands, if there is one."""
    return folder / f"oxide-{day.isoformat()}.db"


def existing(folder: Path) -> Iterator[Path]:
    """The copies that there are, newest first."""
    return iter(sorted(folder.glob("oxide-????-??-??.db"), reverse=True))


def newest_good(folder: Path) -> Path | None:
    """The newest copy that can be read to its last page."""
    return next((copy for copy in existing(folder) if is_whole(copy)), None)


def require_room(connection: apsw.Connection, folder: Path, free_bytes: int) -> None:
    """Refuse to fill the last of a disk with a copy.

    Raises:
        StoreError: The copy would not leave enough.
    """
    needed = int(connection.pragma("page_count")) * int(connection.pragma("page_size")) + _ROOM_TO_LEAVE_BYTES
    if free_bytes < needed:
        raise StoreError(
            "The history was not backed up",
            f"A copy in {folder} and some room to spare take {needed >> 20} MB; the disk has {free_bytes >> 20} MB.",
            "Free some space on that disk; the next backup is tried by itself.",
        )


def copy_to(connection: apsw.Connection, target: Path) -> None:
    """Write a copy that is there whole or not at all."""
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection.execute("VACUUM INTO ?", (str(partial),))
        sync_file(partial)
        partial.replace(target)
    except BaseException:  # the disk is full, or somebody wants to quit: half a copy is worth nothing
        partial.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
