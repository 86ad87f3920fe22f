"""A window for one API key: it goes into the system's keyring and is not shown again."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row


class KeyDialog(QDialog):
    """Signals `given` with the key; saving it is the page's business."""

    given = Signal(str)

    def __init__(self, service: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Key for %1").replace("%1", service))
        self.key = QLineEdit()
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setPlaceholderText(self.tr("Paste it here"))
        self.key.setAccessibleName(self.tr("API key for %1").replace("%1", service))
        self.place = label("", "soft", wrap=True)
        self.save_button = button(self.tr("Save key"), self._save, "primary")
        self.save_button.setDefault(True)
        self.save_button.setEnabled(False)
        self.key.textChanged.connect(lambda text: self.save_button.setEnabled(bool(text.strip())))
        column = QVBoxLayout(self)
        around = spacing("around")
        column.setContentsMargins(around, around, around, around)
        column.setSpacing(spacing("between"))
        column.addWidget(label(self.tr("API key for %1").replace("%1", service), "strong"))
        column.addWidget(self.key)
        column.addWidget(self.place)
        column.addLayout(row(None, button(self.tr("Cancel"), self.reject), self.save_button))
        self.setMinimumWidth(420)

    def show_place(self, words: str) -> None:
        """Where the key will be kept."""
        self.place.setText(self.tr("It is kept in %1. Oxide never shows it again.").replace("%1", words))
        self.place.setMinimumHeight(self.place.heightForWidth(self.place.width()))
        self.adjustSize()

    def _save(self) -> None:
        self.given.emit(self.key.text().strip())
        self.key.clear()
        self.accept()
