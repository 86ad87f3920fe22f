"""Asking again what a record says was asked: afresh, and told as such."""

import dataclasses
from pathlib import Path

import pytest

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Locality, Preferences, Source
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.replay import request_again
from tests.unit.test_orchestrator import House, stub

RECORD = TaskRecord(
    id="old",
    status=TaskStatus.COMPLETED,
    prompt="Why?",
    created_at=1.0,
    source="mcp",
    files=("a.py",),
    preferences={"model": "big", "task_type": "coding"},
    service="first",
    cwd="/project",
    roots=("/project",),
)


def test_all_that_was_asked_is_asked_again_and_names_the_old_task():
    found = request_again(RECORD, Source.CLI)
    assert (found.prompt, found.files, found.source, found.replay_of) == ("Why?", ("a.py",), Source.CLI, "old")
    assert found.preferences.to_dict() == RECORD.preferences
    assert (found.cwd, found.roots) == (Path("/project"), (Path("/project"),))


def test_on_another_service_the_model_of_the_first_is_not_asked_for():
    assert request_again(RECORD, Source.CLI, "first").preferences.model == "big"
    other = request_again(RECORD, Source.CLI, "second").preferences
    assert (other.model, other.preferred_service, other.task_type) == (None, "second", "coding")


def test_a_part_of_an_analysis_is_not_asked_again_alone_since_it_may_tell_of_what_must_stay_here():
    part = dataclasses.replace(RECORD, parent="whole")
    with pytest.raises(UsageError, match="belongs to the analysis whole") as refused:
        request_again(part, Source.CLI, "second")
    assert "oxide history replay whole" in refused.value.hint


def test_a_record_without_a_folder_means_the_current_one():
    bare = dataclasses.replace(RECORD, cwd=None, roots=None)
    found = request_again(bare, Source.CLI)
    assert (found.cwd, found.roots) == (Path.cwd(), None)


def test_a_record_tells_what_it_replays_and_others_do_not_mention_it():
    again = dataclasses.replace(RECORD, replay_of="older")
    assert TaskRecord.from_dict(again.to_dict()).replay_of == "older"
    assert "replay_of" not in RECORD.to_dict()


async def test_the_new_record_names_the_task_it_replays_and_files_are_judged_anew(tmp_path: Path):
    (tmp_path / "a.txt").write_text("harmless", encoding="utf-8")
    cloud = stub(["a"], name="cloud", locality=Locality.CLOUD)
    async with House(stub(["b"], name="local"), cloud) as house:
        before = await house.ask(cwd=tmp_path, files=("a.txt",), preferences=Preferences(preferred_service="local"))
        (tmp_path / "a.txt").write_text('db_password = "x9Kf2-pQz7w"\n', encoding="utf-8")
        task = await house.orchestrator.retry(before.id, Source.CLI, "cloud")
        record = await task.finished()

    assert record.replay_of == before.id
    assert house.history.records[record.id].replay_of == before.id
    assert record.status is TaskStatus.FAILED
    assert cloud.calls == []
