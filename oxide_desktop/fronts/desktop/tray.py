"""The tray icon: says whether Oxide works, and is the way to everything it has."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from oxide_desktop.core.health import ServiceStatus
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.recent import RecentTasks, menu_line
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.tokens import tokens
from oxide_desktop.fronts.desktop.tray_icon import tray_icon
from oxide_desktop.fronts.desktop.widgets.basics import add_menu, empty

# Many things may happen in a moment; the menu is made anew once.
_SETTLE_MS = 150


class Tray(QObject):
    """An icon with a menu.

    Signals:
        ask_wanted: The small Ask window should be shown.
        dashboard_wanted: The web view should be shown.
        pause_wanted: New tasks should wait, or no longer.
        quit_wanted: Oxide should end.
    """

    ask_wanted = Signal()
    dashboard_wanted = Signal()
    pause_wanted = Signal(bool)
    quit_wanted = Signal()

    def __init__(self, desk: Desk, recent: RecentTasks, pages: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._recent = recent
        self._pages = pages
        self._paused = False
        self._shown: tuple[str, int] = ("", -1)
        self.menu = QMenu()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._refresh)
        self._icon = self._make_icon()
        recent.changed.connect(self._changed)
        desk.opened.connect(self._changed)
        desk.bridge.service_changed.connect(self._changed)
        self.menu.aboutToShow.connect(self._fill)
        self._refresh()

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
        if not self.menu.isVisible():  # a menu does not change under the hand
            self._fill()

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

    def _fill(self) -> None:
        menu = self.menu
        empty(menu)
        menu.addAction(tr("Ask…"), self.ask_wanted.emit)
        for record in self._recent.newest():
            menu.addAction(menu_line(record), partial(self._desk.open_task, record.id))
        menu.addSeparator()
        self._add_services(menu)
        self._add_pages(menu)
        menu.addSeparator()
        self._add_rest(menu)

    def _add_services(self, menu: QMenu) -> None:
        services = self._desk.orchestrator.services() if self._desk.is_open else ()
        below = add_menu(menu, tr("Services"))
        below.setEnabled(bool(services))
        for status in services:
            if status.settings.enabled:
                below.addAction(_service_line(status), partial(self._desk.show_page, "services"))

    def _add_pages(self, menu: QMenu) -> None:
        for name, title in (("history", tr("History")), ("rules", tr("Rules"))):
            if name in self._pages:
                menu.addAction(title, partial(self._desk.show_page, name))
        if self._desk.launch_link is not None:
            menu.addAction(tr("Dashboard"), self.dashboard_wanted.emit)

    def _add_rest(self, menu: QMenu) -> None:
        if "welcome" in self._pages:
            menu.addAction(tr("Connect Claude Code…"), partial(self._desk.show_page, "welcome"))
        pause = QAction(tr("Pause new tasks"), menu)
        menu.addAction(pause)
        pause.setCheckable(True)
        pause.setChecked(self._paused)
        pause.setEnabled(self._desk.is_open)
        pause.toggled.connect(self._pause)
        if "settings" in self._pages:
            menu.addAction(tr("Settings…"), partial(self._desk.show_page, "settings"))
        count = self._recent.running
        running = f" ({tr('%n task(s) running', count)})" if count else ""
        menu.addAction(tr("Quit Oxide") + running, self.quit_wanted.emit)

    def _pause(self, paused: bool) -> None:  # noqa: FBT001 - Qt's signal passes it so
        self._paused = paused
        self.pause_wanted.emit(paused)
        self._changed()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.ask_wanted.emit()


def _service_line(status: ServiceStatus) -> str:
    name, health = status.settings.name, status.health
    states = tokens().states
    if status.healthy:
        return f"{states['completed'].sign}  {name}".replace("&", "&&")
    if health is None:
        return f"{states['queued'].sign}  {name}".replace("&", "&&")
    lacking = health.failing.lacking if health.failing else ""
    return f"{states['attention'].sign}  {name}: {lacking}".replace("&", "&&")
