"""One step of the first page: a number, what it is about, its content, and a way to leave it out."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row


class Step(QFrame):
    """What is in `content` is hidden when the step is skipped, and back when it is wanted after all."""

    def __init__(self, number: int, title: str, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.setAccessibleName(title)
        self._title = title
        self.skip_button = button(self.tr("Skip"), self._turn, "link", name=self.tr("Skip: %1").replace("%1", title))
        self.body = QWidget()
        self.content = QVBoxLayout(self.body)
        self.content.setContentsMargins(0, 0, 0, 0)
        self.content.setSpacing(spacing("within"))
        self.content.addWidget(label(about, "soft", wrap=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing("between"), 12, 12, 12)
        column.setSpacing(spacing("within"))
        column.addLayout(row(label(str(number), "accent"), label(title, "strong"), None, self.skip_button))
        column.addWidget(self.body)

    def finish(self) -> None:
        """There is nothing to skip any more."""
        self.skip_button.setVisible(False)

    def _turn(self) -> None:
        shown = not self.body.isHidden()
        self.body.setVisible(not shown)
        self.skip_button.setText(self.tr("Do it after all") if shown else self.tr("Skip"))
