"""How quick a service has been of late, from the attempts that the history keeps."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord

LAST_TASKS = 50
# Below this a rate is one of rounding: all of an answer came with its first piece.
_SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians over the newest answers.

    Attributes:
        answers: How many they are.
        first_text_s: Seconds from asking to the first visible text; `None` where nothing is known.
        tokens_per_s: Tokens of the answer by the second from there on.
    """

    answers: int = 0
    first_text_s: float | None = None
    tokens_per_s: float | None = None


def speed_of(service: str, records: Iterable[TaskRecord]) -> Speed:
    """How quick a service answered these tasks; attempts that did not come to an answer tell nothing."""
    answered = [
        attempt
        for record in records
        for attempt in record.attempts
        if attempt.service == service and attempt.status is AttemptStatus.COMPLETED
    ]
    waits = [item.first_chunk_at - item.started_at for item in answered if item.first_chunk_at is not None]
    rates = [rate for item in answered if (rate := _rate(item)) is not None]
    return Speed(len(answered), _median(waits), _median(rates))


def _rate(attempt: Attempt) -> float | None:
    if attempt.tokens is None or attempt.first_chunk_at is None or attempt.ended_at is None:
        return None
    streaming_s = attempt.ended_at - attempt.first_chunk_at
    return attempt.tokens.output / streaming_s if streaming_s >= _SHORTEST_S else None


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
