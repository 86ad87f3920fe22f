"""The tray icon: says whether Oxide works, and is the way to everything it has."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.recent import RecentTasks
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.tray_icon import tray_icon
from oxide_desktop.fronts.desktop.tray_menu import TrayMenu

# Many things may happen in a moment; the menu is made anew once.
_SETTLE_MS = 150


class Tray(QObject):
    """An icon with a menu.

    Signals:
        ask_wanted: The small Ask window should be shown.
        pause_wanted: New tasks should wait, or no longer.
        quit_wanted: Oxide should end.
    """

    ask_wanted = Signal()
    pause_wanted = Signal(bool)
    quit_wanted = Signal()

    def __init__(self, desk: Desk, recent: RecentTasks, pages: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._recent = recent
        self._paused = False
        self._shown: tuple[str, int] = ("", -1)
        self._entries = TrayMenu(pages, self)
        self.menu = self._entries.menu
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._refresh)
        self._icon = self._make_icon()
        recent.changed.connect(self._changed)
        desk.opened.connect(self._changed)
        desk.bridge.service_changed.connect(self._changed)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        entries = self._entries
        entries.ask_wanted.connect(self.ask_wanted)
        entries.quit_wanted.connect(self.quit_wanted)
        entries.task_wanted.connect(self._desk.open_task)
        entries.page_wanted.connect(self._desk.show_page)
        entries.pause_wanted.connect(self.pause_wanted)
        self._desk.paused.connect(self._show_paused)
        self.menu.aboutToShow.connect(lambda: self._fill(move=True))

    def _make_icon(self) -> QSystemTrayIcon:
        made = QSystemTrayIcon(self)
        made.setContextMenu(self.menu)
        made.activated.connect(self._activated)
        return made

    # -- life --------------------------------------------------------------------------------------

    @staticmethod
    def has_host() -> bool:
        """Whether the desktop shows tray icons at all."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        """Put the icon into the tray."""
        self._icon.show()

    def show_again(self) -> None:
        """A host has come up that does not know the icon: bring it a new one."""
        self._icon.hide()
        self._icon.deleteLater()
        self._icon = self._make_icon()
        self._shown = ("", -1)
        self._refresh()
        self._icon.show()

    def close(self) -> None:
        """Take the icon away."""
        self._settle.stop()
        self._icon.hide()

    @property
    def icon(self) -> QSystemTrayIcon:
        """What the system shows, for its geometry and its messages."""
        return self._icon

    # -- what it shows -------------------------------------------------------------------------------

    def _changed(self) -> None:
        if not self._settle.isActive():
            self._settle.start()

    def _refresh(self) -> None:
        self._show_state()
        self._fill(move=not self.menu.isVisible())  # what is under the hand does not move

    def _state(self) -> str:
        if self._recent.running:
            return "working"
        return "attention" if self._recent.unseen_failure else "idle"

    def _show_state(self) -> None:
        state, count = self._state(), self._recent.running
        if (state, count) != self._shown:
            self._shown = (state, count)
            self._icon.setIcon(tray_icon(state, count, self._desk.theme.colour("tray")))
        told = {"working": tr("%n task(s) running", count), "attention": tr("a task failed"), "idle": tr("idle")}
        words = tr("new tasks wait") if self._paused and state == "idle" else told[state]
        self._icon.setToolTip(f"Oxide: {words}")

    def _fill(self, *, move: bool) -> None:
        desk = self._desk
        self._entries.show_tasks(self._recent.newest(), self._recent.running, move=move)
        self._entries.show_services(desk.orchestrator.services() if desk.is_open else ())
        self._entries.show_ready(ready=desk.is_open)

    def _show_paused(self, paused: bool) -> None:  # noqa: FBT001 - Qt's signal passes it so
        self._paused = paused
        self._entries.show_paused(paused=paused)
        self._changed()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        """A click. The second one of a double click would close what the first has opened; macOS opens the menu."""
        if reason is QSystemTrayIcon.ActivationReason.Trigger and sys.platform != "darwin":
            self.ask_wanted.emit()
