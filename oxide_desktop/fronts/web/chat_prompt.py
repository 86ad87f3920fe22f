"""A conversation as one prompt: every message whole, in order, under a line that says who wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FRAME = (
    "This is a conversation, oldest message first. Each message begins with a line of signs that names who wrote it."
    " Follow what the system says, and answer the last message with your next one and nothing else."
)
_MARK = re.compile(r"^={3,}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: who wrote it (`system`, `user` or `assistant`), under which name, and its text."""

    role: str
    text: str
    name: str | None = None


def as_prompt(turns: Sequence[Turn]) -> str:
    """What a service is asked. A single message of the user stays as it is, byte for byte.

    The line that begins a message is longer than any like it within a message, so that no text can pass for another's.
    """
    if len(turns) == 1 and turns[0].role == "user":
        return turns[0].text
    longest = max((len(found) for turn in turns for found in _MARK.findall(turn.text)), default=2)
    mark = "=" * (longest + 1)
    parts = [f"{mark} {turn.role}{f' ({turn.name})' if turn.name else ''}\n{turn.text}" for turn in turns]
    return "\n\n".join([_FRAME, *parts])
