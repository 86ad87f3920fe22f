"""How many tokens a text is likely to be, without a tokenizer: on the safe side, so that windows are not overrun."""

from __future__ import annotations

ANSWER_TOKENS = 2048


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, rounded up: about 3.5 bytes each in UTF-8.

    English prose takes 4 to 4.5 characters a token and code 3 to 4 with the vocabularies in use; scripts outside Latin
    take two to three bytes a character and about one token each.
    """
    return (len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) * 2 // 7 + (1 if text else 0)


def answer_room(window_tokens: int, wanted: int = ANSWER_TOKENS) -> int:
    """Tokens of a window to keep free for the answer: what is wanted, but never more than a quarter."""
    return min(wanted, window_tokens // 4)
