"""A running task's record, written now and then beside the work, so that a process that dies leaves what it knew."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import NotFoundError, OxideError, StoreError
from oxide_desktop.core.events import EventBus, HistoryChanged
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.core.running import RunningTask

log = logging.getLogger(__name__)

INTERVAL_S = 2.0
FIRST_AFTER_S = 0.05  # a write beside the request's own sending would hold it up by milliseconds
LAST_WRITE_LIMIT_S = 3.0
OWED_AFTER_S = 5.0  # what found no room is tried again, and then after twice that, and so on
OWED_FOR_S = 3600.0
_LARGEST_SHARE = 0.1  # of the time: a long answer is a long write

Save = Callable[[TaskRecord], Awaitable[None]]


@asynccontextmanager
async def keeping_record(
    task: RunningTask, save: Save, background: BackgroundTasks, interval_s: float = INTERVAL_S
) -> AsyncIterator[None]:
    """Write the record at each new attempt, and as text flows. The work does not wait for the disk; its end does.

    A task that has ended almost at once is written at its end alone, by whoever closes it.
    """
    ended = asyncio.Event()
    writing = background.start(_keep(task, save, ended, interval_s), f"keep the record of {task.id}")
    try:
        yield
    finally:
        ended.set()
        task.keep_soon()
        await asyncio.wait([writing], timeout=LAST_WRITE_LIMIT_S)


async def _keep(task: RunningTask, save: Save, ended: asyncio.Event, interval_s: float) -> None:
    loop = asyncio.get_running_loop()
    written: object = None
    pause_s = interval_s
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_AFTER_S):
            await ended.wait()
    await task.kept()
    while not ended.is_set():
        task.worth_keeping.clear()
        if (state := task.state()) != written:
            began = loop.time()
            try:
                await save(task.so_far())
            except OxideError:  # the write at the end meets the same, and the record will say so
                log.exception("the record of task %s cannot be kept while it runs", task.id)
                return
            written, pause_s = state, pause_after(loop.time() - began, interval_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await task.worth_keeping.wait()


async def record_end(
    task: RunningTask, save: Save, background: BackgroundTasks, bus: EventBus, owed_after_s: float = OWED_AFTER_S
) -> None:
    """Write the final record. Where there is no room for the answer, how the task ended may still find some.

    The whole of it is written once there is room again, as long as the program runs, and that is told.
    """
    whole = task.record
    try:
        await save(whole)
    except StoreError as failure:
        log.exception("the end of task %s could not be recorded", task.id)
        task.update(notes=(*task.record.notes, f"This answer is not in the history. {failure}"))
        with suppress(StoreError):  # which is said already
            await save(dataclasses.replace(task.record, result=None))
        with suppress(RuntimeError):  # the program ends, and its next start finds the task interrupted
            background.start(_write_later(whole, save, bus, owed_after_s), f"write the end of {task.id} later")


async def _write_later(record: TaskRecord, save: Save, bus: EventBus, pause_s: float) -> None:
    with suppress(TimeoutError, NotFoundError):  # given up, or deleted meanwhile
        async with asyncio.timeout(OWED_FOR_S):
            while True:
                await asyncio.sleep(pause_s)
                with suppress(StoreError):  # there is no room yet
                    await save(record)
                    log.info("the end of task %s has been recorded after all", record.id)
                    bus.publish(HistoryChanged())
                    return
                pause_s *= 2


def pause_after(took_s: float, interval_s: float) -> float:
    """How long to leave the disk alone after a write that took so long."""
    return max(interval_s, took_s / _LARGEST_SHARE)
