"""Sentences above a page that stay until they are read: what a person should know, and what failed."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from oxide_desktop.core.errors import OxideError
from oxide_desktop.fronts.desktop.sentences import engine_words, error_line
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, label

MOST = 4


class Notices(QWidget):
    """A column of them; empty, it takes no room. A sentence that stands there already is not said twice."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: dict[str, QFrame] = {}
        self._column = QVBoxLayout(self)
        around = spacing("around") + spacing("step")
        self._column.setContentsMargins(around, spacing("between"), around, 0)
        self._column.setSpacing(spacing("within"))
        self.setVisible(False)

    def texts(self) -> tuple[str, ...]:
        """What stands there, oldest first."""
        return tuple(self._shown)

    def tell(self, sentence: str) -> None:
        """Something a person should know."""
        self._add(sentence, "notice", "warn", (sentence,))

    def fail(self, error: OxideError) -> None:
        """What failed, why, and the one thing to do."""
        parts = tuple(engine_words(part) for part in (error.title, error.message, error.hint) if part)
        self._add(error_line(error), "error", "bad", parts)

    def _add(self, key: str, kind: str, colour: str, parts: tuple[str, ...]) -> None:
        if key in self._shown:
            return
        frame = QFrame()
        frame.setProperty("kind", kind)
        line = QHBoxLayout(frame)
        line.setContentsMargins(12, 8, 8, 8)
        line.setSpacing(spacing("within"))
        sign = label(self._theme.state("attention" if kind == "notice" else "failed").sign, colour)
        line.addWidget(sign)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        for number, part in enumerate(parts):
            texts.addWidget(label(part, "strong" if number == 0 and len(parts) > 1 else "", wrap=True))
        line.addLayout(texts, 1)
        line.addWidget(button(self.tr("Dismiss"), lambda: self._remove(key), "link"))
        frame.setAccessibleName(key)
        self._column.addWidget(frame)
        self._shown[key] = frame
        for old in list(self._shown)[:-MOST]:
            self._remove(old)
        self.setVisible(True)

    def _remove(self, key: str) -> None:
        frame = self._shown.pop(key)
        self._column.removeWidget(frame)
        frame.deleteLater()
        self.setVisible(bool(self._shown))
