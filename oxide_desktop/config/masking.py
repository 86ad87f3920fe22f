"""Keeps API keys out of what people and logs get to see."""

from __future__ import annotations

import re

MASK = "***"
SHORTEST_HIDDEN = 6
"""Shorter values are no keys, and would blot out half of every text."""

_KEY = re.compile(
    r"(\bsk-|\b[Bb]earer\s+|\bAIza|\bgh[opsu]_|\bgithub_pat_|\bxox[abp]-|\bhf_|[?&](?:api_?)?key=)[\w.~+/=-]{8,}"
)
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
_hidden: set[str] = set()


def hide(value: str) -> None:
    """Mask this value from now on, wherever it turns up in this process."""
    if len(value) >= SHORTEST_HIDDEN:
        _hidden.add(value)


def masked(text: str) -> str:
    """`text` without keys: those given to `hide`, and all that looks like one."""
    for value in sorted(_hidden, key=len, reverse=True):
        text = text.replace(value, MASK)
    return _PASSWORD_IN_URL.sub(rf"\1{MASK}", _KEY.sub(rf"\1{MASK}", text))
