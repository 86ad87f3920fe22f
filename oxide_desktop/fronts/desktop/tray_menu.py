"""The tray's menu. An entry keeps its action while it is there.

Many hosts show the menu from another process, and a click on what they still show must find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from oxide_desktop.core.health import ServiceStatus
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.recent import menu_line
from oxide_desktop.fronts.desktop.sentences import engine_words, tr
from oxide_desktop.fronts.desktop.tokens import tokens
from oxide_desktop.fronts.desktop.widgets.basics import add_menu


class TrayMenu(QObject):
    """Signals what is chosen; what it shows is told to it.

    Signals:
        ask_wanted, quit_wanted: Those entries.
        task_wanted, page_wanted: A task by its id, a page by its name.
        pause_wanted: New tasks should wait, or no longer.

    Attributes:
        menu: What the tray shows.
    """

    ask_wanted = Signal()
    task_wanted = Signal(str)
    page_wanted = Signal(str)
    pause_wanted = Signal(bool)
    quit_wanted = Signal()

    def __init__(self, pages: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pages = pages
        self.menu = menu = QMenu()
        menu.addAction(tr("Ask…"), self.ask_wanted.emit)
        self._tasks = _Entries(menu, menu.addSeparator(), self.task_wanted.emit)
        self._services_menu = add_menu(menu, tr("Services"))
        self._services = _Entries(self._services_menu, None, lambda _: self.page_wanted.emit("services"))
        self._add_page("history", tr("History"))
        self._add_page("rules", tr("Rules"))
        self._add_page("dashboard", tr("Dashboard"))
        menu.addSeparator()
        self._add_page("welcome", tr("Connect Claude Code…"), "/connect")
        self._pause = QAction(tr("Pause new tasks"), menu)
        self._pause.setCheckable(True)
        self._pause.triggered.connect(self.pause_wanted)
        menu.addAction(self._pause)
        self._add_page("settings", tr("Settings…"))
        self._quit = menu.addAction(tr("Quit Oxide"), self.quit_wanted.emit)

    def _add_page(self, name: str, title: str, part: str = "") -> None:
        if name in self._pages:
            self.menu.addAction(title, lambda: self.page_wanted.emit(name + part))

    def show_tasks(self, records: Sequence[TaskRecord], running: int, *, move: bool = True) -> None:
        """The tasks to be told, in their order, and how many run; without `move` only those that are there already."""
        self._tasks.show({record.id: menu_line(record) for record in records}, move=move)
        count = f" ({tr('%n task(s) running', running)})" if running else ""
        self._quit.setText(tr("Quit Oxide") + count)

    def show_services(self, services: Sequence[ServiceStatus]) -> None:
        """How the enabled services are."""
        self._services.show({item.settings.name: _service_line(item) for item in services if item.settings.enabled})
        self._services_menu.setEnabled(bool(services))

    def show_paused(self, *, paused: bool) -> None:
        """Whether new tasks wait."""
        self._pause.setChecked(paused)

    def show_ready(self, *, ready: bool) -> None:
        """Whether the engine is up."""
        self._pause.setEnabled(ready)


class _Entries:
    """Entries of a menu that come and go, each known by a key, all of them before another one or at the end."""

    def __init__(self, menu: QMenu, before: QAction | None, chosen: Callable[[str], object]) -> None:
        self._menu = menu
        self._before = before
        self._chosen = chosen
        self._actions: dict[str, QAction] = {}

    def show(self, lines: Mapping[str, str], *, move: bool = True) -> None:
        """Show a line for each key, in their order; without `move` none comes and none goes."""
        if not move:
            for key in self._actions.keys() & lines.keys():
                self._actions[key].setText(lines[key])
            return
        for key in self._actions.keys() - lines.keys():
            gone = self._actions.pop(key)
            self._menu.removeAction(gone)
            gone.deleteLater()
        following = self._before
        for key, text in reversed(list(lines.items())):
            action = self._actions.get(key) or self._make(key)
            if self._after(action) is not following:
                self._insert(following, action)
            if action.text() != text:
                action.setText(text)
            following = action

    def _make(self, key: str) -> QAction:
        self._actions[key] = made = QAction(self._menu)
        made.triggered.connect(lambda: self._chosen(key))
        return made

    def _insert(self, following: QAction | None, action: QAction) -> None:
        if following is None:
            self._menu.addAction(action)
        else:
            self._menu.insertAction(following, action)

    def _after(self, action: QAction) -> QAction | None:
        """What follows an action in the menu; the action itself where it is not in it."""
        actions = self._menu.actions()
        place = actions.index(action) if action in actions else -1
        if place < 0:
            return action
        return actions[place + 1] if place + 1 < len(actions) else None


def _service_line(status: ServiceStatus) -> str:
    name, health = status.settings.name, status.health
    states = tokens().states
    if status.healthy:
        return f"{states['completed'].sign}  {name}".replace("&", "&&")
    if health is None:
        return f"{states['queued'].sign}  {name}".replace("&", "&&")
    lacking = engine_words(health.failing.lacking) if health.failing else ""
    return f"{states['attention'].sign}  {name}: {lacking}".replace("&", "&&")
