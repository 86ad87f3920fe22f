"""Text on a terminal: its width, cutting it, and keeping control sequences of others off the screen."""

from __future__ import annotations

import re
import unicodedata

# CSI, then the string sequences (OSC, DCS, …) with their ends, then the short ones; each also in its 8-bit form.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b(?![\[\]PX^_])[ -/]*[0-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INTRODUCER = re.compile(r"[\x1b\x90\x98\x9b\x9d-\x9f]")
_LONGEST_SEQUENCE = 4096


def clean(text: str) -> str:
    """`text` without control sequences; newlines and tabs stay."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text))


def one_line(text: str) -> str:
    """`text` without control sequences and on a single line."""
    return " ".join(clean(text).split())


class StreamCleaner:
    """`clean` for text that comes in pieces: a sequence cut in two is still recognised."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What may be shown by now."""
        text = _SEQUENCE.sub("", self._held + piece)
        start = _INTRODUCER.search(text)
        if start is None or len(text) - start.start() > _LONGEST_SEQUENCE:
            self._held = ""
            return _CONTROL.sub("", text)
        self._held = text[start.start() :]
        return _CONTROL.sub("", text[: start.start()])

    def rest(self) -> str:
        """What was held back and turned out to be no sequence."""
        held, self._held = self._held, ""
        return _CONTROL.sub("", held)


def width(text: str) -> int:
    """Columns that `text` takes: East Asian wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """`text` in at most so many columns, with an ellipsis where something was left out."""
    if width(text) <= columns:
        return text
    room = columns - 1
    kept = []
    for character in text:
        room -= _character_width(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrap(text: str, columns: int, indent: str = "") -> list[str]:
    """Lines of at most so many columns, broken at spaces where there are any, each with `indent` before it."""
    room = max(columns - width(indent), 20)
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            if line and width(line) + 1 + width(word) > room:
                lines.append(indent + line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(indent + line)
    return lines
