"""What is known of each service's health: looked at with bounds, learned from attempts, told when it changes."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from oxide_desktop.core.errors import ServiceError
from oxide_desktop.core.events import EventBus, ServiceStatusChanged
from oxide_desktop.core.health import UNSTICK, Depth, Health, Tier, lacking_after_attempt
from oxide_desktop.core.ports import Adapter
from oxide_desktop.core.servers import Startable
from oxide_desktop.runtime.lateness import lateness
from oxide_desktop.runtime.metrics import system_metrics

log = logging.getLogger(__name__)

# Upper bounds: a service that does not answer a check in this time is as good as down for a person who waits.
CHECK_LIMIT_S = {Depth.GLANCE: 1.5, Depth.PROBE: 15.0, Depth.PROVE: 90.0}
# How long a finding that went deeper outweighs a glance.
DEEPER_FINDING_S = 300.0
_UNHEARD = " Oxide looked again and was too busy itself to hear an answer."
_ORDER = list(Tier)


@dataclass(slots=True)
class _Look:
    """The last look of one depth at one service: shared by all who asked for one before it ended."""

    under_way: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended_at: float = 0.0  # by the loop's clock, which nobody sets
    unheard: bool = False  # it came to nothing, since we were busy ourselves


class HealthBoard:
    """The last finding for each service. Implements `core.ports.HealthReports`."""

    def __init__(self, adapters: Mapping[str, Adapter], bus: EventBus) -> None:
        self._adapters = adapters
        self._bus = bus
        self._last: dict[str, Health] = {}
        self._looks: dict[tuple[str, Depth], _Look] = {}
        self._alarm = asyncio.Event()

    def last(self, service: str) -> Health | None:
        """The newest finding, `None` if nobody has looked."""
        return self._last.get(service)

    async def check(self, service: str, depth: Depth) -> Health:
        """Look now, within the depth's bound. Once, what comes too late because we were busy says nothing of it.

        The finding before it is answered then, and says so; what is late again at the next look is believed.
        """
        with lateness() as late:
            found = await self._found(service, depth)
        last, look = self._last.get(service), self._look(service, depth)
        if found.late and late.was_busy and last and depth is not Depth.PROVE and not look.unheard:
            look.unheard = True
            log.info("the check of %s came to nothing, since Oxide was busy itself", service)
            found = dataclasses.replace(last, message=f"{_heard(last)}{_UNHEARD}")
            self._store(found)
            return found
        look.unheard = False
        return self._keep(found, depth)

    def _look(self, service: str, depth: Depth) -> _Look:
        return self._looks.setdefault((service, depth), _Look())

    async def _found(self, service: str, depth: Depth) -> Health:
        limit_s = CHECK_LIMIT_S[depth]
        try:
            async with asyncio.timeout(limit_s):
                return await self._adapters[service].check(depth)
        except TimeoutError:
            return _down(service, f"It did not answer a check within {limit_s:g} s.", UNSTICK, late=True)
        except Exception as error:  # a third party's adapter may raise anything; it costs its own service only
            log.exception("the check of %s made a mistake", service)
            return _down(service, f"Its adapter made a mistake: {error!r}.", "The log has the details.")

    def measure(self) -> Mapping[str, float]:
        """How busy this machine is. Blocks for a moment."""
        return system_metrics()

    async def refresh(self, services: Iterable[str], depth: Depth, max_age_s: float = 0.0) -> None:
        """Check those whose finding is older than `max_age_s` seconds, side by side; each once for all who ask now."""
        asked_at = asyncio.get_running_loop().time()
        await asyncio.gather(*(self._refresh(name, depth, asked_at, max_age_s) for name in services))

    async def _refresh(self, service: str, depth: Depth, asked_at: float, max_age_s: float) -> None:
        look = self._look(service, depth)
        async with look.under_way:
            last = self._last.get(service)
            # What seems to come from the future was found before the clock was set back.
            is_fresh = last is not None and max_age_s > 0 and abs(time.time() - last.checked_at) <= max_age_s
            if look.ended_at < asked_at and not is_fresh:
                await self.check(service, depth)
                look.ended_at = asyncio.get_running_loop().time()

    async def watch(self, interval_s: float = 60.0) -> None:
        """Probe every service again and again, until cancelled, and start again what Oxide had started and has died."""
        while True:
            self._alarm.clear()
            await asyncio.gather(*(self._look_after(name, adapter) for name, adapter in self._adapters.items()))
            with suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await self._alarm.wait()

    def look_soon(self) -> None:
        """Something has happened to a service: whoever watches looks now."""
        self._alarm.set()

    async def _look_after(self, name: str, adapter: Adapter) -> None:
        await self.check(name, Depth.PROBE)
        if isinstance(adapter, Startable):
            try:
                recovered = await adapter.recover()
            except ServiceError as error:  # it is tried again later
                log.warning("%s could not be started again: %s", name, error)
                recovered = True
            except Exception:  # a third party's adapter: it costs its own service only
                log.exception("the start of %s made a mistake", name)
                recovered = False
            if recovered:
                await self.check(name, Depth.PROBE)

    def attempt_succeeded(self, service: str) -> None:
        """An answer came: every tier is proven."""
        for depth in Depth:
            self._look(service, depth).unheard = False
        known = self._last.get(service) or Health(service=service, tier=None)
        self._store(
            dataclasses.replace(
                known,
                tier=Tier.ANSWERS,
                failing=None,
                message="It answered.",
                fix="",
                checked_at=time.time(),
                late=False,
            )
        )

    def attempt_failed(self, service: str, error: ServiceError) -> None:
        """A failure that another try would meet again lowers the tier; bad luck does not."""
        failing = lacking_after_attempt(error.kind)
        if failing is None:
            return
        reached = _ORDER[_ORDER.index(failing) - 1]
        known = self._last.get(service) or Health(service=service, tier=None)
        self._store(
            dataclasses.replace(
                known,
                tier=reached,
                failing=failing,
                message=f"{error.title}: {error.message}".rstrip(": "),
                fix=error.hint,
                checked_at=time.time(),
            )
        )

    def _keep(self, found: Health, depth: Depth) -> Health:
        """Store a finding, unless it only glanced where an earlier one saw deeper."""
        last = self._last.get(found.service)
        if depth is Depth.GLANCE and found.healthy and last and _still_counts(last, found):
            checked_at = found.checked_at if last.healthy else last.checked_at
            found = dataclasses.replace(last, message=_heard(last), checked_at=checked_at)
        self._store(found)
        return found

    def _store(self, found: Health) -> None:
        last = self._last.get(found.service)
        self._last[found.service] = found
        if last is None or (last.tier, last.failing) != (found.tier, found.failing):
            self._bus.publish(ServiceStatusChanged(found))


def _down(service: str, problem: str, fix: str, *, late: bool = False) -> Health:
    return Health(
        service=service,
        tier=Tier.INSTALLED,
        failing=Tier.STARTS,
        message=problem,
        fix=fix,
        checked_at=time.time(),
        late=late,
    )


def _heard(found: Health) -> str:
    """What it says, without that we did not hear more."""
    return found.message.removesuffix(_UNHEARD)


def _still_counts(last: Health, glance: Health) -> bool:
    """Whether a finding says more than a glance that found nothing wrong."""
    if last.healthy:
        return True
    beyond_a_glance = last.failing in (Tier.AUTHENTICATED, Tier.ANSWERS)
    return beyond_a_glance and abs(glance.checked_at - last.checked_at) < DEEPER_FINDING_S
