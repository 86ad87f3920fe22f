"""Making texts fit: fair shares, visible cuts at the ends of lines, fences that no content breaks out of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from oxide_desktop.core.tokens import estimate_tokens

LEAST_SHARE = 64  # tokens: less of a file than this tells a model nothing
_LOG_NAME = re.compile(r"\.log(?:\.\d{1,8})?\Z", re.IGNORECASE)
_TIMED_LINE = re.compile(r"^[\[(]?(?:\d{4}-\d\d-\d\d[T ]|[A-Z][a-z]{2} [ \d]\d )?\d\d:\d\d:\d\d", re.MULTILINE)
_LOOK_CHARS, _LEAST_TIMED = 4_000, 5


@dataclass(frozen=True, slots=True)
class Cut:
    """What was kept of a text, with a visible mark where something is missing, and how much that is, in words."""

    text: str
    kept: str


def fair_shares(needs: Sequence[int], room: int) -> list[int]:
    """Tokens for each of several texts: the small ones whole, the largest cut first, 0 where not even a bit fits."""
    ascending = sorted(range(len(needs)), key=lambda index: needs[index])
    kept: list[int] = []
    least = 0
    for index in ascending:
        least += min(needs[index], LEAST_SHARE)
        if least > room:
            break
        kept.append(index)
    shares = [0] * len(needs)
    for position, index in enumerate(kept):
        shares[index] = min(needs[index], room // (len(kept) - position))
        room -= shares[index]
    return shares


def is_log(path: str, text: str) -> bool:
    """Whether a file is a log, by its name or by lines that begin with a time."""
    return bool(_LOG_NAME.search(path)) or len(_TIMED_LINE.findall(text, 0, _LOOK_CHARS)) >= _LEAST_TIMED


def cut_to(text: str, tokens: int, *, ends: bool = False, more: bool = False) -> Cut:
    """The first lines of `text`, or of one long line its beginning, that are `tokens` at most with the mark.

    With `ends` half of the room is for the last lines; with `more` the text itself is only the beginning of one.
    """
    most_bytes = max(0, (tokens - estimate_tokens(_mark(len(text), "characters", "more than ")) - 1) * 7 // 2)
    data = text.encode("utf-8", "replace")
    if ends and (cut := _both_ends(data, most_bytes // 2)):
        return cut
    head = data[:most_bytes].decode("utf-8", "ignore")
    over = "more than " if more else ""
    end = head.rfind("\n") + 1
    if end:
        lines, kept = _count_lines(data), head.count("\n", 0, end)
        return Cut(head[:end] + _mark(lines - kept, "lines", over), f"its first {kept:,} of {over}{lines:,} lines")
    return Cut(
        f"{head}\n{_mark(len(text) - len(head), 'characters', over)}",
        f"its first {len(head):,} of {over}{len(text):,} characters",
    )


def _both_ends(data: bytes, most_bytes: int) -> Cut | None:
    """The first and the last lines, each of them `most_bytes` at most; `None` where there are no such lines."""
    end = data.rfind(b"\n", 0, most_bytes) + 1
    start = data.find(b"\n", max(0, len(data) - most_bytes - 1)) + 1
    if not 0 < end < start < len(data):
        return None
    head, tail = data[:end], data[start:]
    first, last, lines = head.count(b"\n"), _count_lines(tail), _count_lines(data)
    return Cut(
        head.decode() + _mark(lines - first - last, "lines") + tail.decode(),
        f"its first {first:,} and last {last:,} of {lines:,} lines",
    )


def _mark(count: int, unit: str, over: str = "") -> str:
    return f"[… {over}{count:,} {unit} left out …]\n"


def _count_lines(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n"))


def fenced(path: str, text: str) -> str:
    """A file as the model sees it: its path, and its text in a fence longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"File: {path}\n{fence}\n{text}{end}{fence}\n"


def joined(prompt: str, files: Sequence[str]) -> str:
    """The whole prompt. Without files it is what was typed, byte for byte."""
    return "\n".join((prompt.rstrip("\n") + "\n", *files)) if files else prompt
