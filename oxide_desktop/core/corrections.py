"""What a person said a prompt really was, and how that moves the next decisions: openly, a little, never over a rule.

A prompt that is like a corrected one takes its type. How alike it must be grows with how sure the classifier is: where
it is in doubt a cousin moves it, where it is sure only the same words do.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from oxide_desktop.core.model import Profile, TaskType

MOST = 200
_COMPARED_CHARS = 600
_GRAM = 4
_LEAST_ALIKE, _STEEPNESS = 0.45, 0.5
_QUOTED_CHARS = 40
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Correction:
    """A task whose type the person changed.

    Attributes:
        was: What the classifier had found.
        said: What the person said it was.
        made_at: Unix seconds.
    """

    task_id: str
    prompt: str
    was: TaskType
    said: TaskType
    made_at: float

    def to_dict(self) -> dict[str, Any]:
        """The shape that `oxide history corrections --json` shows."""
        return {**dataclasses.asdict(self), "was": self.was.value, "said": self.said.value}


class CorrectionStore(Protocol):
    """Where corrections are kept. All raise `StoreError`."""

    async def all(self) -> Sequence[Correction]:
        """The newest `MOST`, newest first."""
        ...

    async def put(self, correction: Correction) -> None:
        """Keep one, in place of an earlier one of that task."""
        ...

    async def remove(self, task_id: str) -> bool:
        """Forget one; `False` if there is none of that task."""
        ...

    async def clear(self) -> int:
        """Forget all; answers how many there were."""
        ...


class Corrections:
    """All of them, ready to be compared with a prompt."""

    def __init__(self, made: Iterable[Correction] = ()) -> None:
        self._made = [(item, _grams(item.prompt)) for item in made]

    def apply(self, prompt: str, profile: Profile) -> Profile:
        """The profile as the person would have it."""
        if not self._made:
            return profile
        grams = _grams(prompt)
        alike, nearest = max(((_alike(grams, other), item) for item, other in self._made), key=lambda found: found[0])
        if nearest.said is profile.task_type or alike < _LEAST_ALIKE + _STEEPNESS * profile.confidence:
            return profile
        return dataclasses.replace(
            profile,
            task_type=nearest.said,
            confidence=round(min(alike, 0.99), 3),
            reasons=(f"you said so of “{_quoted(nearest.prompt)}”", *profile.reasons),
            second=profile.task_type,
        )


def _grams(text: str) -> frozenset[str]:
    """Runs of four characters of the words, whatever the language, its endings, capitals and stops."""
    said = text[:_COMPARED_CHARS].casefold()
    words = f" {' '.join(_WORD.findall(said) or said.split())} "
    return frozenset(words[start : start + _GRAM] for start in range(max(1, len(words) - _GRAM + 1)))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def _quoted(prompt: str) -> str:
    line = " ".join(prompt.split())
    return line if len(line) <= _QUOTED_CHARS else line[: _QUOTED_CHARS - 1] + "…"
