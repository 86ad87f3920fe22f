"""What kind of task a prompt is: cues by token, structure and size, weighed in a line and explained. Nothing is opened.

What the person asks for counts at the head and the tail of a prompt; pasted code, logs and the role that a template
gives the model are set apart first. The number of files is one feature among the others and never decides alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from oxide_desktop.core.features import Features, look_at
from oxide_desktop.core.model import Profile, TaskType

_MOST_REASONS = 4
_DAMPING = 0.75
_CLOSE = 0.5  # a second type at least half as likely as the first is worth naming
_SHORT, _LONG = 130, 400
_FEW_FILES, _MANY_FILES = 10, 25

_TYPES = frozenset(TaskType)

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
    features = look_at(prompt)
    tally = _Tally()
    _weigh_words(features, tally)
    _weigh_subject(features, tally, len(files))
    _weigh_structure(features, tally)
    _weigh_question(features, tally, len(files))
    _weigh_files(len(files), tally)
    (best, confidence), (second, next_best), *_ = tally.ranked()
    return Profile(
        task_type=best,
        confidence=round(confidence, 3),
        complexity=_complexity(features, best, files),
        reasons=tally.reasons(best),
        second=second if next_best >= confidence * _CLOSE else None,
    )


@dataclass(slots=True)
class _Tally:
    """What speaks for and against each type, with the words for it."""

    points: dict[TaskType, list[tuple[float, str]]] = field(default_factory=lambda: {item: [] for item in TaskType})

    def add(self, reason: str, **points: float) -> None:
        """`add("a diff", code_review=2)`."""
        for name, weight in points.items():
            self.points[TaskType(name)].append((weight, reason))

    def ranked(self) -> list[tuple[TaskType, float]]:
        """Types with their probability, likeliest first."""
        scores = {item: _damped(weight for weight, _ in found) for item, found in self.points.items()}
        highest = max(scores.values())
        raised = {item: math.exp(score - highest) for item, score in scores.items()}
        total = sum(raised.values())
        return sorted(((item, value / total) for item, value in raised.items()), key=lambda pair: -pair[1])

    def reasons(self, task_type: TaskType) -> tuple[str, ...]:
        """The strongest few for a type, each once."""
        strongest = sorted(self.points[task_type], key=lambda item: -item[0])
        found = dict.fromkeys(reason for weight, reason in strongest if weight > 0)
        return tuple(found)[:_MOST_REASONS] or ("nothing points elsewhere",)


def _damped(weights: Iterable[float]) -> float:
    """A sum in which each further cue counts less, so that long texts do not win by length."""
    ordered = sorted(weights, reverse=True)
    return sum(weight * (_DAMPING**index if weight > 0 else 1.0) for index, weight in enumerate(ordered))


def _weigh_words(features: Features, tally: _Tally) -> None:
    """Each cue once, at its best place."""
    best: dict[tuple[str, str], float] = {}
    for cue in features.cues:
        for name, weight in cue.weights:
            if name in _TYPES:
                best[cue.words, name] = max(best.get((cue.words, name), 0.0), weight * cue.place)
    for (words, name), weight in best.items():
        tally.add(f"“{words}”", **{name: weight})


def _weigh_subject(features: Features, tally: _Tally, files: int) -> None:
    """Whether it is about software at all."""
    technical = features.technical + bool(files) + 2 * features.has_code
    if not technical:
        tally.add("nothing about software", general=1.4, quick_query=0.5)
        for name in ("coding", "refactoring", "code_review", "codebase_analysis", "documentation"):
            tally.add("", **{name: -0.9})
        return
    tally.add("", general=-0.55 * min(technical, 3), quick_query=-0.25 * min(technical, 4))
    tally.add("about software", coding=0.3)


def _weigh_structure(features: Features, tally: _Tally) -> None:
    if features.has_trace:
        tally.add("an error message", bug_search=1.6)
    if features.has_diff:
        tally.add("a diff", code_review=1.6)
    if features.has_code:
        tally.add("code in the prompt", coding=0.3, bug_search=0.5, quick_query=-0.8, codebase_analysis=-0.8)
    if features.folders:
        tally.add("names a folder", codebase_analysis=0.7, quick_query=-0.5)
    if features.length > _LONG:
        tally.add("", quick_query=-1.2)


def _weigh_question(features: Features, tally: _Tally, files: int) -> None:
    short = features.asked <= _SHORT and not files and not features.has_code and not features.paths
    if features.is_sum and short:
        tally.add("a sum", quick_query=1.5)
    if not features.is_question:
        tally.add("", quick_query=-0.4)
        return
    if short:
        tally.add("a short question", quick_query=1.2)
    inside = min(features.technical, 4) * (0.2 if short else 0.5)
    tally.add("a question about code", codebase_analysis=inside, coding=-inside / 2, documentation=-0.4)


def _weigh_files(files: int, tally: _Tally) -> None:
    """One feature among the others: even hundreds of files do not outweigh a clear verb."""
    if not files:
        return
    tally.add("", quick_query=-1.0, general=-0.6)
    if files >= _MANY_FILES:
        tally.add(f"{files:,} files", codebase_analysis=1.3)
    elif files >= _FEW_FILES:
        tally.add(f"{files} files", codebase_analysis=0.8)


def _complexity(features: Features, task_type: TaskType, files: Sequence[tuple[str, int]]) -> float:
    """How hard: the type's own share, what is asked, its steps, and how much there is to read."""
    size = sum(size for _, size in files)
    value = (
        _BASE_COMPLEXITY[task_type]
        + 0.05 * min(math.log2(1 + features.asked / 100), 4)
        + 0.03 * min(features.steps, 6)
        + 0.07 * max(-3, min(features.hard, 4))
        + 0.04 * min(math.log2(1 + len(files)), 5)
        + 0.02 * min(math.log2(1 + size / 10_000), 8)
        + (0.05 if features.has_trace or features.has_diff else 0.0)
    )
    return round(max(0.0, min(value, 1.0)), 3)
