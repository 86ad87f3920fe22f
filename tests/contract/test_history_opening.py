"""How a history is opened: versions, damage, backups, an ancestor's file, other programs in the way."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import threading
import time
from pathlib import Path

import apsw
import pytest

from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.store import backups, damage, database, schema
from oxide_desktop.store.files import try_lock
from oxide_desktop.store.history import SqliteHistory
from tests.fakes.history_program import open_history, running, task

EVERYTHING = TaskFilter()


async def ids(history) -> list[str]:
    return sorted(record.id for record in (await history.list(EVERYTHING, 10_000)).tasks)


async def fill(home: Path, count: int = 5, *, backup: bool = False, **options) -> None:
    history = await open_history(home, **options)
    try:
        for number in range(count):
            await history.add(task(f"task-{number}", result="text " * 1000, created_at=time.time()))
        if backup:
            await history.maintain()
    finally:
        await history.aclose()
    if not backup:
        shutil.rmtree(home / "backups", ignore_errors=True)


async def reopened(home: Path, **options) -> tuple[list[str], tuple[str, ...]]:
    history = await open_history(home, **options)
    try:
        return await ids(history), history.notices
    finally:
        await history.aclose()


@contextlib.contextmanager
def raw(home: Path):
    connection = apsw.Connection(str(home / "oxide.db"))
    try:
        yield connection
    finally:
        connection.close()


# -- versions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(schema.NEWEST))
async def test_a_database_of_any_earlier_version_is_lifted_with_what_it_holds(tmp_path, version):
    with raw(tmp_path) as connection:
        for number in range(version):
            connection.execute(schema.STEPS[number])
        connection.pragma("user_version", version)
        connection.pragma("application_id", database.APPLICATION_ID)
        if version:
            for name in ("first", "second"):
                connection.execute(
                    "INSERT INTO tasks VALUES (NULL, ?, 'completed', 'qwen', NULL, NULL, 1.0, 2.0, 1.5, "
                    "'{\"source\": \"cli\"}', 'find me', 'result')",
                    (name,),
                )
    history = await open_history(tmp_path)
    expected = ["first", "second"] if version else []
    assert await ids(history) == expected
    assert (await history.list(TaskFilter(text="find"))).filtered == len(expected)
    assert (await history.statistics()).avg_duration == (1.5 if version else 0.0)
    await history.add(task("third"))
    await history.aclose()
    with raw(tmp_path) as connection:
        assert connection.pragma("user_version") == schema.NEWEST


async def test_a_history_of_a_newer_oxide_is_refused_and_left_as_it_is(tmp_path):
    await fill(tmp_path)
    with raw(tmp_path) as connection:
        connection.pragma("user_version", schema.NEWEST + 1)
    before = (tmp_path / "oxide.db").read_bytes()
    with pytest.raises(StoreError, match="written by a newer Oxide"):
        await open_history(tmp_path)
    assert (tmp_path / "oxide.db").read_bytes() == before
    assert not (tmp_path / "quarantine").exists()


async def test_a_newer_history_that_was_not_closed_is_left_as_it_is_too(tmp_path):
    await fill(tmp_path)
    with raw(tmp_path) as connection:
        connection.pragma("user_version", schema.NEWEST + 1)
        files = {file: file.read_bytes() for file in (tmp_path / "oxide.db", tmp_path / "oxide.db-wal")}
        (tmp_path / "copy").mkdir()
        for file, content in files.items():
            (tmp_path / "copy" / file.name).write_bytes(content)
    with pytest.raises(StoreError, match="written by a newer Oxide"):
        await open_history(tmp_path / "copy")
    assert {file: (tmp_path / "copy" / file.name).read_bytes() for file in files} == files


async def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path):
    with raw(tmp_path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = (tmp_path / "oxide.db").read_bytes()
    with pytest.raises(StoreError, match="a database of another program"):
        await open_history(tmp_path)
    assert (tmp_path / "oxide.db").read_bytes() == before


async def test_a_folder_in_the_place_of_the_database_is_named(tmp_path):
    (tmp_path / "oxide.db").mkdir()
    with pytest.raises(StoreError, match=r"oxide\.db is not a file"):
        await open_history(tmp_path)


async def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StoreError, match=r"may not open or write .*home"):
        await open_history(tmp_path / "home")


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ("3.6.23", True),
        ("3.7.0", False),
        ("3.40.1", False),
        ("3.44.5", False),
        ("3.44.6", True),
        ("3.45.0", False),
        ("3.50.6", False),
        ("3.50.7", True),
        ("3.51.2", False),
        ("3.51.3", True),
        ("3.54.1", True),
    ],
)
def test_a_sqlite_that_can_damage_a_shared_database_is_refused(version, sound):
    if sound:
        database.require_sound_sqlite(version)
    else:
        with pytest.raises(StoreError, match=rf"SQLite {version} can damage"):
            database.require_sound_sqlite(version)


# -- damage ----------------------------------------------------------------------------------------


def overwrite_header(file: Path) -> None:
    file.write_bytes(b"this is no database " * 500)


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwrite_schema(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(100)
        opened.write(b"\xff" * 3996)


def overwrite_newest_tasks(file: Path) -> None:
    with raw(file.parent) as connection:
        pages = [page for (page,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'tasks'")]
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek((page - 1) * 4096)
            opened.write(os.urandom(4096))


def empty(file: Path) -> None:
    os.truncate(file, 0)


DAMAGES = [overwrite_header, truncate, overwrite_schema, overwrite_newest_tasks, empty]


@pytest.mark.parametrize("harm", DAMAGES)
async def test_a_damaged_history_is_set_aside_and_the_newest_backup_takes_its_place(tmp_path, harm):
    await fill(tmp_path, 40, backup=True)
    await fill_more(tmp_path, "after-the-backup")
    harm(tmp_path / "oxide.db")
    harmed = (tmp_path / "oxide.db").read_bytes()
    found, notices = await reopened(tmp_path)
    assert len(found) == 40
    assert "after-the-backup" not in found
    aside, restored = notices
    assert "damaged" in aside
    assert "took its place" in restored
    [folder] = (tmp_path / "quarantine").iterdir()
    assert (folder / "oxide.db").read_bytes() == harmed
    assert str(folder) in aside
    assert await reopened(tmp_path) == (found, ())


@pytest.mark.parametrize("harm", DAMAGES)
async def test_without_a_backup_a_damaged_history_starts_afresh(tmp_path, harm):
    await fill(tmp_path, 40)
    harm(tmp_path / "oxide.db")
    found, notices = await reopened(tmp_path)
    assert found == []
    if harm is empty:  # also what a kill during the very first start leaves
        assert notices == ()
    else:
        assert notices[1] == "There was no good backup, so the history starts afresh."
        assert len(list((tmp_path / "quarantine").glob("*/oxide.db"))) == 1


async def fill_more(home: Path, name: str) -> None:
    history = await open_history(home)
    await history.add(task(name))
    await history.aclose()


async def test_damaged_backups_are_passed_over(tmp_path):
    await fill(tmp_path, 40, backup=True)
    [good] = (tmp_path / "backups").glob("*.db")
    older = good.with_name("oxide-2001-01-01.db")
    good.rename(older)
    damaged = good.with_name("oxide-2002-01-01.db")
    damaged.write_bytes(older.read_bytes())
    truncate(damaged)
    good.with_name("oxide-2003-01-01.db").write_text("no database")
    overwrite_header(tmp_path / "oxide.db")
    found, notices = await reopened(tmp_path)
    assert len(found) == 40
    assert "oxide-2001-01-01.db" in notices[1]


async def test_two_damages_in_one_second_are_both_kept(tmp_path):
    for _ in range(2):
        overwrite_header(tmp_path / "oxide.db")
        await reopened(tmp_path)
    assert len(list((tmp_path / "quarantine").glob("*/oxide.db"))) == 2


async def test_what_belongs_to_a_damaged_database_goes_with_it(tmp_path):
    await fill(tmp_path)
    overwrite_header(tmp_path / "oxide.db")
    (tmp_path / "oxide.db-wal").write_bytes(b"of the damaged one")
    found, _ = await reopened(tmp_path)
    assert found == []
    [wal] = (tmp_path / "quarantine").glob("*/oxide.db-wal")
    assert wal.read_bytes() == b"of the damaged one"


async def test_a_damaged_history_that_another_process_has_open_is_not_replaced(tmp_path):
    """Its writes would go to the file set aside, and nobody would ever see them."""
    await fill(tmp_path, backup=True)
    other = await open_history(tmp_path)
    overwrite_header(tmp_path / "oxide.db")
    with pytest.raises(StoreError, match="Another Oxide still has it open"):
        await open_history(tmp_path)
    await other.aclose()
    found, notices = await reopened(tmp_path)
    assert len(found) == 5
    assert "took its place" in notices[1]


def hide_damage(home: Path) -> None:
    """Break pages in the middle of a large file, where a glance at the newest tasks does not look."""
    with raw(home) as connection:
        pages = [page for (page,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'tasks_by_service'")]
    with (home / "oxide.db").open("r+b") as opened:
        for page in pages:
            opened.seek((page - 1) * 4096)
            opened.write(os.urandom(4096))


async def test_hidden_damage_is_found_after_a_process_that_died(tmp_path):
    await fill(tmp_path, 40, backup=True)
    hide_damage(tmp_path)
    assert (await reopened(tmp_path))[1] == ()  # looked at each page within a day, and closed well
    (tmp_path / "run" / "history" / "0123.owner").touch()  # what a killed process leaves: a lock that nobody holds
    found, notices = await reopened(tmp_path)
    assert len(found) == 40
    assert "took its place" in notices[1]


async def test_hidden_damage_is_found_once_a_day(tmp_path):
    await fill(tmp_path, 40, backup=True)
    hide_damage(tmp_path)
    with raw(tmp_path) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'checked_at'", (str(time.time() - 90_000),))
    assert "took its place" in (await reopened(tmp_path))[1][1]


async def test_maintenance_finds_hidden_damage_and_the_next_start_mends_it(tmp_path):
    await fill(tmp_path, 40, backup=True)
    hide_damage(tmp_path)
    history = await open_history(tmp_path)
    await history._writer.run(lambda db: db.execute("DELETE FROM meta WHERE name = 'checked_at'"))
    with pytest.raises(StoreError, match="Close every Oxide and start it again"):
        await history.maintain()
    await history.aclose()
    assert "took its place" in (await reopened(tmp_path))[1][1]


async def test_damage_met_while_reading_is_mended_by_the_next_start(tmp_path):
    await fill(tmp_path, 40, backup=True)
    history = await open_history(tmp_path)
    overwrite_newest_tasks(tmp_path / "oxide.db")
    with pytest.raises(StoreError, match="damaged"):
        [piece async for piece in history.export()]
    await history.aclose()
    assert "took its place" in (await reopened(tmp_path))[1][1]


async def test_a_look_at_each_page_ends_in_time_and_the_rest_is_left_to_maintenance(tmp_path):
    await fill(tmp_path, 200)
    assert damage.examine(tmp_path / "oxide.db", thorough=True, limit_s=-1.0) == ("", False)
    assert damage.examine(tmp_path / "oxide.db", thorough=True, limit_s=60.0) == ("", True)


# -- backups and retention -------------------------------------------------------------------------


async def test_one_backup_a_day_is_made_and_seven_are_kept(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    folder = tmp_path / "backups"
    for day in range(1, 10):
        for _ in range(2):
            await history._clerk.run(backups.back_up, folder, dt.date(2026, 1, day))
    assert [file.name for file in backups.existing(folder)] == [f"oxide-2026-01-0{day}.db" for day in range(9, 2, -1)]
    await history.maintain()
    today = dt.datetime.now().astimezone().date()
    assert (folder / f"oxide-{today}.db").exists()
    assert len(list(folder.glob("*.db"))) == 7
    assert not list(folder.glob("*.partial*"))
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.glob("*.db"))
    await history.aclose()


async def test_a_backup_holds_what_was_written_before_it(tmp_path):
    await fill(tmp_path, backup=True)
    [copy] = (tmp_path / "backups").glob("*.db")
    (tmp_path / "second").mkdir()
    copy.rename(tmp_path / "second" / "oxide.db")
    found, notices = await reopened(tmp_path / "second")
    assert (len(found), notices) == (5, ())


async def test_an_empty_history_is_not_backed_up(tmp_path):
    history = await open_history(tmp_path)
    await history.maintain()
    assert list(backups.existing(tmp_path / "backups")) == []
    await history.aclose()


async def test_two_processes_do_not_back_up_at_once(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    with contextlib.ExitStack() as held:
        assert try_lock(tmp_path / "backups" / "backup.lock", held)
        await history.maintain()
        assert list(backups.existing(tmp_path / "backups")) == []
    await history.maintain()
    assert len(list(backups.existing(tmp_path / "backups"))) == 1
    await history.aclose()


async def test_a_program_that_ends_at_once_still_leaves_the_backup_that_is_due(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    await ids(history)
    await history.aclose()
    assert len(list(backups.existing(tmp_path / "backups"))) == 1


async def test_a_large_history_is_not_backed_up_at_the_end(tmp_path):
    history = await open_history(tmp_path)
    await history.add(task("one"))
    await history._writer.run(lambda db: db.execute("CREATE TABLE filler AS SELECT zeroblob(65 << 20)"))
    await history._writer.run(lambda db: db.execute("DROP TABLE filler"))
    await history.aclose()
    assert list(backups.existing(tmp_path / "backups")) == []


async def test_a_backup_that_fails_at_the_end_is_logged_and_holds_up_nothing(tmp_path, caplog):
    history = await open_history(tmp_path)
    await history.add(task("one"))
    (tmp_path / "backups").write_text("in the way")
    await history.aclose()
    assert "no backup at the end" in caplog.text
    assert (await reopened(tmp_path))[0] == ["one"]


async def test_a_backup_at_the_end_that_takes_too_long_is_broken_off(tmp_path, caplog):
    history = await open_history(tmp_path)
    await history.add(task("one"))
    await history.maintain()
    [copy] = backups.existing(tmp_path / "backups")
    copy.unlink()
    release = threading.Event()
    holding_up = asyncio.ensure_future(history._clerk.run(lambda _: release.wait(20)))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(2.2, release.set)
    await history.aclose()
    assert await holding_up
    assert "no backup at the end" in caplog.text
    assert list(backups.existing(tmp_path / "backups")) == []


async def test_maintenance_leaves_the_clerk_alone_when_nothing_is_due(tmp_path):
    await fill(tmp_path, backup=True)
    history = await open_history(tmp_path)
    await history.maintain()
    assert history._clerk._connection is None
    await history.aclose()


async def test_a_backup_without_room_is_not_begun(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    with pytest.raises(StoreError, match=r"was not backed up.*take 64 MB; the disk has 10 MB"):
        await history._clerk.run(lambda db: backups.require_room(db, tmp_path, free_bytes=10 << 20))
    await history.aclose()


async def test_a_backup_that_fails_leaves_nothing_behind(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    folder = tmp_path / "backups"
    today = dt.date(2026, 1, 1)
    folder.mkdir()
    (folder / f"oxide-{today}.partial").write_text("left by a process that was killed")

    def break_off(connection):
        connection.set_progress_handler(lambda: True, 10)
        try:
            backups.copy_to(connection, folder / f"oxide-{today}.db")
        finally:
            connection.set_progress_handler(None)

    with pytest.raises(StoreError):
        await history._clerk.run(break_off)
    assert list(folder.iterdir()) == []
    await history.aclose()


async def test_ended_tasks_past_their_days_are_removed_in_the_background(tmp_path):
    history = await open_history(tmp_path, retention_days=30)
    day, now = 86_400, time.time()
    await history.add(task("old", created_at=now - 31 * day))
    await history.add(task("ended-lately", created_at=now - 31 * day, completed_at=now - day))
    await history.add(running("still-running"))
    await history.add(task("new", created_at=now - 29 * day))
    await history.maintain()
    assert await ids(history) == ["ended-lately", "new", "still-running"]
    await history.aclose()


async def test_without_a_limit_nothing_is_removed(tmp_path):
    history = await open_history(tmp_path)
    await history.add(task("ancient", created_at=1.0))
    await history.maintain()
    assert await ids(history) == ["ancient"]
    await history.aclose()


# -- an ancestor's file ----------------------------------------------------------------------------

ANCIENT = {
    "id": "task-uuid-1",
    "status": "completed",
    "prompt": "What is quantum computing?",
    "files": [],
    "service": "ollama_local",
    "task_type": "quick_query",
    "result": "Quantum computing is...",
    "error": None,
    "created_at": 1234567890.123,
    "started_at": 1234567890.456,
    "completed_at": 1234567895.789,
    "duration": 5.333,
}


async def test_an_ancestors_history_is_imported_once_and_its_file_left_alone(tmp_path):
    file = tmp_path / "tasks.json"
    file.write_text(
        json.dumps(
            {
                "task-uuid-1": ANCIENT,
                "task-uuid-2": ANCIENT
                | {"id": "task-uuid-2", "status": "running", "result": None, "completed_at": None},
                "task-uuid-3": ANCIENT | {"status": "vanished"},
                "task-uuid-4": "cut",
                "task-uuid-5": ANCIENT | {"prompt": None},
                "task-uuid-6": ANCIENT | {"created_at": "yesterday"},
            }
        )
    )
    before = (file.read_bytes(), file.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    history = await open_history(tmp_path, ancestor=file)
    record = await history.get("task-uuid-1")
    assert {key: record.to_dict()[key] for key in ANCIENT} == ANCIENT
    unfinished = await history.get("task-uuid-2")
    assert (unfinished.status, unfinished.error) == (
        TaskStatus.INTERRUPTED,
        "The task had not ended in the file that it was imported from.",
    )
    [notice] = history.notices
    assert notice.startswith(f"2 tasks were imported from {file}")
    assert "4 records were set aside (task-uuid-3: its status 'vanished' is unknown; " in notice
    await history.delete("task-uuid-1")
    await history.aclose()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before[:2]
    file.write_text("{}")
    assert await reopened(tmp_path, ancestor=file) == (["task-uuid-2"], ())


async def test_a_damaged_ancestors_file_is_refused_until_it_is_mended(tmp_path):
    file = tmp_path / "tasks.json"
    file.write_text('{"task-uuid-1": {"id": "task-u')
    for _ in range(2):  # said at each start, though the file is not read again
        found, [notice] = await reopened(tmp_path, ancestor=file)
        assert found == []
        assert "is not a readable tasks.json" in notice
    file.write_text(json.dumps({"task-uuid-1": ANCIENT}))
    found, [notice] = await reopened(tmp_path, ancestor=file)
    assert (found, notice) == (["task-uuid-1"], f"1 task was imported from {file}, which stays as it is.")


async def test_a_refused_file_that_was_taken_away_is_not_mentioned_again(tmp_path):
    file = tmp_path / "tasks.json"
    file.write_text("[]")
    assert len((await reopened(tmp_path, ancestor=file))[1]) == 1
    file.unlink()
    assert await reopened(tmp_path, ancestor=file) == ([], ())


async def test_no_ancestor_is_no_news(tmp_path):
    assert await reopened(tmp_path, ancestor=tmp_path / "tasks.json") == ([], ())


async def test_two_processes_do_not_import_at_once(tmp_path):
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps({"task-uuid-1": ANCIENT}))
    with contextlib.ExitStack() as held:
        assert try_lock(tmp_path / "run" / "history" / "import.lock", held)
        assert await reopened(tmp_path, ancestor=file) == ([], ())
    assert (await reopened(tmp_path, ancestor=file))[0] == ["task-uuid-1"]


async def test_a_history_that_is_full_opens_all_the_same_and_says_what_was_not_imported(tmp_path):
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps({f"t-{n}": ANCIENT | {"result": "x" * 4000} for n in range(100)}))
    await fill(tmp_path, 1)
    history = await open_history(tmp_path)
    await history._writer.run(lambda db: db.pragma("max_page_count", 40))
    await history._import_ancestor(file)
    assert "The disk is full" in history.notices[0]
    await history.aclose()
    found, [notice] = await reopened(tmp_path, ancestor=file)
    assert len(found) == 101
    assert notice.startswith("100 tasks")


async def test_an_open_that_is_given_up_leaves_nothing_locked(tmp_path):
    opening = asyncio.ensure_future(open_history(tmp_path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert list((tmp_path / "run" / "history").glob("*.owner")) == []
    assert (await reopened(tmp_path)) == ([], ())


# -- in the way ------------------------------------------------------------------------------------


async def test_a_full_disk_is_named_and_costs_nothing_that_was_stored(tmp_path):
    """SQLite's own limit on pages raises the error of a full disk, from where a full disk raises it."""
    await fill(tmp_path)
    history = await open_history(tmp_path)
    await history._writer.run(lambda db: db.pragma("max_page_count", 1))
    with pytest.raises(StoreError, match=r"The disk is full: .*oxide\.db could not be written; even deleting"):
        await history.add(task("too-much", result="x" * 100_000))
    assert len(await ids(history)) == 5
    await history._writer.run(lambda db: db.pragma("max_page_count", 1_000_000))
    await history.add(task("again"))
    assert len(await ids(history)) == 6
    await history.aclose()


