"""A column that scrolls when it is higher than its page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.tokens import spacing


class ScrollingColumn(QScrollArea):
    """Widgets go into `column`; what gets the keyboard is scrolled to."""

    def __init__(self, gap: int | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        outer = QVBoxLayout(inner)
        outer.setContentsMargins(0, 0, spacing("within"), 0)
        self.column = QVBoxLayout()
        self.column.setSpacing(spacing("within") if gap is None else gap)
        outer.addLayout(self.column)
        outer.addStretch(1)
        self.setWidget(inner)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: FBT001, N802 - Qt's name and way
        """Go on, and show where one has come to."""
        moved = super().focusNextPrevChild(forward)
        if focus := self.focusWidget():
            self.ensureWidgetVisible(focus)
        return moved
