"""The history as a Qt list of any length: pages come when they are looked at, and the window never waits for one."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.ports import TaskFilter, TaskPage
from oxide_desktop.core.record import TaskRecord

log = logging.getLogger(__name__)

PAGE = 100
# About 5 MB of records with answers of a usual length; a person scrolls back over what was just seen.
PAGES_KEPT = 20
# Whoever drags the bar passes by more pages than can be read: only those that were wanted last are.
PAGES_WANTED = 3
RECORD = Qt.ItemDataRole.UserRole + 1

Index = QModelIndex | QPersistentModelIndex
Read = Callable[[TaskFilter, int, int], Awaitable[TaskPage]]
Describe = Callable[[TaskRecord], str]
_NOWHERE = QModelIndex()


class TaskListModel(QAbstractListModel):
    """Newest first. A row whose page has not come yet has no `RECORD`.

    Signals:
        counted: How many match, and how many there are in all.
        failed: An `OxideError`: a page could not be read.

    Args:
        read: Reads a page: filter, limit, offset.
        background: Runs the reading.
        describe: A row in words, for screen readers.
    """

    counted = Signal(int, int)
    failed = Signal(object)

    def __init__(
        self, read: Read, background: BackgroundTasks, describe: Describe, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._read = read
        self._background = background
        self._describe = describe
        self._wanted = TaskFilter()
        self._count = 0
        self._total = 0
        self._pages: OrderedDict[int, list[TaskRecord]] = OrderedDict()
        self._queue: list[int] = []
        self._reading = False
        self._is_other = True
        self._age = 0  # what was asked for before a change is of no use after it

    # -- what views ask ----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """How many tasks match."""
        return 0 if parent.isValid() else self._count

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A row's record and its words; nothing until its page has come."""
        if not index.isValid() or not 0 <= index.row() < self._count:
            return None
        if role not in (RECORD, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        record = self._record(index.row())
        if role == RECORD or record is None:
            return record
        return self._describe(record)

    # -- what the page asks ------------------------------------------------------------------------

    def show_tasks(self, wanted: TaskFilter) -> None:
        """Show what matches from now on; what is there stays until the first page has come."""
        self._wanted = wanted
        self._is_other = True
        self.refresh()

    def refresh(self) -> None:
        """Read again what may have changed."""
        self._age += 1
        others = [number for number in self._queue if number]  # somebody still looks at those rows
        self._queue = [*others, 0][-PAGES_WANTED:]
        self._go_on()

    def take(self, record: TaskRecord) -> None:
        """A task is new or has changed: show it without reading anything, where it is clear what that means."""
        row = self.row_of(record.id)
        if row is not None:
            self._pages[row // PAGE][row % PAGE] = record
            self.dataChanged.emit(self.index(row), self.index(row))
        elif not record.parent:  # the shares of an analysis are part of it, and of no list
            if self._wanted != TaskFilter() or not self._is_newest(record):
                self.refresh()
            else:
                self._put_first(record)

    def row_of(self, task_id: str) -> int | None:
        """Where a task stands, as far as its page has been read."""
        for number, page in self._pages.items():
            for place, record in enumerate(page):
                if record.id == task_id:
                    return number * PAGE + place
        return None

    # -- pages -------------------------------------------------------------------------------------

    def _record(self, row: int) -> TaskRecord | None:
        number, place = divmod(row, PAGE)
        page = self._pages.get(number)
        if page is None:
            self._want(number)
            return None
        self._pages.move_to_end(number)
        return page[place] if place < len(page) else None

    def _want(self, number: int) -> None:
        if number not in self._queue:
            self._queue = [*self._queue, number][-PAGES_WANTED:]
            self._go_on()

    def _go_on(self) -> None:
        if self._queue and not self._reading:
            self._reading = True
            self._background.start(self._read_page(self._queue[-1], self._age), "history page")

    async def _read_page(self, number: int, age: int) -> None:
        try:
            page = await self._read(self._wanted, PAGE, number * PAGE)
        except OxideError as error:
            self._queue.clear()
            self.failed.emit(error)
        else:
            if age == self._age:
                self._queue = [item for item in self._queue if item != number]
                self._keep(number, page)
        finally:
            self._reading = False
        self._go_on()

    def _keep(self, number: int, page: TaskPage) -> None:
        self._total = page.total
        if self._is_other or page.filtered != self._count:
            self._is_other = False
            self.beginResetModel()
            self._pages.clear()
            self._count = page.filtered
            self._pages[number] = list(page.tasks)
            self.endResetModel()
        else:
            self._exchange(number, list(page.tasks))
        self.counted.emit(self._count, self._total)

    def _exchange(self, number: int, tasks: list[TaskRecord]) -> None:
        """A page in place of what stood there; if the first one has changed, so may have all behind it."""
        first, last = number * PAGE, min(self._count, (number + 1) * PAGE) - 1
        if self._pages.get(number) == tasks or last < first:
            return
        if number == 0 and number in self._pages:
            self._pages.clear()
            last = self._count - 1
        self._pages[number] = tasks
        self._pages.move_to_end(number)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)
        self.dataChanged.emit(self.index(first), self.index(last))

    def _is_newest(self, record: TaskRecord) -> bool:
        first = self._pages.get(0)
        return not self._count or bool(first and record.created_at >= first[0].created_at)

    def _put_first(self, record: TaskRecord) -> None:
        """One row more at the top; each page's last task becomes the next one's first."""
        self._age += 1
        self._queue.clear()
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._count += 1
        self._total += 1
        carried = record
        moved: OrderedDict[int, list[TaskRecord]] = OrderedDict()
        number = 0
        while (page := self._pages.get(number)) is not None:
            moved[number] = [carried, *page][:PAGE]
            number += 1
            if len(page) < PAGE:
                break
            carried = page[-1]
        if number == 0:
            moved[0] = [record]
        self._pages = moved  # pages behind a gap are read again when they are looked at
        self.endInsertRows()
        self.counted.emit(self._count, self._total)
