"""Lines out of a stream of bytes, whatever pieces it comes in."""

from __future__ import annotations

LONGEST_LINE_BYTES = 32 * 1024 * 1024


class LineTooLongError(ValueError):
    """No end of line within the bound: that is no stream of lines."""


class LineSplitter:
    """Collects bytes until a line is whole, so that characters split between two reads stay whole too."""

    def __init__(self, longest_bytes: int = LONGEST_LINE_BYTES) -> None:
        self._longest = longest_bytes
        self._parts: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their ends.

        Raises:
            LineTooLongError: The line that has begun is over the bound.
        """
        *whole, rest = data.split(b"\n")
        if whole:
            self._parts.append(whole[0])
            whole[0] = b"".join(self._parts)
            self._parts, self._held = [], 0
        if rest:
            self._parts.append(rest)
            self._held += len(rest)
            if self._held > self._longest:
                raise LineTooLongError
        return [line.decode("utf-8", "replace").rstrip("\r") for line in whole]

    def rest(self) -> str:
        """What stands after the last end of line."""
        return b"".join(self._parts).decode("utf-8", "replace")
