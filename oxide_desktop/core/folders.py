"""The folder that relative paths begin in, for requests that come without one."""

from __future__ import annotations

from pathlib import Path


def working_folder() -> Path:
    """This process's own; the person's home, if that has been deleted since the start."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path.home()
