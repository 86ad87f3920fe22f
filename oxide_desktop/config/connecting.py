"""Connects MCP clients to Oxide, and undoes exactly that, in files that belong to others."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from oxide_desktop.config.clients import SERVER_NAME, Client, Scope, is_ours
from oxide_desktop.config.private_files import PRIVATE_FILE_MODE, write_atomically
from oxide_desktop.config.traces import NO_TRACES, TraceBook, Traces
from oxide_desktop.core.errors import OxideError, UsageError

BACKUP_ENDING = ".before-oxide"
_LOCK_LIMIT_S = 15.0
_TRIES = 5
_BOM = "\ufeff"
_HOME = "OXIDE_HOME"
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
Plan = Callable[[str | None, Traces], "Change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was done to a file, or would be.

    Attributes:
        before: Its text, `None` if there was no file.
        after: Its text now, `None` if there is none any more.
        backup: Where the text from before Oxide is kept.
        folders: Those that are made with the file, or go with it; innermost first.
        spent: A backup that goes, since the file is as it was.
        traces: What Oxide has made there after this.
    """

    file: Path
    before: str | None
    after: str | None
    backup: Path | None = None
    folders: tuple[Path, ...] = ()
    spent: Path | None = None
    traces: Traces = NO_TRACES

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
    """Put Oxide among a client's servers. A second time changes nothing, a moved Oxide what leads to it.

    Raises:
        UsageError: The file cannot be changed without harm, or another server has the name.
    """
    file = client.file(scope, project)

    def plan(before: str | None, traces: Traces) -> Change:
        text = (before or "").removeprefix(_BOM)
        present = _servers(client, file, text, entry).get(SERVER_NAME)
        if present is not None and not is_ours(present):
            raise UsageError(
                f"{client.title} has another server named {SERVER_NAME}",
                f"It stands in {file} and does not start Oxide.",
                "Rename or remove it there first.",
            )
        if present is not None:
            after = _edited(client, file, partial(client.change, text, _moves(present, entry)), entry)
            return _again(file, before, _like(before, after), traces)
        after = _edited(client, file, partial(client.put, text, entry), entry)
        return _first(file, before, _like(before, after), traces)

    return _change(client, file, plan, lock, dry_run=dry_run)


def uninstall(client: Client, scope: Scope, project: Path, lock: Path, *, dry_run: bool = False) -> Change:
    """Take Oxide's own entry out again, with what else `install` has made. Other servers of the name stay.

    Raises:
        UsageError: The file cannot be changed without harm.
    """
    file = client.file(scope, project)

    def plan(before: str | None, traces: Traces) -> Change:
        text = (before or "").removeprefix(_BOM)
        present = _servers(client, file, text, None).get(SERVER_NAME)
        if not is_ours(present):
            return Change(file=file, before=before, after=before, traces=traces)
        backup = _read(Path(traces.backup)) if traces.backup else None
        kept = None if backup is None else backup.removeprefix(_BOM)
        left = _edited(client, file, partial(_without, client, text, traces, kept), None)
        had = _servers(client, file, kept or "", None).get(SERVER_NAME)  # an entry that was there before `install`
        copy = None if _added(client, present) == _added(client, had) else _free_name(file)
        if traces.made_file and not left.strip("{} \t\r\n"):
            gone = _removable(tuple(map(Path, traces.folders)), file, project) if copy is None else ()
            return Change(file=file, before=before, after=None, folders=gone, backup=copy)
        after = _like(before, left)
        if traces.backup and after == backup:
            return Change(file=file, before=before, after=after, spent=Path(traces.backup), backup=copy)
        later = NO_TRACES if had else Traces(backup=traces.backup)  # no later `install` writes over a person's entry
        return Change(file=file, before=before, after=after, backup=copy, traces=later)

    return _change(client, file, plan, lock, dry_run=dry_run)


