"""What failed: the one thing to do, as a button where it can be one, and the technical text folded below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from oxide_desktop.core.errors import OxideError, RouteError, ServiceError
from oxide_desktop.fronts.desktop.sentences import engine_words, error_line, one_line
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, row
from oxide_desktop.fronts.desktop.widgets.passage import Passage

_MOST_AT_ONCE = 240


class Failure(QFrame):
    """Hidden while nothing has failed.

    Signals:
        again_wanted: The same should be asked once more.
        services_wanted: The services should be looked at.
    """

    again_wanted = Signal()
    services_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "error")
        self.hint = Passage(self.tr("What to do"))
        self.again = button(self.tr("Ask again"), self.again_wanted.emit)
        self.services = button(self.tr("Show services"), self.services_wanted.emit)
        self.fold = button(self.tr("Details"), kind="link")
        self.fold.setCheckable(True)
        self.details = Passage(self.tr("Details"))
        self.fold.toggled.connect(self.details.setVisible)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(spacing("within"))
        column.addWidget(self.hint)
        column.addLayout(row(self.again, self.services, self.fold, None))
        column.addWidget(self.details)
        self.setVisible(False)

    def tell(self, error: OxideError) -> None:
        """Show what is to be done about it; its title is said elsewhere."""
        message = engine_words(error.message)
        self.hint.setText(engine_words(error.hint) or one_line(message, _MOST_AT_ONCE))
        self.details.setText(message)
        folded = bool(message) and message != self.hint.text()
        self.fold.setVisible(folded)
        self.fold.setChecked(False)
        self.details.setVisible(False)
        self.services.setVisible(isinstance(error, RouteError | ServiceError))
        self.setAccessibleName(error_line(error))
        self.setVisible(bool(error.hint or error.message))
