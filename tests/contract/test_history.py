from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import random
from collections import Counter

import apsw
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oxide_desktop.core.errors import NotFoundError, StoreError, UsageError
from oxide_desktop.core.model import Candidate, Route, Skipped, TaskType
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus, Tokens
from tests.fakes.history_program import open_history, running, task

EVERYTHING = TaskFilter()


@pytest.fixture
async def history(tmp_path):
    opened = await open_history(tmp_path)
    yield opened
    await opened.aclose()


def full_record() -> TaskRecord:
    return TaskRecord(
        id="0123456789abcdef",
        status=TaskStatus.COMPLETED,
        prompt="why? 😀 \0 \u0301 \n'; DROP TABLE tasks; --",
        created_at=1234567890.123,
        source="mcp",
        files=("src/*.py", "über.md"),
        preferences={"preferred_service": "qwen", "task_type": "coding"},
        service="qwen",
        model="qwen3-coder",
        task_type="coding",
        result="because\r\n" * 3,
        error="it failed first",
        started_at=1234567890.456,
        completed_at=1234567895.789,
        duration=5.333,
        attempts=(
            Attempt(
                service="gemini", started_at=1.5, status=AttemptStatus.FAILED, error="busy", kind="busy", ended_at=2.5
            ),
            Attempt(
                service="qwen", started_at=3.0, model="q", status=AttemptStatus.COMPLETED, first_chunk_at=3.5, chars=7
            ),
        ),
        route=Route((Candidate("qwen", 0.9, ("a rule",)),), (Skipped("ollama", "not running"),), "coding"),
        tokens=Tokens(10, 20, estimated=True),
        cwd="/home/someone/project",
        cost=0.002,
        notes=("one file was cut",),
    )


async def ids(history, wanted=EVERYTHING, limit=100, offset=0):
    return [record.id for record in (await history.list(wanted, limit, offset)).tasks]


# -- keeping ---------------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was_stored(history):
    await history.add(full_record())
    assert await history.get("0123456789abcdef") == full_record()
    assert (await history.list(EVERYTHING)).tasks == [full_record()]


async def test_a_record_is_still_there_after_a_restart(history, tmp_path):
    await history.add(full_record())
    await history.aclose()
    again = await open_history(tmp_path)
    assert await again.get("0123456789abcdef") == full_record()
    assert again.notices == ()
    await again.aclose()


async def test_a_task_is_stored_once_and_in_full(history):
    """The ancestor stored each task twice, once with its result cut to 500 characters."""
    answer = "long answer " * 20_000
    await history.add(running("once-and-in-full"))
    await history.save(task("once-and-in-full", result=answer))
    page = await history.list(EVERYTHING)
    assert [record.result for record in page.tasks] == [answer]
    assert (page.total, page.filtered) == (1, 1)
    assert list(await exported_from(history)) == ["once-and-in-full"]


async def test_saving_replaces_everything_but_the_time_of_birth(history):
    await history.add(running("0123456789abcdef"))
    await history.save(full_record())
    assert await history.get("0123456789abcdef") == dataclasses.replace(full_record(), created_at=1000.0)


async def test_two_tasks_of_one_id_are_refused(history):
    await history.add(task("twin", result="first"))
    with pytest.raises(StoreError, match="already a task twin"):
        await history.add(task("twin", result="second"))
    assert (await history.get("twin")).result == "first"


async def test_saving_what_is_not_there_is_refused(history):
    with pytest.raises(NotFoundError, match="gone"):
        await history.save(task("gone"))
    assert await ids(history) == []


async def test_half_characters_from_a_command_line_do_not_stop_a_task(history):
    await history.add(task("half-\udcff", prompt="bad \udcff byte", result="\ud800", service="s\udcff"))
    record = await history.get("half-\udcff")
    assert (record.prompt, record.result) == ("bad ? byte", "?")
    assert await ids(history, TaskFilter(service="s\udcff", text="\udcff")) == [record.id]


