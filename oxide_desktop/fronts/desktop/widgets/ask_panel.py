"""A prompt, where it will go, and the answer as it comes. It asks nobody itself: `asking` does."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QMenu, QProgressBar, QVBoxLayout, QWidget

from oxide_desktop.core.errors import OxideError
from oxide_desktop.fronts.desktop.sentences import engine_words
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.answer import AnswerView
from oxide_desktop.fronts.desktop.widgets.basics import OneLine, button, hairline, label, row
from oxide_desktop.fronts.desktop.widgets.failure import Failure
from oxide_desktop.fronts.desktop.widgets.files import FileChips, pick_files
from oxide_desktop.fronts.desktop.widgets.prompt import PromptEdit, asking_keys
from oxide_desktop.fronts.desktop.widgets.state_line import StateLine
from oxide_desktop.fronts.desktop.widgets.target import TargetButton
from oxide_desktop.fronts.desktop.widgets.type_correction import TypeCorrection

PROMPT_LINES = 4


class AskPanel(QWidget):
    """Signals what the person wants.

    Signals:
        asked: What is in the panel should be asked.
        stop_wanted: The running answer should stop.
        changed: The prompt has settled, or what goes with it has changed.
        again_wanted: The same should be asked of another service, by its name.
        begin_wanted: New tasks should begin again, which wait.
        copy_wanted, save_wanted: The answer should be copied, or saved to a file.
    """

    asked = Signal()
    stop_wanted = Signal()
    changed = Signal()
    again_wanted = Signal(str)
    begin_wanted = Signal()
    copy_wanted = Signal()
    save_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ready = False
        self._busy = False
        self.setAcceptDrops(True)
        self._make_question()
        self._make_answer()
        self._lay_out()
        self._connect()
        self.set_ready(ready=False)

    def _make_question(self) -> None:
        self.prompt = PromptEdit()
        lines = self.prompt.fontMetrics().lineSpacing() * PROMPT_LINES
        self.prompt.setFixedHeight(lines + 8 * spacing("step"))
        self.chips = FileChips(self._theme)
        self.add_button = button(self.tr("Files"), kind="link", name=self.tr("Add files or a folder"))
        menu = QMenu(self.add_button)
        menu.addAction(self.tr("Files…"), lambda: pick_files(self, self.chips, folder=False))
        menu.addAction(self.tr("A folder…"), lambda: pick_files(self, self.chips, folder=True))
        self.add_button.setMenu(menu)
        self.share = QCheckBox(self.tr("Read all of it, shared out to several services"))
        self.share.setChecked(True)
        self.share.setVisible(False)
        self.target = TargetButton()
        self.keys = label(asking_keys(), "faint")
        self.ask_button = button(self.tr("Ask"), self._ask, "primary")
        self.ask_button.setAccessibleDescription(asking_keys())
        self.route = OneLine("soft")
        self.route.setAccessibleName(self.tr("Where it goes and why"))
        self.amount = label(kind="faint", wrap=True)
        self.amount.setAccessibleName(self.tr("How much goes there, and whether it leaves this computer"))
        self.warning = label(kind="warn", wrap=True)
        self.warning.setAccessibleName(self.tr("What is cut or held back"))

        self.paused = QWidget()
        told = label(self.tr("Oxide is paused: new tasks wait."), "warn")
        begin = button(self.tr("Let them begin"), self.begin_wanted.emit)
        line = row(told, begin, None, gap=spacing("within"))
        line.setContentsMargins(0, 0, 0, 0)
        self.paused.setLayout(line)
        self.paused.setVisible(False)

    def _make_answer(self) -> None:
        self.state = StateLine(self._theme)
        self.stop_button = button(self.tr("Stop"), self.stop_wanted.emit)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Files read"))
        self.answer = AnswerView(self._theme)
        self.reasons = label(kind="soft", wrap=True)
        self.reasons.setAccessibleName(self.tr("Why this service"))
        self.why_button = button(self.tr("Why this service"), kind="link")
        self.why_button.setCheckable(True)
        self.copy_button = button(self.tr("Copy"), self.copy_wanted.emit, "link", name=self.tr("Copy the answer"))
        self.save_button = button(self.tr("Save…"), self.save_wanted.emit, "link", name=self.tr("Save the answer"))
        self.again_button = button(self.tr("Try on…"), kind="link", name=self.tr("Ask another service the same"))
        self.correction = TypeCorrection(self)
        self._again = QMenu(self.again_button)
        self.again_button.setMenu(self._again)
        self.foot = OneLine("faint")
        self.foot.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.failure = Failure()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing("step") * 2)
        column.addWidget(self.prompt)
        column.addWidget(self.chips)
        column.addLayout(row(self.add_button, self.share, None, self.target, self.keys, self.ask_button))
        column.addWidget(self.route)
        column.addWidget(self.amount)
        column.addWidget(self.warning)
        column.addWidget(self.paused)
        column.addSpacing(spacing("step"))
        column.addWidget(hairline())
        self._below = QWidget()
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(spacing("step") * 2)
        state = QHBoxLayout()
        state.addWidget(self.state, 1)
        state.addWidget(self.stop_button, 0, Qt.AlignmentFlag.AlignTop)
        below.addLayout(state)
        below.addWidget(self.progress)
        below.addWidget(self.failure)
        below.addWidget(self.answer, 1)
        below.addWidget(self.reasons)
        below.addWidget(self.correction.line)
        actions = (self.why_button, self.copy_button, self.save_button, self.again_button, self.correction.button)
        line = row(*actions, gap=spacing("step"))
        line.addWidget(self.foot, 1)
        below.addLayout(line)
        column.addWidget(self._below, 1)

    def _connect(self) -> None:
        self.prompt.textChanged.connect(self._show_ask)
        self.prompt.submitted.connect(self._ask)
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):  # from wherever the keyboard is
            keys = QKeySequence(Qt.Modifier.CTRL | key)
            QShortcut(keys, self, self._ask, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.prompt.settled.connect(self.changed)
        self.prompt.files_given.connect(self.chips.add)
        self.chips.changed.connect(self._files_changed)
        self.target.changed.connect(self.changed)
        self.target.changed.connect(self.prompt.setFocus)
        self.share.toggled.connect(self.changed)
        self.why_button.toggled.connect(self._show_reasons)
        self._theme.changed.connect(self._draw)
        self._draw()
        self.show_route("")
        self._show_outcome(has_task=False)

    def _draw(self) -> None:
        self.add_button.setIcon(self._theme.icon("plus"))
        self.why_button.setIcon(self._theme.icon("why"))
        self.copy_button.setIcon(self._theme.icon("copy"))
        self.save_button.setIcon(self._theme.icon("save"))
        self.again_button.setIcon(self._theme.icon("again"))

    # -- what is told --------------------------------------------------------------------------------

    def set_ready(self, *, ready: bool) -> None:
        """The engine is up, or is still starting."""
        self._ready = ready
        self.state.show_state("", "" if ready else self.tr("Starting…"))
        self._show_ask()

    @property
    def is_ready(self) -> bool:
        """Whether something can be asked."""
        return self._ready

    @property
    def is_analysis(self) -> bool:
        """Whether a folder is to be read by several services."""
        return self.chips.has_folder() and self.share.isChecked()

    def show_route(self, way: str, amount: str = "", warnings: tuple[str, ...] = ()) -> None:
        """Where the prompt goes, or would go; how much of it; and what would not go, or not whole."""
        for shown, text in ((self.route, way), (self.amount, amount), (self.warning, "\n".join(warnings))):
            shown.setText(text)
            shown.setVisible(bool(text))

    def begin(self) -> None:
        """A question is on its way."""
        self.answer.begin()
        self.why_button.setChecked(False)
        self.foot.setText("")
        self.failure.setVisible(False)
        self._show_busy(busy=True)
        self._show_outcome(has_task=True)

    def show_progress(self, done: int, total: int) -> None:
        """How many files have been read of how many; none hides the bar."""
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)
        self.progress.setVisible(total > 0)

    def show_services_again(self, services: tuple[str, ...]) -> None:
        """Who else the same can be asked of."""
        self._again.clear()
        for name in services:
            self._again.addAction(name.replace("&", "&&"), partial(self.again_wanted.emit, name))

    def finish(self, state: str, words: str, reasons: str = "") -> None:
        """The answer is complete, or will not be."""
        self.answer.finish()
        self.state.show_state(state, words)
        self.reasons.setText(reasons)
        self._show_busy(busy=False)

    def fail(self, error: OxideError, reasons: str = "") -> None:
        """There will be no answer, or no more of it."""
        self.finish("failed", engine_words(error.title), reasons)
        self.failure.tell(error)

    def clear(self, *, keep_draft: bool = False) -> None:
        """Room for another question, which may have been begun already."""
        if not keep_draft:
            self.prompt.empty()
            self.chips.set_paths(())
        self.answer.begin()
        self.state.show_state("", "")
        self.show_route("")
        self.foot.setText("")
        self.failure.setVisible(False)
        self._show_busy(busy=False)
        self._show_outcome(has_task=False)
        self.prompt.setFocus()

    # -- what the person does ----------------------------------------------------------------------

    def _ask(self) -> None:
        if self.ask_button.isEnabled():
            self.asked.emit()

    def _files_changed(self) -> None:
        self.share.setVisible(self.chips.has_folder())
        self.changed.emit()

    def _show_ask(self) -> None:
        typed = bool(self.prompt.toPlainText().strip())
        self.ask_button.setEnabled(self._ready and typed and not self._busy)

    def _show_busy(self, *, busy: bool) -> None:
        self._busy = busy
        self.stop_button.setVisible(busy)
        if not busy:
            self.progress.setVisible(False)
        self.why_button.setEnabled(not busy)
        self.again_button.setEnabled(not busy and not self._again.isEmpty())
        for action in (self.copy_button, self.save_button):
            action.setEnabled(not busy and bool(self.answer.text))
        self._show_ask()

    def _show_outcome(self, *, has_task: bool) -> None:
        for part in (self.why_button, self.copy_button, self.save_button, self.again_button, self.foot):
            part.setVisible(has_task)
        self.reasons.setVisible(False)
        self.progress.setVisible(False)
        self.stop_button.setVisible(has_task and self._busy)

    def _show_reasons(self, wanted: bool) -> None:  # noqa: FBT001 - Qt's signal passes it so
        self.reasons.setVisible(wanted and bool(self.reasons.text()))
