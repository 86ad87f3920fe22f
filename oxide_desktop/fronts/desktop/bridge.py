"""The one place where the engine's events become Qt signals, with text batched to about thirty times a second."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from oxide_desktop.core.events import (
    AttemptStarted,
    Chunk,
    Event,
    EventBus,
    ServiceStatusChanged,
    TaskEnded,
    TaskQueued,
    TaskRouted,
)

# One repaint for all that came in two frames: chunks shown one by one take half as much processor again.
BATCH_MS = 33


class Bridge(QObject):
    """Listens to the bus until it is closed.

    Signals:
        task_changed: A `TaskRecord` that was queued or routed.
        attempt_started: An `AttemptStarted`.
        text_arrived: Task id and all the text that came since the last time.
        task_ended: A final `TaskRecord`; all its text has been signalled before.
        service_changed: A `Health`.
    """

    task_changed = Signal(object)
    attempt_started = Signal(object)
    text_arrived = Signal(str, str)
    task_ended = Signal(object)
    service_changed = Signal(object)

    def __init__(self, bus: EventBus, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._waiting: dict[str, list[str]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BATCH_MS)
        self._timer.timeout.connect(self._flush)
        bus.listen(self._take)

    def close(self) -> None:
        """Stop listening; what has come is signalled."""
        self._bus.unlisten(self._take)
        self._timer.stop()
        self._flush()

    def _take(self, event: Event) -> None:
        match event:
            case Chunk():
                self._waiting.setdefault(event.task_id, []).append(event.text)
                if not self._timer.isActive():
                    self._timer.start()
            case TaskQueued() | TaskRouted():
                self.task_changed.emit(event.record)
            case AttemptStarted():
                self.attempt_started.emit(event)
            case TaskEnded():
                self._flush()
                self.task_ended.emit(event.record)
            case ServiceStatusChanged():
                self.service_changed.emit(event.health)
            case _:
                pass  # notes stand in the record; the rest has no place in this front yet

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for task_id, texts in waiting.items():
            self.text_arrived.emit(task_id, "".join(texts))
