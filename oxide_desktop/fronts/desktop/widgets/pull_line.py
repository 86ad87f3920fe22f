"""Fetching a model for a service: its name, how far it has come, and a way to stop."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QProgressBar, QVBoxLayout, QWidget

from oxide_desktop.core.servers import PullProgress
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row
from oxide_desktop.fronts.desktop.wording import size

_STEPS = 1_000  # bytes of large models do not fit into a bar's numbers


class PullLine(QWidget):
    """Signals what the person wants; how far it is, is told to it.

    Signals:
        pull_wanted: A model, by its name.
        stop_wanted: The fetching should stop; what has come is kept by the service.
    """

    pull_wanted = Signal(str)
    stop_wanted = Signal()

    def __init__(self, theme: Theme, service: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.model = QLineEdit()
        self.model.setPlaceholderText(self.tr("Name of a model, such as qwen2.5-coder:7b"))
        self.model.setAccessibleName(self.tr("Model to pull for %1").replace("%1", service))
        self.model.returnPressed.connect(self._pull)
        self.pull_button = button(self.tr("Pull"), self._pull)
        self.stop_button = button(self.tr("Stop"), self.stop_wanted.emit)
        self.close_button = button(self.tr("Close"), self.hide, "link")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.words = label(kind="faint", wrap=True)
        line = row(self.model, self.pull_button, self.stop_button, self.close_button)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.addLayout(line)
        column.addWidget(self.bar)
        column.addWidget(self.words)
        self.show_running(running=False)
        self.words.setVisible(False)

    def _pull(self) -> None:
        if (name := self.model.text().strip()) and self.model.isEnabled():
            self.pull_wanted.emit(name)

    def show_running(self, *, running: bool) -> None:
        """It has begun, or has ended."""
        self.model.setEnabled(not running)
        self.pull_button.setVisible(not running)
        self.close_button.setVisible(not running)
        self.stop_button.setVisible(running)
        self.bar.setVisible(running)
        if running:
            self.bar.setRange(0, 0)
            self.say(tr("Asking for it…"))

    def show_progress(self, progress: PullProgress) -> None:
        """How far it has come."""
        total, done = progress.total_bytes, progress.completed_bytes
        self.bar.setRange(0, _STEPS if total else 0)
        if total:
            self.bar.setValue(min(done * _STEPS // total, _STEPS))
        amounts = tr("%1 of %2").replace("%1", size(done)).replace("%2", size(total)) if total else ""
        self.say(" · ".join(part for part in (progress.status, amounts) if part))

    def say(self, sentence: str) -> None:
        """How it goes or went."""
        self.words.setText(sentence)
        self.words.setVisible(bool(sentence))
