"""What became of each file that was asked for, and the sentences that tell of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LOCAL_ONLY = "local only: "
"""How the reason begins for which a file may not go to a cloud service."""
NAME_HOLDS = "its name holds what looks like"
"""In the reason for a file whose name is a secret: it is not repeated."""
CREDENTIALS = "a file of credentials"
OUTSIDE = "outside the folders that may be read"
LEADS_OUT = "a link that leads out of the folder; name it itself to include it"
SAME_FILE = "another name of a file that is listed"
SAME_FOLDER = "another name of a folder that is looked into"
MOST_NAMED, MOST_HELD = 3, 200


class ReadStatus(StrEnum):
    """What became of a file."""

    READ = "read"
    TRUNCATED = "truncated"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """What became of one file, and why where it was not read whole; in an analysis also by whom, in which task."""

    path: str
    status: ReadStatus
    reason: str = ""
    service: str | None = None
    task_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The shape kept in records."""
        return {
            "path": self.path,
            "status": self.status.value,
            "reason": self.reason,
            "service": self.service,
            "task_id": self.task_id,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FileReceipt:
        """Read the shape that `to_dict` writes."""
        return cls(data["path"], ReadStatus(data["status"]), data["reason"], data.get("service"), data.get("task_id"))


def as_text(path: str) -> str:
    """A path that may hold bytes which are no UTF-8, for whoever takes only text."""
    return _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", path)


_NO_CHARACTER = re.compile(r"[\ud800-\udfff]")


def skip_notes(skipped: Sequence[FileReceipt]) -> tuple[str, ...]:
    """One sentence for each reason; what is there under another name is not left out."""
    lacking = [item for item in skipped if item.reason not in (SAME_FILE, SAME_FOLDER)]
    return tuple(f"Left out: {item}." for item in _by_reason(lacking))


def listed(receipts: Sequence[FileReceipt]) -> str:
    """The same within a sentence of its own."""
    return " ".join(f"{item}." for item in _by_reason(receipts))


def held_phrase(held: Sequence[FileReceipt]) -> str:
    """Which files are held back by which rule, as a phrase."""
    return "; ".join(_by_reason(held)).replace(f"({LOCAL_ONLY}", "(")


def _by_reason(receipts: Sequence[FileReceipt]) -> list[str]:
    by_reason: dict[str, dict[str, None]] = {}  # a broadcast has a receipt of each service for a file
    for item in receipts:
        by_reason.setdefault(item.reason, {})[item.path] = None
    return [f"{_named([*paths], reason)} ({reason})" for reason, paths in by_reason.items()]


def _named(paths: Sequence[str], reason: str) -> str:
    if NAME_HOLDS in reason:
        return "1 file" if len(paths) == 1 else f"{len(paths):,} files"
    return _several(paths, _most(reason))


def _most(reason: str) -> int:
    """Of what is held back, or out of bounds, all is named: it is that which people ask about."""
    return MOST_HELD if reason.startswith((LOCAL_ONLY, CREDENTIALS, OUTSIDE, LEADS_OUT)) else MOST_NAMED


def _several(paths: Sequence[str], most: int) -> str:
    more = f" and {len(paths) - most:,} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
