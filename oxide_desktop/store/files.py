"""Files that several processes share: locked, and replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from oxide_desktop.config.private_files import PRIVATE_FILE_MODE, private_folder, write_atomically
from oxide_desktop.core.errors import StoreError

LOCK_TIMEOUT_S = 15.0


@contextlib.contextmanager
def locked(lock: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold a lock that ends with the process.

    Raises:
        StoreError: Somebody else held it all that time.
    """
    with contextlib.ExitStack() as held:
        if not try_lock(lock, held, timeout_s):
            raise StoreError(
                "Another Oxide is busy with the same files",
                f"{lock} has been locked for {timeout_s:g} seconds.",
                "Wait a moment, then try again.",
            )
        yield


def try_lock(lock: Path, held: contextlib.ExitStack, timeout_s: float = 0.0) -> bool:
    """Take a lock until `held` is closed; answers whether it could be had in that time."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - takes 60 ms, and reading rules needs no lock

    private_folder(lock.parent)
    holder = FileLock(lock, timeout=timeout_s, thread_local=False)
    try:
        held.enter_context(holder)
    except Timeout:
        return False
    return True


def replace_file(path: Path, text: str) -> None:
    """Give a file a new content, at the place a link leads to, and with the rights it had."""
    target = Path(os.path.realpath(path))
    private_folder(target.parent)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else PRIVATE_FILE_MODE
    write_atomically(target, text.encode(), mode)


def sync_file(path: Path) -> None:
    """Wait until what was written to a file is on the disk."""
    number = os.open(path, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)
