"""The person's own assignments, type -> service, in `routing_rules.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from oxide_desktop.core.errors import NotFoundError, StoreError, UsageError
from oxide_desktop.core.model import TaskType, parse_task_type
from oxide_desktop.store.files import locked, replace_file

_Identity = tuple[int, int, int]


class RuleFile:
    """`core.ports.Rules` on a JSON file that people and other processes may change at any time.

    Entries that make no sense here (a type or a service that does not exist) are never used, never lost, and named by
    `problems`.
    """

    def __init__(self, path: Path, services: Collection[str]) -> None:
        self._path = path
        self._services = services
        self._lock = path.parent / "run" / "rules.lock"
        self._seen: tuple[_Identity, dict[str, Any]] | None = None

    def all(self) -> Mapping[TaskType, str]:
        """What is set now, read again if the file has changed.

        Raises:
            StoreError: The file is damaged or cannot be read.
        """
        return {TaskType(key): value for key, value in self._entries().items() if not self._problem(key, value)}

    def problems(self) -> tuple[str, ...]:
        """Sentences about entries of the file that are not used.

        Raises:
            StoreError: The file is damaged or cannot be read.
        """
        return tuple(problem for key, value in self._entries().items() if (problem := self._problem(key, value)))

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

    def remove(self, task_type: TaskType) -> None:
        """Take an assignment back.

        Raises:
            NotFoundError: The type has none.
            StoreError: The file could not be read or written; it is as it was.
        """
        name = parse_task_type(task_type).value

        def without(entries: dict[str, Any]) -> dict[str, Any]:
            if name not in entries:
                raise NotFoundError("No such rule", f"No service is assigned to {name}.", "`oxide rules` lists them.")
            return {key: value for key, value in entries.items() if key != name}

        self._change(without)

    def clear(self) -> int:
        """Take all back; answers how many there were.

        Raises:
            StoreError: The file could not be read or written; it is as it was.
        """
        before, after = self._change(
            lambda entries: {key: value for key, value in entries.items() if key not in tuple(TaskType)}
        )
        return len(before) - len(after)

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read, change and write with nobody in between; answers what was there and what is."""
        try:
            with locked(self._lock):
                before = self._read()
                after = change(before)
                if after != before:
                    replace_file(self._path, json.dumps(after, indent=2) + "\n")
        except OSError as error:
            raise StoreError(
                "The rules cannot be written",
                f"{self._path}: {error.strerror or error}.",
                "Look whether the disk is full and whether you may write that folder, then try again.",
            ) from error
        return before, after

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
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> dict[str, Any]:
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._unreadable(error) from error
        if not isinstance(entries, dict):
            raise self._unreadable("it is not a JSON object")
        return entries

    def _unreadable(self, reason: object) -> StoreError:
        return StoreError(
            "The rules cannot be read",
            f"{self._path}: {str(reason).rstrip('.')}. It was left as it is.",
            'Mend the file, which looks like {"coding": "qwen"}, or move it away to start without rules.',
        )

    def _problem(self, key: str, value: object) -> str:
        """Why an entry is not used, empty if it is."""
        if key not in tuple(TaskType):
            return f"{self._path}: {key!r} is not one of {', '.join(TaskType)}."
        if not isinstance(value, str) or value not in self._services:
            return f"{self._path}: {value!r} (for {key}) is not one of {', '.join(sorted(self._services))}."
        return ""
