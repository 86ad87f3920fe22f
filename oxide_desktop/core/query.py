"""What a person types to find tasks: plain words, and words with a meaning such as `service:qwen failed today`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oxide_desktop.core.model import TaskType
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.quota import midnight
from oxide_desktop.core.record import TaskStatus

EXAMPLE = "service:qwen type:coding failed today"
_STATUS_WORDS = {item.value: item for item in TaskStatus} | {
    "done": TaskStatus.COMPLETED,
    "working": TaskStatus.RUNNING,
    "canceled": TaskStatus.CANCELLED,
}
_TYPE_WORDS = {item.value: item for item in TaskType}
_DAYS_AGO = {"today": 0, "yesterday": 1, "week": 6, "month": 29}
_SPAN = re.compile(r"(\d{1,4})([hdw])")
_SPAN_S = {"h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
# With quotes a word is looked for as it is: `"failed"` finds tasks in which somebody wrote of failing.
_QUOTES = '"'
_WORD = re.compile(r'[^\s"]*"[^"]*"|\S+')


@dataclass(frozen=True, slots=True)
class Query:
    """A search as it was understood.

    Attributes:
        wanted: Which records it means.
        problems: What was not understood, a sentence each; those parts are left out of `wanted`.
    """

    wanted: TaskFilter
    problems: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether nothing is looked for."""
        return self.wanted == TaskFilter()


def parse_query(text: str, now: float) -> Query:
    """Understand a search. Whatever is typed is one; what makes no sense is told of.

    Args:
        text: As typed: `service:NAME`, `type:TYPE`, `status:STATUS`, `since:TIME` (today, yesterday, week, month, 3d,
            12h, 2026-11-20), a status or `today` as a word of its own, and plain words. Quotes keep a word plain.
        now: Unix seconds.
    """
    found: dict[str, Any] = {}
    words: list[str] = []
    problems: list[str] = []
    for word in _words_of(text):
        key, colon, value = word.partition(":")
        reader = _READERS.get(key.lower()) if colon and not word.startswith(tuple(_QUOTES)) else None
        if reader is not None:
            if value:
                _take(reader(value.strip(_QUOTES), now), found, problems)
        elif meaning := _bare(word, now):
            found |= meaning
        else:
            words.append(word.strip(_QUOTES))
    plain = " ".join(word for word in words if word)
    return Query(TaskFilter(**found, text=plain or None), tuple(problems))


def _words_of(text: str) -> list[str]:
    """The words with their quotes; a quote that is still open while somebody types is one like any other sign."""
    return _WORD.findall(text)


def _take(read: Mapping[str, Any] | str, found: dict[str, Any], problems: list[str]) -> None:
    if isinstance(read, str):
        problems.append(read)
    else:
        found |= read


def _bare(word: str, now: float) -> Mapping[str, Any]:
    if word.lower() in _STATUS_WORDS:
        return {"status": _STATUS_WORDS[word.lower()]}
    return {"since": midnight(now)} if word.lower() == "today" else {}


def _service(value: str, _: float) -> Mapping[str, Any]:
    return {"service": value}


def _type(value: str, _: float) -> Mapping[str, Any] | str:
    found = _one_of(value, _TYPE_WORDS)
    return {"task_type": found} if found else f"There is no type {value!r}; there are {', '.join(_TYPE_WORDS)}."


def _status(value: str, _: float) -> Mapping[str, Any] | str:
    found = _one_of(value, _STATUS_WORDS)
    return {"status": found} if found else f"There is no status {value!r}; there are {', '.join(TaskStatus)}."


def _since(value: str, now: float) -> Mapping[str, Any] | str:
    if value.lower() in _DAYS_AGO:
        return {"since": midnight(now, days=-_DAYS_AGO[value.lower()])}
    if span := _SPAN.fullmatch(value.lower()):
        return {"since": now - int(span[1]) * _SPAN_S[span[2]]}
    try:
        return {"since": dt.datetime.fromisoformat(value).astimezone().timestamp()}
    except (ValueError, OverflowError, OSError):
        return f"{value!r} is no time; try today, yesterday, week, 3d, 12h or a date such as 2026-11-20."


def _one_of(value: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a type or a status
    """What is called that, or begins like that and nothing else does."""
    value = value.lower().replace(" ", "_").replace("-", "_")
    if value in known:
        return known[value]
    begun = {item for name, item in known.items() if name.startswith(value)}
    return begun.pop() if len(begun) == 1 else None


_READERS = {"service": _service, "type": _type, "status": _status, "since": _since}
