"""The main window's sidebar: the pages, what is going on in one line, and the settings at the foot."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.pages.catalogue import Entry
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row
from oxide_desktop.fronts.desktop.widgets.state_line import StateLine

WIDTH = 196
_ICON = QSize(20, 20)


class Sidebar(QFrame):
    """Signals what was chosen; which page is shown is told to it by `show_current`.

    Signals:
        chosen: A page, by its name.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, entries: tuple[Entry, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setProperty("kind", "side")
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(self.tr("Pages"))
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        self._titles: dict[str, str] = {}
        self._mark = QLabel()
        self.state = StateLine(theme, "faint")
        self._lay_out(entries)
        self._draw()
        theme.changed.connect(self._draw)

    def _lay_out(self, entries: tuple[Entry, ...]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 18, 12, 14)
        column.setSpacing(2)
        column.addLayout(row(self._mark, label("Oxide", "brand"), None, gap=8))
        column.addSpacing(14)
        for entry in entries:
            if not (entry.below or entry.hidden):
                column.addWidget(self._add(entry))
        column.addStretch(1)
        column.addWidget(self.state)
        column.addSpacing(6)
        for entry in entries:
            if entry.below and not entry.hidden:
                column.addWidget(self._add(entry))

    def _add(self, entry: Entry) -> QPushButton:
        made = button(entry.shown_title, lambda: self.chosen.emit(entry.name), "nav")
        made.setCheckable(True)
        made.setIconSize(_ICON)
        self._group.addButton(made)
        self.buttons[entry.name] = made
        self._titles[entry.name] = entry.shown_title
        number = len(self.buttons)
        keys = QKeySequence(Qt.Modifier.CTRL | Qt.Key(Qt.Key.Key_0 + number))
        made.setToolTip(keys.toString(QKeySequence.SequenceFormat.NativeText))
        return made

    def _draw(self) -> None:
        pixels = 24
        self._mark.setPixmap(self._theme.icon("mark", "accent").pixmap(QSize(pixels, pixels), self.devicePixelRatioF()))
        for name, made in self.buttons.items():
            made.setIcon(self._theme.nav_icon(name))

    def show_current(self, name: str) -> None:
        """Mark a page as the one that is shown; one without a button leaves none marked."""
        self._group.setExclusive(False)
        for key, made in self.buttons.items():
            made.setChecked(key == name)
        self._group.setExclusive(True)

    def show_state(self, state: str, words: str) -> None:
        """What is going on."""
        self.state.show_state(state, words)

    def show_count(self, name: str, count: int) -> None:
        """Put a number behind a page's title, none for zero."""
        if name in self.buttons:
            self.buttons[name].setText(f"{self._titles[name]}  {count}" if count else self._titles[name])
