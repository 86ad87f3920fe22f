"""The list of the history: any length, read by the page, right while things happen."""

import asyncio
from collections.abc import Iterator
from typing import Self

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.ports import TaskFilter, TaskPage
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.models.task_list import PAGE, PAGES_KEPT, RECORD, TaskListModel
from tests.fronts.desk_house import running_loop


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def record(number: int, **values: object) -> TaskRecord:
    return TaskRecord(
        **{
            "id": f"task-{number}",
            "status": TaskStatus.COMPLETED,
            "prompt": f"question {number}",
            "created_at": float(number),
            "source": "cli",
            **values,
        }
    )


class Shelf:
    """Records in memory, and which pages were read."""

    def __init__(self, count: int) -> None:
        self.records = [record(number) for number in reversed(range(count))]
        self.offsets: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False
        self.background = BackgroundTasks()
        self.model = TaskListModel(self.read, self.background, lambda item: f"said: {item.prompt}")
        self.tester = QAbstractItemModelTester(
            self.model, QAbstractItemModelTester.FailureReportingMode.Fatal, self.model
        )

    async def read(self, wanted: TaskFilter, limit: int, offset: int) -> TaskPage:
        self.offsets.append(offset)
        await self.gate.wait()
        if self.broken:
            raise StoreError("The history cannot be read", "The disk is gone.")
        found = [item for item in self.records if wanted.status in (None, item.status)]
        return TaskPage(found[offset : offset + limit], len(self.records), len(found))

    async def settled(self) -> None:
        async with asyncio.timeout(60):
            while self.model._reading or self.model._queue:  # noqa: ASYNC110 - a model has no events to await
                await asyncio.sleep(0)

    def at(self, row: int) -> TaskRecord | None:
        return self.model.index(row).data(RECORD)

    async def shown(self, row: int) -> TaskRecord | None:
        self.at(row)
        await self.settled()
        return self.at(row)

    async def __aenter__(self) -> Self:
        self.model.show_tasks(TaskFilter())
        await self.settled()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.background.close()


def test_pages_are_read_when_they_are_looked_at_and_kept(loop: Loop):
    async def work() -> None:
        async with Shelf(1_050) as shelf:
            assert shelf.model.rowCount() == 1_050
            assert shelf.at(700) is None
            await shelf.settled()
            assert shelf.at(700).id == "task-349"
            assert (await shelf.shown(1_049)).id == "task-0"
            assert shelf.offsets == [0, 700, 1_000]

    loop.run_until_complete(work())


def test_a_row_is_told_in_words_once_it_is_there(loop: Loop):
    async def work() -> None:
        async with Shelf(150) as shelf:
            assert shelf.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "said: question 149"
            assert shelf.model.index(120).data() is None
            assert shelf.model.index(0).data(Qt.ItemDataRole.DecorationRole) is None

    loop.run_until_complete(work())


def test_of_pages_that_were_only_passed_by_the_last_ones_are_read(loop: Loop):
    async def work() -> None:
        async with Shelf(5_000) as shelf:
            shelf.gate.clear()
            for row in range(1_000, 5_000, 100):
                shelf.at(row)
            shelf.gate.set()
            await shelf.settled()
            assert shelf.offsets == [0, 1_000, 4_900, 4_800, 4_700]

    loop.run_until_complete(work())


def test_what_was_seen_long_ago_is_let_go(loop: Loop):
    async def work() -> None:
        async with Shelf((PAGES_KEPT + 5) * PAGE) as shelf:
            for page in range(PAGES_KEPT + 5):
                await shelf.shown(page * PAGE)
            assert len(shelf.model._pages) == PAGES_KEPT
            assert (await shelf.shown(0)).id == f"task-{(PAGES_KEPT + 5) * PAGE - 1}"

    loop.run_until_complete(work())


def test_a_new_task_comes_in_at_the_top_without_reading_anything(loop: Loop):
    async def work() -> None:
        async with Shelf(250) as shelf:
            await shelf.shown(150)
            counts: list[tuple[int, int]] = []
            shelf.model.counted.connect(lambda count, total: counts.append((count, total)))
            shelf.model.take(record(1_000))
            assert [shelf.at(row).id for row in (0, 1, 100, 199)] == ["task-1000", "task-249", "task-150", "task-51"]
            assert counts == [(251, 251)]
            assert shelf.offsets == [0, 100]
            shelf.records.insert(0, record(1_000))
            assert (await shelf.shown(200)).id == "task-50"

    loop.run_until_complete(work())


