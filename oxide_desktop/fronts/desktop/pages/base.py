"""What every page of the main window is: a heading with its actions, a body, and a desk to work at."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from oxide_desktop.core.model import Request
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import label

WIDEST = 960  # for lists whose lines have something at both ends


class Page(QWidget):
    """Made when it is first gone to, and kept.

    Attributes:
        desk: The engine, what happens, the looks, the ways to other pages.
        top: The right of the heading's row, for buttons and counts.
        body: Everything below the heading.
        widest: How wide it grows, where a line from one side to the other is lost; `None` for all there is.
    """

    widest: int | None = None

    def __init__(self, desk: Desk, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setProperty("kind", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(title)
        self.heading = label(title, "heading")
        self.top = QHBoxLayout()
        self.top.setSpacing(spacing("within"))
        line = QHBoxLayout()
        line.addWidget(self.heading, 1)
        line.addLayout(self.top)
        self.body = QVBoxLayout()
        self.body.setSpacing(spacing("step") * 3)
        self._column = column = QVBoxLayout(self)
        around = spacing("around")
        column.setContentsMargins(around + spacing("step"), spacing("step") * 5, around + spacing("step"), around)
        column.setSpacing(spacing("step") * 3)
        column.addLayout(line)
        column.addLayout(self.body, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """What is left over stays empty, on the right."""
        margins = self._column.contentsMargins()
        over = self.width() - margins.left() - (self.widest or self.width())
        margins.setRight(max(margins.left(), over))
        self._column.setContentsMargins(margins)
        super().resizeEvent(event)

    def came_up(self) -> None:
        """The page was gone to: put the keyboard where a person will type, look again at what may have changed."""

    def show_part(self, name: str) -> None:
        """Show one part of the page; the keyboard goes there."""

    def show_task(self, task_id: str) -> None:
        """Show one task; only pages for which the catalogue says `shows_tasks` are asked."""

    def take_request(self, request: Request) -> None:
        """Put a request where it can be changed and asked; only the Ask page is asked to."""
