"""How hard a task is: what each thing that can be seen in it adds, as learned from prompts that were rated by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from oxide_desktop.core.features import Features
from oxide_desktop.core.model import TaskType

EASY, HARD = 0.35, 0.6  # below, a small model will do; from there on it takes a strong one

_WIDE = frozenset((
    "app", "website", "server", "project", "repo", "architecture", "whole", "understand_repo", "depends", "interact",
))  # fmt: skip
_NARROW = frozenset(("function", "regex", "script", "commit_message", "locate_thing", "lang", "rename", "comment"))
_LEAST_TOLD, _MOST_TOLD, _LONGEST = 0.04, 3, 50

# Printed by training/rate.py: what each type starts with, and what one of each thing adds ("easy words": by hand).
STARTS: Mapping[TaskType, float] = {
    TaskType.CODING: 0.334,
    TaskType.CODE_REVIEW: 0.367,
    TaskType.BUG_SEARCH: 0.343,
    TaskType.REFACTORING: 0.397,
    TaskType.DOCUMENTATION: 0.226,
    TaskType.CODEBASE_ANALYSIS: 0.476,
    TaskType.QUICK_QUERY: 0.002,
    TaskType.GENERAL: 0.064,
}
ADDS: Mapping[str, float] = {
    "length": 0.119,
    "steps": 0.011,
    "hard words": 0.043,
    "easy words": -0.02,
    "wide": 0.051,
    "narrow": -0.031,
    "folder": 0.096,
    "files": 0.007,
    "piece": -0.109,
    "message": 0.011,
}


def seen(features: Features, files: Sequence[tuple[str, int]]) -> Iterator[tuple[str, float]]:
    """What makes a task harder or easier, each thing with how much there is of it."""
    ideas = features.words.keys()
    yield "length", min(math.log2(1 + features.chars / 100), 4.0)
    yield "steps", float(min(features.asked.listed, 8))
    yield "hard words", float(min(len(features.hard), 4))
    yield "easy words", float(min(len(features.easy), 3))
    yield "wide", float(min(len(_WIDE & ideas), 3))
    yield "narrow", float(min(len(_NARROW & ideas), 3))
    yield "folder", float("s:folder" in features.names)
    yield "files", min(math.log2(1 + len(files)), 6.0)
    asked = features.asked
    yield "piece", float(not asked.trace and (asked.fenced or asked.code_lines > 1 or asked.diff))
    yield "message", float(asked.trace)


def complexity(features: Features, task_type: TaskType, files: Sequence[tuple[str, int]]) -> float:
    """From 0, anybody knows it, to 1, a whole system."""
    value = STARTS[task_type] + sum(ADDS[name] * amount for name, amount in seen(features, files))
    return round(max(0.0, min(value, 1.0)), 3)


def why(features: Features, value: float, files: Sequence[tuple[str, int]]) -> str:
    """What makes it hard, in a few words; nothing if it is not."""
    if value < HARD:
        return ""
    added = sorted(((ADDS[name] * amount, name) for name, amount in seen(features, files)), reverse=True)
    told = [words for amount, name in added if amount >= _LEAST_TOLD and (words := _in_words(name, features, files))]
    text = "hard"
    for words in told[:_MOST_TOLD]:
        if len(text) + len(words) < _LONGEST:
            text += f"{': ' if text == 'hard' else ', '}{words}"
    return text


def _in_words(name: str, features: Features, files: Sequence[tuple[str, int]]) -> str:
    return {
        "length": "much is asked",
        "steps": f"{features.asked.listed} steps",
        "hard words": ", ".join(f"“{word}”" for word in sorted(features.hard)[:2]),
        "wide": "more than one part",
        "folder": "a whole folder",
        "files": f"{len(files):,} files",
    }.get(name, "")
