"""The Ask page."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from oxide_desktop.core.model import Request
from oxide_desktop.fronts.desktop.asking import Asking
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import Page
from oxide_desktop.fronts.desktop.widgets.ask_panel import AskPanel
from oxide_desktop.fronts.desktop.widgets.basics import button


class AskPage(Page):
    """There before the engine is: a person can type at once."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "Ask"), parent)
        self.panel = AskPanel(desk.theme)
        self.asking = Asking(self.panel, desk)
        self.body.addWidget(self.panel, 1)
        keys = QKeySequence(QKeySequence.StandardKey.New)
        again = button(self.tr("New question"), self.asking.start_over, "link")
        again.setToolTip(keys.toString(QKeySequence.SequenceFormat.NativeText))
        self.top.addWidget(again)
        QShortcut(keys, self, self.asking.start_over)

    def came_up(self) -> None:
        """Ready for typing."""
        self.panel.prompt.setFocus()

    def take_request(self, request: Request) -> None:
        """Put it into the panel."""
        self.asking.take(request)
