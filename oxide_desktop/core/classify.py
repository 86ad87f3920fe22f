"""What kind of task a prompt is: features seen, weighed as they were learned, and explained. Nothing is opened.

The number of files is one feature among the others and never decides alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from oxide_desktop.core.features import Features, look_at
from oxide_desktop.core.model import Profile, TaskType
from oxide_desktop.core.reasons import reasons_for
from oxide_desktop.core.weights import weights

_SUREST = 0.99  # nothing here is certain
_CLOSE = 0.5  # a second type at least half as likely as the first is worth naming

_BASE_COMPLEXITY = {
    TaskType.QUICK_QUERY: 0.05,
    TaskType.GENERAL: 0.2,
    TaskType.DOCUMENTATION: 0.3,
    TaskType.CODING: 0.35,
    TaskType.BUG_SEARCH: 0.4,
    TaskType.CODE_REVIEW: 0.4,
    TaskType.REFACTORING: 0.4,
    TaskType.CODEBASE_ANALYSIS: 0.6,
}


def classify(prompt: str, files: Sequence[tuple[str, int]] = ()) -> Profile:
    """The type of a prompt, how sure that is, how hard it is, and why.

    Args:
        prompt: As it was typed.
        files: Path and size in bytes of each file that goes with it.
    """
    features = look_at(prompt, files)
    (best, confidence), (second, next_best), *_ = _ranked(features)
    return Profile(
        task_type=best,
        confidence=round(min(confidence, _SUREST), 3),
        complexity=_complexity(features, best, files),
        reasons=reasons_for(features, best, len(files)),
        second=second if next_best >= confidence * _CLOSE else None,
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


def _complexity(features: Features, task_type: TaskType, files: Sequence[tuple[str, int]]) -> float:
    """How hard: the type's own share, what is asked, its steps, and how much there is to read."""
    size = sum(size for _, size in files)
    value = (
        _BASE_COMPLEXITY[task_type]
        + 0.05 * min(math.log2(1 + features.chars / 100), 4)
        + 0.03 * min(features.asked.listed, 6)
        + 0.07 * max(-3, min(len(features.hard) - len(features.easy), 4))
        + 0.04 * min(math.log2(1 + len(files)), 5)
        + 0.02 * min(math.log2(1 + size / 10_000), 8)
        + (0.05 if features.asked.trace or features.asked.diff else 0.0)
    )
    return round(max(0.0, min(value, 1.0)), 3)
