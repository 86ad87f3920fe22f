"""Deadlines of one attempt: start, first byte, idle; each names itself and the setting that moves it."""

import asyncio

import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.settings import ExecutionSettings
from oxide_desktop.core.watchdog import Phase, Watchdog, whole_task_deadline

LIMITS = ExecutionSettings(
    start_timeout_seconds=0.05, first_byte_timeout_seconds=0.06, idle_timeout_seconds=0.07, timeout_seconds=60
)


@pytest.mark.parametrize(
    ("phase", "said", "key"),
    [
        (Phase.START, "did not take the request within 0.05 s", "start_timeout_seconds"),
        (Phase.FIRST_BYTE, "no text came within 0.06 s", "first_byte_timeout_seconds"),
        (Phase.IDLE, "no text for 0.07 s", "idle_timeout_seconds"),
    ],
)
async def test_a_phase_that_lasts_too_long_ends_the_block(phase: Phase, said: str, key: str):
    async with asyncio.timeout(60):
        with pytest.raises(ServiceError) as caught:
            async with Watchdog("qwen", LIMITS) as watchdog:
                watchdog.enter(phase)
                await asyncio.Event().wait()

    assert caught.value.kind is FailureKind.TIMEOUT
    assert said in caught.value.message
    assert key in caught.value.hint


async def test_text_that_keeps_coming_is_not_interrupted_however_long_it_takes():
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60), Watchdog("qwen", LIMITS) as watchdog:
        watchdog.enter(Phase.IDLE)
        began = loop.time()
        while loop.time() - began < 3 * LIMITS.idle_timeout_seconds:
            await asyncio.sleep(0)
            watchdog.touch()

    assert watchdog.phase is Phase.IDLE
    assert loop.time() - began >= 3 * LIMITS.idle_timeout_seconds


async def test_a_cancel_from_outside_stays_a_cancel():
    async def guarded() -> None:
        async with Watchdog("qwen", LIMITS):
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(guarded())
        await entered.wait()
        task.cancel()

    assert task.cancelled()


async def test_an_error_of_the_block_goes_through_and_leaves_no_timer():
    with pytest.raises(KeyError):
        async with Watchdog("qwen", LIMITS) as watchdog:
            raise KeyError("mine")

    assert watchdog._timer.cancelled()


async def test_the_whole_task_has_a_deadline_that_names_itself():
    with pytest.raises(ServiceError, match=r"not done within 0\.05 s") as caught:
        async with whole_task_deadline(ExecutionSettings(timeout_seconds=0.05)):
            await asyncio.Event().wait()

    assert caught.value.kind is FailureKind.TIMEOUT


async def test_somebody_elses_timeout_is_not_taken_for_the_tasks():
    with pytest.raises(TimeoutError, match="another's"):
        async with whole_task_deadline(ExecutionSettings(timeout_seconds=60)):
            raise TimeoutError("another's")
