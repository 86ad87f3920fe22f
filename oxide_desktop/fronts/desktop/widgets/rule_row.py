"""One type of task on the Rules page: where it goes, who overrides that, and what a change would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from oxide_desktop.core.model import TaskType
from oxide_desktop.core.simulate import CAVEATS, RuleTrial
from oxide_desktop.fronts.desktop.sentences import engine_words, one_line, tr
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, hairline, label, row
from oxide_desktop.fronts.desktop.widgets.choice import Choice

_MOST_SHOWN = 6


class RuleRow(QFrame):
    """Signals what the person wants; where the type goes is told to it.

    Signals:
        tried: Another service was chosen, and nothing saved yet; empty for automatic.
        saved: That choice should hold from now on.
    """

    tried = Signal(str)
    saved = Signal(str)

    def __init__(self, theme: Theme, task_type: TaskType, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.task_type = task_type
        self._target = ""
        self.choice = Choice(theme, self.tr("Where %1 goes").replace("%1", engine_words(task_type.label)))
        self.choice.setMinimumWidth(230)
        self.choice.activated.connect(self._chosen)
        self.chips = row(gap=spacing("step"))
        self.verdict = label(kind="soft", wrap=True)
        self.which_button = button(self.tr("Which?"), self._show_which, "link")
        self.save_button = button(self.tr("Save"), lambda: self.saved.emit(self.choice.currentData()), "primary")
        self.undo_button = button(self.tr("Undo"), self._undo, "link")
        self.which = label(kind="faint", wrap=True)
        self._trial = QWidget()
        below = QVBoxLayout(self._trial)
        below.setContentsMargins(0, 0, 0, 0)
        line = row(self.verdict, self.which_button, self.undo_button, self.save_button)
        line.setStretch(0, 1)
        below.addLayout(line)
        below.addWidget(self.which)
        self._lay_out()
        self._close()

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(label(engine_words(self.task_type.label), "strong"))
        names.addWidget(label(engine_words(self.task_type.description), "faint", wrap=True))
        top = row(names, self.chips, self.choice, gap=spacing("between"))
        top.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, spacing("within"), 0, 0)
        column.setSpacing(spacing("within"))
        column.addLayout(top)
        column.addWidget(self._trial)
        column.addWidget(hairline())

    # -- what the page tells -----------------------------------------------------------------------

    def show_target(self, target: str, services: Sequence[str], primary: str | None) -> None:
        """Where the type goes: one of `services`, or empty for what the router finds best.

        A choice that was not saved yet stays, unless somebody else has decided meanwhile.
        """
        if not self._trial.isHidden() and target == self._target:
            return
        automatic = self.tr("Automatic")
        if primary:
            automatic = self.tr("Automatic, %1 first").replace("%1", primary)
        self.choice.clear()
        self.choice.addItem(automatic, "")
        for name in services:
            self.choice.addItem(name, name)
        if target and target not in services:
            self.choice.addItem(tr("%1 (not configured)").replace("%1", target), target)
        self._target = target
        self._undo()

    def show_overrides(self, overrides: Mapping[str, str]) -> None:
        """Projects that send the type elsewhere: file -> service."""
        while (item := self.chips.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        for file, service in overrides.items():
            folder = file.rpartition("/")[0].rpartition("/")[2] or file
            chip = label(f"{folder}: {service}", "chip")
            chip.setToolTip(tr("%1 sends it to %2").replace("%1", file).replace("%2", service))
            chip.setAccessibleName(chip.toolTip())
            self.chips.addWidget(chip, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_trial(self, trial: RuleTrial) -> None:
        """What the chosen service would have changed."""
        if trial.service != self.choice.currentData():
            return
        sentence = engine_words(f"{trial.sentence[:1].upper()}{trial.sentence[1:]}")
        others = [
            (len(trial.could_not), tr("%n could not have gone there", len(trial.could_not))),
            (trial.already_there, tr("%n went there anyway", trial.already_there)),
        ]
        self.verdict.setText("; ".join([sentence, *(words for count, words in others if count)]) + ".")
        self.verdict.setToolTip("\n".join(map(engine_words, CAVEATS)))
        lines = [f"{task.from_service} → {task.to_service}  {one_line(task.prompt)}" for task in trial.moved]
        more = len(lines) - _MOST_SHOWN
        shown = lines[:_MOST_SHOWN] + ([tr("and %1 more").replace("%1", f"{more:,}")] if more > 0 else [])
        self.which.setText("\n".join(shown))
        self.which_button.setVisible(bool(lines))

    def show_error(self, sentence: str) -> None:
        """It could not be tried out."""
        self.verdict.setText(sentence)

    # -- what the person does ----------------------------------------------------------------------

    def _chosen(self) -> None:
        wanted = self.choice.currentData()
        self._close()
        if wanted == self._target:
            return
        self._trial.setVisible(True)
        automatic = self.tr("Goes wherever it scores best again.")
        self.verdict.setText(self.tr("Looking at the last tasks…") if wanted else automatic)
        self.tried.emit(wanted)

    def _show_which(self) -> None:
        self.which.setVisible(not self.which.isVisible())

    def _undo(self) -> None:
        self.choice.setCurrentIndex(max(self.choice.findData(self._target), 0))
        self._close()

    def _close(self) -> None:
        self._trial.setVisible(False)
        self.which.setVisible(False)
        self.which_button.setVisible(False)
        self.verdict.setText("")
