"""The services that take part in an analysis: who may read what, who is free, who is out."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oxide_desktop.core.model import Locality
from oxide_desktop.core.pace import Pace
from oxide_desktop.core.planning import Plan
from oxide_desktop.core.ports import Adapter
from oxide_desktop.core.settings import ExecutionSettings
from oxide_desktop.core.sharding import Piece
from oxide_desktop.core.tokens import ANSWER_TOKENS, answer_room, estimate_tokens

_LEAST_ROOM = 256  # tokens: a window with less beside the prompt reads no file worth naming
_WORDS_TOKENS = 80  # what the prompt of a share says besides the question


@dataclass(slots=True, eq=False)
class Lane:
    """One service that takes part.

    Attributes:
        room: Tokens that its window has for files; `None` is as many as there are.
        tries: How often it is given the same piece at most.
    """

    service: str
    locality: Locality
    room: int | None
    pace: Pace
    tries: int

    def could_take(self, piece: Piece) -> bool:
        """Whether it works, no privacy lane keeps the piece from it, and it has not failed on it too often."""
        works = self.pace.lost_reason is None and (self.room is None or self.room >= _LEAST_ROOM)
        return works and self.may_see(piece) and piece.tries_on(self.service) < self.tries

    def may_see(self, piece: Piece) -> bool:
        """Whether no privacy lane keeps the piece from it."""
        return piece.held is None or self.locality is Locality.LOCAL


class Lanes:
    """All of them.

    Attributes:
        workers: How many requests are in flight at most.
    """

    def __init__(self, lanes: Sequence[Lane], workers: int, resting: Callable[[str], str | None]) -> None:
        self._all = lanes
        self._resting = resting
        self.workers = workers

    @property
    def running(self) -> int:
        """Requests in flight."""
        return sum(lane.pace.running for lane in self._all)

    @property
    def working(self) -> list[Lane]:
        """Those that are not given up, best first."""
        return [lane for lane in self._all if lane.pace.lost_reason is None]

    def leave_resting(self) -> None:
        """Give those up that are to be left alone, but none that is being asked: that may be the try which decides."""
        for lane in self.working:
            if not lane.pace.running:
                lane.pace.lost_reason = self._resting(lane.service)

    def free(self) -> list[Lane]:
        """Those that may be given a share now, the least busy first."""
        if self.running >= self.workers:
            return []
        free = (lane for lane in self._all if lane.pace.free and self._resting(lane.service) is None)
        return sorted(free, key=lambda lane: lane.pace.running)

    def largest_room(self, *, local: bool) -> int | None:
        """Tokens of the largest piece that one of them reads whole; `None` is as many as there are."""
        rooms = [lane.room for lane in self._all if not local or lane.locality is Locality.LOCAL]
        return None if None in rooms or not rooms else max(_LEAST_ROOM, *(room or 0 for room in rooms))

    def shortest_rest_s(self) -> float | None:
        """Seconds until a service that rests may be asked again; `None` if none rests and a share will end instead."""
        rests = (lane.pace.rest_s for lane in self.working if lane.pace.rest_s)
        return min(rests, default=None if self.running else 0.0)  # the last rest may have ended just now

    def taker(self, lane: Lane) -> Callable[[Piece], bool]:
        """What a lane may be given: a piece that failed there only if it has failed as often everywhere else."""
        others = [other for other in self._all if other is not lane]

        def may_take(piece: Piece) -> bool:
            elsewhere = (piece.tries_on(other.service) for other in others if other.could_take(piece))
            tried = piece.tries_on(lane.service)
            return lane.could_take(piece) and tried <= min(elsewhere, default=tried)

        return may_take

    def nobody_can_take(self, piece: Piece) -> bool:
        """Whether no service is left for a piece."""
        return not any(lane.could_take(piece) for lane in self._all)

    def why_unread(self, piece: Piece) -> str:
        """Why nobody reads it, as a phrase."""
        seen = [lane for lane in self._all if lane.may_see(piece)]
        if piece.held and not seen:
            return piece.held
        reasons = [(lane.service, lane.pace.lost_reason or _why_not(lane)) for lane in seen]
        return "; ".join(why if why.startswith(f"{name} ") else f"{name}: {why}" for name, why in reasons)


def _why_not(lane: Lane) -> str:
    small = lane.room is not None and lane.room < _LEAST_ROOM
    return "the question leaves no room in its window" if small else "failed on it each time"


def open_lanes(
    plan: Plan,
    adapters: Mapping[str, Adapter],
    execution: ExecutionSettings,
    workers: int,
    draw: random.Random,
    resting: Callable[[str], str | None],
) -> Lanes:
    """A lane for each candidate; a last resort takes part only where there is nothing else."""
    names = [item.service for item in plan.route.candidates]
    strong = [name for name in names if not adapters[name].info.last_resort] or names
    asked = estimate_tokens(plan.context.prompt) + _WORDS_TOKENS

    def lane(adapter: Adapter) -> Lane:
        service, window = adapter.settings, adapter.info.max_context_tokens
        retries = execution.max_retries if service.max_retries is None else service.max_retries
        tries = 1 + (retries if execution.retry_on_failure else 0)
        return Lane(
            service=service.name,
            locality=adapter.info.locality,
            room=None if window is None else window - answer_room(window, ANSWER_TOKENS) - asked,
            pace=Pace(
                start=-(-workers // len(strong)),
                ceiling=min(service.max_concurrency, workers),
                tries=tries,
                base_s=service.retry_delay,
                draw=draw,
            ),
            tries=tries,
        )

    return Lanes([lane(adapters[name]) for name in strong], workers, resting)
