"""Notifications of macOS and Windows, through the tray icon, which hands them to the system's own service."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QSystemTrayIcon

from oxide_desktop.fronts.desktop.tray import Tray


class TrayNotices:
    """Shows one at a time; a click belongs to the newest.

    Args:
        activated: Called with the key of one that was clicked.
    """

    def __init__(self, tray: Tray, activated: Callable[[str], None]) -> None:
        self._tray = tray
        self._activated = activated
        self._newest = ""
        self._listens_to: QSystemTrayIcon | None = None

    async def show(self, key: str, title: str, body: str, action: str) -> bool:  # noqa: ARG002 - a click is the action
        """Show one; `False` where there is no tray."""
        if not self._tray.has_host():
            return False
        if self._listens_to is not self._tray.icon:
            self._listens_to = self._tray.icon
            self._listens_to.messageClicked.connect(lambda: self._activated(self._newest))
        self._newest = key
        self._tray.icon.showMessage(title, body, QSystemTrayIcon.MessageIcon.NoIcon)
        return True

    async def withdraw(self, key: str) -> None:
        """The system takes it away itself."""

    async def aclose(self) -> None:
        """Nothing to let go of."""
