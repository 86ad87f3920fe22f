"""What the engine lets people look at and set besides tasks: routing rules and services."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from oxide_desktop.core.errors import NotFoundError
from oxide_desktop.core.events import EventBus, RulesChanged
from oxide_desktop.core.health import Depth, Health, ServiceStatus
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.ports import Adapter, HealthView, Rules
from oxide_desktop.core.settings import Settings


class Administration:
    """The half of the façade that no task passes through."""

    def __init__(
        self,
        settings: Settings,
        bus: EventBus,
        adapters: Mapping[str, Adapter],
        health: HealthView,
        rules: Rules,
    ) -> None:
        self.settings = settings
        self.bus = bus
        self.rules = rules
        self._adapters = adapters
        self._health = health

    # -- rules -------------------------------------------------------------------------------------

    async def set_rule(self, task_type: TaskType, service: str) -> None:
        """Send a type to one service from now on."""
        await asyncio.to_thread(self.rules.set, task_type, service)
        self.bus.publish(RulesChanged())

    async def remove_rule(self, task_type: TaskType) -> None:
        """Leave a type to the router again."""
        await asyncio.to_thread(self.rules.remove, task_type)
        self.bus.publish(RulesChanged())

    async def clear_rules(self) -> int:
        """Leave every type to the router; answers how many rules there were."""
        count = await asyncio.to_thread(self.rules.clear)
        self.bus.publish(RulesChanged())
        return count

    # -- services ----------------------------------------------------------------------------------

    def services(self) -> tuple[ServiceStatus, ...]:
        """Every configured service as last seen; nothing is asked."""
        return tuple(self._status(name) for name in self.settings.services)

    def _status(self, name: str) -> ServiceStatus:
        adapter = self._adapters.get(name)
        return ServiceStatus(
            settings=self.settings.services[name],
            info=adapter.info if adapter else None,
            health=self._health.last(name),
        )

    async def check_service(self, name: str, depth: Depth) -> Health:
        """Look at one service now.

        Raises:
            NotFoundError: No enabled service has that name.
        """
        if name not in self._adapters:
            known = ", ".join(self._adapters) or "none"
            raise NotFoundError("No such service", f"{name!r} is not an enabled service; those are: {known}.")
        return await self._health.check(name, depth)

    async def check_services(self, depth: Depth) -> tuple[ServiceStatus, ...]:
        """Look at every enabled service now, side by side."""
        await self._health.refresh(self._adapters, depth)
        return self.services()
