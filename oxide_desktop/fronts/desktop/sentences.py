"""What the app says of routes and tasks, in the person's language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.model import Explanation, Locality
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.route import CUT, HELD_BACK
from oxide_desktop.core.settings import Settings
from oxide_desktop.core.telling import route_sentence, way_taken
from oxide_desktop.fronts.desktop.tokens import tokens

_COMMAND = re.compile(r"`([^`\n]+)`")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def tr(text: str, count: int = -1) -> str:
    """Translated; `%n` is the count, and in English, which has no translation, "(s)" goes by it."""
    return QCoreApplication.translate("Sentences", text, "", count).replace("(s)", "" if count == 1 else "s")


def engine_words(text: str) -> str:
    """What the engine says, translated where it is known whole: with names or numbers in it, it stays as it is."""
    said = QCoreApplication.translate("Engine", text) if text else ""
    return _COMMAND.sub("“\\1”", said)  # backticks are for terminals and Markdown


def error_line(error: OxideError) -> str:
    """An error in one line: what failed, why, what to do."""
    reason = " ".join(engine_words(part) for part in (error.message, error.hint) if part)
    return ": ".join(part for part in (engine_words(error.title), reason) if part)


def way(record: TaskRecord) -> str:
    """The way a task went, in one line; empty while there is none."""
    return way_taken(record, engine_words)


def one_line(text: str, longest: int = 80) -> str:
    """The first words of a prompt, for a menu or a list."""
    words = " ".join(text[: longest * 4].split())
    return words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"


def span(seconds: float) -> str:
    """How long something takes or took: `0.8 s`, `41 s`, `3 min`, `2 h`."""
    if seconds < 10:  # noqa: PLR2004 - below it the tenth matters
        return tr("%1 s").replace("%1", f"{seconds:.1f}")
    if seconds < 2 * _MINUTE_S:
        return tr("%1 s").replace("%1", f"{seconds:.0f}")
    if seconds < 2 * _HOUR_S:
        return tr("%1 min").replace("%1", f"{seconds / _MINUTE_S:.0f}")
    return tr("%1 h").replace("%1", f"{seconds / _HOUR_S:.0f}")


def ago(seconds: float) -> str:
    """How long something is past, as people say it."""
    if seconds < _MINUTE_S:
        return tr("just now")
    if seconds < _HOUR_S:
        return tr("%n min ago", int(seconds / _MINUTE_S))
    if seconds < _DAY_S:
        return tr("%n h ago", int(seconds / _HOUR_S))
    return tr("%n day(s) ago", int(seconds / _DAY_S))


def will_go(explanation: Explanation) -> str:
    """Where a prompt would go, in one line."""
    there = route_sentence(explanation.profile.task_type, explanation.route, engine_words)
    return tr("will go to: %1").replace("%1", there)


def what_goes(explanation: Explanation, settings: Settings) -> str:
    """How much would go there, and whether it would leave this computer."""
    files = explanation.files
    parts = [tr("%n file(s)", files)] if files else []
    parts.append(tr("about %1 tokens").replace("%1", f"{explanation.tokens:,}"))
    if not explanation.route.candidates:
        return " · ".join(parts)
    first = explanation.route.candidates[0]
    service = settings.services.get(first.service)
    if service is not None and service.locality is Locality.LOCAL:
        parts.append(tr("stays on your own machines"))
    else:
        parts.append(tr("leaves this computer"))
        if files and not any(HELD_BACK in reason for reason in first.reasons):
            parts.append(tr("nothing held back"))
    return " · ".join(parts)


def held_or_cut(explanation: Explanation) -> list[str]:
    """What would not go there whole or at all, and what else there is to know; one sentence each."""
    first = explanation.route.candidates[0].reasons if explanation.route.candidates else ()
    told = [reason for reason in first if HELD_BACK in reason or reason.startswith(CUT)]
    said = [f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in told]
    return [engine_words(text) for text in (*said, *explanation.notes)]


def ending(record: TaskRecord) -> str:
    """How a task ended, in one line without its sign."""
    if record.status is not TaskStatus.COMPLETED:
        return engine_words(record.error or record.status.value)
    parts = [record.service or "", span(record.duration or 0.0)]
    if record.tokens:
        parts.append(tr("%1 tokens").replace("%1", f"{record.tokens.output:,}"))
    if record.receipt:
        parts.append(receipt_line(record.receipt))
    return " · ".join(part for part in parts if part)


def receipt_line(receipt: Sequence[FileReceipt]) -> str:
    """What became of an analysis' files: `38 read, 1 cut, 2 left out`."""
    counts = {status: sum(item.status is status for item in receipt) for status in ReadStatus}
    said = [
        tr("%n file(s) read", counts[ReadStatus.READ]),
        tr("%n cut", counts[ReadStatus.TRUNCATED]) if counts[ReadStatus.TRUNCATED] else "",
        tr("%n left out", counts[ReadStatus.SKIPPED]) if counts[ReadStatus.SKIPPED] else "",
    ]
    return ", ".join(part for part in said if part)


def sign(record: TaskRecord) -> str:
    """The sign of a task's state."""
    return tokens().states[record.status.value].sign


def why(record: TaskRecord) -> str:
    """Why it went where it went: the way, each candidate with its reasons, each that was passed over."""
    lines = [way(record), ""]
    route = record.route
    if route is None:
        return tr("It was not routed.")
    for place, item in enumerate(route.candidates, start=1):
        lines.append(f"{place}. {item.service}  ({item.score:.2f})  {'; '.join(map(engine_words, item.reasons))}")
    over = [f"{item.service}: {engine_words(item.reason)}" for item in route.passed_over]
    lines += [tr("passed over: %1").replace("%1", told) for told in over]
    for attempt in record.attempts:
        told = [attempt.service, engine_words(attempt.error or attempt.status.value)]
        if attempt.left_machine is not None:
            told.append(tr("left this machine") if attempt.left_machine else tr("stayed on this machine"))
        lines.append(tr("asked: %1").replace("%1", " · ".join(told)))
    return "\n".join(lines).strip()
