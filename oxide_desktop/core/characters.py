"""Whole characters out of text in pieces: JSON may cut one into two halves (surrogates), or hold only one of them."""

from __future__ import annotations

import re

_HALF = re.compile("[\ud800-\udfff]")
_FIRST_HALVES = ("\ud800", "\udbff")


class WholeCharacters:
    """Joins halves across pieces; a half without its other becomes the replacement character."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, piece: str) -> str:
        """What can be shown by now. It can be encoded."""
        if not self._half and piece.isascii():  # as most pieces are
            return piece
        text, self._half = self._half + piece, ""
        if _FIRST_HALVES[0] <= text[-1:] <= _FIRST_HALVES[1]:
            text, self._half = text[:-1], text[-1]
        return joined(text)

    def rest(self) -> str:
        """What is left at the end."""
        half, self._half = self._half, ""
        return joined(half)


def joined(text: str) -> str:
    """The same text with its halves joined, and none left."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
