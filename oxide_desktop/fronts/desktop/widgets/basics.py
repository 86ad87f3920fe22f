"""The small pieces of every page: labels, buttons, hairlines, rows, each of a kind that the style sheet knows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QPushButton, QWidget

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
