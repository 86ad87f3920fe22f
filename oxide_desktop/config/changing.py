"""Changes values of the person's own `config.yaml`: checked before, written whole, comments and order kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from oxide_desktop.config.private_files import PRIVATE_FILE_MODE, unwritable, write_atomically
from oxide_desktop.config.settings import settings_of
from oxide_desktop.config.yaml_splice import UnclearError, Value, put
from oxide_desktop.core.errors import ConfigError, ConfigProblem, UsageError
from oxide_desktop.core.settings import Settings

_FIRST_LINE = "# Your settings, over those that Oxide is shipped with. `oxide config check` reads them.\n"
_BOM = "\ufeff"


class NotAllowedError(ConfigError):
    """A value that was to be set is refused; the file is as it was, and nothing in it is to be mended."""

    def __init__(self, problems: Sequence[ConfigProblem], keys: Collection[str]) -> None:
        super().__init__(problems)
        self.title = "That value is not allowed"
        self.message = " ".join(_refusal(problem, keys) for problem in problems)
        self.hint = ""


def _refusal(problem: ConfigProblem, keys: Collection[str]) -> str:
    sentence = problem.message if problem.key in keys else f"{problem.key}: {problem.message}"
    allowed = f" Allowed: {problem.allowed}." if problem.allowed else ""
    return f"{sentence[:1].upper()}{sentence[1:].removesuffix('.')}.{allowed}"


def change_settings(file: Path, changes: Mapping[Sequence[str], Value]) -> Settings:
    """Set values by their keys (`("web", "port")`); `None` is the default again. Blocks.

    Returns:
        The settings as they are in force from the next start on.

    Raises:
        NotAllowedError: A value is not allowed.
        ConfigError: The file cannot be used as it is. It is left alone.
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
    try:
        settings = settings_of(text, file)
    except ConfigError as error:
        raise NotAllowedError(error.problems, {".".join(path) for path in changes}) from error
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
