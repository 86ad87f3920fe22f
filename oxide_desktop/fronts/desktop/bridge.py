"""The one place where the engine's events become Qt signals, with text batched to about thirty times a second."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from oxide_desktop.core.events import (
    AnalysisProgress,
    AttemptStarted,
    Chunk,
    CorrectionsChanged,
    Event,
    EventBus,
    HistoryChanged,
    RulesChanged,
    ServiceStatusChanged,
    TaskEnded,
    TaskNoted,
    TaskQueued,
    TaskRouted,
    TaskWaiting,
)

# One repaint for all that came in two frames: chunks shown one by one take half as much processor again.
BATCH_MS = 33


class Bridge(QObject):
    """Listens to a bus from `open` to `close`.

    Signals:
        task_changed: A `TaskRecord` that was queued or routed.
        task_waiting: A `TaskWaiting`.
        attempt_started: An `AttemptStarted`.
        progress_made: An `AnalysisProgress`.
        task_noted: A `TaskNoted`.
        text_arrived: Task id and all the text that came since the last time.
        task_ended: A final `TaskRecord`; all its text has been signalled before.
        service_changed: A `Health`.
        history_changed: Records were deleted, cleared or imported.
        rules_changed: Rules were set or removed.
        corrections_changed: The person said what a task really was, or took it back.
    """

    task_changed = Signal(object)
    task_waiting = Signal(object)
    attempt_started = Signal(object)
    progress_made = Signal(object)
    task_noted = Signal(object)
    text_arrived = Signal(str, str)
    task_ended = Signal(object)
    service_changed = Signal(object)
    history_changed = Signal()
    rules_changed = Signal()
    corrections_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus: EventBus | None = None
        self._waiting: dict[str, list[str]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BATCH_MS)
        self._timer.timeout.connect(self._flush)
        self._by_kind = {
            TaskWaiting: self.task_waiting,
            AttemptStarted: self.attempt_started,
            AnalysisProgress: self.progress_made,
            TaskNoted: self.task_noted,
        }

    def open(self, bus: EventBus) -> None:
        """Begin to listen."""
        self._bus = bus
        bus.listen(self._take)

    def close(self) -> None:
        """Stop listening; what has come is signalled."""
        if self._bus is not None:
            self._bus.unlisten(self._take)
            self._bus = None
        self._timer.stop()
        self._flush()

    def _take(self, event: Event) -> None:
        match event:
            case Chunk():
                self._waiting.setdefault(event.task_id, []).append(event.text)
                if not self._timer.isActive():
                    self._timer.start()
            case TaskEnded():
                self._flush()
                self.task_ended.emit(event.record)
            case _:
                self._pass_on(event)

    def _pass_on(self, event: Event) -> None:
        match event:
            case TaskQueued() | TaskRouted():
                self.task_changed.emit(event.record)
            case ServiceStatusChanged():
                self.service_changed.emit(event.health)
            case HistoryChanged():
                self.history_changed.emit()
            case RulesChanged():
                self.rules_changed.emit()
            case CorrectionsChanged():
                self.corrections_changed.emit()
            case _:
                if signal := self._by_kind.get(type(event)):
                    signal.emit(event)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for task_id, texts in waiting.items():
            self.text_arrived.emit(task_id, "".join(texts))
