"""What the last tasks have shown of each service: a small push in the score, never more, and its reason in words."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_desktop.core.corrections import Correction, Corrections
from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.model import Profile

if TYPE_CHECKING:
    from oxide_desktop.core.ports import History

log = logging.getLogger(__name__)

LAST_TASKS = 300
_FRESH_S = 10.0
_LEAST = 5  # tries: fewer say nothing
_USUAL_RATE, _WEIGHT_OF_USUAL = 0.9, 5
_MOST_GAIN, _MOST_LOSS = 0.05, 0.15
_TELLING = 0.02
_QUICKEST_GAIN, _CLEARLY_QUICKER = 0.05, 1.5


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of the past, as the history tells it.

    Attributes:
        answered: Whether it brought a whole answer.
        first_text_s: Seconds to its first text, `None` where none came.
        asked_again: Whether the person asked the same again of another service.
    """

    task_type: str
    service: str
    answered: bool
    first_text_s: float | None = None
    asked_again: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """What to add to a service's score, and why; no reason where it is too little to speak of."""

    points: float
    reason: str = ""


class Experience:
    """The tries of the past, by type of task and service, and what the person said that prompts were."""

    def __init__(self, tries: Iterable[Try] = (), corrections: Iterable[Correction] = ()) -> None:
        self._corrections = Corrections(corrections)
        self._tries: dict[tuple[str, str], list[Try]] = {}
        for item in tries:
            self._tries.setdefault((item.task_type, item.service), []).append(item)

    def corrected(self, prompt: str, profile: Profile) -> Profile:
        """What the classifier found, as the person's corrections would have it."""
        return self._corrections.apply(prompt, profile)

    def opinions(self, task_type: str, services: Iterable[str]) -> Mapping[str, Opinion]:
        """What it says of those services for tasks of that type; of whom it knows too little, nothing."""
        known = {name: tries for name in services if len(tries := self._tries.get((task_type, name), [])) >= _LEAST}
        quickest = _quickest(known)
        return {name: _opinion(tries, quickest=name == quickest) for name, tries in known.items()}


def _opinion(tries: Sequence[Try], *, quickest: bool) -> Opinion:
    good = sum(item.answered and not item.asked_again for item in tries)
    rate = (good + _USUAL_RATE * _WEIGHT_OF_USUAL) / (len(tries) + _WEIGHT_OF_USUAL)
    points = max(-_MOST_LOSS, min((rate - _USUAL_RATE) / 2, _MOST_GAIN))
    reasons = [f"{good} good answers of its last {len(tries)}"] if abs(points) >= _TELLING else []
    if quickest:
        points += _QUICKEST_GAIN
        reasons.append(f"quickest of late ({_usual_s(tries):.1f} s to its first text)")
    return Opinion(points, ", ".join(reasons))


def _quickest(known: Mapping[str, Sequence[Try]]) -> str | None:
    """The one whose first text comes clearly before that of all others, if there are others."""
    usual = sorted((_usual_s(tries), name) for name, tries in known.items() if any(_times(tries)))
    if len(usual) > 1 and usual[1][0] >= usual[0][0] * _CLEARLY_QUICKER:
        return usual[0][1]
    return None


def _usual_s(tries: Sequence[Try]) -> float:
    return statistics.median(_times(tries))


def _times(tries: Sequence[Try]) -> list[float]:
    return [item.first_text_s for item in tries if item.first_text_s is not None]


class RecentExperience:
    """The experience of the last tasks, read again when it is no longer fresh.

    Args:
        open_history: Opens the history if need be.
        has_history: Whether there is one; without one nothing is opened, and so nothing made.
    """

    def __init__(
        self,
        open_history: Callable[[], Awaitable[History]],
        has_history: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_history = open_history
        self._has_history = has_history
        self._clock = clock
        self._read_at: float | None = None
        self._latest = Experience()

    def outdated(self) -> None:
        """Something is known that was not read yet."""
        self._read_at = None

    async def latest(self) -> Experience:
        """What is known by now. A history that cannot be read costs the experience only."""
        if not self._has_history() or (self._read_at is not None and self._clock() - self._read_at < _FRESH_S):
            return self._latest
        try:
            history = await self._open_history()
            self._latest = Experience(await history.tries(LAST_TASKS), await history.corrections.all())
        except StoreError:
            log.warning("routes are chosen without what past tasks have shown", exc_info=True)
        self._read_at = self._clock()
        return self._latest
