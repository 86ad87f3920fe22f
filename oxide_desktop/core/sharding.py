"""Shares files out: what belongs together stays together, and no share is larger than its service can read.

Shares are cut when a service is free for one, large at first and smaller towards the end, so that all are done at
about the same time whatever their speed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from oxide_desktop.core.context import ContextFile
from oxide_desktop.core.tokens import estimate_tokens

LEAST_TOKENS = 500  # a smaller share says less than the request around it
MOST_TOKENS = 48_000  # models answer better on what they can survey
_SHARES_LEFT = 2  # for each worker, of what is left
_AROUND_TOKENS = 12  # a file's fence and heading, without its path
_FAILURES_TO_STAND_ALONE = 2
_TEST_MARKS = re.compile(r"(?:^test_+|^tests?(?=[A-Z_])|(?<=[a-z0-9])Tests?$|_tests?$|[._-](?:test|spec)$)")
_TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__"})
# Folders that say what kind of files they hold, not what those are about.
_KIND_FOLDERS = _TEST_FOLDERS | {"src", "lib", "main", "source", "sources"}


@dataclass(slots=True, eq=False)
class Piece:
    """A file, or some lines of one that no service can read whole.

    Attributes:
        file: What the model is shown.
        path: The file's own path, as receipts name it.
        group: What it belongs together with.
        tokens: Estimate with its fence.
        held: Why it may not go to a cloud service, `None` if it may.
        tried: Service -> how often it failed on a share with this piece.
    """

    file: ContextFile
    path: str
    group: tuple[str, str]
    tokens: int
    held: str | None = None
    tried: dict[str, int] = field(default_factory=dict)

    def tries_on(self, service: str) -> int:
        """How often that service failed on it."""
        return self.tried.get(service, 0)

    def failed_on(self, service: str) -> None:
        """A share with it failed there."""
        self.tried[service] = self.tries_on(service) + 1

    @property
    def stands_alone(self) -> bool:
        """Whether it is asked about on its own, because shares with it keep failing."""
        return sum(self.tried.values()) >= _FAILURES_TO_STAND_ALONE


class Pool:
    """The pieces that nobody reads yet."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._waiting = sorted(_with_tests_beside(list(pieces)), key=lambda piece: piece.group)
        self._total = sum(piece.tokens for piece in self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting(self) -> Sequence[Piece]:
        """What is there, in the order in which it will go."""
        return tuple(self._waiting)

    def target_tokens(self, workers: int) -> int:
        """How much the next share should hold."""
        left = sum(piece.tokens for piece in self._waiting)
        fair = max(left // (_SHARES_LEFT * workers), self._total // (4 * _SHARES_LEFT * workers))
        return min(max(fair, LEAST_TOKENS), MOST_TOKENS)

    def take(self, target_tokens: int, room_tokens: int, may_take: Callable[[Piece], bool]) -> list[Piece]:
        """The next share: at least one piece if there is one to take, whole groups as far as the target goes."""
        taken: list[Piece] = []
        tokens = 0
        for piece in self._waiting:
            if not may_take(piece):
                continue
            joins = bool(taken) and piece.group == taken[-1].group
            limit = room_tokens if joins else min(target_tokens, room_tokens)
            if taken and (piece.stands_alone or tokens + piece.tokens > limit):
                break
            taken.append(piece)
            tokens += piece.tokens
            if piece.stands_alone:
                break
        chosen = set(map(id, taken))
        self._waiting = [piece for piece in self._waiting if id(piece) not in chosen]
        return taken

    def give_back(self, pieces: Iterable[Piece]) -> None:
        """What was lost goes first now."""
        self._waiting[:0] = pieces

    def give_up(self, hopeless: Callable[[Piece], bool]) -> list[Piece]:
        """Take out what nobody can read any more."""
        gone = [piece for piece in self._waiting if hopeless(piece)]
        self._waiting = [piece for piece in self._waiting if not hopeless(piece)]
        return gone


def pieces_of(file: ContextFile, room_tokens: int | None, held: str | None) -> list[Piece]:
    """A file as pieces of at most `room_tokens`, cut at the ends of lines; usually it is one."""
    around = estimate_tokens(file.path) + _AROUND_TOKENS
    group = group_of(file.path)
    if room_tokens is None or file.tokens + around <= room_tokens:
        return [Piece(file, file.path, group, file.tokens + around, held)]
    parts = _runs_of_lines(file.text, room_tokens - around - _AROUND_TOKENS)
    return [Piece(_part(file, *part), file.path, group, estimate_tokens(part[2]) + around, held) for part in parts]


def _runs_of_lines(text: str, room_tokens: int) -> list[tuple[int, int, str]]:
    """First line, last line and text of each run; a line that is too long by itself stands alone, and is cut later."""
    runs: list[tuple[int, int, str]] = []
    first, tokens, lines = 1, 0, list[str]()
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        need = estimate_tokens(line)
        if lines and tokens + need > room_tokens:
            runs.append((first, number - 1, "".join(lines)))
            first, tokens, lines = number, 0, []
        lines.append(line)
        tokens += need
    return [*runs, (first, first + len(lines) - 1, "".join(lines))]


def _part(file: ContextFile, first: int, last: int, text: str) -> ContextFile:
    path = f"{file.path} (lines {first}-{last})"
    return dataclasses.replace(file, path=path, text=text, tokens=estimate_tokens(text), size=len(text.encode()))


def group_of(path: str) -> tuple[str, str]:
    """What a file belongs together with: its folder's place, and its module's name without what marks a test."""
    pure = PurePosixPath(path.replace("\\", "/"))
    folders = [part for part in pure.parts[:-1] if part.lower() not in _KIND_FOLDERS]
    return "/".join(folders), _TEST_MARKS.sub("", pure.stem) or pure.stem


def _is_test(path: str) -> bool:
    pure = PurePosixPath(path.replace("\\", "/"))
    return bool(_TEST_MARKS.search(pure.stem)) or any(part.lower() in _TEST_FOLDERS for part in pure.parts[:-1])


def _with_tests_beside(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Tests that lie in a folder of their own join the one module that has their name."""
    modules: dict[str, set[tuple[str, str]]] = {}
    for piece in pieces:
        if not _is_test(piece.path):
            modules.setdefault(piece.group[1], set()).add(piece.group)
    for piece in pieces:
        homes = modules.get(piece.group[1], set())
        if _is_test(piece.path) and len(homes) == 1:
            piece.group = next(iter(homes))
    return pieces