def _moves(present: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[tuple[str, ...], object]:
    """What to change in an entry of ours so that it leads to this Oxide; what else a person wrote into it stays."""
    moves: dict[tuple[str, ...], object] = {}
    if present.get("command") != entry["command"]:
        moves["command",] = entry["command"]
    if (present.get("args") or []) != entry["args"]:
        moves["args",] = entry["args"]
    env, wanted = present.get("env"), entry.get("env", {})
    if isinstance(env, dict):
        names = {_HOME, *wanted}
        moves |= {("env", name): wanted.get(name) for name in names if env.get(name) != wanted.get(name)}
    elif env or wanted:
        moves["env",] = wanted or None
    return moves


def _added(client: Client, entry: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever stands there
    """What a person has written into an entry, besides what leads to Oxide."""
    if not is_ours(entry):
        return {}
    env = entry.get("env")
    own = {name: value for name, value in env.items() if name != _HOME} if isinstance(env, dict) else env
    rest = {key: value for key, value in entry.items() if key not in (*client.extra, "command", "args", "env")}
    return {**rest, "env": own} if own else rest


def _again(file: Path, before: str | None, after: str, traces: Traces) -> Change:
    """What changing an entry that is there leaves behind: a backup, if Oxide has neither one nor made the file."""
    if before == after or traces.backup or traces.made_file:
        return Change(file=file, before=before, after=after, traces=traces)
    backup = _free_name(file)
    return Change(file=file, before=before, after=after, backup=backup, traces=Traces(backup=str(backup)))


def _first(file: Path, before: str | None, after: str, traces: Traces) -> Change:
    """What putting the entry in for the first time leaves behind: a backup, or a file and its folders."""
    if before is not None:
        backup = Path(traces.backup) if traces.backup else _free_name(file)
        return Change(file=file, before=before, after=after, backup=backup, traces=Traces(backup=str(backup)))
    missing = tuple(folder for folder in file.absolute().parents if not folder.exists())
    folders = tuple(dict.fromkeys([*map(str, missing), *traces.folders]))
    made = Traces(made_file=True, folders=folders, backup=traces.backup)
    return Change(file=file, before=before, after=after, folders=missing, traces=made)


def _without(client: Client, text: str, traces: Traces, kept: str | None) -> str:
    made_section = traces.made_file or (kept is not None and client.section not in client.tree(kept))
    left = client.take_out(text, section_too=made_section and len(client.servers(text)) == 1)
    return kept if kept is not None and client.tree(left) == client.tree(kept) else left


def _removable(folders: tuple[Path, ...], file: Path, project: Path) -> tuple[Path, ...]:
    """The folders that are left empty when the file goes; never one that somebody stands or lives in."""
    kept = {project.absolute(), Path.home()}
    with contextlib.suppress(FileNotFoundError):  # the current folder is gone already
        kept.add(Path.cwd())
    found: list[Path] = []
    gone = file.absolute()
    for folder in folders:
        if folder in kept or not folder.is_dir() or set(folder.iterdir()) != {gone}:
            break
        found.append(folder)
        gone = folder
    return tuple(found)


def _change(client: Client, file: Path, plan: Plan, lock: Path, *, dry_run: bool) -> Change:
    """Read, edit, and write if nobody else has written meanwhile; some clients write their files all the time."""
    with _locked(lock):
        book = TraceBook(lock.with_suffix(".json"))
        for _ in range(_TRIES):
            before = _read(file)
            change = plan(before, book.of(file))
            if dry_run or change.is_none:
                return change
            if _read(file) == before:
                _apply(change, book)
                return change
    raise OxideError(
        f"{file} was not changed", "Another program keeps writing it.", f"Close {client.title}, try again."
    )


def _edited(client: Client, file: Path, edit: Callable[[], str], entry: Mapping[str, object] | None) -> str:
    try:
        return edit()
    except (ValueError, RecursionError) as error:
        raise _unlike(client, file, error, entry) from error


def _like(before: str | None, after: str) -> str:
    return _BOM + after if before is not None and before.startswith(_BOM) else after


def _apply(change: Change, book: TraceBook) -> None:
    if change.file.exists() and not change.file.stat().st_mode & _WRITABLE:
        title = f"{change.file} was not changed"
        raise OxideError(title, "It is read-only: somebody wants it to stay as it is.", "Make it writable first.")
    try:
        if change.after is None:
            _remove(change, book)
        else:
            _put(change, change.after, book)
    except OSError as error:
        raise OxideError(
            f"{change.file} was not changed", f"{error.strerror}.", "Give yourself write access to it."
        ) from error


def _remove(change: Change, book: TraceBook) -> None:
    if change.backup:
        _write(change.backup, change.before or "", like=change.file)
    Path(os.path.realpath(change.file)).unlink(missing_ok=True)  # a link that led nowhere does so again
    with contextlib.suppress(OSError):  # somebody has put something there just now: the folder is theirs
        for folder in change.folders:
            folder.rmdir()
    with contextlib.suppress(OSError):  # a trace of a file that is gone does no harm
        book.note(change.file, change.traces)


def _put(change: Change, text: str, book: TraceBook) -> None:
    """All of it or nothing: what a change that fails has made goes again."""
    with contextlib.ExitStack() as undo:
        for folder in reversed(change.folders):
            folder.mkdir()
            undo.callback(folder.rmdir)
        if change.backup:
            if not change.backup.exists():
                undo.callback(change.backup.unlink, missing_ok=True)
            _write(change.backup, change.before or "", like=change.file)
        undo.callback(book.note, change.file, book.of(change.file))
        book.note(change.file, change.traces)
        _write(change.file, text, like=change.file)
        undo.pop_all()
    if change.spent:
        change.spent.unlink(missing_ok=True)


def _write(file: Path, text: str, like: Path) -> None:
    """Whole or not at all, where a link leads to, readable by whom it was readable before."""
    mode = stat.S_IMODE(like.stat().st_mode) if like.exists() else PRIVATE_FILE_MODE
    write_atomically(Path(os.path.realpath(file)), text.encode(), mode)


def _read(file: Path) -> str | None:
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe would be waited for without end
            raise UsageError(f"{file} is left as it is", "It is no ordinary file.", "Look at it first.")
        return file.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read", f"{error}.", "Look at the file first.") from error


def _servers(client: Client, file: Path, text: str, entry: Mapping[str, object] | None) -> dict[str, Any]:
    try:
        return client.servers(text.removeprefix(_BOM))
    except (ValueError, RecursionError) as error:
        raise _unlike(client, file, error, entry) from error


def _unlike(client: Client, file: Path, error: Exception, entry: Mapping[str, object] | None) -> UsageError:
    by_hand = f" Or let it say this:\n{client.shown(entry)}" if entry else ""
    return UsageError(
        f"{file} is left as it is",
        f"{client.form} not in the documented form ({error}), and a program would do it harm.",
        f"Mend it, then try again.{by_hand}",
    )


def _free_name(file: Path) -> Path:
    """For a backup: a file of that name that a person has made stays."""
    names = (file.name + BACKUP_ENDING + end for end in itertools.chain([""], map(".{}".format, itertools.count(2))))
    return next(path for path in map(file.with_name, names) if not os.path.lexists(path))


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
