"""The tray icon: says whether Oxide works, and is the way to its window and out."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from oxide_desktop.fronts.desktop.icons import icon


class Tray(QObject):
    """An icon with a menu.

    Signals:
        ask_wanted: The Ask window should be shown.
        quit_wanted: Oxide should end.
    """

    ask_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: set[str] = set()
        self._menu = QMenu()
        self._menu.addAction(self.tr("Ask…"), self.ask_wanted.emit)
        self._menu.addSeparator()
        self._quit = self._menu.addAction(self.tr("Quit Oxide"), self.quit_wanted.emit)
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._activated)
        self._show_state()

    @staticmethod
    def has_host() -> bool:
        """Whether the desktop shows tray icons at all."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        """Put the icon into the tray."""
        self._icon.show()

    def close(self) -> None:
        """Take the icon away."""
        self._icon.hide()

    def task_began(self, task_id: str) -> None:
        """Count a task as running."""
        self._running.add(task_id)
        self._show_state()

    def task_ended(self, task_id: str) -> None:
        """Count it no more."""
        self._running.discard(task_id)
        self._show_state()

    def _show_state(self) -> None:
        count = len(self._running)
        colour = QGuiApplication.palette().color(QPalette.ColorRole.WindowText)
        self._icon.setIcon(icon("mark-working" if count else "mark", colour))
        working = self.tr("%n task(s) running", "", count)
        self._icon.setToolTip(f"Oxide: {working}" if count else self.tr("Oxide: idle"))
        self._quit.setText(self.tr("Quit Oxide") + (f" ({working})" if count else ""))

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self.ask_wanted.emit()
