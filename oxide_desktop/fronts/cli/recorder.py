"""One record in full: the flight recorder as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oxide_desktop.core.receipts import as_text
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.core.telling import way_taken
from oxide_desktop.fronts.cli.explain import route_lines
from oxide_desktop.fronts.cli.output import (
    columns,
    mark,
    moment_text,
    money,
    out,
    out_untrusted,
    paint,
    say,
    seconds,
    table,
    text_table,
)
from oxide_desktop.fronts.cli.text import one_line, wrap

if TYPE_CHECKING:
    from oxide_desktop.core.record import Attempt, TaskRecord

LABEL_WIDTH = 10


def show_record(record: TaskRecord, *, answer: bool = True) -> None:
    """Print how a task came about, and its answer last if it is wanted."""
    status = record.status.value
    out(f"{mark(status)} {paint(status, bold=True)}  {record.id}")
    for label, value in _facts(record).items():
        _fact(label, value)
    _section("Route", route_lines(record.route) if record.route else [])
    _section("Attempts", _attempts(record.attempts) if record.attempts else [])
    _section("Notes", [line for note in record.notes for line in wrap(one_line(note), columns())])
    if record.result and answer:
        out(f"\n{paint('Answer', bold=True)}")
        out_untrusted(record.result)


def _facts(record: TaskRecord) -> dict[str, str]:
    return {
        "prompt": record.prompt,
        "files": ", ".join(map(as_text, record.files)),
        "wishes": ", ".join(f"{key}={value}" for key, value in record.preferences.items()),
        "route": way_taken(record),
        "rule": _rule(record),
        "model": record.model or "",
        "source": record.source,
        "asked": moment_text(record.created_at),
        "took": seconds(record.duration),
        "tokens": _tokens(record),
        "cost": money(record.cost) if record.cost is not None else "",
        "sent": _LEFT.get(record.left_machine, "") if record.attempts else "",
        "replays": record.replay_of or "",
        "error": record.error or "",
    }


def _fact(label: str, value: str) -> None:
    if not value:
        return
    first, *rest = wrap(one_line(value), columns() - LABEL_WIDTH)
    out(f"{label:<{LABEL_WIDTH}}{first}")
    for line in rest:
        out(f"{'':<{LABEL_WIDTH}}{line}")


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        out(f"\n{paint(title, bold=True)}")
    for line in lines:
        out(line)


def _tokens(record: TaskRecord) -> str:
    if record.tokens is None:
        return ""
    guess = " (estimated)" if record.tokens.estimated else ""
    return f"{record.tokens.input:,} in, {record.tokens.output:,} out{guess}"


_LEFT: dict[bool | None, str] = {True: "it left this machine", False: "nothing left this machine"}
_PLACES: dict[bool | None, str] = {True: "left this machine", False: "stayed on this machine"}


def _rule(record: TaskRecord) -> str:
    if record.route is None or record.route.rule is None:
        return ""
    return f"{record.route.rule} ({record.route.rule_from or 'your own'})"


def say_comparison(before: TaskRecord, now: TaskRecord) -> None:
    """A line for each of two tasks that asked the same: who answered, how long it took, tokens and cost."""
    rows = [_figures("before", before), _figures("now", now)]
    for line in table([""] * len(rows[0]), rows)[1:]:
        say(line)


def _figures(when: str, record: TaskRecord) -> list[str]:
    outcome = "" if record.status is TaskStatus.COMPLETED else record.status.value
    tokens = f"tokens {_tokens(record)}" if record.tokens else ""
    figures = [tokens, f"cost {money(record.cost)}" if record.cost is not None else "", outcome]
    return [when, one_line(record.service or "nobody"), seconds(record.duration), ", ".join(filter(None, figures))]


def _attempts(attempts: tuple[Attempt, ...]) -> list[str]:
    rows = [
        [
            f"{mark(attempt.status.value)} {position}",
            one_line(attempt.service),
            one_line(attempt.model or ""),
            _after(attempt.started_at, attempt.first_chunk_at),
            _after(attempt.started_at, attempt.ended_at),
            f"{attempt.chars:,}",
            one_line("; ".join(part.rstrip(".") for part in _how(attempt))),
        ]
        for position, attempt in enumerate(attempts, start=1)
    ]
    return text_table(["", "SERVICE", "MODEL", "FIRST TEXT", "ENDED", "CHARS", "HOW"], rows)


def _how(attempt: Attempt) -> list[str]:
    """How an attempt ended, what it took, and whether it was sent to another machine."""
    tokens = attempt.tokens
    told = [
        attempt.error or attempt.status.value,
        f"{tokens.input:,} tokens in, {tokens.output:,} out" if tokens else "",
        f"cost {money(attempt.cost)}" if attempt.cost is not None else "",
        _PLACES.get(attempt.left_machine, ""),
    ]
    return [part for part in told if part]


def _after(start: float, moment: float | None) -> str:
    return seconds(moment - start) if moment is not None else ""
