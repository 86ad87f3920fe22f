"""The attempts of the last tasks, for the router's experience."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import apsw

from oxide_desktop.core.experience import Try
from oxide_desktop.core.record import Attempt, AttemptStatus

_COUNTED = (AttemptStatus.COMPLETED, AttemptStatus.FAILED, AttemptStatus.PARTIAL)
# What the request or the person was the reason for says nothing about the service.
_NOT_THE_SERVICE = ("invalid", "held", "policy", "context", "quota")
_READ = "SELECT id, service, task_type, details FROM tasks WHERE task_type IS NOT NULL ORDER BY seq DESC LIMIT ?"


def tries(connection: apsw.Connection, last: int) -> list[Try]:
    """What the attempts of the last tasks came to."""
    found: list[Try] = []
    replayed_on: dict[str, set[str | None]] = {}
    for task_id, service, task_type, text in connection.execute(_READ, (last,)):  # a replay comes before its task
        details = _details(text)
        if original := details.get("replay_of"):
            replayed_on.setdefault(original, set()).add(service)
        asked_again = bool(replayed_on.get(task_id, set()) - {service})
        for attempt in _attempts(details):
            first_s = None if attempt.first_chunk_at is None else attempt.first_chunk_at - attempt.started_at
            answered = attempt.status is AttemptStatus.COMPLETED
            found.append(Try(task_type, attempt.service, answered, first_s, asked_again))
    return found


def _details(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _attempts(details: dict[str, Any]) -> Iterator[Attempt]:
    """Those that say something of their service; what is damaged says nothing."""
    for data in details.get("attempts") or ():
        try:
            attempt = Attempt.from_dict(data)
        except (TypeError, ValueError, AttributeError):
            continue
        if attempt.status in _COUNTED and attempt.kind not in _NOT_THE_SERVICE:
            yield attempt
