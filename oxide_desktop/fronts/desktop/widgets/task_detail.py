"""One task in full: its prompt, its attempts as bars, its answer, how it went, what became of its files."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QUrl, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.desktop.recorder import Recorder, left_machine
from oxide_desktop.fronts.desktop.sentences import engine_words, span, tr
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.answer import AnswerView
from oxide_desktop.fronts.desktop.widgets.attempt_bars import AttemptBars
from oxide_desktop.fronts.desktop.widgets.basics import button, hairline, label, row, set_kind
from oxide_desktop.fronts.desktop.widgets.type_correction import TypeCorrection
from oxide_desktop.fronts.desktop.wording import age, moment, money

_PROMPT_LINES = 4


class TaskDetail(QWidget):
    """Shows records; asks nobody. What can be done with one is the page's business (`foot`).

    Signals:
        link_wanted: Somebody clicked an address in the answer.
    """

    link_wanted = Signal(QUrl)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._recorder = Recorder(theme)
        self.record: TaskRecord | None = None
        self._make_widgets()
        self._lay_out()
        theme.changed.connect(self._redraw)

    def _make_widgets(self) -> None:
        self.state = label(kind="ok")
        self.service = label(kind="strong")
        self.facts = label(kind="soft", wrap=True)
        self.when = label(kind="faint")
        self.correction = TypeCorrection(self)
        self.prompt = QPlainTextEdit()
        self.prompt.setReadOnly(True)
        self.prompt.setFrameShape(QFrame.Shape.NoFrame)
        self.prompt.setProperty("kind", "quote")
        self.prompt.setTabChangesFocus(True)
        self.prompt.setAccessibleName(self.tr("Prompt"))
        self.error = label(kind="bad", wrap=True)
        self.bars = AttemptBars(self._theme)
        self.answer = AnswerView(self._theme)
        self.answer.link_wanted.connect(self.link_wanted)
        self.story = self._browser(self.tr("How it went"))
        self.files = self._browser(self.tr("Files"))
        self.parts = QStackedWidget()
        for part in (self.answer, self.story, self.files):
            self.parts.addWidget(part)
        self.tabs = QButtonGroup(self)
        titles = (self.tr("Answer"), self.tr("How it went"), self.tr("Files"))
        self.tab_buttons = [self._tab(number, title) for number, title in enumerate(titles)]
        self.tabs.idClicked.connect(self._show_part)
        self.foot = row(gap=spacing("within"))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing("between"), 0, 0, 0)
        column.setSpacing(spacing("within"))
        column.addLayout(row(self.state, self.service, None, self.when))
        column.addWidget(self.facts)
        column.addWidget(self.correction.line)
        column.addWidget(self.prompt)
        column.addWidget(self.error)
        column.addWidget(self.bars)
        column.addLayout(row(*self.tab_buttons, None, self.correction.button, gap=spacing("step")))
        column.addWidget(self.parts, 1)
        column.addWidget(hairline())
        column.addLayout(self.foot)

    def _tab(self, number: int, title: str) -> QPushButton:
        made = button(title, kind="tab")
        made.setCheckable(True)
        made.setChecked(number == 0)
        self.tabs.addButton(made, number)
        return made

    @staticmethod
    def _browser(name: str) -> QTextBrowser:
        made = QTextBrowser()
        made.setOpenLinks(False)
        made.setFrameShape(QFrame.Shape.NoFrame)
        made.document().setDocumentMargin(0)
        made.setAccessibleName(name)
        return made

    # -- showing -----------------------------------------------------------------------------------

    def show_record(self, record: TaskRecord) -> None:
        """Show a record; the same task again, further on, keeps what is being read where it is."""
        other = self.record is None or self.record.id != record.id
        self.record = record
        self._show_head(record)
        if other:
            self.prompt.setPlainText(record.prompt)
            self._fit_prompt()
            self._show_part(0)
            self.answer.begin()
        self.show_answer(record.result or "")
        self._show_story(record)

    def show_nothing(self) -> None:
        """No task, or one that is still being read."""
        self.record = None
        for said in (self.state, self.service, self.facts, self.when):
            said.clear()
        self.when.setToolTip("")
        self.prompt.clear()
        self.error.setVisible(False)
        self.bars.setVisible(False)
        self.answer.begin()
        self.story.clear()
        self.tab_buttons[_FILES].setVisible(False)
        self._show_part(0)

    def show_age(self) -> None:
        """How long ago it was asked, as time goes by."""
        if self.record:
            self.when.setText(age(self.record.created_at))

    def show_answer(self, text: str) -> None:
        """The answer so far; what is shown of it already stays as it is."""
        shown = self.answer.text
        running = self.record is not None and not self.record.status.ended
        if running and shown and text.startswith(shown):
            if len(text) > len(shown):
                self.answer.append_text(text[len(shown) :])
        elif text != shown:
            self.answer.show_text(text)
            if not running:
                self.answer.verticalScrollBar().setValue(0)

    def _show_head(self, record: TaskRecord) -> None:
        state = self._theme.state(record.status.value)
        self.state.setText(f"{state.sign} {QCoreApplication.translate('States', state.word)}")
        set_kind(self.state, _KINDS.get(state.colour, "soft"))
        self.service.setText(record.service or "")
        self.facts.setText(" · ".join(_figures(record)))
        self.show_age()
        self.when.setToolTip(moment(record.created_at))
        failed = record.status not in (TaskStatus.COMPLETED, TaskStatus.QUEUED, TaskStatus.RUNNING)
        self.error.setText(engine_words(record.error or ""))
        self.error.setVisible(failed and bool(record.error))
        set_kind(self.error, "bad" if record.status is TaskStatus.FAILED else "soft")
        self.bars.show_record(record)

    def _show_story(self, record: TaskRecord) -> None:
        self.story.setHtml(self._recorder.how_it_went(record))
        self.tab_buttons[2].setVisible(bool(record.receipt))
        if record.receipt:
            self.tab_buttons[2].setText(self.tr("Files %1").replace("%1", f"{len(record.receipt):,}"))
            self.files.setHtml(self._recorder.receipt(record.receipt))
        elif self.parts.currentIndex() == _FILES:
            self._show_part(0)

    def _show_part(self, number: int) -> None:
        self.parts.setCurrentIndex(number)
        self.tab_buttons[number].setChecked(True)

    def _fit_prompt(self) -> None:
        """As high as the prompt, up to four lines; the rest can be scrolled to."""
        metrics = self.prompt.fontMetrics()
        room = max(self.prompt.viewport().width() - 8, 100)
        lines = 0
        for line in (self.record.prompt if self.record else "").splitlines()[:_PROMPT_LINES] or [""]:
            lines += max(1, -(-metrics.horizontalAdvance(line) // room))
        self.prompt.setFixedHeight(min(lines, _PROMPT_LINES) * metrics.lineSpacing() + 22)

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """The prompt may need fewer lines now."""
        self._fit_prompt()
        super().resizeEvent(event)  # type: ignore[arg-type]  # a QResizeEvent

    def _redraw(self) -> None:
        if self.record:
            self._show_head(self.record)
            self._show_story(self.record)


_FILES = 2
_KINDS = {"ok": "ok", "bad": "bad", "warn": "warn", "accent": "accent"}


def _figures(record: TaskRecord) -> list[str]:
    """What is known at a glance."""
    parts = [record.model or ""]
    if record.duration is not None:
        parts.append(span(record.duration))
    if record.tokens:
        amount = f"{record.tokens.input:,} → {record.tokens.output:,}"
        parts.append(tr("%1 tokens").replace("%1", amount))
    if record.cost is not None:
        parts.append(money(record.cost))
    if record.attempts:
        parts.append(left_machine(record.left_machine))
    return [part for part in parts if part]
