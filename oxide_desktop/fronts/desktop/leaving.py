"""Quitting: at once where nothing runs; else the person is asked, once, whether to finish first or to stop."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.windows.dialogs import ask_before_quitting


class Leaving(QObject):
    """Knows whether the app is to end.

    Attributes:
        wanted: Set when it is.
    """

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._finishing = False
        self._asking: QMessageBox | None = None
        self.wanted = asyncio.Event()
        desk.bridge.task_ended.connect(lambda _: self._leave_if_done())

    def now(self) -> None:
        """The system wants it, or the person has been asked."""
        self.wanted.set()

    def ask(self, window: QWidget | None) -> None:
        """The person wants it."""
        running = len(self._desk.orchestrator.running()) if self._desk.is_open else 0
        if not running:
            self.now()
        elif self._asking is None:
            self._asking = ask_before_quitting(window, running, self._finish, self.now, self._stay)
            self._asking.finished.connect(self._answered)
        else:
            self._asking.raise_()

    def _answered(self) -> None:
        self._asking = None

    def _finish(self) -> None:
        """Begin nothing new, and leave when the last one has ended."""
        self._finishing = True
        self._desk.orchestrator.wind_down()
        self._leave_if_done()

    def _stay(self) -> None:
        """Call it off, if it had been begun."""
        if self._finishing:
            self._finishing = False
            self._desk.orchestrator.call_off()

    def _leave_if_done(self) -> None:
        if self._finishing and not self._desk.orchestrator.running():
            self.now()
