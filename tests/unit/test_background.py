"""Owned tasks: referenced, named, reported when they fail, ended with their owner."""

import asyncio
import logging
import threading

import pytest

from oxide_desktop.core.background import BackgroundTasks, in_own_thread


async def test_work_runs_beside_its_starter_and_gives_its_result():
    background = BackgroundTasks()

    async def work() -> int:
        return 42

    assert await background.start(work(), "work") == 42
    await background.close()


async def test_closing_cancels_what_runs_and_waits_for_it():
    background = BackgroundTasks()
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    background.start(work(), "work")
    await asyncio.sleep(0)
    await background.close()

    assert cleaned.is_set()


async def test_a_failure_nobody_awaits_is_logged_with_the_name(caplog: pytest.LogCaptureFixture):
    background = BackgroundTasks()

    async def work() -> None:
        raise KeyError("lost")

    task = background.start(work(), "indexer")
    await asyncio.wait([task])
    await background.close()

    assert "background task indexer failed" in caplog.text
    assert "KeyError" in caplog.text


async def test_work_that_will_not_end_is_named_and_left_after_the_bound(caplog: pytest.LogCaptureFixture):
    background = BackgroundTasks()
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    task = background.start(stubborn(), "stubborn")
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR):
        await background.close(timeout_s=0.05)
    release.set()
    await task

    assert "stubborn did not end in 0.05 s" in caplog.text


async def test_nothing_starts_after_the_owner_has_closed():
    background = BackgroundTasks()
    await background.close()

    async def work() -> None: ...

    with pytest.raises(RuntimeError, match="after its owner had closed"):
        background.start(work(), "late")


async def test_work_may_close_its_own_owner():
    background = BackgroundTasks()

    async def work() -> str:
        await background.close()
        return "closed"

    async with asyncio.timeout(60):
        assert await background.start(work(), "work") == "closed"


async def test_work_in_its_own_thread_gives_its_result_or_its_error():
    assert await in_own_thread(lambda: 42, "sum") == 42

    def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        await in_own_thread(fail, "failing")


async def test_work_that_hangs_in_its_own_thread_holds_up_no_cancel():
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await in_own_thread(release.wait, "hanging")
    (thread,) = [item for item in threading.enumerate() if item.name == "hanging"]
    assert thread.daemon
    release.set()
    thread.join(10)
    await asyncio.sleep(0)  # its late answer meets a future that nobody awaits any more


def test_work_that_outlives_its_loop_is_forgotten():
    release = threading.Event()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await in_own_thread(release.wait, "outliving")

    asyncio.run(leave())
    (thread,) = [item for item in threading.enumerate() if item.name == "outliving"]
    release.set()
    thread.join(10)

    assert not thread.is_alive()
