"""What services were sent, counted by all processes together, and what that means for their quotas."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from oxide_desktop.core.quota import Limit, ServiceUse
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus, Tokens
from oxide_desktop.store import schema
from oxide_desktop.store.database import APPLICATION_ID
from oxide_desktop.store.history import SqliteHistory
from tests.fakes.history_program import open_history, task

DAY_S = 86_400.0


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[SqliteHistory]:
    opened = await open_history(tmp_path)
    yield opened
    await opened.aclose()


def asked(number: int, *starts: float, service: str = "qwen", **values: object) -> TaskRecord:
    attempts = tuple(
        Attempt(
            service=service,
            started_at=start,
            status=AttemptStatus.COMPLETED,
            tokens=Tokens(10, 20),
            cost=0.5,
        )
        for start in starts
    )
    return dataclasses.replace(task(f"task-{number}"), status=TaskStatus.COMPLETED, attempts=attempts, **values)


async def test_attempts_of_records_count_once_however_many_records_tell_of_them(history: SqliteHistory) -> None:
    now = time.time()
    await history.add(asked(1, now - 5, now - 4))
    await history.add(asked(2, now - 4, now - 3.000001, now - 3))
    await history.add(asked(3, now - 2, service="other"))
    await history.save(asked(3, now - 2, now - 1, service="other"))

    assert await history.use_since("qwen", now - 60) == ServiceUse(4, 40, 80, 2.0)
    assert (await history.use_since("other", now - 60)).requests == 2
    assert (await history.use_since("qwen", now - 3.5)).requests == 2
    assert await history.use_since("nobody", 0) == ServiceUse(0, 0, 0, None)


async def test_a_reserved_request_and_its_attempt_in_the_record_are_one(history: SqliteHistory) -> None:
    now = round(time.time(), 6)
    limits = [Limit(101, now - 60, "in the last minute")]
    moments = [round(now - number * 0.0123457, 6) for number in range(100)]
    for moment in moments:
        assert await history.reserve("qwen", moment, limits) is None
    assert await history.use_since("qwen", now - 60) == ServiceUse(100, 0, 0, None)
    await history.add(asked(1, *moments))
    assert await history.use_since("qwen", now - 60) == ServiceUse(100, 1000, 2000, 50.0)
    assert await history.used_up("qwen", limits) is None


async def test_what_is_used_up_is_told_with_the_limit_that_lasts_longest(history: SqliteHistory) -> None:
    now = time.time()
    for number, age in enumerate((50, 40, 30)):
        await history.add(asked(number, now - age))
    minute, day = Limit(2, now - 60, "in the last minute"), Limit(3, now - DAY_S, "today", now + 500)
    one = await history.used_up("qwen", [minute])
    assert one is not None
    assert one.words == "3 of 2 requests in the last minute"
    assert one.free_at == pytest.approx(now + 20, abs=1e-5)
    both = await history.reserve("qwen", now, [minute, day])
    assert both is not None
    assert (both.words, both.free_at) == ("3 of 3 requests today", now + 500)
    assert (await history.use_since("qwen", 0)).requests == 3


async def test_processes_share_the_count_and_do_not_pass_a_limit_together(tmp_path: Path) -> None:
    histories = [await open_history(tmp_path) for _ in range(3)]
    try:
        limits = [Limit(5, time.time() - 60, "in the last minute")]
        moments = [time.time() + number / 1000 for number in range(12)]
        outcomes = await asyncio.gather(
            *(histories[number % 3].reserve("qwen", moment, limits) for number, moment in enumerate(moments))
        )
        assert outcomes.count(None) == 5
        assert (await histories[0].use_since("qwen", 0)).requests == 5
    finally:
        for opened in histories:
            await opened.aclose()


async def test_clearing_the_history_does_not_make_a_service_forget(history: SqliteHistory) -> None:
    now = time.time()
    await history.add(asked(1, now))
    assert await history.clear() == 1
    assert (await history.use_since("qwen", 0)).requests == 1


async def test_what_no_quota_counts_any_more_is_not_kept(history: SqliteHistory) -> None:
    now = time.time()
    await history.add(asked(1, now - 3 * DAY_S, now))
    assert (await history.use_since("qwen", 0)).requests == 1
    await history.reserve("qwen", now - 3 * DAY_S, [])
    assert (await history.use_since("qwen", 0)).requests == 2
    await history.maintain()
    assert (await history.use_since("qwen", 0)).requests == 1


async def test_an_older_database_brings_its_attempts_along(tmp_path: Path) -> None:
    with_attempts = json.dumps({"source": "cli", "attempts": asked(1, time.time() - 1).to_dict()["attempts"]})
    before = next(place for place, step in enumerate(schema.STEPS) if "TABLE requests" in step)
    connection = apsw.Connection(str(tmp_path / "oxide.db"))
    for step in schema.STEPS[:before]:
        connection.execute(step)
    connection.pragma("user_version", before)
    connection.pragma("application_id", APPLICATION_ID)
    odd = '{"attempts": ["x", 1, null, {"service": 3, "started_at": 9e9}, {"service": "qwen", "started_at": "9e9"}]}'
    for name, details in (("whole", with_attempts), ("broken", "{broken"), ("odd", odd), ("other", '{"attempts": 7}')):
        connection.execute(
            "INSERT INTO tasks (id, status, created_at, details, prompt) VALUES (?, 'completed', 1.0, ?, 'x')",
            (name, details),
        )
    connection.close()
    opened = await open_history(tmp_path)
    try:
        assert await opened.use_since("qwen", 0) == ServiceUse(1, 10, 20, 0.5)
    finally:
        await opened.aclose()
