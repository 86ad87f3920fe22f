"""What `.gitignore` files leave out of a tree, as git reads them: nested, with exceptions, up to the repository."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_MOST_BYTES = 1024 * 1024


class GitIgnored:
    """Tells whether a path is left out; reads each `.gitignore` once."""

    def __init__(self) -> None:
        self._left_out: set[str] = set()
        self._wanted: set[Path] = set()
        self._spec = lru_cache(maxsize=None)(_read_spec)
        self._root = lru_cache(maxsize=None)(_repository_of)

    def want(self, folder: str) -> None:
        """A folder that was named itself is looked into, though a `.gitignore` above leaves it out."""
        if self._verdict(Path(folder), folder=True):
            self._wanted.add(Path(folder))

    def __call__(self, path: str, *, folder: bool) -> bool:
        """Whether an absolute path is left out by a `.gitignore` between it and its repository's root."""
        verdict = self._verdict(Path(path), folder=folder)
        if verdict:
            self._left_out.add(path)
        return verdict

    def _verdict(self, path: Path, *, folder: bool) -> bool:
        verdict = False
        for level in self._levels(path.parent):
            if spec := self._spec(level):
                found = spec.check_file(path.relative_to(level).as_posix() + ("/" if folder else "")).include
                verdict = verdict if found is None else found
        return verdict

    def _levels(self, parent: Path) -> list[Path]:
        """The folders whose patterns count, outermost first."""
        wanted = [folder for folder in self._wanted if parent.is_relative_to(folder)]
        root = max(wanted, key=lambda folder: len(folder.parts)) if wanted else self._root(parent)
        if root is None:
            return []
        below = parent.parts[len(root.parts) :]
        return [root.joinpath(*below[:depth]) for depth in range(len(below) + 1)]

    @property
    def count(self) -> int:
        """How many files and folders were left out so far."""
        return len(self._left_out)


def _read_spec(folder: Path) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - 70 ms, and only an analysis needs it

    lines: list[str] = []
    for name in (".git/info/exclude", ".gitignore"):
        lines += _lines_of(folder / name)
    return GitIgnoreSpec.from_lines(lines) if lines else None


def _lines_of(file: Path) -> list[str]:
    if not os.path.isfile(file):  # noqa: PTH113 - never raises, whatever folder cannot be entered
        return []
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:  # it cannot be read, and so leaves nothing out
        return []


def _repository_of(folder: Path) -> Path | None:
    """The nearest folder at or above that is a repository; without one, the topmost with a `.gitignore` counts."""
    topmost = None
    for level in (folder, *folder.parents):
        if os.path.lexists(level / ".git"):
            return level
        if os.path.isfile(level / ".gitignore"):  # noqa: PTH113 - never raises
            topmost = level
    return topmost
