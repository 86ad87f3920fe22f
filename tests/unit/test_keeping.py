"""While a task runs its record is written now and then, so that a process that dies leaves what it knew."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from oxide_desktop.core import keeping
from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import FailureKind, NotFoundError, ServiceError, StoreError
from oxide_desktop.core.events import Chunk, EventBus, HistoryChanged
from oxide_desktop.core.keeping import keeping_record, record_end
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from tests.fakes.scripted_adapter import STALL
from tests.unit.test_orchestrator import House, request, stub

SOON = 0.005


class Shelf:
    """Takes records, and tells of each."""

    def __init__(self) -> None:
        self.records: list[TaskRecord] = []
        self.taken = asyncio.Event()
        self.full = False

    async def save(self, record: TaskRecord) -> None:
        if self.full:
            self.taken.set()
            raise StoreError("The disk is full", "It takes no more.")
        self.records.append(record)
        self.taken.set()

    async def next(self) -> TaskRecord:
        await self.taken.wait()
        self.taken.clear()
        return self.records[-1]


@pytest.fixture
async def background() -> AsyncIterator[BackgroundTasks]:
    tasks = BackgroundTasks()
    yield tasks
    await tasks.close()


def running() -> RunningTask:
    record = TaskRecord(id="t", status=TaskStatus.RUNNING, prompt="why?", created_at=1.0, source="python")
    task = RunningTask(request(), record)
    task.update(attempts=(Attempt(service="stub", started_at=2.0),))
    return task


def show(task: RunningTask, text: str) -> None:
    task.append(Chunk("t", 1, "stub", text))


async def test_what_was_shown_so_far_is_written_while_text_flows(background: BackgroundTasks):
    task, shelf = running(), Shelf()
    async with keeping_record(task, shelf.save, background, interval_s=SOON):
        assert (await shelf.next()).result is None
        show(task, "Fo")
        show(task, "ur")
        kept = await shelf.next()
    assert (kept.result, kept.attempts[0].chars, kept.status) == ("Four", 4, TaskStatus.RUNNING)
    assert task.record.result is None  # it is the answer only once it has ended


async def test_a_task_that_ends_almost_at_once_is_left_to_who_closes_it(background: BackgroundTasks):
    task, shelf = running(), Shelf()
    async with keeping_record(task, shelf.save, background, interval_s=SOON):
        show(task, "Four")
    assert shelf.records == []


async def test_each_new_attempt_is_written_at_once(background: BackgroundTasks):
    task, shelf = running(), Shelf()
    async with keeping_record(task, shelf.save, background, interval_s=1000):
        await shelf.next()
        task.update(attempts=(*task.record.attempts, Attempt(service="other", started_at=3.0)))
        task.keep_soon()
        kept = await shelf.next()
    assert [attempt.service for attempt in kept.attempts] == ["stub", "other"]
    assert kept.result is None  # the second attempt's, not the first one's


async def test_what_has_not_changed_is_not_written_again(background: BackgroundTasks):
    task, shelf = running(), Shelf()
    async with keeping_record(task, shelf.save, background, interval_s=1000):
        await shelf.next()
        for _ in range(3):
            task.keep_soon()
            while task.worth_keeping.is_set():  # noqa: ASYNC110 - until it was looked at, of which nobody tells
                await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert len(shelf.records) == 1


async def test_attempts_are_kept_while_the_newest_one_is_under_way_and_cost_one_write():
    away = ServiceError(FailureKind.AUTH, "one is signed out", "401.")
    patient = stub(["Fo", STALL], name="two")
    async with House(stub([away], name="one"), patient) as house:
        task = await house.orchestrator.submit(request())
        await patient.stalled.wait()
        async with asyncio.timeout(30):
            await house.history.newest(TaskStatus.RUNNING)
        task.cancel()
        await task.finished()
    _, kept, ended = house.history.versions
    assert [attempt.status for attempt in kept.attempts] == [AttemptStatus.FAILED, AttemptStatus.RUNNING]
    assert (kept.attempts[1].model, kept.result) == ("scripted-1", "Fo")
    assert kept.attempts[1].first_chunk_at == ended.attempts[1].first_chunk_at is not None


async def test_a_disk_that_takes_no_more_is_asked_no_more(
    background: BackgroundTasks, caplog: pytest.LogCaptureFixture
):
    task, shelf = running(), Shelf()
    shelf.full = True
    async with keeping_record(task, shelf.save, background, interval_s=SOON):
        await shelf.taken.wait()
        shelf.full = False
        show(task, "x")
        task.keep_soon()
    assert shelf.records == []
    assert "cannot be kept while it runs" in caplog.text


def test_a_slow_disk_is_used_a_tenth_of_the_time_at_most():
    assert keeping.pause_after(0.001, 2.0) == 2.0
    assert keeping.pause_after(3.0, 2.0) == 30.0


async def test_an_end_that_found_no_room_is_written_whole_once_there_is_some(background: BackgroundTasks):
    task, shelf, bus, told = running(), Shelf(), EventBus(), []
    bus.listen(told.append)
    shelf.full = True
    show(task, "Four")
    task.conclude(TaskStatus.COMPLETED, None)
    await record_end(task, shelf.save, background, bus, owed_after_s=SOON)
    assert "not in the history" in task.record.notes[-1]
    shelf.taken.clear()
    await shelf.taken.wait()  # it is tried again, and there is no room yet
    assert told == []
    shelf.full = False
    shelf.taken.clear()
    written = await shelf.next()
    await asyncio.sleep(0)
    assert told == [HistoryChanged()]  # whoever shows it as not kept looks again
    assert (written.status, written.result, written.notes) == (TaskStatus.COMPLETED, "Four", ())


async def test_an_end_that_found_no_room_is_let_be_where_its_task_was_deleted_meanwhile():
    task, tries = running(), []

    async def save(record: TaskRecord) -> None:
        tries.append(record)
        if len(tries) > 2:  # both of the writes at the end
            raise NotFoundError("No such task", "It is gone.")
        raise StoreError("The disk is full", "It takes no more.")

    background = BackgroundTasks()
    task.conclude(TaskStatus.COMPLETED, None)
    await record_end(task, save, background, EventBus(), owed_after_s=SOON)
    async with asyncio.timeout(60):
        while background._running:  # noqa: ASYNC110 - nobody tells of its end; a timeout bounds it
            await asyncio.sleep(0)
    assert len(tries) == 3
