"""Files that several processes share: locked, and replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
    """Give a file a new content that is on the disk when this returns; readers see the old one or the new one."""
    target = Path(os.path.realpath(path))
    private_folder(target.parent)
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, and those above it where they are missing."""
    if not folder.parent.exists():
        private_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)


def sync_file(path: Path) -> None:
    """Wait until what was written to a file is on the disk."""
    number = os.open(path, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sync_folder(folder: Path) -> None:
    """Wait until renames in a folder are on the disk; Windows has no such call and needs none."""
    if os.name == "nt":  # pragma: no cover
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
