"""Counts of tokens as services give them: whole numbers that can be, or none."""

from __future__ import annotations

from oxide_desktop.core.ports import Usage

_MOST = 10**12


def positive(value: object) -> int | None:
    """A count that a service gave, `None` if it is none."""
    return value if isinstance(value, int) and 0 < value <= _MOST and value is not True else None


def usage_of(read: object, written: object) -> Usage | None:
    """What was read and written, `None` if that was not told or makes no sense: an answer is worth more than it."""
    counts = [0 if value in (None, 0) else positive(value) for value in (read, written)]
    if None in counts or not any(counts):
        return None
    return Usage(counts[0] or 0, counts[1] or 0)
