"""What failed: the one thing to do, as a button where it can be one, and the technical text folded below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from oxide_desktop.core.errors import OxideError, RouteError, ServiceError
from oxide_desktop.fronts.desktop.sentences import engine_words, error_line
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row


class Failure(QFrame):
    """Hidden while nothing has failed.

    Signals:
        services_wanted: The services should be looked at.
    """

    services_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "error")
        self.hint = label(wrap=True)
        self.services = button(self.tr("Show services"), self.services_wanted.emit)
        self.fold = button(self.tr("Details"), kind="link")
        self.fold.setCheckable(True)
        self.details = label(kind="soft", wrap=True)
        self.fold.toggled.connect(self.details.setVisible)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(spacing("within"))
        column.addWidget(self.hint)
        column.addLayout(row(self.services, self.fold, None))
        column.addWidget(self.details)
        self.setVisible(False)

    def tell(self, error: OxideError) -> None:
        """Show what is to be done about it; its title is said elsewhere."""
        self.hint.setText(engine_words(error.hint or error.message))
        self.details.setText(engine_words(error.message))
        folded = bool(error.hint and error.message)
        self.fold.setVisible(folded)
        self.fold.setChecked(False)
        self.details.setVisible(False)
        self.services.setVisible(isinstance(error, RouteError | ServiceError))
        self.setAccessibleName(error_line(error))
        self.setVisible(bool(error.hint or error.message))
