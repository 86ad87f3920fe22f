"""Quotas: how much a service may be sent, asked before it refuses, and how long it rests once it has."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.settings import Quota, ServiceSettings

if TYPE_CHECKING:
    from oxide_desktop.core.ports import History

MINUTE_S = 60.0
LONGEST_REST_S = 24 * 3600.0
_SECONDS_MATTER_S = 3600.0
_COARSEST_CLOCK_S = 0.1  # Windows' moves every 16 ms; one that was set back is another matter


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many requests from a moment on.

    Attributes:
        since: Unix seconds; what was sent before does not count.
        words: Which time that is, for people.
        ends_at: When counting starts anew; `None` where each request stops counting a minute after it was sent.
    """

    most: int
    since: float
    words: str
    ends_at: float | None = None

    def used_up(self, used: int, last_too_many: float) -> UsedUp:
        """What to tell of it once `used` requests were sent, the one before the last `most` at `last_too_many`."""
        free_at = last_too_many + MINUTE_S if self.ends_at is None else self.ends_at
        return UsedUp(f"{used:,} of {self.most:,} requests {self.words}", free_at)


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A quota that is used up: how far, and when the service is free again (Unix seconds)."""

    words: str
    free_at: float

    @property
    def reason(self) -> str:
        """Why the service is passed over."""
        return f"quota: {self.words}, free again at {clock(self.free_at, time.time())}"


class Rests(Protocol):
    """Until when services have said that they take nothing more, known to every Oxide of this person."""

    def until(self, service: str) -> float | None:
        """Unix seconds; `None` where it has said nothing, or stands now for another account or server."""
        ...

    def note(self, service: str, free_at: float) -> None:
        """It has said so."""
        ...


class OwnRests:
    """The same for one process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def until(self, service: str) -> float | None:
        """When it may be asked again, as far as it has said."""
        return self._until.get(service)

    def note(self, service: str, free_at: float) -> None:
        """It has said so."""
        self._until[service] = free_at


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """What a service was sent in some time. `cost` is `None` where no price is known."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class TodaysUse:
    """What a service was sent since midnight, and what its quota leaves; `None` where none is set."""

    use: ServiceUse
    left_today: int | None = None
    left_this_minute: int | None = None
    free_at: float | None = None
    """When it may be asked again, where it may not now."""

    def to_dict(self) -> dict[str, float | int | None]:
        """The shape that `oxide services NAME --json` shows."""
        return {
            "requests": self.use.requests,
            "input_tokens": self.use.input_tokens,
            "output_tokens": self.use.output_tokens,
            "cost": self.use.cost,
            "requests_left_today": self.left_today,
            "requests_left_this_minute": self.left_this_minute,
            "free_at": self.free_at,
        }


class Quotas:
    """Knows which services may be asked now. Several processes share the history, and so the count.

    Args:
        open_history: Only called where a quota is set.
    """

    def __init__(
        self,
        services: Mapping[str, ServiceSettings],
        open_history: Callable[[], Awaitable[History]],
        now: Callable[[], float] = time.time,
        rests: Rests | None = None,
    ) -> None:
        self._services = services
        self._open_history = open_history
        self._now = now
        self._rests = rests or OwnRests()
        self._last = 0.0

    async def used_up(self) -> Mapping[str, UsedUp]:
        """The services that may not be asked now."""
        found = {name: (self._resting(name) or await self._counted(name)) for name in self._services}
        return {name: item for name, item in found.items() if item}

    async def reserve(self, name: str) -> float:
        """Count a request that is about to be sent; answers the moment it counts from.

        Raises:
            ServiceError: The quota is used up, so it must not be sent.
        """
        started_at = self._moment()
        limits = limits_of(self._services[name].quota, started_at)
        used_up = self._resting(name)
        if limits and not used_up:
            used_up = await (await self._open_history()).reserve(name, started_at, limits)
        if used_up:
            message, hint = f"{used_up.words[:1].upper()}{used_up.words[1:]}.", free_again(name, used_up)
            raise ServiceError(
                FailureKind.QUOTA,
                f"{name} has used up its quota",
                message,
                hint,
                retry_after_s=max(0.0, used_up.free_at - started_at),
            )
        return started_at

    def refused(self, name: str, error: ServiceError) -> bool:
        """Leave a service alone that said for how long its quota is used up, and have the error say so too."""
        if error.kind is not FailureKind.QUOTA or not error.retry_after_s:
            return False
        free_at = self._now() + min(error.retry_after_s, LONGEST_REST_S)
        self._rests.note(name, free_at)
        error.hint = f"{error.hint} {free_again(name, UsedUp('', free_at))}".strip()
        return True

    async def today(self, name: str) -> TodaysUse:
        """What a service was sent today, and what is left of its quota."""
        now = self._now()
        history = await self._open_history()
        use = await history.use_since(name, midnight(now))
        quota = self._services[name].quota or Quota()
        minute = (await history.use_since(name, now - MINUTE_S)).requests if quota.per_minute else 0
        used_up = self._resting(name) or await self._counted(name)
        left = (_left(quota.per_day, use.requests), _left(quota.per_minute, minute))
        return TodaysUse(use, *left, free_at=used_up.free_at if used_up else None)

    def _moment(self) -> float:
        """Now, in whole microseconds, and not the same twice: by its moment a request is told from others."""
        now = round(self._now(), 6)
        stands_still = 0 <= self._last - now < _COARSEST_CLOCK_S
        self._last = round(self._last + 1e-6, 6) if stands_still else now
        return self._last

    def _resting(self, name: str) -> UsedUp | None:
        now, free_at = self._now(), self._rests.until(name)
        if free_at is None or not now < free_at <= now + LONGEST_REST_S:
            return None
        return UsedUp("used up, as the service says", free_at)

    async def _counted(self, name: str) -> UsedUp | None:
        limits = limits_of(self._services[name].quota, self._now())
        if not limits or not self._services[name].enabled:
            return None
        return await (await self._open_history()).used_up(name, limits)


def limits_of(quota: Quota | None, now: float) -> Sequence[Limit]:
    """What a quota means at this moment."""
    limits = []
    if quota and quota.per_minute is not None:
        limits.append(Limit(quota.per_minute, now - MINUTE_S, "in the last minute"))
    if quota and quota.per_day is not None:
        limits.append(Limit(quota.per_day, midnight(now), "today", midnight(now, days=1)))
    return limits


def midnight(now: float, days: int = 0) -> float:
    """When the day of a moment began in the person's own time zone, or one some days later."""
    day = dt.datetime.fromtimestamp(now).astimezone().date() + dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time.min).astimezone().timestamp()


def free_again(name: str, used_up: UsedUp) -> str:
    """When a service may be asked again, as a sentence."""
    return f"{name} is free again at {clock(used_up.free_at, time.time())}."


def first_free(found: Mapping[str, UsedUp]) -> str:
    """The same of the one that is free first; empty where there is none."""
    name = min(found, key=lambda item: found[item].free_at, default=None)
    return free_again(name, found[name]) if name is not None else ""


def clock(moment: float, now: float) -> str:
    """A time within a day from now as people say it; seconds only where they matter."""
    told = dt.datetime.fromtimestamp(math.ceil(moment)).astimezone()
    near = moment - now < _SECONDS_MATTER_S and told.second
    return told.strftime("%H:%M:%S" if near else "%H:%M")


def _left(most: int | None, used: int) -> int | None:
    return None if most is None else max(most - used, 0)
