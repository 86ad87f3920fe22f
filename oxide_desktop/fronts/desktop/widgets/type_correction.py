"""What a task really was, where it was taken for something else: a menu of the types, and what was said in a line."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from oxide_desktop.core.corrections import Correction
from oxide_desktop.core.model import TaskType
from oxide_desktop.fronts.desktop.sentences import engine_words
from oxide_desktop.fronts.desktop.widgets.basics import OneLine, button, row
from oxide_desktop.fronts.desktop.wording import type_words


class TypeCorrection(QObject):
    """A button and a line, placed by whoever shows the task.

    Signals:
        said: The type that the person chose.
        taken_back: What was said should be forgotten.

    Attributes:
        button: Opens the menu; hidden where there is nothing to correct.
        line: What was said, with a way to take it back; hidden where nothing was.
    """

    said = Signal(TaskType)
    taken_back = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.button: QPushButton = button(self.tr("This was a …"), kind="link")
        self.button.setAccessibleName(self.tr("Say what kind of task this really was"))
        self.menu = QMenu(self.button)
        self.menu.setToolTipsVisible(True)
        self._group = QActionGroup(self.menu)
        self.choices = {task_type: self._add(task_type) for task_type in TaskType}
        self.menu.addSeparator()
        self.menu.addAction(
            self.tr("Prompts like it are taken for that, too, unless a rule of yours decides.")
        ).setEnabled(False)
        self.button.setMenu(self.menu)
        self.told = OneLine("soft")
        self.back_button = button(self.tr("Take back"), self.taken_back.emit, "link")
        self.line = QWidget()
        inner = row(self.told, self.back_button)
        inner.setStretch(0, 1)
        self.line.setLayout(inner)
        self.show_type(None, None)

    def _add(self, task_type: TaskType) -> QAction:
        words = type_words(task_type)
        made = QAction(f"{words[:1].upper()}{words[1:]}", self._group)
        made.setCheckable(True)
        made.setToolTip(engine_words(task_type.description))
        made.triggered.connect(partial(self.said.emit, task_type))
        self.menu.addAction(made)
        return made

    def show_type(self, found: TaskType | None, correction: Correction | None) -> None:
        """What the task was taken for, `None` if for nothing, and what the person said of it."""
        self.button.setVisible(found is not None)
        self.line.setVisible(correction is not None)
        if current := correction.said if correction else found:
            self.choices[current].setChecked(True)
        if correction:
            told = self.tr("You said %1, not %2.").replace("%1", type_words(correction.said))
            self.told.setText(told.replace("%2", type_words(correction.was)))
