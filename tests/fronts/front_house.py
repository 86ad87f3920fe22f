"""An engine with scripted services and a real store, for the fronts to stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from oxide_desktop.config.paths import Paths
from oxide_desktop.core.events import EventBus
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.settings import RoutingSettings, Settings, TypeRouting, WebSettings
from oxide_desktop.runtime.health import HealthBoard
from oxide_desktop.store.history import SqliteHistory
from tests.fakes.memory import MemoryRules, NoChildren
from tests.fakes.scripted_adapter import ScriptedAdapter


class FrontHouse(Orchestrator):
    """The real orchestrator; services are tried in the order they are given."""

    def __init__(self, home: Path, *adapters: ScriptedAdapter) -> None:
        named = {adapter.settings.name: adapter for adapter in adapters}
        names = tuple(named)
        order = TypeRouting(primary=names[0], fallback=names[1:]) if names else TypeRouting()
        self.paths = Paths(home)
        self.paths.prepare()
        bus = EventBus()
        super().__init__(
            settings=Settings(
                services={name: adapter.settings for name, adapter in named.items()},
                routing=RoutingSettings(per_type=dict.fromkeys(TaskType, order)),
                web=WebSettings(port=0),
            ),
            bus=bus,
            adapters=named,
            health=HealthBoard(named, bus),
            rules=MemoryRules(names),
            spawner=NoChildren(),
            open_history=lambda: SqliteHistory.open(
                home / "oxide.db", backups=home / "backups", quarantine=home / "quarantine"
            ),
        )

    async def record_of(self, status: TaskStatus) -> TaskRecord:
        """The only record, once it has that status."""
        while True:
            page = await self.history.list(TaskFilter(), limit=2)
            if [task.status for task in page.tasks] == [status]:
                return page.tasks[0]
            for task in self.running():
                await task.finished()


@asynccontextmanager
async def front_house(home: Path, *adapters: ScriptedAdapter) -> AsyncIterator[FrontHouse]:
    """A started engine, closed at the end."""
    async with FrontHouse(home, *adapters) as house:
        yield house
