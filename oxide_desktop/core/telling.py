"""The route in one line, as every front tells it."""

from __future__ import annotations

from collections.abc import Callable

from oxide_desktop.core.model import Candidate, Route
from oxide_desktop.core.record import AttemptStatus, TaskRecord
from oxide_desktop.core.route import NO_FALLBACK, SWITCHED_OFF

Words = Callable[[str], str]


def route_sentence(task_type: str, route: Route, words: Words = str) -> str:
    """The route in one line, as every front shows it; of a reason, what stands before its first colon.

    Args:
        task_type: What the task was taken for.
        route: Where it goes.
        words: Says our own words in the person's language; `%1` and `%2` stand for what is put in afterwards.
    """
    kind = words(task_type.replace("_", " "))
    telling = [item for item in route.telling if item.reason not in (SWITCHED_OFF, NO_FALLBACK)]
    skips = [_put(words("%1 skipped: %2"), item.service, words(_short(item.reason))) for item in telling]
    if not route.candidates:
        return f"{kind} · {words('no service')} · " + ("; ".join(skips) or words("none is switched on"))
    first = route.candidates[0]
    origin = f" ({route.rule_from})" if route.rule_from else ""
    rule = _put(words('rule "%1"'), route.rule or "") + origin
    why = rule if route.rule else ", ".join(words(_short(reason)) for reason in first.reasons)
    return f"{kind} · {first.service} · {_put(words('because: %1'), '; '.join([why, *skips]))}"


def _short(reason: str) -> str:
    return reason.split(": ", maxsplit=1)[0]


def _put(sentence: str, *values: str) -> str:
    for place, value in enumerate(values, start=1):
        sentence = sentence.replace(f"%{place}", value, 1)
    return sentence


def way_taken(record: TaskRecord, words: Words = str) -> str:
    """The route of a record in one line, with the service that had the last word; empty while there is no route."""
    if record.route is None or record.task_type is None:
        return ""
    return route_sentence(record.task_type, _as_it_went(record, record.route, words), words)


def _as_it_went(record: TaskRecord, route: Route, words: Words) -> Route:
    """The route with the service in front that was asked last, because the ones before it failed."""
    others = [attempt for attempt in record.attempts if attempt.service != record.service]
    failed = dict.fromkeys(attempt.service for attempt in others if attempt.status is not AttemptStatus.CANCELLED)
    if not failed or record.service is None:
        return route
    reasons = tuple(_put(words("%1 failed"), service) for service in failed)
    return Route(candidates=(Candidate(record.service, 0.0, reasons),), skipped=route.skipped)
