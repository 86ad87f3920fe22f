"""Our own icons: SVG drawn in `currentColor`, tinted when they are loaded, crisp at every size a tray asks for."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from oxide_desktop.config.paths import resource

SIZES = (16, 22, 24, 32, 44, 64, 128)


def icon(name: str, colour: QColor) -> QIcon:
    """The icon `resources/icons/NAME.svg` in one colour."""
    source = resource("resources", "icons", f"{name}.svg").read_text("utf-8").replace("currentColor", colour.name())
    renderer = QSvgRenderer(QByteArray(source.encode()))
    result = QIcon()
    for size in SIZES:
        pixmap = QPixmap(QSize(size, size))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        result.addPixmap(pixmap)
    return result
