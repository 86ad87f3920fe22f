"""From paths, folders and globs as people write them to the files they mean. Bounded; loops of links are harmless."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath

from oxide_desktop.core.ignored import GitIgnored
from oxide_desktop.core.privacy import expand_home
from oxide_desktop.core.receipts import LEADS_OUT, OUTSIDE, SAME_FOLDER, as_text

MOST_FILES = 5_000
MOST_ENTRIES = 200_000

_MAGIC = re.compile(r"[*?\[{]")
_BRACES = re.compile(r"\{([^{},]*(?:,[^{},]*)+)\}")
_MOST_ALTERNATIVES = 64
_PASSED_OVER = frozenset({
    ".git", ".hg", ".svn", ".bzr", ".venv", "venv", "node_modules", "bower_components", "__pycache__", ".tox", ".nox",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".gradle", ".terraform", ".next", ".nuxt",
})  # fmt: skip

Step = tuple[str, tuple[str, ...]]


class FileSearch:
    """Collects files.

    Attributes:
        found: Absolute path of each file -> whether it was named itself, not by a glob or its folder.
        missing: What was asked for and cannot be had, and why.
        notes: What was passed over, for people.
    """

    def __init__(self, cwd: Path, allowed: Callable[[str], bool], ignored: GitIgnored | None = None) -> None:
        self._cwd = str(cwd)
        self._allowed = allowed
        self._ignored = ignored
        self._seen_entries = 0
        self._cut = False  # there was more than may be looked at
        self._passed_over: set[str] = set()
        self.found: dict[str, bool] = {}
        self.missing: list[tuple[str, str]] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over, for people."""
        notes = []
        if self._passed_over:
            notes.append(f"Folders that were not looked into: {', '.join(map(as_text, sorted(self._passed_over)))}.")
        if self._ignored and self._ignored.count:
            several = "entry is" if self._ignored.count == 1 else "entries are"
            notes.append(f"{self._ignored.count:,} {several} left out by .gitignore.")
        if self._cut:
            notes.append(f"The search for files stopped at its limit, {len(self.found):,} files were found.")
        return tuple(notes)

    def add(self, given: str) -> None:
        """Look for what one path, folder or glob means."""
        if not given or "\0" in given:
            self.missing.append((given.replace("\0", "\\0"), "not a path"))
            return
        path = str(Path(self._cwd, expand_home(given)))
        if not _is_encodable(path):
            self.missing.append((given, "not a path"))
            return
        if not _MAGIC.search(given) and not self._allowed(path):
            self.missing.append((given, OUTSIDE))
            return
        try:
            folder = stat.S_ISDIR(Path(path).stat().st_mode)
        except OSError as error:
            self._add_absent(given, path, error)
            return
        if folder:
            if self._ignored:
                self._ignored.want(os.path.normpath(path))
            self._add_all(given, [(path, ("**", "*"))], hidden=True)
        else:
            self.found[path] = True
            if (path, LEADS_OUT) in self.missing:
                self.missing.remove((path, LEADS_OUT))

    def _add_absent(self, given: str, path: str, error: OSError) -> None:
        if os.path.islink(path):  # noqa: PTH114 - never raises
            nothing = isinstance(error, FileNotFoundError)
            self.missing.append((given, "a link to nothing" if nothing else f"a link, {explain(error)}"))
        elif _MAGIC.search(given):
            self._add_all(given, [self._start(item) for item in _alternatives(given)], hidden=False)
        else:
            self.missing.append((given, explain(error)))

    def _start(self, pattern: str) -> Step:
        """The folder that a glob names, and the parts below it: `**` runs together, at the end it means all files."""
        pure = PurePath(expand_home(pattern))
        parts = pure.parts[1:] if pure.anchor else pure.parts
        single = [part for index, part in enumerate(parts) if part != "**" or parts[index - 1 : index] != ("**",)]
        base, below = pure.anchor or self._cwd, (*single, "*") if single[-1:] == ["**"] else tuple(single)
        while len(below) > 1 and (not _MAGIC.search(below[0]) or os.path.lexists(Path(base, below[0]))):
            base, below = str(Path(base, below[0])), below[1:]
        return base, below

    def _add_all(self, given: str, steps: Sequence[Step], *, hidden: bool) -> None:
        fresh: set[str] = set()
        matches = 0
        before = len(self.missing)
        for path in itertools.chain.from_iterable(self._walk(step, hidden=hidden) for step in steps):
            matches += 1
            if path in self.found or path in fresh:
                continue
            if len(fresh) + len(self.found) >= MOST_FILES:
                self._cut = True
                break
            fresh.add(path)
        self.found.update(dict.fromkeys(sorted(fresh), False))
        if not matches and before == len(self.missing) and not self._cut:
            self.missing.append((given, "no file is there" if hidden else "no file matches"))

    def _walk(self, start: Step, *, hidden: bool) -> Iterator[str]:
        base, stack = _Base(start[0]), [start]
        links: list[Step] = []  # last, so that what is below has its own name
        visited: set[tuple[int, int, int]] = set()
        while (stack or links) and self._seen_entries < MOST_ENTRIES:
            folder, parts = (stack or links).pop()
            identity = self._identity(folder)
            if identity and (*identity, len(parts)) in visited:
                self._miss(folder, SAME_FOLDER)
            elif identity:
                visited.add((*identity, len(parts)))
                files, deeper = self._look(folder, parts, hidden=hidden)
                yield from (path for path in files if self._stays(base, path))
                for step in reversed([step for step in deeper if self._stays(base, step[0])]):
                    (links if os.path.islink(step[0]) and step[0] != folder else stack).append(step)  # noqa: PTH114 - never raises

    def _stays(self, base: _Base, path: str) -> bool:
        """Whether a path leads to where it seems to be. A clone may carry links to what is private."""
        try:
            if not base.is_left_by(path) or not self._allowed(path):
                return True  # of what is out of bounds the reader says so
        except OSError as error:  # a link that may not be read, such as /proc/1/cwd
            self._miss(path, explain(error))
            return False
        if path not in self.found:
            self._miss(path, LEADS_OUT)
        return False

    def _identity(self, folder: str) -> tuple[int, int] | None:
        """What tells one folder from another whatever path led there; `None` if it is none, or cannot be reached."""
        try:
            found = os.stat(folder)  # noqa: PTH116 - the path is text all the way, for speed
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._miss(folder, explain(error))
            return None
        return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None

    def _look(self, folder: str, parts: tuple[str, ...], *, hidden: bool) -> tuple[list[str], list[Step]]:
        """What one folder gives for the parts of a glob: files, and where to go on."""
        part, rest = parts[0], parts[1:]
        if part == "**":
            below = [(path, parts) for path in self._folders(folder, "*", hidden=hidden)]
            return [], [(folder, rest), *below]
        literal = str(Path(folder, part))
        if os.path.lexists(literal):
            return ([], [(literal, rest)]) if rest else ([literal], [])
        if rest:
            return [], [(path, rest) for path in self._folders(folder, part, hidden=hidden)]
        return [item.path for item in self._matching(folder, part, hidden=hidden) if not _is_folder(item)], []

    def _folders(self, folder: str, part: str, *, hidden: bool) -> list[str]:
        """Folders in `folder` that match, links after real ones so that files keep their own names."""
        found = [item for item in self._matching(folder, part, hidden=hidden) if _is_folder(item)]
        entered = [item for item in found if not self._pass_over(item)]
        return [item.path for item in sorted(entered, key=lambda item: (item.is_symlink(), item.name))]

    def _miss(self, folder: str, reason: str) -> None:
        """A folder may be met more than once, for its files and for its folders."""
        if (folder, reason) not in self.missing:
            self.missing.append((folder, reason))

    def _pass_over(self, entry: os.DirEntry[str]) -> bool:
        # Of a folder that may not be entered nobody knows, which is said when it is looked into.
        passed = entry.name in _PASSED_OVER or os.path.exists(f"{entry.path}/pyvenv.cfg")  # noqa: PTH110 - never raises
        if passed:
            self._passed_over.add(entry.name)
        return passed

    def _matching(self, folder: str, part: str, *, hidden: bool) -> list[os.DirEntry[str]]:
        if not self._allowed(folder):
            self._miss(folder, OUTSIDE)
            return []
        try:
            with os.scandir(folder) as scan:
                entries = list(itertools.islice(scan, MOST_ENTRIES - self._seen_entries))
        except OSError as error:
            self._miss(folder, explain(error))
            return []
        self._seen_entries += len(entries)
        self._cut |= self._seen_entries >= MOST_ENTRIES
        hidden = hidden or part.startswith(".")
        chosen = [item for item in entries if fnmatch.fnmatch(item.name, part)]
        visible = [item for item in chosen if hidden or item.name[0] != "."]
        if ignored := self._ignored:
            visible = [item for item in visible if not ignored(item.path, folder=_is_folder(item))]
        return sorted(visible, key=lambda item: item.name)


