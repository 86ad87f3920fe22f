"""Whether the system is light or dark: from Qt where it knows, else from the desktop's portal (Linux)."""

from __future__ import annotations

import sys

from PySide6.QtCore import SLOT, QObject, Qt, Signal, Slot
from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage, QDBusVariant
from PySide6.QtWidgets import QApplication

_PORTAL = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings")
_KEY = ["org.freedesktop.appearance", "color-scheme"]
_DARK = 1
# A portal that is only now being started is heard of by its signal.
_LIMIT_MS = 200


class SystemScheme(QObject):
    """Signals `changed` when the system may have gone from light to dark or back."""

    changed = Signal()

    def __init__(self, application: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hints = application.styleHints()
        self._of_portal: int | None = None
        self._hints.colorSchemeChanged.connect(self.changed)
        if sys.platform == "linux" and self._hints.colorScheme() is Qt.ColorScheme.Unknown:
            self._ask_portal()

    @property
    def is_dark(self) -> bool:
        """What the system says; where it says nothing, light."""
        if (known := self._hints.colorScheme()) is not Qt.ColorScheme.Unknown:
            return known is Qt.ColorScheme.Dark
        return self._of_portal == _DARK

    def close(self) -> None:
        """Follow no longer."""
        self._hints.colorSchemeChanged.disconnect(self.changed)
        self.blockSignals(True)  # noqa: FBT003 - Qt's own shape

    def _ask_portal(self) -> None:
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        service, path, interface = _PORTAL
        question = QDBusMessage.createMethodCall(service, path, interface, "Read")
        question.setArguments(_KEY)
        answer = bus.call(question, QDBus.CallMode.Block, _LIMIT_MS)
        if answer.type() is QDBusMessage.MessageType.ReplyMessage:
            self._of_portal = _number(answer.arguments()[0])
        slot = SLOT("setting_changed(QDBusMessage)")
        bus.connect("", path, interface, "SettingChanged", self, slot)  # type: ignore[call-overload]  # it wants a str

    @Slot(QDBusMessage)
    def setting_changed(self, message: QDBusMessage) -> None:
        """The portal tells of a setting."""
        *key, value = message.arguments()
        if key == _KEY:
            self._of_portal = _number(value)
            self.changed.emit()


def _number(value: object) -> int | None:
    """What is in a variant, which may be in another one."""
    while isinstance(value, QDBusVariant):
        value = value.variant()
    return value if isinstance(value, int) else None
