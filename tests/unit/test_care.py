"""Looking after one service: the calls that seed scripts know, and what is behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from oxide_desktop.core.errors import FailureKind, NotFoundError, ServiceError, UsageError
from oxide_desktop.core.events import ServiceStatusChanged
from oxide_desktop.core.health import Depth, Health, Tier
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.servers import ModelInfo, PullProgress, ServerStart
from oxide_desktop.core.settings import ServiceSettings, Settings
from tests.fakes.memory import MemoryRules, NoChildren
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.front_house import FrontHouse, HealthBoard, SqliteHistory

DOWN = {"tier": Tier.INSTALLED, "failing": Tier.STARTS, "message": "It is down.", "fix": "Start it."}
UP = {"tier": Tier.AUTHENTICATED, "models": ("a", "b"), "recommended_model": "b"}


class Server(ScriptedAdapter):
    """A service with a server that can be started, and models that can be pulled."""

    def __init__(self, settings: ServiceSettings, *, up: bool = True, breaks: bool = False) -> None:
        super().__init__(settings)
        self.startable = True
        self.up = up
        self.breaks = breaks
        self.starts: list[bool] = []
        self.looks = 0
        self.let_go = False

    async def check(self, depth: Depth) -> Health:
        self.looks += 1
        return Health(service=self.settings.name, **(UP if self.up else DOWN))

    async def start(self, *, insist: bool = False) -> ServerStart:
        self.starts.append(insist)
        if self.breaks:
            raise ServiceError(FailureKind.MISSING, "It does not start")
        started, self.up = not self.up, True
        return ServerStart(started=started, ours=True)

    async def recover(self) -> bool:
        return False

    async def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo("a", 1000), ModelInfo("b")]

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        yield PullProgress("pulling", 1, 2)
        yield PullProgress("success", 2, 2)

    async def aclose(self) -> None:
        self.let_go = True


class House(Orchestrator):
    """The real orchestrator, and every adapter that it had made for once."""

    def __init__(self, home: Path, *adapters: ScriptedAdapter) -> None:
        named = {adapter.settings.name: adapter for adapter in adapters}
        bus = FrontHouse(home).bus
        self.made: list[Server] = []
        self.looked_often = asyncio.Event()
        super().__init__(
            settings=Settings(services={name: adapter.settings for name, adapter in named.items()}),
            bus=bus,
            adapters=named,
            health=HealthBoard(named, bus),
            rules=MemoryRules(()),
            spawner=NoChildren(),
            open_history=lambda: SqliteHistory.open(
                home / "oxide.db", backups=home / "backups", quarantine=home / "quarantine"
            ),
            make_adapter=self._make,
        )

    def _make(self, settings: ServiceSettings) -> Server:
        if settings.kind == "unknown":
            raise UsageError("No such adapter")
        self.made.append(Server(settings, up=False))
        if len(self.made) > 4:
            self.looked_often.set()
        return self.made[-1]


@asynccontextmanager
async def house(home: Path, *adapters: ScriptedAdapter) -> AsyncIterator[House]:
    async with House(home, *adapters) as made:
        yield made


async def test_a_service_that_is_down_is_started_and_its_models_told(tmp_path: Path) -> None:
    server = Server(service("home", auto_start=True), up=False)
    async with house(tmp_path, server) as oxide:
        found = await oxide.ensure_service_healthy("home")
        assert (found["healthy"], found["models"], found["recommended_model"]) == (True, ["a", "b"], "b")
        assert server.starts == [False]
        assert oxide.services()[0].healthy
        assert oxide.made == []


async def test_what_cannot_be_started_is_told_with_its_fix(tmp_path: Path) -> None:
    server = Server(service("home", auto_start=True), up=False, breaks=True)
    async with house(tmp_path, server) as oxide:
        found = await oxide.ensure_service_healthy("home")
    assert (found["healthy"], found["message"], found["fix"]) == (False, "It is down.", "Start it.")


async def test_nothing_is_started_unless_wanted_or_where_nothing_can_be(tmp_path: Path) -> None:
    plain, server = ScriptedAdapter(service("plain", auto_start=True)), Server(service("home"), up=False)
    elsewhere = Server(service("far", auto_start=True), up=False)
    elsewhere.startable = False
    async with house(tmp_path, plain, server, elsewhere) as oxide:
        assert (await oxide.ensure_service_healthy("plain"))["healthy"]
        assert not (await oxide.ensure_service_healthy("home"))["healthy"]
        assert not (await oxide.ensure_service_healthy("far"))["healthy"]
    assert server.starts == elsewhere.starts == []


async def test_what_is_given_stands_in_place_of_what_is_set_for_this_once(tmp_path: Path) -> None:
    server = Server(service("home", base_url="http://localhost:1"))
    async with house(tmp_path, server) as oxide:
        found = await oxide.ensure_service_healthy("home", "http://localhost:2/", "other", auto_start=True)
        (made,) = oxide.made
    assert found["healthy"]
    assert (made.settings.base_url, made.settings.kind) == ("http://localhost:2", "other")
    assert (made.starts, made.let_go, server.looks) == ([False], True, 0)


@pytest.mark.parametrize(
    ("url", "kind"), [("http://localhost:3/v1", "openai_compatible"), ("http://localhost:3", "ollama")]
)
async def test_a_service_that_is_not_configured_needs_its_address_alone(url: str, kind: str, tmp_path: Path) -> None:
    async with house(tmp_path) as oxide:
        found = await oxide.ensure_service_healthy(
            service_name="new", base_url=url, auto_start=True, auto_detect_model=False
        )
        assert oxide.made[0].settings.kind == kind
    assert (found["service"], found["models"], found["recommended_model"]) == ("new", ["a", "b"], None)


async def test_without_detection_the_model_is_the_one_that_is_set(tmp_path: Path) -> None:
    async with house(tmp_path, Server(service("home", default_model="mine"))) as oxide:
        found = await oxide.ensure_service_healthy("home", auto_detect_model=False)
    assert found["recommended_model"] == "mine"


async def test_a_name_without_a_service_and_without_an_address_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, Server(service("home"))) as oxide:
        with pytest.raises(NotFoundError, match="Switched on: home"):
            await oxide.ensure_service_healthy("nobody")


async def test_an_engine_that_makes_no_adapters_knows_its_own_services_alone(tmp_path: Path) -> None:
    async with FrontHouse(tmp_path, ScriptedAdapter(service("stub"))) as oxide:
        assert (await oxide.ensure_service_healthy("stub"))["healthy"]
        with pytest.raises(UsageError, match="not configured like that"):
            await oxide.ensure_service_healthy("stub", "http://localhost:4")


# -- monitoring ------------------------------------------------------------------------------------


async def test_a_monitored_service_is_started_when_it_is_down_and_changes_are_told(tmp_path: Path) -> None:
    server = Server(service("home", auto_start=True))
    async with house(tmp_path, server) as oxide, asyncio.timeout(60):
        with oxide.bus.subscribe() as events:
            await oxide.start_health_monitoring("home", interval=0.01)
            first = await events.next()
            assert isinstance(first, ServiceStatusChanged)
            assert first.health.healthy
            server.breaks, server.up = True, False
            second = await events.next()
            assert isinstance(second, ServiceStatusChanged)
            assert not second.health.healthy
            server.breaks = False
            third = await events.next()
            assert isinstance(third, ServiceStatusChanged)
            assert third.health.healthy


async def test_a_monitored_address_that_is_not_configured_tells_its_changes_once(tmp_path: Path) -> None:
    async with house(tmp_path) as oxide, asyncio.timeout(60):
        with oxide.bus.subscribe() as events:
            await oxide.start_health_monitoring(
                service_name="new", base_url="http://localhost:5", interval=0.01, auto_recovery=False
            )
            told = await events.next()
            assert isinstance(told, ServiceStatusChanged)
            assert told.health.failing is Tier.STARTS
            await oxide.looked_often.wait()
            assert not events._events
            assert oxide.made[0].starts == []
        assert await oxide.stop_health_monitoring("new")
        assert not await oxide.stop_health_monitoring("new")


async def test_a_second_monitor_takes_the_place_of_the_first(tmp_path: Path) -> None:
    server = Server(service("home", auto_start=True))
    async with house(tmp_path, server) as oxide:
        await oxide.start_health_monitoring("home", interval=0.001)
        await oxide.start_health_monitoring("home", interval=3600)
        assert len(oxide._care._background._running) == 1


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
async def test_no_interval_is_no_monitoring(interval: float, tmp_path: Path) -> None:
    async with house(tmp_path, Server(service("home"))) as oxide:
        with pytest.raises(UsageError, match="interval"):
            await oxide.start_health_monitoring("home", interval=interval)


async def test_what_there_is_no_adapter_for_is_refused_at_once(tmp_path: Path) -> None:
    broken = Server(service("home", kind="unknown"))
    async with house(tmp_path, broken) as oxide:
        with pytest.raises(UsageError, match="No such adapter"):
            await oxide.start_health_monitoring("home", "http://localhost:6")


# -- servers and models ----------------------------------------------------------------------------


async def test_a_person_may_start_a_server_whatever_the_settings_say(tmp_path: Path) -> None:
    server = Server(service("home"), up=False)
    async with house(tmp_path, server) as oxide:
        assert await oxide.start_service("home") == ServerStart(started=True, ours=True)
        assert server.starts == [True]
        assert oxide.services()[0].healthy


async def test_models_are_told_with_their_sizes_where_they_are_known(tmp_path: Path) -> None:
    async with house(tmp_path, Server(service("home")), ScriptedAdapter(service("plain"))) as oxide:
        assert await oxide.list_models("home") == [ModelInfo("a", 1000), ModelInfo("b")]
        assert await oxide.list_models("plain") == [ModelInfo("scripted-1")]


async def test_a_pull_is_passed_on_and_the_service_looked_at_again(tmp_path: Path) -> None:
    server = Server(service("home"))
    async with house(tmp_path, server) as oxide:
        steps = [step async for step in oxide.pull_model("home", "a")]
    assert [step.status for step in steps] == ["pulling", "success"]
    assert server.looks == 1


async def test_what_a_service_cannot_do_is_said(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedAdapter(service("plain"))) as oxide:
        with pytest.raises(UsageError, match="plain cannot be started"):
            await oxide.start_service("plain")
        with pytest.raises(UsageError, match="plain cannot pull models"):
            await anext(oxide.pull_model("plain", "a"))
        with pytest.raises(NotFoundError):
            await oxide.list_models("nobody")
