"""The history and real processes: several at once, killed, refused by the system."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.store_kill import run_rounds
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import AttemptStatus, TaskStatus
from tests.fakes.history_program import Program, open_history


async def test_tasks_of_a_killed_process_become_interrupted(tmp_path):
    with Program(tmp_path) as program:
        assert program.ask("run killed-1") == "done"
        program.kill()
    history = await open_history(tmp_path)
    record = await history.get("killed-1")
    assert (record.status, record.error) == (TaskStatus.INTERRUPTED, "Oxide ended while this task was running.")
    assert [attempt.status for attempt in record.attempts] == [AttemptStatus.INTERRUPTED]
    assert (record.completed_at, record.duration) == (None, None)
    assert (await history.statistics()).tasks_by_status == {"interrupted": 1}
    await history.delete("killed-1")
    await history.aclose()


async def test_shares_of_a_killed_process_become_interrupted_with_their_analysis(tmp_path):
    with Program(tmp_path) as program:
        assert program.ask("run killed-1") == "done"
        assert program.ask("run share-1 killed-1") == "done"
        program.kill()
    history = await open_history(tmp_path)
    assert (await history.get("share-1")).status == "interrupted"
    await history.aclose()


async def test_what_a_killed_process_had_shown_of_an_answer_is_kept_and_called_incomplete(tmp_path):
    with Program(tmp_path) as program:
        assert program.ask("answer killed-1 Four is") == "done"
        program.kill()
    history = await open_history(tmp_path)
    record = await history.get("killed-1")
    assert (record.status, record.error) == (TaskStatus.INTERRUPTED, "Oxide ended while this task was running.")
    assert record.result == "Four is"
    assert [(attempt.status, attempt.chars) for attempt in record.attempts] == [(AttemptStatus.INTERRUPTED, 7)]
    assert record.notes == ("The answer is not complete: it is what had been written down before the end.",)
    assert [found.id for found in (await history.list(TaskFilter(text="Four"))).tasks] == ["killed-1"]
    await history.aclose()


async def test_tasks_of_a_living_process_are_left_alone(tmp_path):
    with Program(tmp_path) as living, Program(tmp_path) as doomed:
        living.ask("run living-1")
        doomed.ask("run doomed-1")
        history = await open_history(tmp_path)
        assert (await history.get("living-1")).status is TaskStatus.RUNNING
        assert (await history.get("doomed-1")).status is TaskStatus.RUNNING
        doomed.kill()
        assert living.ask("maintain") == "done"  # the app that stays notices, too
        assert (await history.get("doomed-1")).status is TaskStatus.INTERRUPTED
        assert (await history.get("living-1")).status is TaskStatus.RUNNING
        await history.aclose()
        assert living.ask("delete living-1").startswith("The task is still running")


async def test_a_process_that_closed_well_leaves_no_trace(tmp_path):
    with Program(tmp_path) as program:
        program.ask("add one 1")
    assert not list((tmp_path / "run" / "history").glob("*.owner"))
    assert not list(tmp_path.glob("oxide.db-*"))


def test_processes_that_start_at_once_on_a_fresh_machine_share_one_history(tmp_path):
    programs = [Program(tmp_path) for _ in range(4)]
    try:
        for number, program in enumerate(programs):
            program.opened()
            assert program.ask(f"add task-{number} 1") == "done"
        assert [program.ask("count") for program in programs] == ["4"] * 4
        assert [program.ask("notices") for program in programs] == ["none"] * 4
    finally:
        for program in programs:
            program.close()


def test_nothing_acknowledged_is_lost_when_writers_are_killed(tmp_path):
    outcome = run_rounds(tmp_path, 4)
    assert outcome.killed == 12
    assert len(outcome.acknowledged) > 12
    assert (outcome.lost, outcome.mangled, outcome.damage, outcome.refused) == ([], [], [], [])


async def test_a_disk_that_takes_no_more_is_named_and_costs_nothing_that_was_stored(tmp_path):
    """The kernel refuses each write beyond a size: the nearest to a full disk that a test may do to a machine."""
    with Program(tmp_path) as program:
        assert program.ask("add first 1") == "done"
        program.ask("limit-files 150000")
        answer = program.ask("add second 500")
        assert answer.startswith(f"The disk is full: {tmp_path / 'oxide.db'} could not be written; even deleting")
        assert program.ask("count") == "1"
        program.ask("limit-files 100000000")
        assert program.ask("add third 500") == "done"
    history = await open_history(tmp_path)
    assert (await history.get("first")).status is TaskStatus.COMPLETED
    assert (await history.get("third")).status is TaskStatus.COMPLETED
    await history.aclose()


async def test_a_history_on_a_full_disk_can_still_be_opened_and_read(tmp_path):
    with Program(tmp_path) as program:
        for number in range(40):
            program.ask(f"run task-{number}")
        program.kill()
    with Program(
        tmp_path, "--largest-file", "66000"
    ) as program:  # room for SQLite's index of the WAL, not for 40 changed tasks
        assert program.ask("count") == "40"
        assert program.ask("notices").startswith("The disk is full: ")
    history = await open_history(tmp_path)
    assert (await history.statistics()).tasks_by_status == {"interrupted": 40}
    await history.aclose()


def test_a_file_that_may_not_be_written_is_named():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which a user without rights may not even enter
        home = Path(folder)
        home.chmod(0o755)
        with Program(home) as program:
            program.ask("add first 1")
        (home / "oxide.db").chmod(0o444)
        home.chmod(0o555)
        try:
            program = Program(home, "--without-rights")
            answer = program.answer()
            program.close()
        finally:
            home.chmod(0o755)
    assert answer.startswith("The history cannot be written: Oxide may not open or write ")
    assert "set OXIDE_HOME to another folder" in answer