async def test_where_an_answer_finds_no_room_the_end_of_its_task_still_does(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    await history.add(running("large"))
    pages = await history._writer.run(lambda db: db.pragma("page_count"))
    await history._writer.run(lambda db: db.pragma("max_page_count", pages + 20))
    whole = task("large", result="word " * 100_000)
    with pytest.raises(StoreError, match="The disk is full"):
        await history.save(whole)
    await history.save(dataclasses.replace(whole, result=None))
    assert (await history.get("large")).status is TaskStatus.COMPLETED
    await history.aclose()


async def test_a_file_that_another_program_keeps_locked_is_named(tmp_path):
    await fill(tmp_path)
    history = await open_history(tmp_path)
    await history._writer.run(lambda db: db.set_busy_timeout(10))
    with raw(tmp_path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"The history is locked: Another program has held .*oxide\.db"):
            await history.add(task("waits"))
        assert len(await ids(history)) == 5
    await history.add(task("waits"))
    await history.aclose()


async def test_what_sqlite_says_otherwise_is_passed_on(tmp_path):
    history = await open_history(tmp_path)
    with pytest.raises(StoreError, match=r"The history failed.*no such table: nowhere"):
        await history._reader.run(lambda db: db.execute("SELECT * FROM nowhere"))
    await history.aclose()


async def test_several_histories_may_be_open_in_one_process(tmp_path):
    first, second = await open_history(tmp_path), await open_history(tmp_path)
    await first.add(running("of-the-first"))
    await second.add(running("of-the-second"))
    await second.maintain()
    assert (await second.get("of-the-first")).status is TaskStatus.RUNNING
    await first.aclose()
    await second.maintain()
    assert (await second.get("of-the-first")).status is TaskStatus.INTERRUPTED
    assert (await second.get("of-the-second")).status is TaskStatus.RUNNING
    await second.aclose()


async def test_maintenance_leaves_the_dead_to_a_process_that_is_just_opening(tmp_path):
    history = await open_history(tmp_path)
    with contextlib.ExitStack() as held:
        assert try_lock(tmp_path / "run" / "history" / "opening.lock", held)
        await history.maintain()
    await history.aclose()


def test_the_history_is_what_the_port_asks_for():
    from oxide_desktop.core.ports import History

    asked = {name for name in vars(History) if not name.startswith("_")}
    assert asked <= set(vars(SqliteHistory))
