"""The small parts below the history: connections, threads, locks, the look at each page."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial

import apsw
import pytest

from oxide_desktop.core.errors import StoreError
from oxide_desktop.store import damage, schema
from oxide_desktop.store.database import connect, store_error, transaction
from oxide_desktop.store.desk import Desk
from oxide_desktop.store.files import locked, replace_file, try_lock


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "oxide.db"
    with contextlib.closing(connect(path)) as connection:
        schema.migrate(connection)
    return path


def test_a_connection_to_what_is_no_database_is_not_left_open(tmp_path):
    (tmp_path / "oxide.db").write_bytes(b"no database " * 100)
    with pytest.raises(apsw.NotADBError):
        connect(tmp_path / "oxide.db")
    assert not list(tmp_path.glob("oxide.db-*"))


def test_a_transaction_that_fails_changes_nothing(file):
    with contextlib.closing(connect(file)) as connection:
        with pytest.raises(ValueError, match="half-way"), transaction(connection):
            connection.execute("INSERT INTO meta VALUES ('name', 'value')")
            raise ValueError("half-way")
        assert not connection.in_transaction
        assert damage.is_check_due(connection)
        assert connection.execute("SELECT count(*) FROM meta").get == 0


def test_migrating_twice_changes_nothing(file):
    before = file.read_bytes()
    with contextlib.closing(connect(file)) as connection:
        schema.migrate(connection)
    assert file.read_bytes() == before


def test_a_check_that_is_broken_off_from_outside_is_not_taken_for_a_good_one(file):
    with contextlib.closing(connect(file)) as connection:
        connection.set_progress_handler(lambda: True, 1)
        with pytest.raises(apsw.InterruptError):
            damage.look_at_each_page(connection)


def test_a_check_that_fails_on_damage_counts_as_an_answer(file):
    """On bad damage SQLite's check raises instead of answering."""
    with contextlib.closing(apsw.Connection(str(file))) as connection:
        file.write_bytes(b"no database " * 10_000)
        wrong, looked_at_all = damage.look_at_each_page(connection)
    assert "not a database" in wrong
    assert looked_at_all


def test_a_missing_file_is_not_taken_for_a_damaged_one(tmp_path):
    with pytest.raises(apsw.CantOpenError):
        damage.examine(tmp_path / "missing.db", thorough=True, limit_s=1.0)
    assert not damage.is_whole(tmp_path / "missing.db")


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (apsw.FullError("database or disk is full"), "The disk is full"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (OSError(122, "Disk quota exceeded"), "The disk is full"),
        (PermissionError(13, "Permission denied"), "The history cannot be written"),
        (OSError(30, "Read-only file system"), "The history cannot be written"),
        (apsw.ReadOnlyError("attempt to write a readonly database"), "The history cannot be written"),
        (apsw.BusyError("database is locked"), "The history is locked"),
        (apsw.NotADBError("file is not a database"), "The history is damaged"),
        (apsw.IOError("disk I/O error"), "The history failed"),
        (OSError(), "The history failed"),
    ],
)
def test_every_error_names_the_file_and_the_one_thing_to_do(file, error, title):
    number = error.errno if isinstance(error, OSError) else None
    told = store_error(error, file, number)
    assert told.title == title
    assert str(file) in told.message
    assert told.message.endswith(".")
    assert told.hint.endswith(".")


def test_a_lock_that_somebody_holds_is_waited_for_no_longer_than_told(tmp_path):
    with contextlib.ExitStack() as held:
        assert try_lock(tmp_path / "x.lock", held)
        with (
            pytest.raises(StoreError, match=r"x\.lock has been locked for 0\.05 seconds"),
            locked(tmp_path / "x.lock", 0.05),
        ):
            pass
    with locked(tmp_path / "x.lock", 0.05):
        pass


def test_a_replacement_that_fails_leaves_no_rubbish(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="target"):
        replace_file(tmp_path / "target", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]


async def test_a_desk_that_does_not_close_in_time_is_reported_and_not_waited_for(file, caplog):
    desk = Desk("stuck", file, partial(connect, file), on_damage=lambda: None)
    release = threading.Event()
    stuck = asyncio.ensure_future(desk.run(lambda _: release.wait(20)))
    await asyncio.sleep(0)
    await desk.close(0.01, hurry=False)
    assert "did not close in 0.01 s" in caplog.text
    release.set()
    assert await stuck
