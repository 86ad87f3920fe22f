"""The newest tasks as the tray's menu tells them, and how many of them run."""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.desktop import sentences
from oxide_desktop.fronts.desktop.bridge import Bridge

MOST = 5
_LONGEST_TITLE = 44
_LONGEST_DETAIL = 40


class RecentTasks(QObject):
    """Follows what happens from the moment that it is made.

    Signals:
        changed: A task came, moved or ended.
    """

    changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._records: dict[str, TaskRecord] = {}
        self.unseen_failure = False
        bridge.task_changed.connect(self._take)
        bridge.task_ended.connect(self._ended)
        bridge.history_changed.connect(self._forget)

    def remember(self, records: Iterable[TaskRecord]) -> None:
        """What the history had before anything happened; newest first."""
        for record in records:
            self._records.setdefault(record.id, record)
        self.changed.emit()

    def seen(self) -> None:
        """The person has looked: what failed before draws attention no longer."""
        if self.unseen_failure:
            self.unseen_failure = False
            self.changed.emit()

    @property
    def running(self) -> int:
        """How many have not ended."""
        return sum(not record.status.ended for record in self._records.values())

    @property
    def waiting(self) -> int:
        """How many of those have not begun."""
        return sum(record.status is TaskStatus.QUEUED for record in self._records.values())

    def newest(self) -> list[TaskRecord]:
        """Those that run before others, and of those the newest; told newest first, so that none moves as it ends."""
        told = [record for record in self._records.values() if record.parent is None]
        told = sorted(told, key=lambda record: (record.status.ended, -record.created_at))[:MOST]
        return sorted(told, key=lambda record: -record.created_at)

    def _take(self, record: TaskRecord) -> None:
        self._records[record.id] = record
        self.changed.emit()

    def _ended(self, record: TaskRecord) -> None:
        self._records[record.id] = record
        if record.status is TaskStatus.FAILED and record.parent is None and QApplication.activeWindow() is None:
            self.unseen_failure = True
        kept = sorted(self._records.values(), key=lambda item: (item.status.ended, -item.created_at))
        running = [item for item in kept if not item.status.ended]
        ended = [item for item in kept if item.status.ended]
        self._records = {item.id: item for item in [*running, *ended[: MOST * 2]]}
        self.changed.emit()

    def _forget(self) -> None:
        """Records were deleted: only what runs is known for sure."""
        self._records = {key: item for key, item in self._records.items() if not item.status.ended}
        self.changed.emit()


def menu_line(record: TaskRecord, now: float | None = None) -> str:
    """One line of the menu: sign, prompt, who, since when or how it went."""
    moment = time.time() if now is None else now
    title = sentences.one_line(record.prompt, _LONGEST_TITLE)
    return f"{sentences.sign(record)}  {title}\t{_detail(record, moment)}".replace("&", "&&")


def _detail(record: TaskRecord, now: float) -> str:
    if not record.status.ended:
        waited = sentences.span(max(0.0, now - (record.started_at or record.created_at)))
        return f"{record.service or sentences.tr('queued')} · {waited}"
    if record.status is TaskStatus.FAILED:
        return sentences.one_line(sentences.engine_words(record.error or ""), _LONGEST_DETAIL)
    past = sentences.ago(max(0.0, now - (record.completed_at or record.created_at)))
    return f"{record.service} · {past}" if record.service else past
