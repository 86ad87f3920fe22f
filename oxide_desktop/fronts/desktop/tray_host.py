"""Notices when something that shows tray icons starts later than Oxide did: Qt does not look for it again."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Signal

WATCHER = "org.kde.StatusNotifierWatcher"


class TrayHostWatch(QObject):
    """Signals `came` when a host for tray icons has registered on the session bus (Linux only)."""

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watch: QObject | None = None
        if sys.platform == "linux":
            self._listen()

    def _listen(self) -> None:
        from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher  # noqa: PLC0415 - Linux only

        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        mode = QDBusServiceWatcher.WatchModeFlag.WatchForRegistration
        watch = QDBusServiceWatcher(WATCHER, bus, mode, self)
        watch.serviceRegistered.connect(lambda _: self.came.emit())
        self._watch = watch

    def close(self) -> None:
        """Look no longer."""
        if self._watch is not None:
            self._watch.deleteLater()
            self._watch = None
