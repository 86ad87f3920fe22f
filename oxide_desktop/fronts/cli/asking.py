"""What `run` and `explain` share: a prompt from the arguments and standard input, and the wishes that go with it."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.core.model import Preferences, Request, Source, TaskType, parse_task_type
from oxide_desktop.fronts.cli.output import is_terminal, say
from oxide_desktop.fronts.cli.program import Program

if TYPE_CHECKING:
    from oxide_desktop.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

STDIN_LIMIT_BYTES = 64 * 1024 * 1024
STDIN_PATIENCE_S = 2.0


def complete_service(context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of configured services, for the shell."""
    try:
        names = context.ensure_object(Program).settings.services
    except OxideError:  # settings that cannot be used are told by the command, not in the middle of its line
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


_PROMPT = click.argument("prompt", required=False)
_FILES = click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE|GLOB",
    help="A file, folder or quoted glob to go with it; may be repeated.",
)
_SERVICE = click.option(
    "-s", "--service", metavar="NAME", shell_complete=complete_service, help="Ask this one and no other."
)
_TYPE = click.option("-t", "--type", "task_type", type=click.Choice([item.value for item in TaskType]))
_MODEL = click.option("-m", "--model", metavar="NAME", help="The model that the service is to use.")


def asking_options(command: F) -> F:
    """The arguments and options that make a request."""
    for decorate in (_MODEL, _TYPE, _SERVICE, _FILES, _PROMPT):
        command = decorate(command)
    return command


def make_request(
    settings: Settings,
    *,
    prompt: str | None,
    files: tuple[str, ...],
    service: str | None,
    task_type: str | None,
    model: str | None,
) -> Request:
    """The request that the arguments, and what was piped in, amount to.

    Raises:
        UsageError: There is nothing to ask, or the service is not configured.
    """
    if service is not None:
        require_service(settings, service)
    whole, piped = _whole_prompt(prompt)
    return Request(
        prompt=whole,
        piped=piped,
        files=files,
        preferences=Preferences(
            preferred_service=service, task_type=parse_task_type(task_type) if task_type else None, model=model
        ),
        source=Source.CLI,
        cwd=current_folder(),
    )


def current_folder() -> Path:
    """Where relative paths begin.

    Raises:
        UsageError: The folder that the shell stands in is gone.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        message = "It was deleted or moved away while this shell stood in it."
        raise UsageError("The current folder is gone", message, "Go to another one (`cd ~`), then try again.") from None


def require_service(settings: Settings, name: str) -> None:
    """Say at once that a service's name is wrong.

    Raises:
        UsageError: No service of that name is configured.
    """
    if name not in settings.services:
        known = ", ".join(settings.services) or "none"
        raise UsageError("No such service", f"{name!r} is not configured; those are: {known}.")


def _whole_prompt(prompt: str | None) -> tuple[str, int]:
    """The prompt, and how many characters at its end were piped in."""
    given = "" if prompt in (None, "-") else printable(prompt or "")
    if prompt == "-" or (prompt is None and not _stdin_is_terminal()):
        piped = _read_stdin()
        return piped, len(piped)
    piped = _read_stdin() if _stdin_is_piped() else ""
    if not piped.strip():
        return given, 0
    return f"{given}\n\n{piped}", len(piped)


def printable(text: str) -> str:
    """A prompt without bytes that are no UTF-8, which arguments may hold and no service takes; paths keep theirs."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _stdin_is_terminal() -> bool:
    return sys.stdin is None or is_terminal(sys.stdin)


def _stdin_is_piped() -> bool:
    """Whether something may come: a pipe, a socket or a file, but not a terminal and not the null device."""
    if sys.stdin is None:
        return False
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):  # closed, or none at all
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _read_stdin() -> str:
    """All of it. Reading happens before the loop starts, so Ctrl-C ends it.

    Raises:
        UsageError: It is longer than any prompt can be, or no text.
    """
    if sys.stdin is None:
        return ""
    stream = sys.stdin.buffer
    _tell_if_waiting()
    data = stream.read(STDIN_LIMIT_BYTES + 1)
    if len(data) > STDIN_LIMIT_BYTES:
        message = f"More than {STDIN_LIMIT_BYTES:,} bytes were piped in."
        raise UsageError("The prompt is too long", message, "Pass files with --file.")
    return _text_of(data)


def _text_of(data: bytes) -> str:
    """What was piped in as text.

    Raises:
        UsageError: It is none.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"Its byte {error.start + 1:,} is no UTF-8."
    else:
        if "\0" not in text:
            return text
        why = f"Its character {text.index(chr(0)) + 1:,} is NUL, so it is something binary."
    raise UsageError(
        "Standard input is not text", why, "Pipe text in UTF-8, or pass the file with --file, which reads more."
    )


def _tell_if_waiting() -> None:
    """A pipe that nobody writes to or closes looks like a program that hangs: say what is being waited for."""
    if os.name == "nt" or is_terminal(sys.stdin):  # only sockets can be waited for on Windows
        return
    ready, _, _ = select.select([sys.stdin], [], [], STDIN_PATIENCE_S)
    if not ready:
        say("Waiting for standard input to end (use `</dev/null` if nothing is to be read).")
