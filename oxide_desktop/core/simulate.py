"""What a rule would have changed, from what the history keeps of each task's route. Nothing is asked, read or sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oxide_desktop.core.model import Candidate, Route, TaskType
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.core.route import CUT, HELD_BACK, NO_FALLBACK

LAST_TASKS = 200
MOST_TASKS = 10_000
_LONGEST_PROMPT = 200
CAVEATS = (
    "Each task is judged by what was known when it was asked: services, windows, quotas, files held back.",
    "Whether the answers would have been better, quicker or cheaper is not known.",
)


@dataclass(frozen=True, slots=True)
class MovedTask:
    """A task that would have gone elsewhere; `in_part` tells what of it would not have gone with it."""

    id: str
    prompt: str
    from_service: str
    to_service: str
    why: str
    created_at: float
    in_part: str = ""


@dataclass(frozen=True, slots=True)
class UnmovedTask:
    """A task of the rule's type that would have stayed, or of which nobody knows."""

    id: str
    prompt: str
    service: str | None
    reason: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrial:
    """What a rule would have done to the newest tasks.

    Attributes:
        looked_at: How many tasks there were, at most as many as were asked for.
        of_type: How many of them are of the rule's type.
        already_there: How many of those went to the service anyway.
        decided_otherwise: Those for which a service was named, and analyses, which go to several.
        could_not: Those that the service could not have taken, and why.
        unknown: Those whose records do not tell.
    """

    task_type: TaskType
    service: str
    looked_at: int
    of_type: int = 0
    moved: tuple[MovedTask, ...] = ()
    already_there: int = 0
    decided_otherwise: tuple[UnmovedTask, ...] = ()
    could_not: tuple[UnmovedTask, ...] = ()
    unknown: tuple[UnmovedTask, ...] = ()

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        tasks = "task" if self.looked_at == 1 else "tasks"
        return f"would have moved {len(self.moved):,} of the last {self.looked_at:,} {tasks}"

    def to_dict(self) -> dict[str, Any]:
        """The shape of `oxide rules try --json`."""
        return {
            "task_type": self.task_type.value,
            "service": self.service,
            "looked_at": self.looked_at,
            "of_type": self.of_type,
            "already_there": self.already_there,
            "moved": [
                {
                    "id": task.id,
                    "prompt": task.prompt,
                    "from": task.from_service,
                    "to": task.to_service,
                    "why": task.why,
                    "in_part": task.in_part or None,
                    "created_at": task.created_at,
                }
                for task in self.moved
            ],
            "decided_otherwise": _to_dicts(self.decided_otherwise),
            "could_not": _to_dicts(self.could_not),
            "unknown": _to_dicts(self.unknown),
            "sentence": f"{self.task_type.value} → {self.service} {self.sentence}.",
            "caveats": list(CAVEATS),
        }


def simulate(task_type: TaskType, service: str, records: Sequence[TaskRecord]) -> RuleTrial:
    """What `task_type` → `service` would have done to these tasks; the parts of an analysis are none of their own."""
    tasks = [record for record in records if record.parent is None]
    concerned = [record for record in tasks if record.task_type == task_type]
    verdicts = [(record, _verdict(record, service)) for record in concerned]
    kinds = Counter(kind for _, (kind, _) in verdicts)
    untyped = [_unmoved(record, "of no known type") for record in tasks if record.task_type is None]
    return RuleTrial(
        task_type=task_type,
        service=service,
        looked_at=len(tasks),
        of_type=len(concerned),
        moved=tuple(_moved(record, service, why) for record, (kind, why) in verdicts if kind == _MOVED),
        already_there=kinds[_SAME],
        decided_otherwise=_of_kind(_DECIDED, verdicts),
        could_not=_of_kind(_COULD_NOT, verdicts),
        unknown=(*_of_kind(_UNKNOWN, verdicts), *untyped),
    )


_MOVED, _SAME, _DECIDED, _COULD_NOT, _UNKNOWN = "moved", "same", "decided", "could not", "unknown"
_Verdict = tuple[str, str]


def _verdict(record: TaskRecord, service: str) -> _Verdict:
    """What becomes of one task of the rule's type, and why."""
    route = record.route
    if record.analysis is not None:
        return _DECIDED, "an analysis is shared out among several services"
    if named := record.preferences.get("preferred_service"):
        return _DECIDED, f"you asked for {named}"
    if route is None:
        return _UNKNOWN, "its route was not kept"
    if route.rule_from:
        return _UNKNOWN, f"the rule of the {route.rule_from} decided, and may stand above yours"
    return _in_route(route, service)


def _in_route(route: Route, service: str) -> _Verdict:
    """What becomes of a task that the router was free to send anywhere."""
    places = [item.service for item in route.candidates]
    if places[:1] == [service]:
        return _SAME, ""
    if service in places:
        return _MOVED, _standing(route.candidates, places.index(service))
    reason = next((item.reason for item in route.skipped if item.service == service), None)
    if reason is None:
        return _UNKNOWN, f"{service} was not configured then"
    if reason == NO_FALLBACK:
        return _MOVED, "it was able to take it, and fallback is switched off"
    return _COULD_NOT, reason


def _standing(candidates: Sequence[Candidate], index: int) -> str:
    """Where the service stood without the rule."""
    found = candidates[index]
    reasons = f": {', '.join(found.reasons)}" if found.reasons else ""
    return f"choice {index + 1} of {len(candidates)} ({found.score:.2f}{reasons})"


def _moved(record: TaskRecord, service: str, why: str) -> MovedTask:
    candidates = record.route.candidates if record.route else ()
    reasons = next((item.reasons for item in candidates if item.service == service), ())
    in_part = "; ".join(reason for reason in reasons if reason == CUT or HELD_BACK in reason)
    before = candidates[0].service if candidates else ""
    return MovedTask(record.id, _first_line(record.prompt), before, service, why, record.created_at, in_part)


def _unmoved(record: TaskRecord, reason: str) -> UnmovedTask:
    return UnmovedTask(record.id, _first_line(record.prompt), record.service, reason, record.created_at)


def _of_kind(wanted: str, verdicts: Iterable[tuple[TaskRecord, _Verdict]]) -> tuple[UnmovedTask, ...]:
    return tuple(_unmoved(record, why) for record, (kind, why) in verdicts if kind == wanted)


def _first_line(prompt: str) -> str:
    line = next((line.strip() for line in prompt.splitlines() if line.strip()), "")
    return line if len(line) <= _LONGEST_PROMPT else line[: _LONGEST_PROMPT - 1] + "…"


def _to_dicts(tasks: Iterable[UnmovedTask]) -> list[dict[str, Any]]:
    return [
        {
            "id": task.id,
            "prompt": task.prompt,
            "service": task.service,
            "reason": task.reason,
            "created_at": task.created_at,
        }
        for task in tasks
    ]
