"""The small pieces of every page: labels, buttons, hairlines, rows, each of a kind that the style sheet knows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QMenu, QPushButton, QSizePolicy, QWidget

from oxide_desktop.fronts.desktop.tokens import spacing


def set_kind(widget: QWidget, kind: str) -> None:
    """Say what a widget is; the style sheet dresses it accordingly, also when that changes."""
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """Plain text (never markup: much of what is shown was written by others) that can be selected and copied.

    Args:
        text: What it says.
        kind: `heading`, `strong`, `soft`, `faint`, `warn`, `bad`, `ok`, `chip`, or none.
        wrap: Whether it may take several lines.
    """
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setWordWrap(wrap)
    if kind:
        made.setProperty("kind", kind)
    return made


def button(text: str, clicked: Callable[[], object] | None = None, kind: str = "", *, name: str = "") -> QPushButton:
    """A button that says what it does.

    Args:
        text: A verb.
        clicked: What it does.
        kind: `primary` (one a page), `link`, `danger`, `chip`, or none for an ordinary one.
        name: What a screen reader says, where the text alone does not tell.
    """
    made = QPushButton(text)
    made.setAutoDefault(False)
    if kind:
        made.setProperty("kind", kind)
    if name:
        made.setAccessibleName(name)
    if clicked is not None:
        made.clicked.connect(lambda: clicked())  # noqa: PLW0108 - Qt would hand it `checked`
    return made


def hairline() -> QFrame:
    """The line between two parts of a page."""
    made = QFrame()
    made.setProperty("kind", "rule")
    return made


def row(*parts: QWidget | QLayout | None, gap: int | None = None) -> QHBoxLayout:
    """Widgets and layouts side by side; `None` is the space that grows."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing("within") if gap is None else gap)
    for part in parts:
        if part is None:
            made.addStretch(1)
        elif isinstance(part, QLayout):
            made.addLayout(part)
        else:
            made.addWidget(part)
    return made


def empty(menu: QMenu) -> None:
    """Take everything out of a menu. Menus below it would stay alive, unseen, as long as it does."""
    below = menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    menu.clear()
    for child in below:
        child.deleteLater()


def add_menu(menu: QMenu, title: str) -> QMenu:
    """A menu below a menu. One that Qt made itself would be remembered by Python after it is gone."""
    below = QMenu(title, menu)
    menu.addMenu(below)
    return below


class OneLine(QLabel):
    """Plain text on one line, cut with an ellipsis where it does not fit; all of it shows on hover."""

    def __init__(self, kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if kind:
            self.setProperty("kind", kind)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """All of it; a screen reader says all of it, too."""
        super().setText(text)
        self.setToolTip(text)
        self.setAccessibleDescription(text)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As narrow as need be."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """As much as fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(self.alignment()), shown)
        painter.end()
