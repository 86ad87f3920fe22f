"""Says when something has ended that a person has stopped watching: at most one notification for all of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from oxide_desktop.core.health import Health
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.settings import NotificationSettings
from oxide_desktop.fronts.desktop import sentences
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.sentences import engine_words, tr
from oxide_desktop.fronts.desktop.tray import Tray

TASKS = "tasks"
_TITLE_CHARS = 60


class Notices(Protocol):
    """How a system shows notifications."""

    async def show(self, key: str, title: str, body: str, action: str) -> bool:
        """Show one under a key; `False` where that cannot be done."""
        ...

    async def withdraw(self, key: str) -> None:
        """Take it away, if it is still shown."""
        ...

    async def aclose(self) -> None:
        """Let go."""
        ...


class Notifier(QObject):
    """Follows what happens and decides what is worth a notification.

    Signals:
        undelivered: A sentence that the system would not show.
        clicked: A notification was clicked.
    """

    undelivered = Signal(str)
    clicked = Signal()

    def __init__(self, desk: Desk, tray: Tray, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._unseen: list[TaskRecord] = []
        self._healthy: dict[str, bool] = {}
        self._notices = _for_this_system(tray, self._activated, self._closed)
        desk.bridge.task_ended.connect(self._task_ended)
        desk.bridge.service_changed.connect(self._service_changed)

    async def aclose(self) -> None:
        """Take down what is shown, and let go."""
        await self._notices.withdraw(TASKS)
        await self._notices.aclose()

    def seen(self) -> None:
        """The person is looking at Oxide."""
        if self._unseen:
            self._unseen.clear()
            self._desk.run(self._notices.withdraw(TASKS), "take a notification away")

    # -- what is worth one -----------------------------------------------------------------------------

    @property
    def _wishes(self) -> NotificationSettings:
        return self._desk.orchestrator.settings.notifications

    def _task_ended(self, record: TaskRecord) -> None:
        wishes = self._wishes
        wanted = {TaskStatus.COMPLETED: wishes.completed, TaskStatus.FAILED: wishes.failed}
        long_enough = (record.duration or 0.0) >= wishes.min_seconds
        wanted_now = wishes.enabled and wanted.get(record.status, False) and long_enough and record.parent is None
        if wanted_now and not _is_looked_at():
            self._unseen.append(record)
            title, body = told(self._unseen)
            self._show(TASKS, title, body, tr("Open"))

    def _service_changed(self, health: Health) -> None:
        before = self._healthy.get(health.service)
        self._healthy[health.service] = health.healthy
        wanted = self._wishes.enabled and self._wishes.services and not _is_looked_at()
        if before and not health.healthy and wanted and not self._is_asked(health.service):
            title = tr("%1 is %2").replace("%1", health.service)
            title = title.replace("%2", engine_words(health.failing.lacking) if health.failing else "")
            body = f"{engine_words(health.message)} {engine_words(health.fix)}".strip()
            self._show(f"service:{health.service}", title, body, tr("Show"))

    def _is_asked(self, service: str) -> bool:
        """Whether a task is with it, whose own end will tell what is wrong."""
        return any(task.record.service == service for task in self._desk.orchestrator.running())

    # -- showing -----------------------------------------------------------------------------------

    def _show(self, key: str, title: str, body: str, action: str) -> None:
        self._desk.run(self._deliver(key, title, body, action), "notification")

    async def _deliver(self, key: str, title: str, body: str, action: str) -> None:
        if not await self._notices.show(key, title, body, action):
            self.undelivered.emit(f"{title}. {body}")

    def _activated(self, key: str) -> None:
        self.clicked.emit()
        if key != TASKS:
            self._desk.show_page("services")
        elif self._unseen:
            self._desk.open_task(self._unseen[-1].id)
        else:
            self._desk.show_page("history")

    def _closed(self, key: str) -> None:
        """What the person waved away, or left until it went, counts no more."""
        if key == TASKS:
            self._unseen.clear()


def _is_looked_at() -> bool:
    return QApplication.activeWindow() is not None


def _for_this_system(tray: Tray, activated: Callable[[str], None], closed: Callable[[str], None]) -> Notices:
    if sys.platform == "linux":
        from oxide_desktop.fronts.desktop.notices_dbus import DBusNotices  # noqa: PLC0415 - Linux only

        return DBusNotices(activated, closed)
    else:  # noqa: RET505 - mypy leaves out the other systems' branch, not what follows it
        from oxide_desktop.fronts.desktop.notices_qt import TrayNotices  # noqa: PLC0415 - elsewhere only

        return TrayNotices(tray, activated)


def told(records: list[TaskRecord]) -> tuple[str, str]:
    """Title and text for what has ended since somebody looked: one by its name, several by their number."""
    if len(records) == 1:
        return _of_one(records[0])
    failed = sum(record.status is TaskStatus.FAILED for record in records)
    body = tr("%n failed", failed) + ". " if failed else ""
    newest = sentences.one_line(records[-1].prompt, _TITLE_CHARS)
    return tr("%n task(s) have ended", len(records)), body + tr("The last one: %1").replace("%1", newest)


def _of_one(record: TaskRecord) -> tuple[str, str]:
    title = sentences.one_line(record.prompt, _TITLE_CHARS)
    if record.status is TaskStatus.FAILED:
        where = tr("%1 failed on %2").replace("%2", record.service) if record.service else tr("%1 failed")
        return where.replace("%1", title), engine_words(record.error or "")
    return tr("%1 is done").replace("%1", title), sentences.ending(record)
