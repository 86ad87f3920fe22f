"""Times, amounts and records in the words that people use, the same on every page."""

from __future__ import annotations

import time
from datetime import datetime

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.sentences import ago, engine_words, one_line, tr
from oxide_desktop.fronts.desktop.tokens import tokens

_MEBIBYTE = 1024**2
_LONGEST_LINE = 300
_SOURCES = {
    "cli": QT_TRANSLATE_NOOP("Sentences", "terminal"),
    "python": "Python",
    "http": QT_TRANSLATE_NOOP("Sentences", "web"),
    "mcp": "Claude Code",
    "desktop": QT_TRANSLATE_NOOP("Sentences", "this window"),
}


def age(moment_s: float) -> str:
    """How long ago."""
    return ago(max(time.time() - moment_s, 0))


def moment(moment_s: float) -> str:
    """The full time, in the person's own time zone."""
    return datetime.fromtimestamp(moment_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(count: int) -> str:
    """Bytes, in the unit that suits them."""
    if count < _MEBIBYTE:
        return f"{count / 1024:.0f} KB"
    if count < 1024 * _MEBIBYTE:
        return f"{count / _MEBIBYTE:.0f} MB"
    return f"{count / 1024 / _MEBIBYTE:.1f} GB"


def money(amount: float) -> str:
    """An amount in the price's currency, without zeros that say nothing."""
    return f"{amount:.6f}".rstrip("0").rstrip(".")


def type_words(task_type: str | None) -> str:
    """A task's type in lower case, as in the route's line."""
    return engine_words((task_type or "").replace("_", " "))


def source_words(source: str) -> str:
    """The front a task came through."""
    return tr(str(_SOURCES.get(source, source)))


def first_line(text: str) -> str:
    """The first line that says something."""
    return one_line(next((line for line in text.splitlines() if line.strip()), ""), _LONGEST_LINE)


def second_line(record: TaskRecord) -> str:
    """A task's type, its service and how it came, below its prompt."""
    parts = [type_words(record.task_type), _by_whom(record), source_words(record.source)]
    return " · ".join(part for part in parts if part)


def _by_whom(record: TaskRecord) -> str:
    others = dict.fromkeys(item.service for item in record.attempts if item.service != record.service)
    if not record.service or not others:
        return record.service or ""
    return tr("%1, after %2").replace("%1", record.service).replace("%2", ", ".join(others))


def described(record: TaskRecord) -> str:
    """A task in one sentence, for a screen reader."""
    word = QCoreApplication.translate("States", tokens().states[record.status.value].word)
    return f"{word}: {first_line(record.prompt)}. {second_line(record)}. {age(record.created_at)}"
