"""A text of others that can be read to its end: broken anywhere if need be, as high as it is, and to be selected."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

MOST_LINES = 10


class Passage(QPlainTextEdit):
    """Plain text; what is higher than `MOST_LINES` scrolls."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("kind", "passage")
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def text(self) -> str:
        """All of it."""
        return self.toPlainText()

    def setText(self, text: str) -> None:  # noqa: N802 - as a label has it
        """Another text."""
        self.setPlainText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width needs another height."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as the text."""
        return QSize(super().sizeHint().width(), self.height())

    def _fit(self) -> None:
        lines = min(self.document().lineCount() if self.width() else 1, MOST_LINES)
        margins = self.contentsMargins()
        room = margins.top() + margins.bottom() + 2 * round(self.document().documentMargin())
        wanted = QFontMetrics(self.font()).lineSpacing() * max(lines, 1) + room
        if wanted != self.height():
            self.setFixedHeight(wanted)
