"""The tray icon's pictures: idle, working with a count, attention; told apart by shape at 16 pixels already."""

from __future__ import annotations

import sys

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from oxide_desktop.fronts.desktop.icons import SIZES, icon

_MOST = 9
# A digit in a ring, in parts of the icon's height.
_DIGIT = 0.58


def tray_icon(state: str, count: int, colour: QColor) -> QIcon:
    """The icon for a state.

    Args:
        state: `idle`, `working` or `attention`.
        count: How many tasks run; from two on it is written.
        colour: Reads on a light panel and on a dark one, since nobody tells which it is. macOS tints it itself.
    """
    if state == "attention":
        made = icon("mark-attention", colour)
    elif state == "working":
        made = icon("mark-working", colour) if count < 2 else _counted(min(count, _MOST + 1), colour)  # noqa: PLR2004
    else:
        made = icon("mark", colour)
    made.setIsMask(sys.platform == "darwin")
    return made


def _counted(count: int, colour: QColor) -> QIcon:
    ring, made = icon("mark-count", colour), QIcon()
    for size in SIZES:
        pixmap = QPixmap(ring.pixmap(size, size))
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        font = QFont(painter.font())
        font.setPixelSize(round(size * _DIGIT))
        font.setWeight(QFont.Weight.Bold)
        painter.setFont(font)
        painter.setPen(colour)
        text = str(count) if count <= _MOST else "+"
        painter.drawText(QRectF(0, 0, size, size), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
        made.addPixmap(pixmap)
    return made
