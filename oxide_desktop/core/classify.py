"""What kind of task a prompt is: features seen, weighed as they were learned, and explained. Nothing is opened.

The number of files is one feature among the others and never decides alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from oxide_desktop.core.complexity import complexity, why
from oxide_desktop.core.features import Features, look_at
from oxide_desktop.core.model import Profile, TaskType
from oxide_desktop.core.reasons import reasons_for
from oxide_desktop.core.weights import weights

_SUREST = 0.99  # nothing here is certain
_CLOSE = 0.5  # a second type at least half as likely as the first is worth naming


def classify(prompt: str, files: Sequence[tuple[str, int]] = ()) -> Profile:
    """The type of a prompt, how sure that is, how hard it is, and why.

    Args:
        prompt: As it was typed.
        files: Path and size in bytes of each file that goes with it.
    """
    features = look_at(prompt, files)
    (best, confidence), (second, next_best), *_ = _ranked(features)
    hard = complexity(features, best, files)
    reasons = (*reasons_for(features, best, len(files)), why(features, hard, files))
    return Profile(
        task_type=best,
        confidence=round(min(confidence, _SUREST), 3),
        complexity=hard,
        reasons=tuple(filter(None, reasons)),
        second=second if features.says_anything and next_best >= confidence * _CLOSE else None,
    )


def _ranked(features: Features) -> list[tuple[TaskType, float]]:
    """Types with their probability, likeliest first; a prompt that says nothing is of no kind."""
    if not features.says_anything:
        rest = 1 / (len(TaskType) + 1)
        return [(TaskType.GENERAL, 2 * rest), *((item, rest) for item in TaskType if item is not TaskType.GENERAL)]
    return sorted(_probabilities(weights().scores(features.names)), key=lambda pair: -pair[1])


def _probabilities(scores: dict[TaskType, float]) -> Iterator[tuple[TaskType, float]]:
    highest = max(scores.values())
    raised = {item: math.exp(score - highest) for item, score in scores.items()}
    total = sum(raised.values())
    return ((item, value / total) for item, value in raised.items())
