"""Our own icons: SVG drawn in `currentColor`, tinted when they are loaded, crisp at every size that is asked for."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from oxide_desktop.config.paths import resource

# Trays ask for 16, 22, 24, 32 and 44 pixels, buttons for 14 to 20; twice that on fine screens.
SIZES = (14, 16, 18, 20, 22, 24, 28, 32, 36, 40, 44, 48, 64, 128)


def icon(name: str, colour: QColor) -> QIcon:
    """The icon `resources/icons/NAME.svg` in one colour."""
    made = QIcon()
    _draw(made, name, colour, QIcon.State.Off)
    return made


def nav_icon(name: str, colour: QColor, checked: QColor) -> QIcon:
    """The same in another colour where its button is checked."""
    made = icon(name, colour)
    _draw(made, name, checked, QIcon.State.On)
    return made


def _draw(into: QIcon, name: str, colour: QColor, state: QIcon.State) -> None:
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour.name()).encode()))
    for size in SIZES:
        pixmap = QPixmap(QSize(size, size))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        into.addPixmap(pixmap, QIcon.Mode.Normal, state)


@cache
def _source(name: str) -> str:
    return resource("resources", "icons", f"{name}.svg").read_text("utf-8")
