"""The small Ask window of the tray: a prompt, where it goes, the answer. Esc hides it, and what runs goes on."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.asking import Asking
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.ask_panel import AskPanel

USUAL_SIZE = (640, 480)
_GEOMETRY = "ask/geometry"


class AskWindow(QWidget):
    """Signals `hidden` when it was closed, which leaves everything as it is, and `activated` when it is in front."""

    hidden = Signal()
    activated = Signal()

    def __init__(self, desk: Desk, memory: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self.setProperty("kind", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(self.tr("Ask — Oxide"))
        self.panel = AskPanel(desk.theme)
        self.asking = Asking(self.panel, desk)
        column = QVBoxLayout(self)
        around = spacing("between")
        column.setContentsMargins(around, around, around, around)
        column.addWidget(self.panel)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Close), self, self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.New), self, self.asking.start_over)
        kept = memory.value(_GEOMETRY)
        if not (isinstance(kept, QByteArray) and self.restoreGeometry(kept)):
            self.resize(*USUAL_SIZE)

    def bring_up(self) -> None:
        """Show it, in front, ready for typing."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.panel.prompt.setFocus()

    def remember(self) -> None:
        """Keep where it stands and how large it is."""
        self._memory.setValue(_GEOMETRY, self.saveGeometry())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """It came to the front."""
        if event.type() is QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Hide instead: what runs goes on."""
        event.ignore()
        self.remember()
        self.hide()
        self.hidden.emit()
