"""Projects' own settings: `.oxide.yaml` in a folder, for the tree below it. Who wrote it may be a stranger."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from oxide_desktop.config.document import WHOLE_FILE, Listing, Place, Scalar, Section, Tree, entries_of, parse_document
from oxide_desktop.core.errors import ConfigError, ConfigProblem
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.project import ProjectSettings
from oxide_desktop.core.reading import UnreadableError, read_text

FILE_NAME = ".oxide.yaml"
LONGEST_BYTES = 64 * 1024
_KEYS = ("rules", "local_only")
_MOST_REMEMBERED = 256
_LEADS_OUT = re.compile(r"~|[A-Za-z]:|(?:.*/)?\.\.(?:/|\Z)")

_Identity = tuple[int, int, int]


class ProjectFiles:
    """`core.ports.Projects` on the disk: looked for with every request, read again if they have changed."""

    def __init__(self, services: Collection[str]) -> None:
        self._services = services
        self._seen: dict[Path, tuple[_Identity, ProjectSettings]] = {}

    def above(self, folder: Path) -> Sequence[ProjectSettings]:
        """Those of a folder and of the ones above it up to the person's home or the root, the nearest first.

        Raises:
            ConfigError: One of them cannot be used: it says something else than is allowed, or leads out of its folder.
        """
        files = (place / FILE_NAME for place in _upwards(folder))
        return tuple(self._read(file) for file in files if _is_there(file))

    def _read(self, file: Path) -> ProjectSettings:
        real = _real_file(file)
        try:
            status = real.stat()
            identity = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._seen.get(file)
            if known is None or known[0] != identity:
                known = (identity, self._parse(file, _text_of(file, real)))
        except OSError as error:
            raise _refused(file, f"the file cannot be read: {error.strerror or error}") from error
        if len(self._seen) >= _MOST_REMEMBERED:
            self._seen.clear()
        self._seen[file] = known
        return known[1]

    def _parse(self, file: Path, text: str) -> ProjectSettings:
        problems: list[ConfigProblem] = []
        entries = entries_of(parse_document(text, file, problems))
        for name, item in entries.items():
            if name not in _KEYS:
                message = f"there is no key {name!r} in a project's file"
                problems.append(item.place.problem(name, message, ", ".join(_KEYS)))
        rules = self._rules(entries.get("rules"), problems)
        globs = _globs(entries.get("local_only"), problems)
        if problems:
            raise ConfigError(problems)
        return ProjectSettings(file=file, rules=rules, local_only=globs)

    def _rules(self, tree: Tree | None, problems: list[ConfigProblem]) -> dict[TaskType, str]:
        if tree is None or _is_null(tree):
            return {}
        if not isinstance(tree, Section):
            problems.append(tree.place.problem("rules", "must hold types with services, such as `coding: qwen`"))
        rules: dict[TaskType, str] = {}
        for name, item in entries_of(tree).items():
            service = item.value if isinstance(item, Scalar) else None
            if name not in tuple(TaskType):
                message = f"there is no task type {name!r}"
                problems.append(item.place.problem(f"rules.{name}", message, ", ".join(TaskType)))
            elif service not in self._services:
                message = "must be the name of a service in your settings"
                problems.append(item.place.problem(f"rules.{name}", message, ", ".join(self._services)))
            else:
                rules[TaskType(name)] = str(service)
        return rules


def _globs(tree: Tree | None, problems: list[ConfigProblem]) -> tuple[str, ...]:
    if tree is None or _is_null(tree):
        return ()
    if not isinstance(tree, Listing):
        problems.append(tree.place.problem("local_only", "must be a list of globs", 'a list such as ["secrets/"]'))
        return ()
    globs = []
    for index, item in enumerate(tree.items):
        value: Any = item.value if isinstance(item, Scalar) else None
        if problem := _wrong_glob(value):
            problems.append(item.place.problem(f"local_only[{index}]", problem))
        else:
            globs.append(value)
    return tuple(globs)


def _wrong_glob(glob: object) -> str:
    """Why a glob cannot be used, empty if it can: one that would never match must not pass for protection."""
    if not isinstance(glob, str) or not glob.strip() or "\0" in glob:
        return "must be a glob, such as `*.pem` or `clients/**`"
    if "${" in glob:
        return f"{glob!r} refers to a variable, which a project's file may not"
    if glob.startswith("!"):
        return f"{glob!r} would lift something; a project's file can only hold back"
    if _LEADS_OUT.match(glob.replace("\\", "/")):
        return f"{glob!r} leads out of the project's folder; `/` at the start means its top"
    return ""


def _upwards(folder: Path) -> Iterator[Path]:
    """A folder and those above it, up to the person's home or the root."""
    try:
        home = Path.home()
    except RuntimeError:  # this person has none
        home = None
    for place in (folder, *folder.parents):
        yield place
        if place == home:
            return


def _is_there(file: Path) -> bool:
    """Whether the name exists, be it a dead link. What cannot be entered holds no file that could be sent either."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    except OSError as error:
        raise _refused(file, f"the file cannot be read: {error.strerror or error}") from error
    return True


def _real_file(file: Path) -> Path:
    """Where it really is.

    Raises:
        ConfigError: Not below its folder.
    """
    real = Path(os.path.realpath(file))
    if not real.is_relative_to(os.path.realpath(file.parent)):
        raise _refused(file, "the file is a link that leads out of its folder")
    return real


def _text_of(file: Path, real: Path) -> str:
    try:
        found = read_text(str(real), LONGEST_BYTES)
    except UnreadableError as error:
        raise _refused(file, f"the file cannot be read: {error}") from error
    if found.clipped:
        raise _refused(file, f"the file is longer than {LONGEST_BYTES:,} bytes; it cannot be one of settings")
    if found.encoding:
        raise _refused(file, "the file is not UTF-8 text")
    return found.text


def _refused(file: Path, message: str) -> ConfigError:
    return ConfigError([Place(str(file)).problem(WHOLE_FILE, message)])


def _is_null(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is None