def test_the_first_task_ever_comes_into_an_empty_list(loop: Loop):
    async def work() -> None:
        async with Shelf(0) as shelf:
            shelf.model.take(record(1))
            assert (shelf.model.rowCount(), shelf.at(0).id) == (1, "task-1")

    loop.run_until_complete(work())


def test_a_page_that_was_asked_for_before_a_task_came_in_is_read_again(loop: Loop):
    async def work() -> None:
        async with Shelf(250) as shelf:
            shelf.gate.clear()
            shelf.at(150)
            await asyncio.sleep(0)
            shelf.model.take(record(1_000))
            shelf.records.insert(0, record(1_000))
            shelf.gate.set()
            await shelf.settled()
            assert shelf.at(150) is None
            assert (await shelf.shown(150)).id == "task-100"

    loop.run_until_complete(work())


def test_a_task_that_has_changed_is_shown_as_it_is_now(loop: Loop):
    async def work() -> None:
        async with Shelf(20) as shelf:
            changed: list[int] = []
            shelf.model.dataChanged.connect(lambda first, _last: changed.append(first.row()))
            for number in (19, 7):
                shelf.model.take(record(number, status=TaskStatus.FAILED))
            assert changed == [0, 12]
            assert shelf.at(12).status is TaskStatus.FAILED
            assert (shelf.model.row_of("task-7"), shelf.model.row_of("task-99")) == (12, None)

    loop.run_until_complete(work())


def test_a_share_of_an_analysis_is_no_row_of_its_own(loop: Loop):
    async def work() -> None:
        async with Shelf(2) as shelf:
            shelf.model.take(record(9, parent="task-1"))
            await shelf.settled()
            assert (shelf.model.rowCount(), shelf.offsets) == (2, [0])

    loop.run_until_complete(work())


def test_under_a_search_a_new_task_is_looked_for_where_it_belongs(loop: Loop):
    async def work() -> None:
        async with Shelf(5) as shelf:
            shelf.model.show_tasks(TaskFilter(status=TaskStatus.FAILED))
            await shelf.settled()
            assert shelf.model.rowCount() == 0
            shelf.records.insert(0, record(9, status=TaskStatus.FAILED))
            shelf.model.take(shelf.records[0])
            await shelf.settled()
            assert (shelf.model.rowCount(), shelf.at(0).id) == (1, "task-9")

    loop.run_until_complete(work())


def test_an_older_task_that_was_imported_does_not_come_in_at_the_top(loop: Loop):
    async def work() -> None:
        async with Shelf(5) as shelf:
            shelf.records.append(record(-1))
            shelf.model.take(record(-1))
            await shelf.settled()
            assert [shelf.at(row).id for row in range(6)] == [*(f"task-{n}" for n in (4, 3, 2, 1, 0)), "task--1"]

    loop.run_until_complete(work())


def test_looking_again_keeps_the_rows_where_nothing_has_changed(loop: Loop):
    async def work() -> None:
        async with Shelf(250) as shelf:
            resets: list[None] = []
            shelf.model.modelReset.connect(lambda: resets.append(None))
            await shelf.shown(150)
            shelf.model.refresh()
            await shelf.settled()
            assert shelf.at(150) is not None
            shelf.records[0] = record(249, status=TaskStatus.FAILED)
            shelf.model.refresh()
            await shelf.settled()
            assert shelf.at(0).status is TaskStatus.FAILED
            assert shelf.at(150) is None
            await shelf.settled()
            assert not resets
            del shelf.records[3]
            shelf.model.refresh()
            await shelf.settled()
            assert (len(resets), shelf.model.rowCount()) == (1, 249)

    loop.run_until_complete(work())


def test_a_history_that_cannot_be_read_is_told_of_and_tried_again(loop: Loop):
    async def work() -> None:
        async with Shelf(250) as shelf:
            told: list[object] = []
            shelf.model.failed.connect(told.append)
            shelf.broken = True
            assert await shelf.shown(150) is None
            assert isinstance(told[0], StoreError)
            shelf.broken = False
            assert (await shelf.shown(150)) is not None

    loop.run_until_complete(work())
