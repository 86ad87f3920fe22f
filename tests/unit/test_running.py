"""A running task can be followed by any number of listeners, from the start, at their own pace."""

import asyncio
from pathlib import Path

import pytest

from oxide_desktop.core.errors import CancelledTaskError
from oxide_desktop.core.events import Chunk
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask


@pytest.fixture
def task() -> RunningTask:
    request = Request(prompt="why?", source=Source.PYTHON, cwd=Path.cwd())
    record = TaskRecord(id="t", status=TaskStatus.QUEUED, prompt="why?", created_at=1.0, source="python")
    return RunningTask(request, record)


def chunk(text: str, attempt: int = 1) -> Chunk:
    return Chunk("t", attempt, "stub", text)


async def read(task: RunningTask, start: int = 0) -> list[str]:
    return [item.text async for item in task.chunks(start)]


async def test_two_listeners_one_early_one_late_see_the_same(task: RunningTask):
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        early = group.create_task(read(task))
        await asyncio.sleep(0)
        task.append(chunk("a"))
        await asyncio.sleep(0)
        task.append(chunk("b"))
        late = group.create_task(read(task))
        await asyncio.sleep(0)
        task.append(chunk("c"))
        task.end()

    assert early.result() == late.result() == ["a", "b", "c"]


async def test_a_listener_may_start_in_the_middle(task: RunningTask):
    for text in "abc":
        task.append(chunk(text))
    task.end()

    assert await read(task, start=2) == ["c"]


async def test_waiting_for_the_end_gives_the_final_record(task: RunningTask):
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        waiting = group.create_task(task.finished())
        await asyncio.sleep(0)
        task.append(chunk("a"))
        task.update(status=TaskStatus.COMPLETED)
        task.end()

    assert waiting.result().status is TaskStatus.COMPLETED


async def test_a_listener_that_goes_away_disturbs_nobody(task: RunningTask):
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        gone = group.create_task(read(task))
        stays = group.create_task(read(task))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        task.append(chunk("a"))
        task.end()

    assert stays.result() == ["a"]


def test_the_text_of_one_attempt_holds_nothing_of_another(task: RunningTask):
    for item in (chunk("bad", 1), chunk("go", 2), chunk("od", 2)):
        task.append(item)

    assert task.text_of(2) == "good"


def test_cancelling_before_the_first_step_is_met_by_it(task: RunningTask):
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        task.begin()
    assert isinstance(task.error, CancelledTaskError)


def test_cancelling_an_ended_task_changes_nothing(task: RunningTask):
    task.end()
    task.cancel()

    assert task.error is None
