"""What the history tells the router of past attempts."""

from __future__ import annotations

import dataclasses

import apsw
import pytest

from oxide_desktop.core.experience import Try
from oxide_desktop.core.record import Attempt, AttemptStatus
from tests.fakes.history_program import open_history, running, task


@pytest.fixture
async def history(tmp_path):
    opened = await open_history(tmp_path)
    yield opened
    await opened.aclose()


def asked(task_id: str, *attempts: Attempt, **fields: object):
    fields = {
        "task_type": "coding",
        "service": attempts[-1].service if attempts else None,
        "attempts": attempts,
    } | fields
    return dataclasses.replace(task(task_id), **fields)


def attempt(service: str, status: AttemptStatus = AttemptStatus.COMPLETED, **fields: object) -> Attempt:
    return Attempt(service=service, started_at=10.0, status=status, **fields)


async def test_every_attempt_counts_with_its_time_to_the_first_text(history):
    await history.add(
        asked("1", attempt("gemini", AttemptStatus.FAILED, kind="timeout"), attempt("qwen", first_chunk_at=12.5))
    )
    assert sorted(await history.tries(10), key=lambda item: item.service) == [
        Try("coding", "gemini", answered=False),
        Try("coding", "qwen", answered=True, first_text_s=2.5),
    ]


async def test_what_the_request_or_the_person_was_the_reason_for_does_not_count(history):
    for number, kind in enumerate(("invalid", "held", "policy", "context", "quota")):
        await history.add(asked(str(number), attempt("qwen", AttemptStatus.FAILED, kind=kind)))
    await history.add(asked("cancelled", attempt("qwen", AttemptStatus.CANCELLED)))
    await history.add(running("running"))
    assert await history.tries(10) == []


async def test_an_answer_that_was_asked_for_again_on_another_service_is_marked(history):
    await history.add(asked("first", attempt("qwen")))
    await history.add(asked("same", attempt("ollama")))
    await history.add(asked("again", attempt("gemini"), replay_of="first"))
    await history.add(asked("same again", attempt("ollama"), replay_of="same"))
    marked = {item.service for item in await history.tries(10) if item.asked_again}
    assert marked == {"qwen"}


async def test_only_the_last_tasks_count(history):
    for number in range(5):
        await history.add(asked(str(number), attempt(f"service-{number}"), created_at=1000.0 + number))
    assert {item.service for item in await history.tries(2)} == {"service-3", "service-4"}


@pytest.mark.parametrize("details", ["no json", "[]", '{"attempts": ["x", {"status": "odd", "service": "a"}, {}]}'])
async def test_damaged_records_say_nothing(history, tmp_path, details):
    await history.add(asked("damaged", attempt("qwen")))
    await history.add(asked("whole", attempt("gemini")))
    connection = apsw.Connection(str(tmp_path / "oxide.db"))
    connection.execute("DROP TRIGGER requests_changed")
    connection.execute("UPDATE tasks SET details = ? WHERE id = 'damaged'", (details,))
    connection.close()
    assert [item.service for item in await history.tries(10)] == ["gemini"]
