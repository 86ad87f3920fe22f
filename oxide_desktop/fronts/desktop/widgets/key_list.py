"""The API keys that are kept: which there are, never what they are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, hairline, label, row


class KeyList(QWidget):
    """Signals what the person wants; which there are is told to it.

    Signals:
        set_wanted: A key should be given, by its name.
        remove_wanted: A key should be forgotten, by its name.
    """

    set_wanted = Signal(str)
    remove_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(spacing("within"))
        self.rows: list[QWidget] = []

    def show_keys(self, stored: Sequence[str], wanted: Sequence[str]) -> None:
        """Those that are stored, and those that the settings name and nobody has stored."""
        for old in self.rows:
            self._column.removeWidget(old)
            old.deleteLater()
        names = sorted({*stored, *wanted})
        self.rows = [self._row(name, stored=name in stored) for name in names]
        if not names:
            self.rows = [
                label(self.tr("No keys are stored. A service that needs one asks for it."), "faint", wrap=True)
            ]
        for new in self.rows:
            self._column.addWidget(new)

    def _row(self, name: str, *, stored: bool) -> QWidget:
        made = QWidget()
        state = label(self.tr("✓ stored") if stored else self.tr("⚠ missing"), "ok" if stored else "warn")
        give = button(
            self.tr("Replace…") if stored else self.tr("Add…"),
            lambda: self.set_wanted.emit(name),
            "link",
            name=self.tr("Give the key %1").replace("%1", name),
        )
        parts = [label(name), state, None, give]
        if stored:
            said = self.tr("Remove the key %1").replace("%1", name)
            parts.append(button(self.tr("Remove…"), lambda: self.remove_wanted.emit(name), "link", name=said))
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(*parts))
        column.addWidget(hairline())
        return made
