"""Why a prompt is of a type, in words: the features that spoke most for it, as people would name them."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from oxide_desktop.core.features import Features
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.weights import weights

_MOST_REASONS, _LONGEST_WORDS, _LEAST_PULL, _MOST_LOOKED_AT = 4, 40, 0.05, 30

_OF_IDEAS = frozenset(("i", "c", "h", "l", "q", "f", "f2", "e", "g"))  # plain words ("the", "of") convince nobody
_TOLD = _OF_IDEAS | {"s", "n"}  # and structure, and files
_OF_ANY_SUBJECT = (TaskType.GENERAL, TaskType.QUICK_QUERY)
_OF_STRUCTURE: Mapping[str, str] = {
    "trace": "an error message",
    "diff": "a diff",
    "fence": "code in the prompt",
    "pasted": "code in the prompt",
    "pasted,asks": "a question about code in the prompt",
    "pasted,tells": "code in the prompt",
    "much-pasted": "much code in the prompt",
    "only-pasted": "hardly more than code",
    "asks": "a question",
    "asks-inside": "a question",
    "list": "a list of steps",
    "long-list": "a list of steps",
    "heading": "a template",
    "bold": "a template",
    "placeholder": "a template",
    "role": "a role for the model",
    "slash": "a command",
    "url": "a web address",
    "sum": "a sum",
    "name": "names from code",
    "names": "names from code",
    "folder": "names a folder",
    "path": "names a file",
    "paths": "names files",
    "glob": "names files by a pattern",
    "at": "names files",
    "path-test": "names a test",
    "path-docs": "names a document",
    "path-log": "names a log",
    "tech0": "nothing about software",
    "asks,tech0": "a question, not about software",
    "tells,tech0": "nothing about software",
    **{f"tech{count}": "about software" for count in range(1, 5)},
    **{f"tells,tech{count}": "about software" for count in range(1, 5)},
    **{f"asks,tech{count}": "a question about software" for count in range(1, 5)},
    **{f"size{size}": "a short prompt" for size in range(4)},
    **{f"asks,size{size}": "a short question" for size in range(5)},
    **{f"size{size}": "a long prompt" for size in range(6, 9)},
}


def reasons_for(features: Features, task_type: TaskType, files: int) -> tuple[str, ...]:
    """The strongest few, each once."""
    if not features.says_anything:
        return ("it says nothing",)
    pulls = weights().pulls([name for name in features.names if name.partition(":")[0] in _TOLD], task_type)
    told: dict[str, None] = {}
    spoken: set[str] = set()
    for name in heapq.nlargest(_MOST_LOOKED_AT, pulls, key=pulls.__getitem__):
        if pulls[name] < _LEAST_PULL or len(told) == _MOST_REASONS:
            break
        kind, _, rest = name.partition(":")
        if kind in _OF_IDEAS:
            said = [
                word for word in dict.fromkeys(map(features.words.__getitem__, rest.split("+"))) if word not in spoken
            ]
            spoken.update(said)
            words = _quoted(" … ".join(said))
        else:
            words = _in_words(kind, rest, task_type, files)
        if words and not any(words in known for known in told):
            told[words] = None
    return tuple(told) or ("nothing points elsewhere",)


def _in_words(kind: str, rest: str, task_type: TaskType, files: int) -> str:
    if kind == "n":
        return f"{files:,} {'file' if files == 1 else 'files'}"
    words = _OF_STRUCTURE.get(rest, "") if kind == "s" else ""
    return "" if "not" in words and task_type not in _OF_ANY_SUBJECT else words


def _quoted(words: str) -> str:
    return f"“{words[:_LONGEST_WORDS]}”" if words else ""
