"""Oxide as MCP clients are told of it: which program they start, and what a change of their files comes to."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from pathlib import Path

from oxide_desktop.config.clients import Client, Scope
from oxide_desktop.config.connecting import Change
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import UsageError


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


def _shim(scope: Scope) -> str:
    """How a client starts the shim: where it really is, or by its name alone where others share the file."""
    ending = ".exe" if sys.platform == "win32" else ""
    beside = Path(sys.executable).parent / f"oxide-mcp{ending}"
    on_path = shutil.which("oxide-mcp")
    if scope is Scope.PROJECT and on_path:
        return "oxide-mcp"
    if beside.is_file():
        return str(beside)
    if on_path:
        return on_path
    raise UsageError(
        "The program oxide-mcp is missing", f"It is neither at {beside} nor on PATH.", "Install Oxide again."
    )


def _environment() -> dict[str, str]:
    """What the shim must be told, since a client does not pass it on."""
    home = os.environ.get("OXIDE_HOME")
    return {"OXIDE_HOME": str(Path(home).expanduser().absolute())} if home else {}
