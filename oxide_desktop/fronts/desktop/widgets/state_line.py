"""How a task stands, in one line: a sign in its colour, and words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import label


class StateLine(QWidget):
    """Shows a state of the tokens with a sentence beside it."""

    def __init__(self, theme: Theme, kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = ""
        self._sign = label()
        self._words = label(kind=kind, wrap=True)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(spacing("within"))
        line.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._words, 1)
        theme.changed.connect(self._draw)

    def show_state(self, state: str, words: str) -> None:
        """A state's name, empty for none, and what is to be said."""
        self._words.setText(words)
        if state != self._state:
            self._state = state
            self._draw()
        self.setAccessibleName(self.text())

    def text(self) -> str:
        """All of it."""
        return f"{self._sign.text()} {self._words.text()}".strip()

    def _draw(self) -> None:
        self._sign.setVisible(bool(self._state))
        if self._state:
            known = self._theme.state(self._state)
            self._sign.setText(known.sign)
            self._sign.setStyleSheet(f"color: {self._theme.hex(known.colour)}")
        else:
            self._sign.clear()