class _Base:
    """The folder that was named, or that a glob begins with, links resolved."""

    def __init__(self, folder: str) -> None:
        self._real = Path(os.path.realpath(folder))
        # The folder itself stays, wherever what holds it is.
        self._stays = {os.path.dirname(folder): True, folder: True}  # noqa: PTH120 - text, for speed

    def is_left_by(self, path: str) -> bool:
        """Whether a path in it leads out, by being a link or by a link above."""
        if os.path.islink(path):  # noqa: PTH114 - never raises
            return not self._holds(path)
        folder = os.path.dirname(path)  # noqa: PTH120 - text, for speed
        if folder not in self._stays:
            self._stays[folder] = self._holds(folder)
        return not self._stays[folder]

    def _holds(self, path: str) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self._real)


def _is_encodable(path: str) -> bool:
    """Whether a path can be one: text out of JSON may hold halves of characters."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: reading it will say so
        return False


def _alternatives(pattern: str) -> list[str]:
    """`{a,b}` spelled out, as shells do; beyond a bound it stays as it is."""
    done, patterns = False, [pattern]
    while not done:
        done = True
        for index, item in enumerate(patterns):
            match = _BRACES.search(item)
            if match and len(patterns) + match[1].count(",") <= _MOST_ALTERNATIVES:
                patterns[index : index + 1] = [
                    item[: match.start()] + choice + item[match.end() :] for choice in match[1].split(",")
                ]
                done = False
                break
    return patterns


def explain(error: OSError) -> str:
    """An error of the system as a short phrase."""
    return "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
