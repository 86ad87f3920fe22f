"""How the command line ends: every error rendered once, and its exit code."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from oxide_desktop.core.errors import OxideError

log = logging.getLogger(__name__)


class Interrupted(BaseException):
    """The person, or the system, asked the program to stop."""


class ReaderLeft(Exception):
    """Whoever read the output has gone, so there is nobody to go on for."""


def ending(args: Sequence[str], work: Callable[[], object]) -> int:
    """Do `work` and answer the exit code; what goes wrong is told here and nowhere else."""
    from oxide_desktop.core.errors import Bug, CancelledTaskError, OxideError  # noqa: PLC0415 - click comes first, for --help

    as_json = "--json" in _options(args)
    try:
        code = work()
        sys.stdout.flush()
    except OxideError as error:
        return _tell(error, as_json=as_json)
    except click.ClickException as error:
        return _tell_usage(error, as_json=as_json)
    except (KeyboardInterrupt, click.Abort, Interrupted):
        _tell_cancelled(as_json=as_json)
        return CancelledTaskError.exit_code
    except (ReaderLeft, BrokenPipeError):
        _forget_stdout()
        return CancelledTaskError.exit_code
    except Exception as error:  # a bug of ours: told like every other error, its trace goes to the log
        if isinstance(error, OSError) and (refused := _refusal(error)):
            return _tell(refused, as_json=as_json)
        log.exception("the command line met a bug")
        return _tell(Bug("Oxide made a mistake", repr(error), "The log has the details."), as_json=as_json)
    return code if isinstance(code, int) else 0


def _refusal(error: OSError) -> OxideError | None:
    """What to say where the system refused to write a file, which is no bug of ours."""
    from oxide_desktop.config.private_files import DISK_FULL, FORBIDDEN, unwritable  # noqa: PLC0415 - not for --help

    return unwritable(error) if error.errno in (*DISK_FULL, *FORBIDDEN) else None


def _options(args: Sequence[str]) -> Sequence[str]:
    """The arguments before a bare `--`."""
    return args[: list(args).index("--")] if "--" in args else args


def _tell(error: OxideError, *, as_json: bool) -> int:
    if as_json:
        _write_json({"error": error.to_dict()})
    say_error(error)
    return error.exit_code


def say_error(error: OxideError) -> None:
    """Title, message and the one thing to do, on standard error."""
    from oxide_desktop.fronts.cli.output import mark, paint, say  # noqa: PLC0415 - not needed when all goes well
    from oxide_desktop.fronts.cli.text import clean  # noqa: PLC0415 - likewise

    message = clean(error.message)
    joint = ":\n" if "\n" in message else ": "
    say(f"{mark('failed')} {paint(error.title, bold=True)}{joint if message else ''}{message}")
    if error.hint:
        say(f"  {clean(error.hint)}")


def _tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    if as_json:
        _write_json({"error": {"title": "Wrong usage", "message": error.format_message(), "hint": ""}})
    error.show()
    return error.exit_code if isinstance(error, click.UsageError) else 2


def _tell_cancelled(*, as_json: bool) -> None:
    if as_json:
        _write_json({"error": {"title": "Cancelled", "message": "It was stopped before it was done.", "hint": ""}})
    click.echo("Cancelled.", err=True)


def _write_json(data: object) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _forget_stdout() -> None:
    """The reader has gone: keep the interpreter from flushing into the void when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
