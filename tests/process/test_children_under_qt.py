"""The same children on the desktop app's loop: qasync's own, and the mended one."""

import asyncio
import gc
import os
import signal
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest
import qasync

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.runtime.processes import GuardedSpawner
from oxide_desktop.runtime.signals import watch_signals

MEBI = 1024 * 1024
Run = Callable[[Callable[[GuardedSpawner], Coroutine[None, None, None]]], None]


@pytest.fixture
def collected() -> Iterator[None]:
    """Qt objects of a closed loop stand in cycles: collected in another thread, they would take the process down."""
    yield
    gc.collect()


@pytest.fixture(params=[qasync.QEventLoop, Loop])
def run(request, qapp, collected, tmp_path: Path) -> Iterator[Run]:
    loop = request.param(qapp)
    asyncio.set_event_loop(loop)

    async def with_spawner(work) -> None:
        spawner = GuardedSpawner(tmp_path / "run", uuid.uuid4().hex)
        try:
            async with asyncio.timeout(30):
                await work(spawner)
        finally:
            await spawner.aclose()

    yield lambda work: loop.run_until_complete(with_spawner(work))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    asyncio.set_event_loop(None)


def test_input_output_and_exit_code_pass_through(run: Run, awkward):
    async def work(spawner: GuardedSpawner) -> None:
        async with await spawner.spawn(awkward("echoes_as_it_reads", stdin=b"ab" * MEBI)) as child:
            text = "".join([part async for part in child.text()])
            assert (await child.wait()).code == 0
        assert text == "ab" * MEBI

    run(work)


def test_a_signal_is_told_as_its_negative(run: Run, awkward):
    async def work(spawner: GuardedSpawner) -> None:
        async with await spawner.spawn(awkward("dies", "9")) as child:
            assert (await child.wait()).code == -9

    run(work)


def test_many_children_at_once_all_come_to_their_end(run: Run, awkward):
    async def work(spawner: GuardedSpawner) -> None:
        async def one(number: int) -> str:
            async with await spawner.spawn(awkward("repeats_arguments", str(number))) as child:
                return "".join([part async for part in child.text()])

        assert await asyncio.gather(*map(one, range(8))) == [str(number) for number in range(8)]
        assert spawner.children() == ()

    run(work)


def test_a_flood_of_output_is_capped(run: Run, awkward):
    async def work(spawner: GuardedSpawner) -> None:
        async with await spawner.spawn(awkward("floods", output_limit=10 * MEBI)) as child:
            assert sum([len(part) async for part in child.text()]) == 10 * MEBI
            assert (await child.wait()).capped

    run(work)


def test_a_child_that_ignores_sigterm_is_killed(run: Run, awkward):
    async def work(spawner: GuardedSpawner) -> None:
        async with await spawner.spawn(awkward("ignores_term", stop_grace_s=0.1)) as child:
            text = child.text()
            assert await anext(text) == "ready"
            assert Path(f"/proc/{child.pid}").exists()
            await child.stop()
            assert not Path(f"/proc/{child.pid}").exists()
            await text.aclose()

    run(work)


def test_a_missing_program_is_told(run: Run):
    async def work(spawner: GuardedSpawner) -> None:
        with pytest.raises(ServiceError) as refused:
            await spawner.spawn(ChildSpec(argv=["/nowhere/program"], purpose="program"))
        assert refused.value.kind is FailureKind.MISSING

    run(work)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_loop_while_qt_waits(run: Run, number):
    async def work(_: GuardedSpawner) -> None:
        stopped = asyncio.Event()
        async with watch_signals(stopped.set):
            os.kill(os.getpid(), number)
            await stopped.wait()

    run(work)
