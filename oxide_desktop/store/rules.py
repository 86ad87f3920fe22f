"""The person's own assignments, type -> service, in `routing_rules.json`."""

from __future__ import annotations

import json
import shlex
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oxide_desktop.config.private_files import DISK_FULL
from oxide_desktop.core.errors import NotFoundError, OxideError, StoreError, UsageError
from oxide_desktop.core.model import TaskType, parse_task_type
from oxide_desktop.store.files import locked, replace_file

_Identity = tuple[int, int, int]


class RuleFile:
    """`core.ports.Rules` on a JSON file that people and other processes may change at any time.

    Entries that make no sense here (a type or a service that does not exist) are not used, nor is a damaged file:
    `problems` names them, and nothing is lost unless a person takes it back.
    """

    def __init__(self, path: Path, services: Collection[str]) -> None:
        self._path = path
        self._services = services
        self._lock = path.parent / "run" / "rules.lock"
        self._seen: tuple[_Identity, dict[str, Any]] | None = None

    def all(self) -> Mapping[TaskType, str]:
        """What is set now, read again if the file has changed; nothing while the file cannot be read."""
        try:
            entries = self._entries()
        except StoreError:  # tasks go on without rules; `problems` says so
            return {}
        return {TaskType(key): value for key, value in entries.items() if self._problem(key, value) is None}

    def problems(self) -> tuple[OxideError, ...]:
        """What of the file is not used, and what to do: a `StoreError` where that is all of it."""
        try:
            entries = self._entries()
        except StoreError as error:
            return (error,)
        return tuple(problem for key, value in entries.items() if (problem := self._problem(key, value)))

    def set(self, task_type: TaskType, service: str) -> None:
        """Assign a type.

        Raises:
            UsageError: There is no such type, or no such service is configured.
            StoreError: The file could not be read or written; it is as it was.
        """
        name = parse_task_type(task_type).value
        if service not in self._services:
            raise UsageError("Unknown service", f"{service!r} is not one of {', '.join(sorted(self._services))}.")
        self._change(lambda entries: entries | {name: service})

    def remove(self, task_type: str) -> None:
        """Take back whatever stands in the file for a type, be it one that does not exist.

        Raises:
            NotFoundError: The type has none.
            UsageError: There is no such type, nor an entry of that name.
            StoreError: The file could not be read or written; it is as it was.
        """

        def without(entries: dict[str, Any]) -> dict[str, Any]:
            name = str(task_type) if task_type in entries else parse_task_type(task_type).value
            if name not in entries:
                raise NotFoundError("No such rule", f"No service is assigned to {name}.", "`oxide rules` lists them.")
            return {key: value for key, value in entries.items() if key != name}

        self._change(without)

    def clear(self) -> int:
        """Take all back; answers how many there were. A damaged file is set aside, so that nothing of it is lost.

        Raises:
            StoreError: The file could not be written; it is as it was.
        """
        with self._alone():
            try:
                before = self._entries()
            except StoreError:
                from oxide_desktop.store.damage import set_aside  # noqa: PLC0415 - brings SQLite, which no rule needs

                set_aside(self._path, self._path.parent / "quarantine")
                return 0
            if before:
                replace_file(self._path, "{}\n")
        return len(before)

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Read, change and write with nobody in between."""
        with self._alone():
            before = self._read()
            after = change(before)
            if after != before:
                replace_file(self._path, json.dumps(after, indent=2) + "\n")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with locked(self._lock):
                yield
        except OSError as error:
            raise StoreError(
                "The rules cannot be written",
                f"{self._path}: {error.strerror or error}.",
                "Free some space on that disk, then try again."
                if error.errno in DISK_FULL
                else "Give your user the right to write that folder, or set OXIDE_HOME to another one.",
            ) from error

    def _entries(self) -> dict[str, Any]:
        """What the file holds, read only if it has changed."""
        identity = self._identity()
        if identity is None:
            return {}
        if self._seen is None or self._seen[0] != identity:
            self._seen = (identity, self._read())
        return self._seen[1]

    def _identity(self) -> _Identity | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from error
        if not stat.S_ISREG(status.st_mode):  # a pipe would hold us for ever
            raise self._unreadable("it is not a file")
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> dict[str, Any]:
        if self._identity() is None:
            return {}
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise self._unreadable(error) from error
        if not isinstance(entries, dict):
            raise self._unreadable("it is not a JSON object")
        return entries

    def _unreadable(self, reason: object) -> StoreError:
        return StoreError(
            "The rules cannot be read",
            f"{self._path}: {str(reason).rstrip('.')}. Until that is mended, no rule of yours is used.",
            'Mend the file, which looks like {"coding": "qwen"}, or set it aside with `oxide rules clear`.',
        )

    def _problem(self, key: str, value: object) -> UsageError | None:
        """Why an entry is not used, `None` if it is."""
        removal = f"`oxide rules remove {shlex.quote(key)}`"
        if key not in tuple(TaskType):
            message = f"{self._path}: {key!r} is not one of {', '.join(TaskType)}."
            return UsageError("A rule is not used", message, f"Remove it with {removal}.")
        if not isinstance(value, str) or value not in self._services:
            message = f"{self._path}: {value!r} (for {key}) is not one of {', '.join(sorted(self._services))}."
            hint = f"Set it again with `oxide rules set {key} SERVICE`, or remove it with {removal}."
            return UsageError("A rule is not used", message, hint)
        return None
