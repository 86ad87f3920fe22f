"""Nobody outlives Oxide, however Oxide or a guard ends. The long form is `benchmarks/orphans.py`."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.runtime.processes import GuardedSpawner
from tests.fakes.nasty_tree import MEMBERS
from tests.fakes.tree_watch import TreeWatch, living, tree_command

APP = Path(__file__).parents[1] / "fakes" / "spawning_app.py"
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[TreeWatch]:
    async with TreeWatch(tmp_path) as made:
        yield made
    for pid in living(tmp_path):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def app_with_tree(folder: Path, ending: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """An app in a process of its own that runs the tree; the second are the program, its guard and the keeper."""
    command = [sys.executable, str(APP), str(folder / "run"), uuid.uuid4().hex, ending, *tree_command(folder)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as app:
        assert app.stdout
        try:
            yield app, [int(pid) for pid in app.stdout.readline().split()]
        finally:
            app.kill()


async def spawn_tree(spawner: GuardedSpawner, folder: Path):
    return await spawner.spawn(ChildSpec(argv=tree_command(folder), purpose="tree"))


@pytest.mark.parametrize("members", [1, 2, 3, 5, 7, len(MEMBERS)])
async def test_nothing_is_left_of_a_tree_when_the_app_is_killed(watch, tmp_path, members):
    with app_with_tree(tmp_path, "none") as (app, _):
        await watch.members(members)
        assert len(living(tmp_path)) >= members
        app.kill()
        await watch.death()


@pytest.mark.parametrize("which", ["guard", "keeper", "both"])
@pytest.mark.parametrize("members", [1, 4, len(MEMBERS)])
async def test_nothing_is_left_of_a_tree_when_its_guard_is_killed(watch, spawner, tmp_path, which, members):
    child = await spawn_tree(spawner, tmp_path)
    await watch.members(members)
    assert len(living(tmp_path)) >= members
    victims = {"guard": [child.guard.pid], "keeper": [child.keeper_pid], "both": [child.guard.pid, child.keeper_pid]}
    for pid in victims[which]:
        os.kill(pid, signal.SIGKILL)
    ended = await child.wait()
    await watch.death()
    await child.gone
    assert ended.code == -signal.SIGKILL
    assert spawner.children() == ()
    assert child.guard.returncode is not None


async def test_nothing_is_left_when_app_and_guard_are_killed_together(watch, tmp_path):
    with app_with_tree(tmp_path, "none") as (app, (_, guard, _keeper)):
        await watch.members(len(MEMBERS))
        app.kill()
        os.kill(guard, signal.SIGKILL)
        await watch.death()


async def test_a_guard_that_is_asked_to_end_takes_its_tree_along(watch, spawner, tmp_path):
    child = await spawn_tree(spawner, tmp_path)
    await watch.members(len(MEMBERS))
    child.guard.terminate()
    await watch.death()
    assert (await child.wait()).code == -signal.SIGKILL


async def test_a_guard_that_was_stopped_does_not_keep_its_tree_alive(watch, spawner, tmp_path):
    child = await spawn_tree(spawner, tmp_path)
    await watch.members(len(MEMBERS))
    os.kill(child.keeper_pid, signal.SIGSTOP)
    os.kill(child.guard.pid, signal.SIGSTOP)
    await child.stop_within(0)
    await watch.death()
    assert spawner.children() == ()


@pytest.mark.parametrize("members", [1, len(MEMBERS)])
async def test_a_stopped_tree_is_gone_when_that_is_done(watch, spawner, tmp_path, members):
    async with await spawn_tree(spawner, tmp_path):
        await watch.members(members)
        assert len(living(tmp_path)) >= members
        await spawner.aclose()
    assert living(tmp_path) == {}


async def test_what_a_program_leaves_behind_goes_with_it(watch, spawner, tmp_path):
    child = await spawn_tree(spawner, tmp_path)
    await watch.members(len(MEMBERS))
    os.kill(child.pid, signal.SIGKILL)
    assert (await child.wait()).code == -signal.SIGKILL
    await watch.death()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_the_app_ends_cleanly_on_each_signal(watch, tmp_path, number):
    with app_with_tree(tmp_path, "clean") as (app, _):
        await watch.members(len(MEMBERS))
        app.send_signal(number)
        assert await asyncio.to_thread(app.wait, 60) == 130
        assert living(tmp_path) == {}
        assert list((tmp_path / "run").iterdir()) == []


async def test_an_app_that_hangs_while_it_stops_is_ended(watch, tmp_path):
    with app_with_tree(tmp_path, "stuck") as (app, _):
        await watch.members(1)
        app.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(app.wait, 60) == 130
        await watch.death()


async def test_an_app_that_ends_without_closing_leaves_nothing_all_the_same(watch, tmp_path):
    with app_with_tree(tmp_path, "forgetful") as (app, _):
        await watch.members(len(MEMBERS))
        app.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(app.wait, 60) == 130
        assert living(tmp_path) == {}


async def test_the_next_start_ends_what_app_and_guards_could_not(watch, tmp_path):
    with app_with_tree(tmp_path, "none") as (app, (_, guard, keeper)):
        await watch.members(len(MEMBERS))
        # Stopped guards do nothing about their app's death: as good as none.
        os.kill(keeper, signal.SIGSTOP)
        os.kill(guard, signal.SIGSTOP)
        app.kill()
        app.wait()
        assert len(living(tmp_path)) == len(MEMBERS)
        spawner = GuardedSpawner(tmp_path / "run", uuid.uuid4().hex)
        assert await asyncio.to_thread(spawner.sweep) >= len(MEMBERS)
        await watch.death()
        assert await asyncio.to_thread(spawner.sweep) == 0
        await spawner.aclose()


async def test_a_sweep_leaves_the_children_of_a_living_run_alone(watch, tmp_path):
    with app_with_tree(tmp_path, "none"):
        await watch.members(len(MEMBERS))
        spawner = GuardedSpawner(tmp_path / "run", uuid.uuid4().hex)
        assert await asyncio.to_thread(spawner.sweep) == 0
        assert len(living(tmp_path)) == len(MEMBERS)
        await spawner.aclose()
    await watch.death()