async def test_a_cancelled_caller_does_not_lose_its_write(history):
    """The write goes on: a task's last state must not depend on who still waits for it."""
    waiting = [asyncio.ensure_future(history.add(task(f"cancelled-{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await history.add(task("after"))
    assert len(await ids(history)) == 21


async def test_a_write_that_fails_after_its_caller_has_gone_is_logged(history, caplog):
    await history.add(task("twin"))
    waiting = asyncio.ensure_future(history.add(task("twin")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    with contextlib.suppress(NotFoundError):
        await history.save(task("later"))  # has gone through the same thread
    assert "already a task twin" in caplog.text


async def test_closing_finishes_what_was_handed_in(history, tmp_path):
    waiting = [asyncio.ensure_future(history.add(task(f"task-{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    await history.aclose()
    await asyncio.gather(*waiting)
    again = await open_history(tmp_path)
    assert len(await ids(again)) == 20
    await again.aclose()


async def test_a_closed_history_says_so(history):
    await history.aclose()
    await history.aclose()
    for work in (history.add(task("late")), history.get("late"), history.list(EVERYTHING)):
        with pytest.raises(StoreError, match="closed"):
            await work


async def test_closing_breaks_off_what_is_being_read(history):
    """A search over a large history must not hold up the end of the program."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read(connection):
        connection.set_progress_handler(lambda: loop.call_soon_threadsafe(started.set) and False, 1000)
        return connection.execute(endless).fetchall()

    reading = asyncio.ensure_future(history._searcher.run(read))
    queued = asyncio.ensure_future(history._searcher.run(read))
    async with asyncio.timeout(20):
        await started.wait()
        await history.aclose()
        for work in (reading, queued):
            with pytest.raises(StoreError, match="closed"):
                await work


# -- finding ---------------------------------------------------------------------------------------


async def test_tasks_are_listed_newest_first_and_ties_by_arrival(history):
    for name, created_at in (("middle", 20.0), ("tie-1", 30.0), ("old", 10.0), ("tie-2", 30.0), ("tie-3", 30.0)):
        await history.add(task(name, created_at=created_at))
    assert await ids(history) == ["tie-3", "tie-2", "tie-1", "middle", "old"]
    assert await ids(history, limit=2, offset=1) == ["tie-2", "tie-1"]


@pytest.mark.parametrize(("limit", "offset", "expected"), [(-1, 0, 0), (0, 0, 0), (10**30, -5, 3), (5, 10**30, 0)])
async def test_any_page_may_be_asked_for(history, limit, offset, expected):
    for number in range(3):
        await history.add(task(f"task-{number}"))
    page = await history.list(EVERYTHING, limit, offset)
    assert (len(page.tasks), page.total, page.filtered) == (expected, 3, 3)


async def test_filters_and_figures_agree_with_a_count_by_hand(history):
    """Totals are kept as tasks come, change and go; after 300 random steps they must still be right."""
    choose = random.Random(7).choice
    kept: dict[str, TaskRecord] = {}
    for step in range(300):
        record = task(
            f"task-{step if len(kept) < 40 else choose(list(kept))}",
            status=choose(list(TaskStatus)),
            service=choose(["qwen", "gemini", None]),
            task_type=choose([None, *TaskType]),
            duration=choose([None, 0.1, 2.5]),
            created_at=float(choose(range(50))),
        )
        if record.id not in kept:
            await history.add(record)
            kept[record.id] = record
        elif record.status is TaskStatus.QUEUED and kept[record.id].status.ended:
            await history.delete(record.id)
            del kept[record.id]
        else:
            await history.save(record)
            kept[record.id] = dataclasses.replace(record, created_at=kept[record.id].created_at)
    for wanted in (
        EVERYTHING,
        TaskFilter(status=TaskStatus.COMPLETED),
        TaskFilter(service="qwen", task_type=TaskType.CODING),
        TaskFilter(since=25.0),
        TaskFilter(status=TaskStatus.FAILED, since=10.0),
        TaskFilter(service="qwen", text="prompt", since=5.0),
    ):
        expected = {
            record.id
            for record in kept.values()
            if wanted.status in (None, record.status)
            and wanted.service in (None, record.service)
            and wanted.task_type in (None, record.task_type)
            and (wanted.since is None or record.created_at >= wanted.since)
        }
        page = await history.list(wanted, 1000)
        assert {record.id for record in page.tasks} == expected, wanted
        assert (page.filtered, page.total) == (len(expected), len(kept))
    figures = await history.statistics()
    assert figures.tasks_by_status == Counter(record.status.value for record in kept.values())
    assert figures.tasks_by_service == Counter(record.service for record in kept.values() if record.service)
    assert figures.tasks_by_type == Counter(record.task_type for record in kept.values() if record.task_type)
    timed = [r.duration for r in kept.values() if r.status is TaskStatus.COMPLETED and r.duration is not None]
    assert figures.avg_duration == round(sum(timed) / len(timed), 2)


async def test_an_id_may_be_shortened_as_long_as_it_is_unique(history):
    for name in ("abcd-1", "abcd-2", "abxx"):
        await history.add(task(name))
    assert (await history.get("abcd-1")).id == "abcd-1"
    assert (await history.get("abxx")).id == "abxx"
    with pytest.raises(NotFoundError, match="More than one"):
        await history.get("abcd")
    await history.add(task("abcd"))
    assert (await history.get("abcd")).id == "abcd"
    assert (await history.get("abx")).id == "abxx"
    assert (await history.get("ABX")).id == "abxx"
    await history.add(task("z"))
    await history.add(task("Zebra"))
    assert (await history.get("Ze")).id == "Zebra"


async def test_ids_that_begin_alike_are_listed(history):
    for number in range(7):
        await history.add(task(f"ab-{number}", prompt=f"question\n{number}"))
    with pytest.raises(NotFoundError, match="Several tasks match") as told:
        await history.get("A")
    lines = told.value.message.splitlines()
    assert lines[1] == "  ab-6  question 6"
    assert (len(lines), lines[-1].strip()) == (7, "…")


@pytest.mark.parametrize("task_id", ["", " ", "abd", "____", "%%%%", "abcdef-", "abcdeG", "\0\0\0\0", "abcd'"])
async def test_what_no_id_starts_with_is_not_found(history, task_id):
    await history.add(task("abcdef"))
    with pytest.raises(NotFoundError, match="No such task"):
        await history.get(task_id)


async def test_a_record_that_makes_no_sense_hides_no_other(history):
    await history.add(task("good"))
    await history.add(task("bad!", result="still readable"))
    await history.add(task("odd!"))
    await history._writer.run(lambda db: db.execute("UPDATE tasks SET details = '{' WHERE id = 'bad!'"))
    await history._writer.run(lambda db: db.execute("UPDATE tasks SET status = 'dreaming' WHERE id = 'odd!'"))
    odd, bad, good = (await history.list(EVERYTHING)).tasks
    assert good == task("good")
    assert (bad.status, bad.result, bad.notes) == ("completed", "still readable", odd.notes)
    assert (odd.status, odd.notes) == ("interrupted", ("Parts of this record could not be read.",))
    assert (await history.statistics()).tasks_by_status == {"completed": 2, "dreaming": 1}


# -- searching -------------------------------------------------------------------------------------


@pytest.fixture
async def library(history):
    await history.add(
        task("sort", prompt="Write a Quicksort in Rust", result="fn quick_sort<T>() { a != b }", created_at=1.0)
    )
    await history.add(
        task("café", prompt="Où est le café?", result="Là-bas, naïvely \U0001f600", created_at=2.0, service="qwen")
    )
    await history.add(task("cjk!", prompt="今天天气怎么样 Qwen你好", result=None, created_at=3.0))
    await history.add(running("runs"))
    return history


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quicksort", ["sort"]),
        ("QUICK", ["sort"]),
        ("rust write", ["sort"]),
        ("rus write", []),
        ("write rus", ["sort"]),
        ("cafe", ["café"]),
        ("naive", ["café"]),
        ("quick_so", ["sort"]),
        ("!=", ["sort"]),
        ("rust !=", ["sort"]),
        ("!= rus", ["sort"]),
        ("café !=", []),
        ("\U0001f600", ["café"]),
        ("天气", ["cjk!"]),
        ("qwen你好", ["cjk!"]),
        ("prompt", ["runs"]),
        ("", ["runs", "cjk!", "café", "sort"]),
        (" \n\0 ", ["runs", "cjk!", "café", "sort"]),
        ("rust AND", []),
        ("NEAR(rust, 5)", []),
        ("prompt:rust", []),
        ('"', []),
        ("*", []),
        ('"" OR 1', []),
    ],
)
async def test_a_search_finds_all_its_words_and_reads_the_last_as_a_beginning(library, text, expected):
    page = await library.list(TaskFilter(text=text))
    assert [record.id for record in page.tasks] == expected
    assert (page.total, page.filtered) == (4, len(expected))


async def test_a_search_can_be_filtered_and_paged(library):
    assert await ids(library, TaskFilter(text="e", service="qwen")) == ["café"]
    assert await ids(library, TaskFilter(text="e", status=TaskStatus.RUNNING)) == []
    page = await library.list(TaskFilter(text="o"), limit=1, offset=1)
    assert ([record.id for record in page.tasks], page.filtered) == (["café"], 2)


async def test_the_index_follows_what_is_saved_and_removed(library):
    await library.save(task("runs", prompt="other words", result="an answer"))
    assert await ids(library, TaskFilter(text="prompt")) == []
    assert await ids(library, TaskFilter(text="answer")) == ["runs"]
    await library.delete("runs")
    assert await ids(library, TaskFilter(text="answer")) == []
    await library.clear()
    assert await ids(library, TaskFilter(text="rust")) == []


@pytest.mark.parametrize(
    "text",
    [
        "word " * 5000,
        " ".join(f"word{n}" for n in range(5000)),
        " ".join("!" * n for n in range(1, 500)),
        "x" * 100_000,
    ],
)
async def test_a_whole_page_may_be_searched_for(library, text):
    assert await ids(library, TaskFilter(text=text)) == []


@given(st.text())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_a_valid_search(searching, text):
    searching(text)


@pytest.fixture(scope="module")
def searching(tmp_path_factory):
    runner = asyncio.Runner()
    history = runner.run(open_history(tmp_path_factory.mktemp("search")))
    runner.run(history.add(task("some", prompt="some words")))
    yield lambda text: runner.run(history.list(TaskFilter(text=text)))
    runner.run(history.aclose())
    runner.close()


async def test_a_slow_search_holds_up_neither_writes_nor_lists(history):
    blocked, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_):
        loop.call_soon_threadsafe(blocked.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)

    searching = asyncio.ensure_future(history._searcher.run(hold))
    async with asyncio.timeout(20):
        await blocked.wait()
        await history.add(task("meanwhile"))
        assert await ids(history) == ["meanwhile"]
        release.set()
        await searching


# -- removing --------------------------------------------------------------------------------------


async def test_only_tasks_that_ended_can_be_deleted(history):
    await history.add(running("runs"))
    with pytest.raises(UsageError, match=r"still running.*Cancel it first"):
        await history.delete("runs")
    await history.save(task("runs"))
    await history.delete("runs")
    with pytest.raises(NotFoundError):
        await history.delete("runs")


async def test_clearing_spares_what_has_not_ended(history):
    for status in TaskStatus:
        await history.add(task(f"task-{status}", status=status))
    assert await history.clear(TaskStatus.FAILED) == 1
    assert await history.clear(TaskStatus.RUNNING) == 0
    assert await history.clear() == 3
    assert sorted(await ids(history)) == ["task-queued", "task-running"]


async def test_more_tasks_than_one_step_removes_are_cleared(history):
    records = [task(f"task-{number}", created_at=float(number)) for number in range(1100)]
    for start in range(0, 1100, 550):
        await asyncio.gather(*(history.add(record) for record in records[start : start + 550]))
    assert await history.clear() == 1100
    assert (await history.list(EVERYTHING)).total == 0


async def test_figures_are_those_of_the_readme(history):
    for number in range(42):
        status = TaskStatus.COMPLETED if number < 40 else TaskStatus.FAILED
        duration = 5.67 if number < 40 else 0.1
        await history.add(task(f"task-{number}", status=status, duration=duration, service="qwen", task_type="coding"))
    await history.add(running("runs"))
    figures = await history.statistics()
    assert (figures.total_tasks, figures.success_rate, figures.avg_duration) == (43, 95.24, 5.67)
    assert figures.tasks_by_status == {"completed": 40, "failed": 2, "running": 1}
    assert (figures.tasks_by_service, figures.tasks_by_type) == ({"qwen": 42}, {"coding": 42})


async def test_an_empty_history_has_figures_too(history):
    figures = await history.statistics()
    assert (figures.total_tasks, figures.success_rate, figures.avg_duration) == (0, 0.0, 0.0)
    assert figures.tasks_by_status == {}


# -- going in and out ------------------------------------------------------------------------------


async def exported_from(history):
    return json.loads("".join([piece async for piece in history.export()]))


async def test_an_export_comes_in_pieces_that_make_one_text(history):
    assert [piece async for piece in history.export()] == ["{}\n"]
    for number in range(120):
        await history.add(task(f"task-{number}", result="Où? ✓"))
    pieces = [piece async for piece in history.export()]
    assert len(pieces) > 2
    whole = {record.id: record.to_dict() for record in reversed((await history.list(EVERYTHING, 1000)).tasks)}
    assert "".join(pieces) == json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


async def test_what_comes_while_an_export_is_written_does_not_lengthen_it(history):
    await history.add(task("first"))
    pieces = history.export()
    first = await anext(pieces)
    await history.add(task("second"))
    assert list(json.loads(first + "".join([piece async for piece in pieces]))) == ["first"]


async def test_an_export_can_be_imported_and_loses_nothing(history, tmp_path):
    await history.add(full_record())
    await history.add(task("other", status=TaskStatus.FAILED, error="no luck", created_at=5.0))
    exported = await exported_from(history)
    assert list(exported) == ["other", "0123456789abcdef"]
    assert {"id", "status", "prompt", "files", "service", "task_type", "result", "error", "created_at", "started_at",
            "completed_at", "duration"} <= set(exported["other"])  # fmt: skip
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(exported))
    (tmp_path / "second").mkdir()
    second = await open_history(tmp_path / "second")
    outcome = await second.import_file(file)
    assert (outcome.imported, outcome.already_there, outcome.refused) == (2, 0, ())
    assert await exported_from(second) == exported
    assert (await second.import_file(file)).already_there == 2
    assert await ids(second, TaskFilter(text="because")) == ["0123456789abcdef"]
    await second.aclose()


async def test_a_damaged_file_is_refused_and_nothing_of_it_taken(history, tmp_path):
    """The ancestor read damaged JSON as an empty history."""
    file = tmp_path / "damaged.json"
    good = json.dumps({f"task-{number}": task(f"task-{number}").to_dict() for number in range(2000)})
    file.write_text(good[:-1])
    with pytest.raises(StoreError, match=r"damaged\.json is not a readable tasks\.json.*Nothing was taken"):
        await history.import_file(file)
    assert (await history.list(EVERYTHING)).total == 0


async def test_many_records_are_imported_in_steps(history, tmp_path):
    file = tmp_path / "many.json"
    records = {f"task-{n}": task(f"task-{n}", created_at=float(n % 700)).to_dict() for n in range(1200)}
    file.write_text(json.dumps(records | {"bad-1": {}, "bad-2": 5}))
    outcome = await history.import_file(file)
    assert (outcome.imported, [name for name, _ in outcome.refused]) == (1200, ["bad-1", "bad-2"])
    assert (await history.list(EVERYTHING)).total == 1200


async def test_an_import_that_fails_half_way_lets_go_of_the_file(history, tmp_path):
    file = tmp_path / "many.json"
    file.write_text(json.dumps({f"task-{n}": task(f"task-{n}").to_dict() for n in range(1200)}))
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON tasks BEGIN SELECT RAISE(ABORT, 'no more'); END"
    await history._writer.run(lambda db: db.execute(refuse))
    with pytest.raises(StoreError, match="no more") as caught:  # and with it the frames that held the file
        await history.import_file(file)
    assert str(file) not in [opened.path for opened in psutil.Process().open_files()], caught


async def test_only_its_owner_can_read_the_history(tmp_path):
    history = await open_history(tmp_path / "new" / "home")
    await history.add(task("secret"))
    await history.maintain()
    await history.aclose()
    folder = tmp_path / "new"
    found = [folder, *(file for file in folder.rglob("*") if file.suffix != ".lock")]
    assert len(found) == 7
    for file in found:
        assert file.stat().st_mode & 0o077 == 0, file


async def test_the_database_is_durable_and_its_wal_bounded(history):
    def ask(db):
        return [db.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys", "journal_size_limit")]

    assert await history._writer.run(ask) == ["wal", 2, 1, 64 * 1024 * 1024]
    with pytest.raises(StoreError, match="may not open or write"):
        await history._reader.run(lambda db: db.execute("DELETE FROM tasks"))


async def test_latest_tasks_and_totals_are_read_without_sorting_or_counting(history):
    """What keeps the list fast at 100,000 tasks: neither a sort nor a scan of the table for a total."""
    statements = []

    def traced(db, *args):
        db.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))

    await history._reader.run(traced)
    await history.list(TaskFilter(status=TaskStatus.COMPLETED))
    plans = []
    for sql in statements:
        if sql.startswith("SELECT"):
            bound = (None,) * sql.count("?")
            plans += await history._clerk.run(
                lambda db, sql=sql, bound=bound: db.execute(f"EXPLAIN QUERY PLAN {sql}", bound).fetchall()
            )
    steps = [step for *_, step in plans]
    assert "SEARCH tasks USING INDEX tasks_by_status (status=?)" in steps
    assert not any("TEMP B-TREE" in step or step == "SCAN tasks" for step in steps), steps
