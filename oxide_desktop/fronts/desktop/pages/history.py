"""The History page: every task ever asked, found by words, and one of them in full."""

from __future__ import annotations

import time

from PySide6.QtCore import QCoreApplication, QItemSelection, QModelIndex, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from oxide_desktop.core.errors import NotFoundError
from oxide_desktop.core.events import AttemptStarted
from oxide_desktop.core.ports import TaskFilter, TaskPage
from oxide_desktop.core.query import EXAMPLE, parse_query
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.models.task_list import RECORD, TaskListModel
from oxide_desktop.fronts.desktop.pages.base import Page
from oxide_desktop.fronts.desktop.sentences import engine_words, tr
from oxide_desktop.fronts.desktop.task_actions import TaskActions
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row
from oxide_desktop.fronts.desktop.widgets.task_detail import TaskDetail
from oxide_desktop.fronts.desktop.widgets.task_view import TaskView
from oxide_desktop.fronts.desktop.wording import described

SEARCH_AFTER_MS = 200
_AGES_EVERY_MS = 30_000
_LIST, _NOTHING = 0, 1


class HistoryPage(Page):
    """List left, detail right. What happens meanwhile shows at once."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "History"), parent)
        self._wanted_id: str | None = None  # a task that was asked for and may not be in the list
        self.model = TaskListModel(self._read, desk.background, described, self)
        self.detail = TaskDetail(desk.theme)
        self.actions_of_task = TaskActions(desk, self.detail, self)
        self._make_widgets()
        self._lay_out()
        self._connect()
        self.model.show_tasks(TaskFilter())

    def _make_widgets(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search, or %1").replace("%1", EXAMPLE))
        self.search.setAccessibleName(self.tr("Search the history"))
        self.search.setClearButtonEnabled(True)
        self._glass = self.search.addAction(self.desk.theme.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.hint = label(kind="warn", wrap=True)
        self.hint.setVisible(False)
        self.count = label(kind="soft")
        self.view = TaskView(self.desk.theme)
        self.view.setModel(self.model)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SEARCH_AFTER_MS)
        self._ages = QTimer(self)
        self._ages.setInterval(_AGES_EVERY_MS)

    def _lay_out(self) -> None:
        self.top.addWidget(self.count)
        for made in self.actions_of_task.for_all():
            self.top.addWidget(made)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        self.nothing = self._nothing()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.nothing)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.stack)
        self.splitter.addWidget(self.detail)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 3)
        self.stack.setMinimumWidth(220)
        self.detail.setMinimumWidth(300)
        self.splitter.setSizes([380, 480])
        self.detail.setVisible(False)
        self.body.addWidget(self.search)
        self.body.addWidget(self.hint)
        self.body.addWidget(self.splitter, 1)

    def _nothing(self) -> QWidget:
        """What an empty page says: how it gets filled, or that a search found nothing."""
        made = QWidget()
        self.nothing_said = label(kind="soft", wrap=True)
        self.nothing_said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.ask_button = button(self.tr("Ask something"), lambda: self.desk.show_page("ask"), "primary")
        self.connect_button = button(self.tr("Connect Claude Code…"), lambda: self.desk.show_page("welcome/connect"))
        self.all_button = button(self.tr("Show all tasks"), self.search.clear)
        column = QVBoxLayout(made)
        column.addStretch(1)
        column.addWidget(self.nothing_said)
        column.addLayout(row(None, self.ask_button, self.connect_button, self.all_button, None))
        column.addStretch(2)
        return made

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _: self._settle.start())
        self.search.returnPressed.connect(self._search)
        self._settle.timeout.connect(self._search)
        self._ages.timeout.connect(self.view.viewport().update)
        self._ages.timeout.connect(self.detail.show_age)
        self._ages.start()
        self.model.counted.connect(self._counted)
        self.model.failed.connect(self.desk.show_error)
        self.model.modelReset.connect(self._choose_again)
        self.model.rowsInserted.connect(self._inserted)
        self.model.dataChanged.connect(self._rows_changed)
        self.view.selectionModel().selectionChanged.connect(self._selection_changed)
        self.desk.theme.changed.connect(self._redraw)
        self.detail.link_wanted.connect(self.desk.open_link)
        bridge = self.desk.bridge
        bridge.task_changed.connect(self._task_changed)
        bridge.attempt_started.connect(self._attempt_started)
        bridge.text_arrived.connect(self._text_arrived)
        bridge.task_ended.connect(self._task_changed)
        bridge.history_changed.connect(self.model.refresh)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._to_search)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self.search, self.search.clear, context=_HERE)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.view, self.actions_of_task.delete, context=_HERE)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.view, self.actions_of_task.copy, context=_HERE)
        QShortcut(QKeySequence(Qt.Key.Key_Return), self.view, self.detail.answer.setFocus, context=_HERE)

    def _redraw(self) -> None:
        self._glass.setIcon(self.desk.theme.icon("search"))
        self.view.viewport().update()

    async def _read(self, wanted: TaskFilter, limit: int, offset: int) -> TaskPage:
        return await self.desk.orchestrator.history.list(wanted, limit, offset)

    # -- coming and going --------------------------------------------------------------------------

    def came_up(self) -> None:
        """Look again, since other programs write to the same history."""
        self.model.refresh()
        self.view.setFocus()

    def show_task(self, task_id: str) -> None:
        """Show one task; if a search hides it, beside the list."""
        self._wanted_id = task_id
        found = self.model.row_of(task_id)
        if found is not None:
            self._choose(found)
        else:
            self.desk.run(self._fetch(task_id), "show task")

    async def _fetch(self, task_id: str) -> None:
        task = self.desk.orchestrator.find(task_id)
        try:
            record = task.record if task else await self.desk.orchestrator.history.get(task_id)
        except NotFoundError:  # deleted meanwhile: what else is in the list can still be read
            self._wanted_id = None
            raise
        if self._wanted_id == task_id:
            self.view.clearSelection()
            self._show(record)

    def _to_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    # -- searching ---------------------------------------------------------------------------------

    def _search(self) -> None:
        self._settle.stop()
        query = parse_query(self.search.text(), time.time())
        self.hint.setText(" ".join(map(engine_words, query.problems)))
        self.hint.setVisible(bool(query.problems))
        self.model.show_tasks(query.wanted)

    def _counted(self, count: int, total: int) -> None:
        found = "" if count == total else tr("%1 of ").replace("%1", f"{count:,}")
        self.count.setText(found + tr("%n task(s)", total).replace(str(total), f"{total:,}"))
        self.stack.setCurrentIndex(_LIST if count else _NOTHING)
        self.ask_button.setVisible(not total)
        self.connect_button.setVisible(not total)
        self.all_button.setVisible(bool(total))
        self.nothing_said.setText(
            self.tr("No task matches.") if total else self.tr("Nothing yet. Ask something, or connect Claude Code.")
        )

    # -- the chosen task ---------------------------------------------------------------------------

    def _choose(self, number: int) -> None:
        index = self.model.index(number)
        if index == self._chosen():
            self._show_row(index)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def _choose_again(self) -> None:
        """After a change of the list: the same task if it is there, else the first one."""
        wanted = self._wanted_id or (self.detail.record.id if self.detail.record else None)
        found = self.model.row_of(wanted) if wanted else None
        if found is not None:
            self._choose(found)
        elif self._wanted_id is None and self.model.rowCount():
            self._choose(0)
        elif not self.model.rowCount() and self._wanted_id is None:
            self.detail.setVisible(False)
            self._show_nothing()

    def _chosen(self) -> QModelIndex:
        rows = self.view.selectionModel().selectedRows()
        return rows[0] if rows else QModelIndex()

    def _inserted(self, _parent: QModelIndex, first: int, _last: int) -> None:
        is_first_ever = self.detail.record is None and not self._chosen().isValid()
        if is_first_ever or self._wanted_id == _id_at(self.model, first):
            self._choose(first)

    def _selection_changed(self, chosen: QItemSelection, _before: QItemSelection) -> None:
        if not chosen.isEmpty():
            self._wanted_id = None
            self._show_row(chosen.indexes()[0])

    def _rows_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        """Rows have been read: the chosen one may be among them, or stand somewhere else now."""
        chosen = self._chosen()
        if not (chosen.isValid() and first.row() <= chosen.row() <= last.row()):
            return
        record = self.detail.record
        if record is None:
            self._show_row(chosen)
        elif _id_at(self.model, chosen.row()) not in (None, record.id):
            moved_to = self.model.row_of(record.id)
            self._choose(chosen.row() if moved_to is None else moved_to)

    def _show_row(self, index: QModelIndex) -> None:
        record = index.data(RECORD)
        if isinstance(record, TaskRecord):
            self._show(record)
        else:  # its page is on its way
            self._show_nothing()

    def _show_nothing(self) -> None:
        self.detail.show_nothing()
        self.actions_of_task.update()

    def _show(self, record: TaskRecord) -> None:
        running = self.desk.orchestrator.find(record.id)
        self.detail.setVisible(True)
        self.detail.show_record(running.so_far() if running else record)
        self.actions_of_task.update()

    # -- what happens ------------------------------------------------------------------------------

    def _task_changed(self, record: TaskRecord) -> None:
        self.model.take(record)
        if self.detail.record and self.detail.record.id == record.id:
            self._show(record)

    def _attempt_started(self, event: AttemptStarted) -> None:
        if task := self.desk.orchestrator.find(event.task_id):
            self._task_changed(task.record)

    def _text_arrived(self, task_id: str, _text: str) -> None:
        """The answer so far is asked for: part of it may be shown already, and another attempt begins anew."""
        if self.detail.record and self.detail.record.id == task_id and (task := self.desk.orchestrator.find(task_id)):
            self.detail.show_answer(task.so_far().result or "")


_HERE = Qt.ShortcutContext.WidgetWithChildrenShortcut


def _id_at(model: TaskListModel, number: int) -> str | None:
    record = model.index(number).data(RECORD)
    return record.id if isinstance(record, TaskRecord) else None
