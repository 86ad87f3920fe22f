"""What the engine lets people look at and set besides tasks: routing rules, services, imports."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oxide_desktop.core import journal
from oxide_desktop.core.care import AdapterMaker, ServiceCare, health_mapping
from oxide_desktop.core.corrections import Correction
from oxide_desktop.core.errors import NotFoundError, OxideError, UsageError
from oxide_desktop.core.events import CorrectionsChanged, EventBus, HistoryChanged, RulesChanged
from oxide_desktop.core.experience import RecentExperience
from oxide_desktop.core.health import Depth, Health, ServiceStatus
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.ports import Adapter, HealthView, History, Imported, Rules, TaskFilter
from oxide_desktop.core.quota import Quotas, Rests, TodaysUse
from oxide_desktop.core.servers import ModelInfo, PullProgress, ServerStart
from oxide_desktop.core.settings import Settings
from oxide_desktop.core.simulate import LAST_TASKS, MOST_TASKS, RuleTrial, simulate
from oxide_desktop.core.speed import LAST_TASKS as SPEED_OVER_TASKS
from oxide_desktop.core.speed import Speed, speed_of


class Administration(ABC):
    """The half of the façade that no task passes through."""

    def __init__(
        self,
        settings: Settings,
        bus: EventBus,
        adapters: Mapping[str, Adapter],
        health: HealthView,
        rules: Rules,
        make_adapter: AdapterMaker | None = None,
        *,
        has_history: Callable[[], bool] = lambda: True,
        rests: Rests | None = None,
    ) -> None:
        self.settings = settings
        self.bus = bus
        bus.listen(journal.write)
        self.rules = rules
        self._adapters = adapters
        self._health = health
        self._quotas = Quotas(settings.services, self._opened_history, rests=rests)
        self._experience = RecentExperience(self._opened_history, has_history)
        self._care = ServiceCare(settings, adapters, health, bus, make_adapter)

    @property
    @abstractmethod
    def history(self) -> History:
        """The durable records, once they are open."""

    @abstractmethod
    async def start(self) -> None:
        """Open the history; a second call does nothing."""

    def notices(self) -> tuple[str, ...]:
        """What a person should know before anything is asked: of the history, which is open, and of the rules."""
        return (*self.history.notices, *(str(problem) for problem in self.rules.problems()))

    async def _opened_history(self) -> History:
        await self.start()
        return self.history

    async def import_history(self, path: Path) -> Imported:
        """Add the records of a `tasks.json`; the file is not changed.

        Raises:
            StoreError: The file is damaged (then nothing was taken from it), or the history could not be written.
        """
        await self.start()
        try:
            return await self.history.import_file(path)
        finally:  # what came before a failure is there
            self.bus.publish(HistoryChanged())

    # -- rules -------------------------------------------------------------------------------------

    async def set_rule(self, task_type: TaskType, service: str) -> None:
        """Send a type to one service from now on."""
        await asyncio.to_thread(self.rules.set, task_type, service)
        self.bus.publish(RulesChanged())

    async def remove_rule(self, task_type: str) -> None:
        """Leave a type to the router again, or take away what stands there for a type that does not exist."""
        await asyncio.to_thread(self.rules.remove, task_type)
        self.bus.publish(RulesChanged())

    async def clear_rules(self) -> int:
        """Leave every type to the router; answers how many rules there were."""
        count = await asyncio.to_thread(self.rules.clear)
        self.bus.publish(RulesChanged())
        return count

    async def try_rule(self, task_type: TaskType, service: str, last: int = LAST_TASKS) -> RuleTrial:
        """What a rule would have changed for the newest tasks, from their records. Nothing is set, asked or sent.

        Args:
            task_type: The type the rule would be for.
            service: Where it would send it.
            last: How many tasks to look at, at most 10,000.

        Raises:
            UsageError: No such service is configured, or the number makes no sense.
        """
        self.require_service(service)
        if not 1 <= last <= MOST_TASKS:
            raise UsageError("Too few or too many tasks", f"{last:,} is not within 1 and {MOST_TASKS:,}.")
        await self.start()
        page = await self.history.list(TaskFilter(), limit=last)
        return await asyncio.to_thread(simulate, task_type, service, page.tasks)

    # -- corrections -------------------------------------------------------------------------------

    async def correct(self, task_id: str, task_type: TaskType) -> Correction:
        """Keep what a task really was: prompts like it are taken for that from now on, if nothing surer speaks.

        Raises:
            NotFoundError: There is no such task.
            UsageError: It was never profiled, or is an ancestor's and has a type of its own.
        """
        await self.start()
        record = await self.history.get(task_id)
        if record.task_type not in tuple(TaskType):
            was = f"is {record.task_type!r}, which is no type of Oxide's" if record.task_type else "was never profiled"
            raise UsageError("There is nothing to correct", f"Task {record.id} {was}.")
        earlier = {item.task_id: item.was for item in await self.history.corrections.all()}
        was = earlier.get(record.id, TaskType(record.task_type))
        correction = Correction(record.id, record.prompt, was, task_type, time.time())
        await self.history.corrections.put(correction)
        self._corrected()
        return correction

    async def corrections(self) -> Sequence[Correction]:
        """Every correction that counts, newest first."""
        return await (await self._opened_history()).corrections.all()

    async def forget_correction(self, task_id: str) -> None:
        """Forget what was said of a task, by its id or the start of it.

        Raises:
            NotFoundError: Nothing was, or of more than one.
        """
        found = [item.task_id for item in await self.corrections() if item.task_id.startswith(task_id)]
        if len(found) != 1:
            which = "several corrected tasks start" if found else "no corrected task starts"
            raise NotFoundError("No such correction", f"{which} with {task_id!r}.".capitalize())
        await self.history.corrections.remove(found[0])
        self._corrected()

    async def clear_corrections(self) -> int:
        """Forget all corrections; answers how many there were."""
        count = await (await self._opened_history()).corrections.clear()
        self._corrected()
        return count

    def _corrected(self) -> None:
        self._experience.outdated()
        self.bus.publish(CorrectionsChanged())

    # -- services ----------------------------------------------------------------------------------

    def require_service(self, name: str) -> None:
        """Say that a service's name is wrong before anything is done with it.

        Raises:
            UsageError: No service of that name is configured.
        """
        if name not in self.settings.services:
            known = ", ".join(self.settings.services) or "none"
            raise UsageError("Unknown service", f"{name!r} is not one of {known}.")

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

    async def system_metrics(self) -> Mapping[str, float]:
        """How busy this machine is: processor and memory in percent, memory in MB."""
        return await asyncio.to_thread(self._health.measure)

    async def check_service(self, name: str, depth: Depth) -> Health:
        """Look at one service now. A proof asks a real question, which counts against the service's quota.

        Raises:
            NotFoundError: No enabled service has that name.
        """
        if name not in self._adapters:
            known = ", ".join(self._adapters) or "none"
            raise NotFoundError(
                "No service that can be asked", f"{name!r} is not configured, or switched off. Switched on: {known}."
            )
        if depth is Depth.PROVE:
            try:
                await self._quotas.reserve(name)
            except OxideError as error:  # used up, or a home in which nothing can be counted
                seen = await self._health.check(name, Depth.PROBE)
                return dataclasses.replace(seen, message=f"{error.title}: {error.message}", fix=error.hint)
        return await self._health.check(name, depth)

    async def check_services(self, depth: Depth) -> tuple[ServiceStatus, ...]:
        """Look at every enabled service now, side by side."""
        await self._health.refresh(self._adapters, depth)
        return self.services()

    async def todays_use(self, name: str) -> TodaysUse:
        """What a configured service was sent today, and what is left of its quota.

        Raises:
            StoreError: The history cannot be read.
        """
        return await self._quotas.today(name)

    async def speed_of(self, name: str) -> Speed:
        """How quick a service answered the newest tasks that it was last asked for.

        Raises:
            StoreError: The history cannot be read.
        """
        await self.start()
        page = await self.history.list(TaskFilter(service=name), limit=SPEED_OVER_TASKS)
        return speed_of(name, page.tasks)

    async def start_service(self, name: str) -> ServerStart:
        """Start the server behind a service; of those that Oxide knows how to start, that is Ollama.

        Raises:
            UsageError: It is none that can be started.
            ServiceError: It cannot be started.
        """
        return await self._care.start(name)

    async def list_models(self, name: str) -> Sequence[ModelInfo]:
        """The models that a service offers, with sizes where it tells them.

        Raises:
            ServiceError: It could not be asked.
        """
        return await self._care.models(name)

    def pull_model(self, name: str, model: str) -> AsyncGenerator[PullProgress, None]:
        """Have a service fetch a model. Closing the generator stops that; asked again, it goes on where it stopped.

        Raises:
            UsageError: It is none that fetches models.
            ServiceError: The model could not be fetched.
        """
        return self._care.pull(name, model)

    async def ensure_service_healthy(
        self,
        service_name: str,
        base_url: str | None = None,
        api_type: str | None = None,
        auto_start: bool | None = None,  # noqa: FBT001 - an ancestor's callers pass it either way
        auto_detect_model: bool = True,  # noqa: FBT001, FBT002 - likewise
    ) -> dict[str, Any]:
        """Look at a service, and start it first if it is down and may be started.

        What is not given is as configured; with a `base_url` the service need not be configured at all.

        Returns:
            `healthy`, `models`, `recommended_model`, and what else was found: `tier`, `message`, `fix`, `version`.

        Raises:
            NotFoundError: There is no service of that name, and no address for one.
        """
        wanted = self._care.wanted(service_name, base_url=base_url, api_type=api_type, auto_start=auto_start)
        found = await self._care.ensure_healthy(wanted)
        return health_mapping(found, wanted, auto_detect_model=auto_detect_model)

    async def start_health_monitoring(
        self,
        service_name: str,
        base_url: str | None = None,
        interval: float = 60.0,
        auto_recovery: bool = True,  # noqa: FBT001, FBT002 - an ancestor's callers pass it either way
    ) -> None:
        """Look after a service in the background until `stop_health_monitoring` or the end. Changes are events.

        Args:
            service_name: A configured service, or any name with a `base_url`.
            base_url: Its address, if it is not the configured one.
            interval: Seconds between two looks.
            auto_recovery: Start it when it is down, where Oxide knows how to.

        Raises:
            UsageError: There is no such service, or the interval is none.
        """
        wanted = self._care.wanted(service_name, base_url=base_url, auto_start=auto_recovery)
        await self._care.monitor(wanted, interval)

    async def stop_health_monitoring(self, service_name: str) -> bool:
        """Look after it no longer; `False` if nobody did."""
        return await self._care.leave(service_name)
