"""The tool that MCP clients see, what may be asked with it, and how its answers look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import mcp_types as types

from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.core.model import Preferences, TaskType
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask

INSTRUCTIONS = (
    "Oxide hands a prompt, with files if you name them, to another language model: it picks the service that suits the"
    " task and that the person allows. Delegate what is self-contained: a review or an explanation of named files, a"
    " summary, a question about a large code base, a second opinion. Do not delegate edits: the other model sees only"
    " what you send and changes nothing. Relative paths mean the project directory."
)

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}

ROUTE_TASK = types.Tool(
    name="route_task",
    title="Ask another model",
    description=(
        "Send a prompt to the most suitable other language model and get its answer. Takes from seconds to minutes."
        " It knows nothing of this conversation: put all it needs into the prompt, and name the files it should read."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "prompt": {**_TEXT, "description": "The whole task."},
            "files": {
                "type": "array",
                "items": _TEXT,
                "description": "Paths or globs to send along, absolute or relative to the project.",
            },
            "preferences": {
                "type": "object",
                "properties": {
                    "preferred_service": {**_TEXT, "description": "This service and no other."},
                    "task_type": {"enum": [item.value for item in TaskType]},
                    "model": _TEXT,
                },
                "additionalProperties": False,
            },
        },
        "required": ["prompt"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {
            "result": {**_TEXT_OR_NULL, "description": "The answer."},
            "task_id": _TEXT,
            "status": {"enum": [item.value for item in TaskStatus]},
            "service": _TEXT_OR_NULL,
            "model": _TEXT_OR_NULL,
            "task_type": _TEXT_OR_NULL,
            "duration": {"type": ["number", "null"], "description": "Seconds."},
            "notes": {"type": "array", "items": _TEXT, "description": "What was cut or skipped."},
        },
        "required": ["result", "task_id", "status", "service", "notes"],
    },
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTask:
    """What a call of the tool asks for."""

    prompt: str
    files: tuple[str, ...]
    preferences: Preferences

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Self:
        """Check what a client sent.

        Raises:
            UsageError: It does not fit the input schema.
        """
        given = {key: value for key, value in arguments.items() if value is not None}
        prompt, files = given.pop("prompt", ""), given.pop("files", [])
        preferences = given.pop("preferences", {})
        if given:
            raise UsageError("Unknown argument", f"route_task takes prompt, files and preferences, not {min(given)}.")
        if not isinstance(prompt, str):
            raise UsageError("Bad argument", "prompt must be a string.")
        if not isinstance(files, list) or not all(isinstance(item, str) and item for item in files):
            raise UsageError("Bad argument", "files must be a list of paths.", "Send [] or leave it out for none.")
        if not isinstance(preferences, dict):
            raise UsageError("Bad argument", "preferences must be an object.")
        return cls(prompt=prompt, files=tuple(files), preferences=Preferences.parse(preferences))


def stage(task: RunningTask) -> str:
    """Where a task stands, in a few words."""
    record = task.record
    if not record.attempts:
        return f"Task {task.id} is {record.status}"
    attempt = record.attempts[-1]
    written = len(task.text_of(len(record.attempts)))
    return f"{attempt.service} has written {written:,} characters" if written else f"{attempt.service} is at work"


def answer(task: RunningTask) -> types.CallToolResult:
    """An ended task as the tool's result: the text alone, who gave it, and both again for programs."""
    record = task.record
    completed = record.status is TaskStatus.COMPLETED
    texts = [record.result or "", _footer(record)] if completed else [_failure(record, task.error)]
    return types.CallToolResult(
        content=[types.TextContent(text=text) for text in texts],
        structured_content={
            "result": record.result,
            "task_id": record.id,
            "status": record.status.value,
            "service": record.service,
            "model": record.model,
            "task_type": record.task_type,
            "duration": record.duration,
            "notes": list(record.notes),
        },
        is_error=not completed,
    )


def refusal(error: OxideError) -> types.CallToolResult:
    """A call that did not become a task."""
    return types.CallToolResult(content=[types.TextContent(text=str(error))], is_error=True)


def _footer(record: TaskRecord) -> str:
    model = f" ({record.model})" if record.model else ""
    notes = "".join(f"\nNote: {note}" for note in record.notes)
    return f"[Oxide: {record.service}{model}, {record.duration or 0:.1f} s, task {record.id}]{notes}"


def _failure(record: TaskRecord, error: OxideError | None) -> str:
    partial = f"\n\nUntil then {record.service} had written:\n{record.result}" if record.result else ""
    return f"{error or record.error} (task {record.id}, {record.status}){partial}"
