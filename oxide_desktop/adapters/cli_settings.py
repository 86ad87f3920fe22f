"""What other people's programs keep in their settings, read and never written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_COMMENTS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


def packaged_version(program: Path) -> str | None:
    """The version in the package that a program was installed with, without starting it."""
    for directory in list(program.parents)[:3]:
        if (file := directory / "package.json").is_file():
            version = read_settings(file).get("version")
            return version if isinstance(version, str) else None
    return None


def read_settings(file: Path) -> dict[str, Any]:
    """An object in JSON, which may hold comments; an empty one if there is none that can be read."""
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(_COMMENTS.sub(lambda found: found[1] or "", text))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def read_variables(file: Path) -> dict[str, str]:
    """The variables of an `.env` file."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.removeprefix("export ").partition("=") for line in map(str.strip, lines) if not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, found, value in pairs if found}


def at(data: Any, *keys: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What stands in nested objects, `None` if nothing does."""
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data
