"""Oxide as MCP clients are told of it: which program they start, and what a change of their files comes to."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oxide_desktop.config.clients import Client, Scope
from oxide_desktop.config.connecting import Change
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import OxideError, UsageError

_PROGRAM = "oxide-mcp"
_ENDING = ".exe" if sys.platform == "win32" else ""
_REPLACE = "Remove it if you do not know it; `oxide mcp install` mends an old one of yours."
_VARIABLES = ("OXIDE_HOME", "OXIDE_AUTO_START_WEB")


def own_entry(client: Client, scope: Scope) -> dict[str, object]:
    """What is to stand among a client's servers.

    Raises:
        UsageError: The program that clients start is not there.
    """
    return client.entry(_shim(scope), _environment())


def lock_of(paths: Paths) -> Path:
    """Held by whoever changes clients' files."""
    return paths.run_dir / "clients.lock"


def difference(change: Change) -> str:
    """A change as people read changes: lines that go and lines that come."""
    before = (change.before or "").splitlines(keepends=True)
    after = (change.after or "").splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, f"{change.file} (now)", f"{change.file} (then)")
    return "".join(lines).rstrip("\n")


def start_of(entry: Mapping[str, Any], scope: Scope) -> tuple[list[str], dict[str, str]]:
    """The command and the variables of an entry that starts this Oxide as `own_entry` has it.

    Files of a project come with it from elsewhere: whatever else they name "oxide" is not to be run.

    Raises:
        OxideError: It starts something else, or this with variables or a home that are not Oxide's.
    """
    program, env = _resolved(entry.get("command")), entry.get("env") or {}
    if program is None:
        raise _refusal(f"It starts {entry.get('command')!r}, which is not this Oxide", _REPLACE)
    if entry.get("args"):
        raise _refusal(f"It starts Oxide with arguments, {entry['args']!r}", _REPLACE)
    if not isinstance(env, dict):
        raise _refusal("Its env is no table of variables", _REPLACE)
    if foreign := [name for name in env if name not in _VARIABLES]:
        hint = (
            f"Take {' and '.join(foreign)} out of it: variables for services stand in services.NAME.env of config.yaml."
        )
        raise _refusal(f"It sets {', '.join(foreign)}", hint)
    if not all(isinstance(value, str) for value in env.values()) or not _is_home_of(env.get("OXIDE_HOME"), scope):
        raise _refusal(f"It names a home that is not this Oxide's, {env.get('OXIDE_HOME')!r}", _REPLACE)
    return [str(program)], dict(env)


def _refusal(why: str, hint: str) -> OxideError:
    return OxideError("The server named oxide is not tried", f"{why}, as `oxide mcp install` does not write it.", hint)


def _resolved(command: object) -> Path | None:
    """Where a command leads, if that is to this Oxide."""
    own = [path for path in (_on_path(), _beside()) if path]
    if command in (_PROGRAM, _PROGRAM + _ENDING):
        return own[0] if own else None
    if not isinstance(command, str) or not Path(command).is_absolute() or not os.path.isfile(command):  # noqa: PTH113 - never raises
        return None
    return next((Path(command) for path in own if path.samefile(command)), None)


def _is_home_of(home: str | None, scope: Scope) -> bool:
    """Whether a file of that scope may name that home: its settings name programs that Oxide runs."""
    return home is None or (Path(home).is_absolute() if scope is Scope.USER else home == str(_own_home()))


def _shim(scope: Scope) -> str:
    """How a client starts the shim: where it really is, or by its name alone where others share the file."""
    beside, on_path = _beside(), _on_path()
    if scope is Scope.PROJECT and on_path:
        return _PROGRAM
    if beside or on_path:
        return str(beside or on_path)
    raise UsageError(
        "The program oxide-mcp is missing",
        f"It is neither in {Path(sys.executable).parent} nor on PATH.",
        "Install Oxide again.",
    )


def _beside() -> Path | None:
    found = Path(sys.executable).parent / (_PROGRAM + _ENDING)
    return found if found.is_file() else None


def _on_path() -> Path | None:
    """The first on PATH, whose relative parts mean whatever project one stands in."""
    folders = [Path(name) for name in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    places = [folder / (_PROGRAM + _ENDING) for folder in folders if folder.is_absolute()]
    return next((path for path in places if os.path.isfile(path) and os.access(path, os.X_OK)), None)  # noqa: PTH113 - never raises


def _environment() -> dict[str, str]:
    """What the shim must be told, since a client does not pass it on."""
    return {"OXIDE_HOME": str(_own_home())} if os.environ.get("OXIDE_HOME") else {}


def _own_home() -> Path:
    return Paths.from_environment().home
