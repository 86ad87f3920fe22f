"""Connects MCP clients to Oxide, and undoes exactly that, in files that belong to others."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oxide_desktop.config.clients import SERVER_NAME, Client, Scope, is_ours
from oxide_desktop.config.private_files import PRIVATE_FILE_MODE, write_atomically
from oxide_desktop.core.errors import OxideError, UsageError

BACKUP_ENDING = ".before-oxide"
_LOCK_LIMIT_S = 15.0
_TRIES = 5
_BOM = "\ufeff"
Edit = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was done to a file, or would be.

    Attributes:
        before: Its text, `None` if there was no file.
        after: Its text now, `None` if there is none any more.
        backup: Where the text from before Oxide is kept.
    """

    file: Path
    before: str | None
    after: str | None
    backup: Path | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing had to be done."""
        return self.before == self.after


def found_in(client: Client, file: Path) -> dict[str, Any] | None:
    """Oxide's entry in a file, whoever wrote it; `None` if there is none.

    Raises:
        UsageError: The file cannot be read, or is in a form that is not documented.
    """
    text = _read(file)
    entry = _servers(client, file, text or "", None).get(SERVER_NAME)
    return entry if isinstance(entry, dict) else None


def install(
    client: Client, scope: Scope, project: Path, entry: Mapping[str, object], lock: Path, *, dry_run: bool = False
) -> Change:
    """Put Oxide among a client's servers. A second time changes nothing.

    Raises:
        UsageError: The file cannot be changed without harm, or another server has the name.
    """
    file = client.file(scope, project)

    def edit(text: str) -> str:
        present = _servers(client, file, text, entry).get(SERVER_NAME)
        if present is not None and not is_ours(present):
            raise UsageError(
                f"{client.title} has another server named {SERVER_NAME}",
                f"It stands in {file} and does not start Oxide.",
                "Rename or remove it there first.",
            )
        return text if present == dict(entry) else client.put(text, entry)

    return _change(client, file, edit, lock, dry_run=dry_run, backup=True)


def uninstall(client: Client, scope: Scope, project: Path, lock: Path, *, dry_run: bool = False) -> Change:
    """Take Oxide's own entry out again, with what else `install` has made. Other servers of the name stay.

    Raises:
        UsageError: The file cannot be changed without harm.
    """
    file = client.file(scope, project)
    backup = _read(_backup_of(file))
    kept = None if backup is None else backup.removeprefix(_BOM)

    def edit(text: str) -> str:
        servers = _servers(client, file, text, None)
        if not is_ours(servers.get(SERVER_NAME)):
            return text
        made_section = len(servers) == 1 and (kept is None or client.section not in client.tree(kept))
        left = client.take_out(text, section_too=made_section)
        return kept if kept is not None and client.tree(left) == client.tree(kept) else left

    change = _change(client, file, edit, lock, dry_run=dry_run, backup=False)
    if not change.is_none and not dry_run and change.after == backup:
        _backup_of(file).unlink(missing_ok=True)
    return change


def _change(client: Client, file: Path, edit: Edit, lock: Path, *, dry_run: bool, backup: bool) -> Change:
    """Read, edit, and write if nobody else has written meanwhile; some clients write their files all the time."""
    with _locked(lock):
        for _ in range(_TRIES):
            before = _read(file)
            after = _edited(client, file, before, edit)
            kept = _backup_of(file) if backup and before is not None and not _holds_ours(client, file, before) else None
            change = Change(file=file, before=before, after=after, backup=None if before == after else kept)
            if dry_run or change.is_none:
                return change
            if change.backup:
                _write(change.backup, before or "", like=file)
            if _read(file) == before:
                _apply(change)
                return change
    raise OxideError(
        f"{file} was not changed", "Another program keeps writing it.", f"Close {client.title}, try again."
    )


def _edited(client: Client, file: Path, before: str | None, edit: Edit) -> str | None:
    bom = _BOM if before is not None and before.startswith(_BOM) else ""
    try:
        after = bom + edit((before or "").removeprefix(_BOM))
    except ValueError as error:
        raise _unlike(client, file, error, None) from error
    empty = not after.strip(f"{{}} \t\r\n{_BOM}")
    return None if empty and (before is None or not _backup_of(file).exists()) and after != before else after


def _apply(change: Change) -> None:
    if change.after is None:
        change.file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else is in there
            change.file.parent.rmdir()
        return
    _write(change.file, change.after, like=change.file)


def _write(file: Path, text: str, like: Path) -> None:
    """Whole or not at all, where a link leads to, readable by whom it was readable before."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(like.stat().st_mode) if like.exists() else PRIVATE_FILE_MODE
        write_atomically(Path(os.path.realpath(file)), text.encode(), mode)
    except OSError as error:
        raise OxideError(
            f"{file} was not changed", f"{error.strerror}.", "Give yourself write access to it."
        ) from error


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read", f"{error}.", "Look at the file first.") from error


def _servers(client: Client, file: Path, text: str, entry: Mapping[str, object] | None) -> dict[str, Any]:
    try:
        return client.servers(text.removeprefix(_BOM))
    except ValueError as error:
        raise _unlike(client, file, error, entry) from error


def _unlike(client: Client, file: Path, error: ValueError, entry: Mapping[str, object] | None) -> UsageError:
    by_hand = f" Or write this into it yourself:\n{client.shown(entry)}" if entry else ""
    return UsageError(
        f"{file} is left as it is",
        f"It holds comments or is not in the documented form ({error}), and a program would do it harm.",
        f"Mend it, then try again.{by_hand}",
    )


def _holds_ours(client: Client, file: Path, text: str) -> bool:
    return is_ours(_servers(client, file, text, None).get(SERVER_NAME))


def _backup_of(file: Path) -> Path:
    return file.with_name(file.name + BACKUP_ENDING)


@contextlib.contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """One Oxide at a time.

    Raises:
        OxideError: Another one is busy with it all the time.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 60 ms that only a change needs

    try:
        with FileLock(lock, timeout=_LOCK_LIMIT_S):
            yield
    except Timeout:
        raise OxideError("Another Oxide is connecting a client", "It has not finished.", "Try again.") from None
