"""A window for one API key: it goes into the system's keyring and is not shown again."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row


class KeyDialog(QDialog):
    """Asks for a key; keeping it is its owner's business, who closes it then.

    Signals:
        given: The key.
        remove_wanted: The one that is stored should be forgotten.
    """

    given = Signal(str)
    remove_wanted = Signal()

    def __init__(self, service: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Key for %1").replace("%1", service))
        self.key = QLineEdit()
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setPlaceholderText(self.tr("Paste it here"))
        self.key.setAccessibleName(self.tr("API key for %1").replace("%1", service))
        self.place = label("", "soft", wrap=True)
        self.stored = label(self.tr("✓ One is stored; a new one takes its place."), "ok", wrap=True)
        self.stored.setVisible(False)
        self.problem = label(kind="bad", wrap=True)
        self.problem.setVisible(False)
        self.remove_button = button(self.tr("Remove…"), self.remove_wanted.emit, "link")
        self.remove_button.setAccessibleName(self.tr("Remove the stored key"))
        self.remove_button.setVisible(False)
        self.save_button = button(self.tr("Save key"), self._save, "primary")
        self.save_button.setDefault(True)
        self.save_button.setEnabled(False)
        self.key.textChanged.connect(lambda text: self.save_button.setEnabled(bool(text.strip())))
        column = QVBoxLayout(self)
        around = spacing("around")
        column.setContentsMargins(around, around, around, around)
        column.setSpacing(spacing("between"))
        column.addWidget(label(self.tr("API key for %1").replace("%1", service), "strong"))
        column.addWidget(self.stored)
        column.addWidget(self.key)
        column.addWidget(self.problem)
        column.addWidget(self.place)
        column.addLayout(row(self.remove_button, None, button(self.tr("Cancel"), self.reject), self.save_button))
        self.setMinimumWidth(420)

    def show_place(self, words: str, *, stored: bool) -> None:
        """Where the key will be kept, and whether one is there."""
        self.stored.setVisible(stored)
        self.remove_button.setVisible(stored)
        self.place.setText(self.tr("It is kept in %1. Oxide never shows it again.").replace("%1", words))
        self.place.setMinimumHeight(self.place.heightForWidth(self.place.width()))
        self.adjustSize()

    def show_keeping(self) -> None:
        """It is being kept; the system may ask for a password meanwhile."""
        self.problem.setVisible(False)
        self.key.setEnabled(False)
        self.save_button.setEnabled(False)

    def refuse(self, sentence: str) -> None:
        """It could not be kept; what was typed is still there."""
        self.problem.setText(sentence)
        self.problem.setVisible(True)
        self.key.setEnabled(True)
        self.save_button.setEnabled(True)
        self.key.setFocus()
        self.adjustSize()

    def _save(self) -> None:
        self.given.emit(self.key.text().strip())
