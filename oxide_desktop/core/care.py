"""Looking after one service: is it healthy, can it be made so, and will it stay so."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import NotFoundError, ServiceError, UsageError
from oxide_desktop.core.events import EventBus, ServiceStatusChanged
from oxide_desktop.core.health import Depth, Health
from oxide_desktop.core.ports import Adapter, HealthView
from oxide_desktop.core.servers import ModelInfo, ModelShelf, PullProgress, ServerStart, Startable
from oxide_desktop.core.settings import ServiceSettings, ServiceType, Settings

AdapterMaker = Callable[[ServiceSettings], Adapter]


class ServiceCare:
    """Looks after services, configured ones and others that are named by their address.

    Args:
        make: Makes adapters for services that are not configured; `None` refuses those.
    """

    def __init__(
        self,
        settings: Settings,
        adapters: Mapping[str, Adapter],
        health: HealthView,
        bus: EventBus,
        make: AdapterMaker | None,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._health = health
        self._bus = bus
        self._make = make
        self._background = BackgroundTasks()
        self._monitors: dict[str, asyncio.Task[None]] = {}

    # -- health ------------------------------------------------------------------------------------

    def wanted(
        self, name: str, *, base_url: str | None, api_type: str | None = None, auto_start: bool | None
    ) -> ServiceSettings:
        """The configured service with what is given in place of what is set, or one that is only given.

        Raises:
            NotFoundError: There is none of that name, and no address for one.
        """
        known = self._settings.services.get(name)
        if known is None:
            if base_url is None:
                raise self._no_such(name)
            kind = "openai_compatible" if base_url.rstrip("/").endswith("/v1") else "ollama"
            known = ServiceSettings(name=name, type=ServiceType.HTTP, kind=kind)
        return dataclasses.replace(
            known,
            enabled=True,
            base_url=base_url.rstrip("/") if base_url else known.base_url,
            kind=api_type or known.kind,
            auto_start=known.auto_start if auto_start is None else auto_start,
        )

    async def ensure_healthy(self, wanted: ServiceSettings) -> Health:
        """Look at a service, and start it first if it is down and may be started. Never raises for what it finds."""
        async with self._adapter(wanted) as adapter:
            if wanted.auto_start and isinstance(adapter, Startable) and adapter.startable:
                with suppress(ServiceError):  # the look that follows tells why
                    await adapter.start()
            if adapter is self._adapters.get(wanted.name):
                return await self._health.check(wanted.name, Depth.PROBE)
            return await adapter.check(Depth.PROBE)

    @asynccontextmanager
    async def _adapter(self, wanted: ServiceSettings) -> AsyncIterator[Adapter]:
        """The service's own adapter, or one for this once.

        Raises:
            UsageError: There can be none.
        """
        own = self._adapters.get(wanted.name)
        if own is not None and own.settings == wanted:
            yield own
            return
        if self._make is None:
            raise UsageError("No such service", f"{wanted.name} is not configured like that.")
        adapter = self._make(wanted)
        try:
            yield adapter
        finally:
            await adapter.aclose()

    async def monitor(self, wanted: ServiceSettings, interval_s: float) -> None:
        """Look after a service from now on, in place of whatever looked after it before.

        Raises:
            UsageError: The interval is none, or there is no adapter for the service.
        """
        if not interval_s > 0:
            raise UsageError("That is no interval", f"{interval_s!r} seconds cannot lie between two looks.")
        async with self._adapter(wanted):
            pass
        await self.leave(wanted.name)
        work = self._look_again_and_again(wanted, interval_s)
        self._monitors[wanted.name] = self._background.start(work, f"monitor of {wanted.name}")

    async def leave(self, name: str) -> bool:
        """Look after a service no longer; `False` if nobody did."""
        task = self._monitors.pop(name, None)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait([task])
        return True

    async def _look_again_and_again(self, wanted: ServiceSettings, interval_s: float) -> None:
        last: Health | None = None
        while True:
            found = await self.ensure_healthy(wanted)
            changed = last is None or (last.tier, last.failing) != (found.tier, found.failing)
            if changed and found is not self._health.last(wanted.name):  # else it has been told already
                self._bus.publish(ServiceStatusChanged(found))
            last = found
            await asyncio.sleep(interval_s)

    async def aclose(self) -> None:
        """Look after nothing any more."""
        await self._background.close()

    # -- servers and models ------------------------------------------------------------------------

    def _own(self, name: str) -> Adapter:
        if name not in self._adapters:
            raise self._no_such(name)
        return self._adapters[name]

    def _no_such(self, name: str) -> NotFoundError:
        known = ", ".join(self._adapters) or "none"
        return NotFoundError(
            "No service that can be asked", f"{name!r} is not configured, or switched off. Switched on: {known}."
        )

    async def start(self, name: str) -> ServerStart:
        """Start the server behind a service, whatever `auto_start` says.

        Raises:
            NotFoundError: No enabled service has that name.
            UsageError: It is none that can be started.
            ServiceError: It cannot be started.
        """
        adapter = self._own(name)
        if not isinstance(adapter, Startable):
            raise UsageError(f"{name} cannot be started", "Oxide starts Ollama and nothing else that way.")
        start = await adapter.start(insist=True)
        await self._health.check(name, Depth.PROBE)
        return start

    async def models(self, name: str) -> Sequence[ModelInfo]:
        """The models that a service offers.

        Raises:
            NotFoundError: No enabled service has that name.
            ServiceError: It could not be asked.
        """
        adapter = self._own(name)
        if isinstance(adapter, ModelShelf):
            return await adapter.models()
        return [ModelInfo(model) for model in await adapter.list_models()]

    async def pull(self, name: str, model: str) -> AsyncGenerator[PullProgress, None]:
        """Have a service fetch a model.

        Raises:
            NotFoundError: No enabled service has that name.
            UsageError: It is none that fetches models.
            ServiceError: The model could not be fetched.
        """
        adapter = self._own(name)
        if not isinstance(adapter, ModelShelf):
            raise UsageError(f"{name} cannot pull models", "Only Ollama fetches models by itself.")
        async with aclosing(adapter.pull(model)) as steps:
            async for progress in steps:
                yield progress
        await self._health.check(name, Depth.PROBE)


def health_mapping(health: Health, wanted: ServiceSettings, *, auto_detect_model: bool) -> dict[str, Any]:
    """A finding as the Python API gives it; without detection the model is the one that is set."""
    found = health.to_dict()
    if not auto_detect_model:
        found["recommended_model"] = wanted.model or wanted.default_model
    return found
