"""Changes values of the person's own `config.yaml`: checked before, written whole, comments and order kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from oxide_desktop.config.private_files import PRIVATE_FILE_MODE, unwritable, write_atomically
from oxide_desktop.config.settings import settings_of
from oxide_desktop.config.yaml_splice import UnclearError, Value, put
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.settings import Settings

_FIRST_LINE = "# Your settings, over those that Oxide is shipped with. `oxide config check` reads them.\n"
_BOM = "\ufeff"


def change_settings(file: Path, changes: Mapping[Sequence[str], Value]) -> Settings:
    """Set values by their keys (`("web", "port")`); `None` is the default again. Blocks.

    Returns:
        The settings as they are in force from the next start on.

    Raises:
        ConfigError: A value is not allowed, or the file cannot be used as it is. It is left alone.
        UsageError: The file is written in a way that only a person should change.
        StoreError: It cannot be written.
    """
    try:
        before = file.read_bytes().decode() if file.exists() else _FIRST_LINE
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read", f"{error}.", "Look at the file first.") from error
    bom = _BOM if before.startswith(_BOM) else ""
    text = before.removeprefix(_BOM)
    settings_of(text, file)  # what is wrong already is told as such
    for path, value in changes.items():
        try:
            text = put(text, tuple(path), value)
        except UnclearError as error:
            key = ".".join(path)
            hint = f"Change {key} there yourself."
            raise UsageError(f"{file} is left as it is", f"Around {key}: {error}.", hint) from error
    settings = settings_of(text, file)
    if bom + text != before or not file.exists():
        _write(file, bom + text)
    return settings


def start_file(file: Path) -> None:
    """Make the file if there is none, so that an editor has something to open. Blocks.

    Raises:
        StoreError: It cannot be written.
    """
    if not file.exists():
        _write(file, _FIRST_LINE)


def _write(file: Path, text: str) -> None:
    """Where a link leads to, readable by whom it was readable before."""
    real = Path(os.path.realpath(file))
    try:
        mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else PRIVATE_FILE_MODE
        write_atomically(real, text.encode(), mode)
    except OSError as error:
        raise unwritable(error, file) from error
