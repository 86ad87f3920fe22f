"""Ollama as a child: started once, waited for, started again, ended; and never where it must not be."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from oxide_desktop.adapters.ollama import OllamaAdapter
from oxide_desktop.adapters.ollama_server import NOT_RUNNING, STARTING
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.events import Event, EventBus, ServiceStatusChanged
from oxide_desktop.core.health import Depth, Health, Tier
from oxide_desktop.core.ports import AdapterTools, Note, Started
from oxide_desktop.core.servers import ServerStart
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from oxide_desktop.runtime.health import HealthBoard
from oxide_desktop.runtime.ollama import OllamaStarter, Patience
from oxide_desktop.runtime.processes import GuardedSpawner
from tests.conftest import Keys
from tests.fakes.asking import ask, question
from tests.fakes.http_server import free_port
from tests.fakes.ollama_program import OllamaProgram, is_alive
from tests.fakes.openai_server import OpenAIServer

LIMIT_S = 20.0


class Oxide:
    """What one Oxide has of it: spawner, starter, and a service for each address."""

    def __init__(self, run_dir: Path, name: str = "one", **options: object) -> None:
        self.spawner = GuardedSpawner(run_dir, f"{name}-{uuid.uuid4().hex}")
        self.starter = OllamaStarter(self.spawner, run_dir, **options)
        self.tools = AdapterTools(spawner=self.spawner, secrets=Keys(), starter=self.starter)
        self.adapters: list[OllamaAdapter] = []

    def service(self, url: str, **values: object) -> OllamaAdapter:
        settings = {"name": "home", "type": ServiceType.HTTP, "kind": "ollama", "auto_start": True, "base_url": url}
        self.adapters.append(OllamaAdapter(ServiceSettings(**{**settings, **values}), self.tools))
        return self.adapters[-1]

    async def aclose(self) -> None:
        for adapter in self.adapters:
            await adapter.aclose()
        await self.starter.aclose()
        await self.spawner.aclose()


@asynccontextmanager
async def running(run_dir: Path, name: str = "one", **options: object) -> AsyncIterator[Oxide]:
    made = Oxide(run_dir, name, **options)
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OllamaProgram:
    made = OllamaProgram(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
async def oxide(program: OllamaProgram, run_dir: Path) -> AsyncIterator[Oxide]:
    async with running(run_dir) as made:
        yield made
    assert program.alive() == []


@pytest.fixture
def url() -> str:
    return f"http://localhost:{free_port()}"


async def never() -> bool:
    return False


async def cancel_once_begun(
    oxide: Oxide, program: OllamaProgram, url: str, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> None:
    begun = asyncio.Event()

    async def ready() -> bool:
        if program.starts:
            begun.set()
        return False

    starting = asyncio.create_task(oxide.starter.ensure(url, ready))
    async with asyncio.timeout(LIMIT_S):
        await begun.wait()
        if meanwhile:
            await meanwhile()
    starting.cancel()
    await asyncio.wait([starting])


# -- starting --------------------------------------------------------------------------------------


async def test_a_question_starts_it_says_so_first_and_is_answered(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    heard = await ask(oxide.service(url))

    assert heard.error is None
    assert heard.text == "It is 4."
    assert heard.outputs[:2] == [Note(STARTING), Started("qwen2.5-coder:7b")]
    (start,) = program.starts
    assert start["address"] == f"127.0.0.1:{url.rpartition(':')[2]}"
    (child,) = oxide.spawner.children()
    assert (child.pid, child.purpose) == (start["pid"], "Ollama")
    assert is_alive(start["runner"])


async def test_one_that_is_installed_and_waits_counts_as_healthy_until_it_is_looked_at_running(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    service = oxide.service(url)
    for depth in (Depth.GLANCE, Depth.PROBE):
        found = await service.check(depth)
        assert (found.tier, found.failing, found.message, found.fix) == (Tier.INSTALLED, None, NOT_RUNNING, "")
    assert program.starts == []


async def test_proving_that_it_answers_starts_it(oxide: Oxide, program: OllamaProgram, url: str) -> None:
    found = await oxide.service(url).check(Depth.PROVE)
    assert (found.tier, found.models) == (Tier.ANSWERS, ("qwen2.5-coder:7b",))
    assert len(program.starts) == 1


async def test_what_does_not_start_when_it_is_to_be_proven_says_so(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    program.behave(dies="no such GPU")
    found = await oxide.service(url).check(Depth.PROVE)
    assert (found.tier, found.failing) == (Tier.INSTALLED, Tier.STARTS)
    assert "no such GPU" in found.message


async def test_one_that_runs_is_not_started(oxide: Oxide, program: OllamaProgram, url: str) -> None:
    service = oxide.service(url)
    assert await service.start() == ServerStart(started=True, ours=True)
    assert await service.start() == ServerStart(started=False, ours=True)
    assert (await ask(service)).notes == []
    assert len(program.starts) == 1


async def test_many_questions_at_once_start_it_once(oxide: Oxide, program: OllamaProgram, url: str) -> None:
    program.behave(slow_s=0.2)
    services = [oxide.service(url), oxide.service(url)]
    heard = await asyncio.gather(*(ask(services[turn % 2]) for turn in range(12)))

    assert [one.text for one in heard] == ["It is 4."] * 12
    assert len(program.starts) == 1


async def test_several_oxides_at_once_start_it_once(program: OllamaProgram, run_dir: Path, url: str) -> None:
    program.behave(slow_s=0.2)
    async with running(run_dir, "one") as one, running(run_dir, "two") as two:
        starts = await asyncio.gather(one.service(url).start(), two.service(url).start())
        assert sorted(start.ours for start in starts) == [False, True]
        assert len(program.starts) == 1
    assert program.alive() == []


async def test_the_oxide_that_started_it_waits_until_the_others_are_done(
    program: OllamaProgram, run_dir: Path, url: str
) -> None:
    program.behave(stalls=True)
    told = asyncio.Event()
    async with running(run_dir, "two") as two:
        one = Oxide(run_dir)
        one.starter.on_wait = lambda sentence: told.set()
        await one.service(url).start()
        answer = two.service(url).execute(question())
        while not isinstance(await anext(answer), str):
            pass
        closing = asyncio.create_task(one.aclose())
        async with asyncio.timeout(LIMIT_S):
            await told.wait()
            assert len(program.alive()) == 2
            await answer.aclose()
            await closing
    assert program.alive() == []
    assert not list(run_dir.glob("*.use"))


async def test_nobody_waits_for_others_for_ever(program: OllamaProgram, run_dir: Path, url: str) -> None:
    program.behave(stalls=True)
    async with running(run_dir, "two") as two:
        answer = two.service(url).execute(question())
        async with running(run_dir, patience=Patience(others_s=0.1)) as one:
            await one.service(url).start()
            while not isinstance(await anext(answer), str):
                pass
        assert program.alive() == []
        with pytest.raises(ServiceError, match="stopped in the middle"):
            await anext(answer)


async def test_when_another_oxide_ends_the_one_it_had_started_a_new_one_answers(
    program: OllamaProgram, run_dir: Path, url: str
) -> None:
    async with running(run_dir, "one") as one:
        async with running(run_dir, "two") as two:
            await two.service(url).start()
            service = one.service(url)
            assert (await ask(service)).text == "It is 4."
        heard = await ask(service)
        assert (heard.text, heard.notes) == ("It is 4.", [STARTING])
        assert len(program.starts) == 2
    assert program.alive() == []


async def test_one_that_dies_under_a_question_is_started_again_for_it(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    program.behave(fragile=1)
    heard = await ask(oxide.service(url))
    assert (heard.error, heard.text) == (None, "It is 4.")
    assert [type(output) for output in heard.outputs[:3]] == [Note, Started, Note]
    assert len(program.starts) == 2


async def test_one_that_dies_under_every_question_is_not_started_for_ever(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    program.behave(fragile=9)
    heard = await ask(oxide.service(url))
    assert heard.error
    assert heard.error.kind is FailureKind.TRANSIENT
    assert len(program.starts) == 2


# -- where it must not be started ------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["http://no-such.invalid:{port}", "https://localhost:{port}", "http://localhost:{port}/behind/a/proxy"]
)
async def test_a_dead_address_that_ollama_here_cannot_have_starts_nothing(
    address: str, oxide: Oxide, program: OllamaProgram
) -> None:
    service = oxide.service(address.format(port=free_port()))
    assert not service.startable
    heard = await ask(service)
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert (await service.check(Depth.GLANCE)).failing is Tier.STARTS
    assert await service.recover() is False
    with pytest.raises(ServiceError, match="home cannot be started"):
        await service.start(insist=True)
    assert program.starts == []


async def test_without_auto_start_only_a_person_starts_it(oxide: Oxide, program: OllamaProgram, url: str) -> None:
    service = oxide.service(url, auto_start=False)
    found = await service.check(Depth.GLANCE)
    assert (found.failing, found.fix) == (Tier.STARTS, "Start Ollama: `ollama serve`.")
    assert (await ask(service)).error
    assert await service.recover() is False
    assert program.starts == []
    assert (await service.start()).ours


async def test_what_is_not_installed_is_said_with_where_to_get_it(run_dir: Path, url: str) -> None:
    async with running(run_dir, find=lambda name: None, folders=()) as oxide:
        service = oxide.service(url)
        assert (await service.check(Depth.GLANCE)).failing is Tier.INSTALLED
        with pytest.raises(ServiceError, match="not installed") as caught:
            await service.start()
        assert "https://ollama.com" in caught.value.hint


async def test_another_program_on_its_port_is_told_and_not_fought(oxide: Oxide, program: OllamaProgram) -> None:
    with OpenAIServer() as other:
        service = oxide.service(other.url)
        heard = await ask(service)
        found = await service.check(Depth.PROBE)
    assert heard.error
    assert heard.error.title == "home is not an Ollama"
    assert "speaks OpenAI's dialect" in found.message
    assert f"services.home.base_url: {other.url}/v1" in found.fix
    assert program.starts == []


# -- starts that fail ------------------------------------------------------------------------------


async def test_one_that_dies_at_once_is_told_in_its_own_words_and_left_alone_for_a_while(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    program.behave(dies="llama runner: no such GPU")
    service = oxide.service(url)
    first, second = await ask(service), await ask(service)

    assert first.error
    assert first.error.kind is FailureKind.MISSING
    assert str(first.error) == (
        "Ollama does not start: It ended with code 1. Error: llama runner: no such GPU Run `ollama serve` to see why."
    )
    assert second.error
    assert "It is tried again in" in second.error.message
    assert len(program.starts) == 1
    found = await service.check(Depth.GLANCE)
    assert (found.tier, found.failing) == (Tier.INSTALLED, Tier.STARTS)
    assert "no such GPU" in found.message

    program.behave()
    assert (await service.start(insist=True)).ours
    assert (await service.check(Depth.GLANCE)).healthy


async def test_after_the_while_it_is_tried_again(program: OllamaProgram, run_dir: Path, url: str) -> None:
    program.behave(dies="bad luck")
    async with running(run_dir, patience=Patience(rest_s=0.0)) as oxide:
        service = oxide.service(url)
        assert (await ask(service)).error
        assert (await service.check(Depth.GLANCE)).healthy
        program.behave()
        assert (await ask(service)).text == "It is 4."


async def test_one_that_is_never_ready_is_given_up_and_ended(program: OllamaProgram, run_dir: Path, url: str) -> None:
    program.behave(deaf=True)
    async with running(run_dir, patience=Patience(start_s=3.0)) as oxide:
        heard = await ask(oxide.service(url))
        assert heard.error
        assert heard.error.kind is FailureKind.TIMEOUT
        assert "not ready at 127.0.0.1:" in heard.error.message
        assert len(program.starts) == 1
        assert program.alive() == []
        assert not list(oxide.spawner.children())


async def test_a_port_that_is_taken_meanwhile_is_named(oxide: Oxide, program: OllamaProgram) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServiceError) as caught:
            await oxide.starter.ensure(f"http://127.0.0.1:{taken.getsockname()[1]}", never)
    assert "address already in use" in caught.value.message
    assert "base_url" in caught.value.hint


async def test_one_that_makes_way_for_another_ollama_is_no_failure(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    program.behave(dies="listen tcp: bind: address already in use")

    async def ready() -> bool:
        for child in tuple(oxide.spawner._children.values()):
            await child.wait()
            await child.gone
            return True
        return False

    assert await oxide.starter.ensure(url, ready) == ServerStart()


async def test_a_start_that_is_cancelled_leaves_nothing_and_the_next_one_works(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    program.behave(slow_s=60)
    await cancel_once_begun(oxide, program, url)
    assert program.alive() == []
    program.behave()
    assert (await ask(oxide.service(url))).text == "It is 4."


async def test_waiting_for_another_oxide_that_does_not_get_on_has_an_end(
    program: OllamaProgram, run_dir: Path, url: str
) -> None:
    program.behave(slow_s=60)
    async with running(run_dir, "slow") as slow, running(run_dir, "other", patience=Patience(start_s=0.5)) as other:

        async def give_up() -> None:
            with pytest.raises(ServiceError, match=r"within 0\.5 s"):
                await other.starter.ensure(url, never)

        await cancel_once_begun(slow, program, url, give_up)
        assert len(program.starts) == 1


# -- staying ---------------------------------------------------------------------------------------


class Watched:
    """A service that a board watches."""

    def __init__(self, oxide: Oxide, url: str) -> None:
        self.service = oxide.service(url)
        self.events: asyncio.Queue[Health] = asyncio.Queue()
        bus = EventBus()
        bus.listen(self._heard)
        self.board = HealthBoard({"home": self.service}, bus)
        oxide.starter.on_lost = self.board.look_soon

    def _heard(self, event: Event) -> None:
        assert isinstance(event, ServiceStatusChanged)
        self.events.put_nowait(event.health)

    async def until(self, tier: Tier, failing: Tier | None = None) -> None:
        async with asyncio.timeout(LIMIT_S):
            while True:
                found = await self.events.get()
                if (found.tier, found.failing) == (tier, failing):
                    return


@asynccontextmanager
async def watched(oxide: Oxide, url: str) -> AsyncIterator[Watched]:
    made = Watched(oxide, url)
    watching = asyncio.create_task(made.board.watch(interval_s=3600))
    try:
        yield made
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def test_one_of_ours_that_dies_is_started_again_at_once_and_both_are_told(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    async with watched(oxide, url) as home:
        await home.until(Tier.INSTALLED)
        await home.service.start()
        home.board.look_soon()
        await home.until(Tier.AUTHENTICATED)
        os.kill(program.starts[0]["pid"], signal.SIGKILL)
        await home.until(Tier.INSTALLED)
        await home.until(Tier.AUTHENTICATED)
        assert len(program.starts) == 2


async def test_one_that_dies_again_and_again_is_started_after_longer_and_longer_pauses(
    program: OllamaProgram, run_dir: Path, url: str
) -> None:
    loop = asyncio.get_running_loop()
    died: list[float] = []
    async with running(run_dir, patience=Patience(pause_s=0.3)) as oxide, watched(oxide, url) as home:
        await home.service.start()
        for times in range(1, 4):
            home.board.look_soon()
            await home.until(Tier.AUTHENTICATED)
            assert len(program.starts) == times
            died.append(loop.time())
            os.kill(program.starts[-1]["pid"], signal.SIGKILL)
            await home.until(Tier.INSTALLED)
        await home.until(Tier.AUTHENTICATED)
    assert loop.time() - died[-1] >= 0.6
    assert len(program.starts) == 4


async def test_one_that_cannot_be_started_again_is_told_and_tried_later(
    program: OllamaProgram, run_dir: Path, url: str
) -> None:
    async with running(run_dir, patience=Patience(pause_s=0.1)) as oxide, watched(oxide, url) as home:
        await home.service.start()
        home.board.look_soon()
        await home.until(Tier.AUTHENTICATED)
        program.behave(dies="the disk is full")
        os.kill(program.starts[0]["pid"], signal.SIGKILL)
        await home.until(Tier.INSTALLED, Tier.STARTS)
        assert "the disk is full" in home.board.last("home").message
        program.behave()
        await home.until(Tier.AUTHENTICATED)


async def test_what_somebody_else_has_started_meanwhile_needs_no_recovery(
    oxide: Oxide, program: OllamaProgram, run_dir: Path, url: str
) -> None:
    service = oxide.service(url)
    await service.start()
    assert await service.recover() is False
    (child,) = oxide.spawner._children.values()
    lost = asyncio.Event()
    oxide.starter.on_lost = lost.set
    os.kill(child.pid, signal.SIGKILL)
    await lost.wait()
    async with running(run_dir, "two") as two:
        await two.service(url).start()
        assert await service.recover() is True
        assert await service.recover() is False
    assert len(program.starts) == 2


# -- what the system runs --------------------------------------------------------------------------

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {folder}/said
case "$*" in
  *--user*show*) exit 1 ;;
  *show*) echo LoadState={state}; echo 'Environment="PATH=/a b" OLLAMA_HOST={host}' ;;
  *start*) {start} ;;
esac
"""
DENIED = "echo 'Interactive authentication required.' >&2; exit 1"


