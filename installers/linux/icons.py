"""Draws an SVG as PNGs: `icons.py PICTURE SIZE=FILE…`, sizes in pixels."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

application = QGuiApplication(sys.argv[:1])
renderer = QSvgRenderer(sys.argv[1])
for wanted in sys.argv[2:]:
    size, _, file = wanted.partition("=")
    image = QImage(int(size), int(size), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    if not image.save(file):
        raise SystemExit(f"{file} could not be written")
