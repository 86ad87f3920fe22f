"""A combo box that shows that it is one, and that scrolling past does not change."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from oxide_desktop.fronts.desktop.theme import Theme

_ARROW = 14


class Choice(QComboBox):
    """The style sheet leaves the arrow out; it is drawn in the theme's colour."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The box, and the arrow in it."""
        super().paintEvent(event)
        painter = QPainter(self)
        pixmap = self._theme.icon("down").pixmap(QSize(_ARROW, _ARROW), self.devicePixelRatioF())
        painter.drawPixmap(self.width() - _ARROW - 8, (self.height() - _ARROW) // 2, pixmap)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """The page scrolls; what is set stays."""
        event.ignore()
