"""The prompts that clients show as slash commands: ready-made wishes to delegate something."""

from __future__ import annotations

from collections.abc import Mapping

import mcp_types as types
from mcp.shared.exceptions import MCPError


def _argument(name: str, description: str, *, required: bool = False) -> types.PromptArgument:
    return types.PromptArgument(name=name, description=description, required=required)


PROMPTS = (
    types.Prompt(
        name="ask",
        title="Ask another model",
        description="Ask the language model that Oxide finds most suitable",
        arguments=[_argument("question", "What to ask", required=True)],
    ),
    types.Prompt(
        name="review",
        title="Review by another model",
        description="Have files reviewed by another language model",
        arguments=[_argument("files", "Paths or globs; what has changed if left out")],
    ),
    types.Prompt(
        name="analyse",
        title="Analyse a code base",
        description="Have several language models read a whole directory at once",
        arguments=[
            _argument("directory", "The directory; the project if left out"),
            _argument("question", "What to find out; its architecture if left out"),
        ],
    ),
)
_FAITHFULLY = " Show me its answer, say which service gave it, and say where you disagree."


def prompt_named(name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """A prompt with its arguments filled in.

    Raises:
        MCPError: There is none of that name, or what it needs is missing.
    """
    texts = {"ask": _ask, "review": _review, "analyse": _analyse}
    if name not in texts:
        raise MCPError(types.INVALID_PARAMS, f"There is no prompt {name!r} here, only {', '.join(texts)}.")
    text = texts[name](arguments) + _FAITHFULLY
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=types.TextContent(text=text))])


def _ask(arguments: Mapping[str, str]) -> str:
    question = arguments.get("question", "").strip()
    if not question:
        raise MCPError(types.INVALID_PARAMS, "Say what to ask: the argument question is empty.")
    return f"Use Oxide's tool route_task to ask another model this, word for word:\n\n{question}\n\n"


def _review(arguments: Mapping[str, str]) -> str:
    files = arguments.get("files", "").strip() or "the files that have changed since the last commit"
    return (
        f"Use Oxide's tool route_task with task_type code_review to have these reviewed by another model: {files}."
        " Ask for bugs, security problems and unclear code, each with its place and a fix."
    )


def _analyse(arguments: Mapping[str, str]) -> str:
    directory = arguments.get("directory", "").strip() or "the project's directory"
    question = arguments.get("question", "").strip() or "How is it built, and what are its strengths and weaknesses?"
    return f"Use Oxide's tool analyze_parallel on {directory} with this question:\n\n{question}\n\n"
