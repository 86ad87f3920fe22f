"""The tools that MCP clients see: what they are for, what may be asked with them, what they answer."""

from __future__ import annotations

from typing import Any

import mcp_types as types

from oxide_desktop.core.model import TaskType
from oxide_desktop.core.record import TaskStatus

INSTRUCTIONS = (
    "Oxide hands work to other language models: it picks the service that suits a task and that the person allows,"
    " and keeps the record.\n"
    "Delegate what is self-contained: a review or an explanation of named files, a summary, a question about a code"
    " base too large for you (analyze_parallel), a second opinion, a cheap question a local model can answer.\n"
    "Don't delegate edits, or what needs this conversation: the other model sees only the prompt and the files you"
    " name, and changes nothing. Don't name files the person wants to keep private.\n"
    "Relative paths mean the project directory. If `status` is running, or `next_offset` is a number, the rest comes"
    " by get_task_result; no task is lost. If a service is missing, list_services says why and what to do."
)

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_MAYBE_NUMBER = {"type": ["number", "null"]}


def _strings(about: str = "") -> dict[str, Any]:
    return {"type": "array", "items": _TEXT, **({"description": about} if about else {})}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schema
    schema = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def _arguments(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schema
    return {**_object(required, **properties), "additionalProperties": False}


_ANSWERED = ("task_id", "status", "result", "next_offset")
_ANSWER_FIELDS = {
    "task_id": _TEXT,
    "status": {"enum": [item.value for item in TaskStatus]},
    "result": _MAYBE_TEXT,
    "next_offset": {"type": ["integer", "null"], "description": "Where the rest starts; null if this is all"},
    "service": _MAYBE_TEXT,
    "model": _MAYBE_TEXT,
    "task_type": _MAYBE_TEXT,
    "duration": _MAYBE_NUMBER,
    "notes": _strings(),
}
_ANSWER = _object(_ANSWERED, **_ANSWER_FIELDS)
_ANALYSIS = _object(_ANSWERED, **_ANSWER_FIELDS, receipt={"type": "array", "items": {"type": "object"}})
_ASKING = types.ToolAnnotations(read_only_hint=True, open_world_hint=True)
_LOOKING = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

ROUTE_TASK = types.Tool(
    name="route_task",
    title="Ask another model",
    description=(
        "Send a prompt to the most suitable other language model and get its answer. It knows nothing of this"
        " conversation: put all it needs into the prompt and name the files it should read."
    ),
    input_schema=_arguments(
        ("prompt",),
        prompt={**_TEXT, "description": "The whole task"},
        files=_strings("Paths or globs to send along, absolute or relative to the project"),
        preferences=_arguments(
            preferred_service={**_TEXT, "description": "This service and no other"},
            task_type={"enum": [item.value for item in TaskType]},
            model=_TEXT,
        ),
    ),
    output_schema=_ANSWER,
    annotations=_ASKING,
)
ANALYZE_PARALLEL = types.Tool(
    name="analyze_parallel",
    title="Analyse a directory",
    description=(
        "Have several models read all files below a directory at once and get one answer, with a receipt for every"
        " file: read, truncated or skipped, and by whom. Takes minutes."
    ),
    input_schema=_arguments(
        ("directory", "prompt"),
        directory={**_TEXT, "description": "Absolute or relative to the project"},
        prompt={**_TEXT, "description": "What to find out"},
        num_workers={"type": "integer", "minimum": 1, "description": "Requests at once"},
    ),
    output_schema=_ANALYSIS,
    annotations=_ASKING,
)
GET_TASK_RESULT = types.Tool(
    name="get_task_result",
    title="Get a task's result",
    description="The result of a task from a character on. Waits for a running one.",
    input_schema=_arguments(
        ("task_id",),
        task_id=_TEXT,
        offset={"type": "integer", "minimum": 0, "description": "next_offset of the last answer"},
    ),
    output_schema=_ANSWER,
    annotations=_LOOKING,
)
LIST_SERVICES = types.Tool(
    name="list_services",
    title="List services",
    description="The language models Oxide can ask, whether each is healthy, and what an unhealthy one needs.",
    input_schema=_arguments(),
    output_schema=_object(
        ("services",),
        services={
            "type": "array",
            "items": _object(
                ("name", "healthy"),
                name=_TEXT,
                healthy={"type": "boolean"},
                enabled={"type": "boolean"},
                description=_TEXT,
                locality=_TEXT,
                model=_MAYBE_TEXT,
                max_context_tokens=_MAYBE_NUMBER,
                problem=_TEXT,
                fix=_TEXT,
            ),
        },
    ),
    annotations=_LOOKING,
)

TOOLS = (ROUTE_TASK, ANALYZE_PARALLEL, LIST_SERVICES, GET_TASK_RESULT)
