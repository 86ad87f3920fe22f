"""What the log tells of tasks and services: one line for each thing that happened, and never what was asked."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from oxide_desktop.core.errors import OxideError, ServiceError
from oxide_desktop.core.events import Event, ServiceStatusChanged, TaskEnded, TaskQueued, TaskRouted, TaskWaiting
from oxide_desktop.core.record import TaskRecord, TaskStatus

log = logging.getLogger(__name__)

_LONGEST_CHARS = 400
# A prompt as short as a name also stands inside of other words, and one of a letter or two everywhere: nothing is
# hidden by taking those out of a sentence.
_SHORTEST_HIDDEN = 3
_SHORTEST_CERTAIN = 12
_HIDDEN = "[the prompt]"


def write(event: Event) -> None:
    """Put an event into the log; a listener for the bus, quick for the thousands of chunks that it leaves out."""
    if writer := _WRITERS.get(type(event)):
        writer(event)


def attempt_failed(record: TaskRecord, service: str, error: ServiceError) -> None:
    """A try on a service failed."""
    log.warning(
        "task %s: %s failed (%s): %s", record.id, service, error.kind.value, without_prompt(str(error), record.prompt)
    )


def next_try(task_id: str, service: str, tried: int, pause_s: float) -> None:
    """The same service will be asked again."""
    log.info("task %s: try %d on %s in %.1f s", task_id, tried + 1, service, pause_s)


def falls_back(record: TaskRecord, service: str, error: OxideError, following: str) -> None:
    """Another service is asked."""
    why = without_prompt(error.title, record.prompt)
    log.info("task %s: falls back from %s to %s (%s)", record.id, service, following, why)


def without_prompt(text: str, prompt: str) -> str:
    """An error in one line, without the prompt that a service may have repeated in it."""
    shown = " ".join(text.split())
    asked = " ".join(prompt.split())
    if len(asked) >= _SHORTEST_CERTAIN:
        shown = shown.replace(asked, _HIDDEN)
    elif len(asked) >= _SHORTEST_HIDDEN:
        shown = re.sub(rf"(?<!\w){re.escape(asked)}(?!\w)", _HIDDEN, shown)
    return shown if len(shown) <= _LONGEST_CHARS else f"{shown[:_LONGEST_CHARS]}…"


def _write_queued(event: TaskQueued) -> None:
    record = event.record
    size = f"{len(record.prompt):,} characters, {len(record.files):,} paths"
    log.info("task %s asked by %s: %s", record.id, record.source, size)


def _write_routed(event: TaskRouted) -> None:
    record = event.record
    order = ", then ".join(item.service for item in record.route.candidates) if record.route else ""
    log.info("task %s is %s and goes to %s", record.id, record.task_type, order)


def _write_waiting(event: TaskWaiting) -> None:
    log.info("task %s waits for %s, %d ahead", event.task_id, event.service, event.ahead)


def _write_end(event: TaskEnded) -> None:
    record = event.record
    took = f"{record.duration or 0:.1f} s, attempts: {len(record.attempts)}"
    if record.status is TaskStatus.COMPLETED:
        log.info("task %s completed by %s in %s", record.id, record.service, took)
    else:
        why = without_prompt(record.error or "", record.prompt)
        log.warning("task %s %s after %s: %s", record.id, record.status.value, took, why)


def _write_health(event: ServiceStatusChanged) -> None:
    health = event.health
    if health.failing:
        why = " ".join(health.message.split()).split(": ")[0]  # a service's own words may repeat what it was asked
        log.info("health of %s: %s (%s)", health.service, health.failing.lacking, why)
    else:
        log.info("health of %s: %s", health.service, health.tier.value if health.tier else "nothing is known")


_WRITERS: Mapping[type, Callable[[Any], None]] = {
    TaskQueued: _write_queued,
    TaskRouted: _write_routed,
    TaskWaiting: _write_waiting,
    TaskEnded: _write_end,
    ServiceStatusChanged: _write_health,
}
