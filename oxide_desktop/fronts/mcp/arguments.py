"""What a tool call asks for, checked: a client may send anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Preferences


class Given:
    """The arguments of one call, taken out one by one.

    Raises:
        UsageError: One of them is none of the tool's.
    """

    def __init__(self, tool: str, arguments: Mapping[str, Any], known: tuple[str, ...]) -> None:
        self._values = {key: value for key, value in arguments.items() if value is not None}
        if unknown := sorted(set(self._values) - set(known)):
            takes = f"takes {', '.join(known)}" if known else "takes no arguments"
            raise UsageError("Unknown argument", f"{tool} {takes}, not {unknown[0]}.", "Leave it out.")

    def text(self, name: str) -> str:
        """A string; empty if it was not given."""
        value = self._values.get(name, "")
        if not isinstance(value, str):
            raise UsageError("Bad argument", f"{name} must be a string.")
        return value

    def number(self, name: str, least: int) -> int | None:
        """A whole number from `least` on; some models write it as a string or with a point."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool) or value < least:
            raise UsageError("Bad argument", f"{name} must be a whole number from {least} on.")
        return int(value)

    def paths(self, name: str) -> tuple[str, ...]:
        """A list of paths."""
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise UsageError("Bad argument", f"{name} must be a list of paths.", "Send [] or leave it out for none.")
        return tuple(value)

    def preferences(self, name: str) -> Preferences:
        """What the caller insists on."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise UsageError("Bad argument", f"{name} must be an object.")
        return Preferences.parse(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTask:
    """Arguments of `route_task`."""

    prompt: str
    files: tuple[str, ...]
    preferences: Preferences

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Self:
        """Check what a client sent.

        Raises:
            UsageError: It does not fit the input schema.
        """
        given = Given("route_task", arguments, ("prompt", "files", "preferences"))
        return cls(
            prompt=given.text("prompt"), files=given.paths("files"), preferences=given.preferences("preferences")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeParallel:
    """Arguments of `analyze_parallel`."""

    directory: str
    prompt: str
    workers: int | None

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Self:
        """Check what a client sent.

        Raises:
            UsageError: It does not fit the input schema.
        """
        given = Given("analyze_parallel", arguments, ("directory", "prompt", "num_workers"))
        directory = given.text("directory").strip()
        if not directory:
            raise UsageError("Bad argument", "directory is missing.", 'Send a path; "." is the project.')
        return cls(directory=directory, prompt=given.text("prompt"), workers=given.number("num_workers", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTaskResult:
    """Arguments of `get_task_result`."""

    task_id: str
    offset: int

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Self:
        """Check what a client sent.

        Raises:
            UsageError: It does not fit the input schema.
        """
        given = Given("get_task_result", arguments, ("task_id", "offset"))
        task_id = given.text("task_id").strip()
        if not task_id:
            raise UsageError("Bad argument", "task_id is missing.", "Send the task_id that route_task answered with.")
        return cls(task_id=task_id, offset=given.number("offset", 0) or 0)
