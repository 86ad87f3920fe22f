"""What became of each file that was asked for, and the sentences that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ReadStatus(StrEnum):
    """What became of a file."""

    READ = "read"
    TRUNCATED = "truncated"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """What became of one file, and why where it was not read whole."""

    path: str
    status: ReadStatus
    reason: str = ""


def skip_notes(skipped: Sequence[FileReceipt]) -> tuple[str, ...]:
    """One sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for item in skipped:
        by_reason.setdefault(item.reason, []).append(item.path)
    return tuple(f"Left out: {_several(paths)} ({reason})." for reason, paths in by_reason.items())


def listed(receipts: Sequence[FileReceipt]) -> str:
    """The same within a sentence of its own."""
    return " ".join(skip_notes(receipts)).replace("Left out: ", "")


def _several(paths: Sequence[str], most: int = 3) -> str:
    more = f" and {len(paths) - most:,} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
