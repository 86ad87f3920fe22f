"""The files that go with a prompt, as chips that can be taken away again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button
from oxide_desktop.fronts.desktop.widgets.flow import FlowLayout

MOST_SHOWN = 12
_LONGEST_NAME = 32
_ICON = QSize(14, 14)


class FileChips(QWidget):
    """Signals `changed` when files come or go."""

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._paths: list[str] = []
        self.setAccessibleName(self.tr("Files that go with the prompt"))
        self._flow = FlowLayout(spacing("within"), self)
        self.setVisible(False)
        theme.changed.connect(self._show)

    def paths(self) -> tuple[str, ...]:
        """The files and folders, in the order they came."""
        return tuple(self._paths)

    def has_folder(self) -> bool:
        """Whether one of them is a folder."""
        return any(map(os.path.isdir, self._paths))

    def add(self, paths: Iterable[str]) -> None:
        """Take more; what is there already is not taken twice."""
        self._set([*self._paths, *paths])

    def set_paths(self, paths: Iterable[str]) -> None:
        """Take these and no others."""
        self._set(paths)

    def _set(self, paths: Iterable[str]) -> None:
        wanted = list(dict.fromkeys(paths))
        if wanted != self._paths:
            self._paths = wanted
            self._show()
            self.changed.emit()

    def _remove(self, path: str) -> None:
        self._set([item for item in self._paths if item != path])

    def _show(self) -> None:
        while item := self._flow.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for path in self._paths[:MOST_SHOWN]:
            self._flow.addWidget(self._chip(path))
        if len(self._paths) > MOST_SHOWN:
            self._flow.addWidget(self._rest(len(self._paths) - MOST_SHOWN))
        self.setVisible(bool(self._paths))
        self.updateGeometry()

    def _chip(self, path: str) -> QPushButton:
        name = Path(path).name or path
        shown = name if len(name) <= _LONGEST_NAME else f"{name[:20]}…{name[-10:]}"
        remove = self.tr("Remove %1").replace("%1", name)
        chip = button(f"{shown}   ✕".replace("&", "&&"), lambda: self._remove(path), "chip", name=remove)
        chip.setIcon(self._theme.icon("folder" if Path(path).is_dir() else "file"))
        chip.setIconSize(_ICON)
        chip.setToolTip(f"{path}\n{remove}")
        chip.setCursor(Qt.CursorShape.PointingHandCursor)
        return chip

    def _rest(self, more: int) -> QPushButton:
        chip = button(self.tr("and %n more   ✕", "", more), lambda: self._set(self._paths[:MOST_SHOWN]), "chip")
        chip.setToolTip("\n".join(self._paths[MOST_SHOWN:][:40]))
        return chip


def common_folder(paths: Sequence[str]) -> Path:
    """The folder that all of them are in: its project's rules hold for them. Without files, the person's home."""
    folders = [path if Path(path).is_dir() else str(Path(path).parent) for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # none, or on different drives
        return Path(folders[0]) if folders else Path.home()


def pick_files(parent: QWidget, chips: FileChips, *, folder: bool) -> None:
    """Let the person choose files, or a folder, with the system's own dialog; nothing waits for it."""
    dialog = QFileDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles)
    dialog.setWindowTitle(
        parent.tr("Choose a folder to ask about") if folder else parent.tr("Choose files to ask about")
    )
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, parent.tr("Add"))
    dialog.filesSelected.connect(chips.add)
    dialog.open()