def put(folder: Path, name: str, text: str) -> Callable[[], list[str]]:
    """A program in that folder; answers how to read what it was told."""
    program = folder / name
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    said = folder / "said"
    return lambda: said.read_text("utf-8").splitlines() if said.exists() else []


def systemctl(folder: Path, port: int, *, state: str = "loaded", start: str = "") -> Callable[[], list[str]]:
    start = start or f"touch {folder}/up"
    return put(folder, "systemctl", SYSTEMCTL.format(folder=folder, state=state, host=f"0.0.0.0:{port}", start=start))


def is_up(folder: Path) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return (folder / "up").exists()

    return ready


async def test_a_unit_of_the_system_is_started_without_asking_for_a_password_and_stays(
    oxide: Oxide, program: OllamaProgram
) -> None:
    port = free_port()
    said = systemctl(program.folder, port)
    start = await oxide.starter.ensure(f"http://127.0.0.1:{port}", is_up(program.folder))
    assert start == ServerStart(started=True, ours=False)
    assert said() == [
        "--no-ask-password show --property=LoadState,Environment ollama.service",
        "--no-ask-password start ollama.service",
    ]
    assert program.starts == []


async def test_a_unit_that_wants_a_password_is_left_alone_and_told(
    oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    systemctl(program.folder, int(url.rpartition(":")[2]), start=DENIED)
    start = await oxide.service(url).start()
    assert start.ours
    assert "Interactive authentication required." in start.note
    assert "`sudo systemctl start ollama`" in start.note


@pytest.mark.parametrize("other", [{"state": "not-found"}, {"port": 11434}])
async def test_no_unit_or_one_for_another_port_is_not_started(
    other: dict[str, object], oxide: Oxide, program: OllamaProgram, url: str
) -> None:
    said = systemctl(program.folder, **{"port": int(url.rpartition(":")[2]), **other})
    assert (await oxide.service(url).start()).ours
    assert not any("start" in line for line in said())


async def test_on_macos_the_app_is_opened_hidden_and_stays(
    program: OllamaProgram, run_dir: Path, tmp_path: Path
) -> None:
    app = tmp_path / "Ollama.app"
    app.mkdir()
    said = put(program.folder, "open", f'#!/bin/sh\necho "$@" >> {program.folder}/said\ntouch {program.folder}/up\n')
    async with running(run_dir, platform="darwin", folders=(tmp_path / "none", tmp_path)) as oxide:
        assert oxide.starter.installed()
        start = await oxide.starter.ensure("http://localhost:11434", is_up(program.folder))
    assert start == ServerStart(started=True, ours=False)
    assert said() == [f"-g -j -a {app}"]


async def test_on_macos_an_app_that_does_not_open_gives_way_to_ollama_serve(
    program: OllamaProgram, run_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "Ollama.app").mkdir()
    put(program.folder, "open", "#!/bin/sh\necho 'kLSNoExecutableErr' >&2\nexit 1\n")
    async with running(run_dir, platform="darwin", folders=(tmp_path,)) as oxide:

        async def ready() -> bool:
            return bool(program.starts)

        start = await oxide.starter.ensure("http://localhost:11434", ready)
        assert start.ours
        assert "kLSNoExecutableErr" in start.note
    assert program.alive() == []


@pytest.mark.parametrize("platform", ["darwin", "win32"])
async def test_elsewhere_ollama_serve_runs_as_a_child(
    platform: str, program: OllamaProgram, run_dir: Path, url: str
) -> None:
    async with running(run_dir, platform=platform, folders=()) as oxide:
        assert (await oxide.service(url).start()).ours
    assert program.alive() == []
