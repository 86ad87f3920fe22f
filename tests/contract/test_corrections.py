"""Corrections on the disk."""

from __future__ import annotations

import apsw
import pytest

from oxide_desktop.core.corrections import MOST, Correction
from oxide_desktop.core.model import TaskType
from tests.fakes.history_program import open_history


@pytest.fixture
async def history(tmp_path):
    opened = await open_history(tmp_path)
    yield opened
    await opened.aclose()


def made(number: int, **fields: object) -> Correction:
    given = {"prompt": f"prompt {number}", "was": TaskType.GENERAL, "said": TaskType.CODING, "made_at": float(number)}
    return Correction(task_id=f"task-{number}", **(given | fields))


async def test_they_come_back_newest_first_after_a_restart(history, tmp_path):
    for number in range(3):
        await history.corrections.put(made(number))
    await history.aclose()
    again = await open_history(tmp_path)
    assert await again.corrections.all() == [made(2), made(1), made(0)]
    await again.aclose()


async def test_a_task_has_one_and_it_outlives_the_task(history):
    await history.corrections.put(made(1))
    await history.corrections.put(made(1, said=TaskType.CODE_REVIEW))
    await history.clear()
    assert [item.said for item in await history.corrections.all()] == [TaskType.CODE_REVIEW]


async def test_only_the_newest_count(history):
    for number in range(MOST + 2):
        await history.corrections.put(made(number))
    assert len(await history.corrections.all()) == MOST


async def test_they_are_removed_one_by_one_or_all(history):
    for number in range(3):
        await history.corrections.put(made(number))
    assert await history.corrections.remove("task-1")
    assert not await history.corrections.remove("task-1")
    assert await history.corrections.clear() == 2


async def test_a_type_that_is_none_any_more_is_left_out(history, tmp_path):
    await history.corrections.put(made(1))
    connection = apsw.Connection(str(tmp_path / "oxide.db"))
    connection.execute("UPDATE corrections SET said = 'poetry'")
    connection.close()
    assert await history.corrections.all() == []
