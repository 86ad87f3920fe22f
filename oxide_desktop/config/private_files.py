"""Files for their owner's eyes, in folders that only the owner may enter, written whole or not at all."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from oxide_desktop.core.errors import DiskFullError, StoreError

PRIVATE_FILE_MODE = 0o600
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.4)
_IN_USE = (5, 32)  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION


def write_atomically(path: Path, content: bytes, mode: int = PRIVATE_FILE_MODE) -> None:
    """Give a file a new content that is on the disk when this returns; readers see the old one or the new one.

    Raises:
        OSError: It could not be written; the file is as it was.
    """
    import tempfile  # noqa: PLC0415 - reading needs none

    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for the owner alone from the start
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        _replace(temporary, path)
    except BaseException:  # the disk is full, or somebody wants to quit: half a file is worth nothing
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _replace(temporary: Path, path: Path) -> None:
    """Rename over `path`. Windows refuses that while another program has it open, which is mostly over in a moment.

    Source: Microsoft's documentation of CreateFile (FILE_SHARE_DELETE) and MoveFileEx.
    """
    for pause_s in _PAUSES_S if os.name == "nt" else ():
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    temporary.replace(path)


def unwritable(error: OSError, path: Path | None = None) -> StoreError:
    """What a person needs to know of a file that could not be written."""
    place = path or error.filename or "The output, or a file of Oxide,"
    if error.errno in DISK_FULL:
        message = f"{place} could not be written: {error.strerror}."
        return DiskFullError("The disk is full", message, "Free some space there, then try again.")
    message = f"{place}: {error.strerror or error}."
    hint = "Give your user the right to write there, or set OXIDE_HOME to another folder."
    if getattr(error, "winerror", None) in _IN_USE:
        hint = f"Close the program that may have it open. {hint}"
    return StoreError("A file cannot be written", message, hint)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, and those above it where they are missing."""
    if not folder.parent.exists():
        private_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)


def sync_folder(folder: Path) -> None:
    """Wait until renames in a folder are on the disk; Windows has no such call and needs none."""
    if os.name == "nt":  # pragma: no cover
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
