"""What is going on, in one line at the foot of the sidebar."""

from __future__ import annotations

from PySide6.QtCore import QObject

from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.recent import RecentTasks
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.windows.sidebar import Sidebar


class Activity(QObject):
    """Tells the sidebar how many tasks run and how many services can be used."""

    def __init__(self, desk: Desk, recent: RecentTasks, sidebar: Sidebar) -> None:
        super().__init__(sidebar)
        self._desk = desk
        self._recent = recent
        self._sidebar = sidebar
        desk.opened.connect(self._show)
        recent.changed.connect(self._show)
        desk.paused.connect(self._show)
        desk.bridge.service_changed.connect(self._show)

    def _show(self) -> None:
        if not self._desk.is_open:
            return
        count, waiting = self._recent.running, self._recent.waiting
        is_paused = self._desk.orchestrator.is_paused
        enabled = [item for item in self._desk.orchestrator.services() if item.settings.enabled]
        ready = sum(item.healthy for item in enabled)
        services = tr("%1 of %2 services ready").replace("%1", str(ready)).replace("%2", str(len(enabled)))
        parts = [tr("%n working", count - waiting)] if count > waiting else []
        parts += [tr("%n waiting", waiting)] if waiting else []
        parts += [tr("paused")] if is_paused else []
        state = "running" if count > waiting else "queued" if waiting or is_paused else ""
        state = state or ("completed" if ready else "attention")
        self._sidebar.show_state(state, " · ".join((*parts, services)))
        self._sidebar.show_count("history", count)
