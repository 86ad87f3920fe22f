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
        self._spec = lru_cache(maxsize=None)(_read_spec)
        self._root = lru_cache(maxsize=None)(_repository_of)

    def __call__(self, path: str, *, folder: bool) -> bool:
        """Whether an absolute path is left out by a `.gitignore` between it and its repository's root."""
        parent = Path(path).parent
        root = self._root(parent)
        if root is None:
            return False
        verdict: bool | None = None
        below = parent.parts[len(root.parts) :]
        for level in (root.joinpath(*below[:depth]) for depth in range(len(below) + 1)):
            if spec := self._spec(level):
                found = spec.check_file(Path(path).relative_to(level).as_posix() + ("/" if folder else "")).include
                verdict = verdict if found is None else found
        if verdict:
            self._left_out.add(path)
        return bool(verdict)

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
    if not file.is_file():
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
        if (level / ".gitignore").is_file():
            topmost = level
    return topmost
