"""Making texts fit: fair shares, visible cuts at the ends of lines, fences that no content breaks out of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from oxide_desktop.core.tokens import estimate_tokens

LEAST_SHARE = 64  # tokens: less of a file than this tells a model nothing


@dataclass(frozen=True, slots=True)
class Cut:
    """The beginning of a text, with a visible mark where it ends, and what was kept of what, in words."""

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


def cut_to(text: str, tokens: int) -> Cut:
    """The first lines of `text`, or of one long line its beginning, that are `tokens` at most with the mark."""
    most_bytes = max(0, (tokens - estimate_tokens(_mark(len(text), "characters")) - 1) * 7 // 2)
    head = text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")
    end = head.rfind("\n") + 1
    if end:
        lines, kept = _count_lines(text), head.count("\n", 0, end)
        return Cut(head[:end] + _mark(lines - kept, "lines"), f"its first {kept:,} of {lines:,} lines")
    return Cut(
        f"{head}\n{_mark(len(text) - len(head), 'characters')}",
        f"its first {len(head):,} of {len(text):,} characters",
    )


def _mark(count: int, unit: str) -> str:
    return f"[… {count:,} {unit} left out …]\n"


def _count_lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def fenced(path: str, text: str) -> str:
    """A file as the model sees it: its path, and its text in a fence longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"File: {path}\n{fence}\n{text}{end}{fence}\n"


def joined(prompt: str, files: Sequence[str]) -> str:
    """The whole prompt. Without files it is what was typed, byte for byte."""
    return "\n".join((prompt.rstrip("\n") + "\n", *files)) if files else prompt
