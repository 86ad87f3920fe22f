"""The first page: what was found on this computer, connecting Claude Code, a first question. Each can be skipped."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from oxide_desktop.core.events import AttemptStarted
from oxide_desktop.core.health import Depth, Health, ServiceStatus
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.record import TaskRecord, new_task_id
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import WIDEST, Page
from oxide_desktop.fronts.desktop.sentences import ending, engine_words, sign, tr, way
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.answer import AnswerView
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row
from oxide_desktop.fronts.desktop.widgets.connect_step import ConnectStep
from oxide_desktop.fronts.desktop.widgets.scrolling import ScrollingColumn
from oxide_desktop.fronts.desktop.widgets.step import Step
from oxide_desktop.fronts.desktop.widgets.tier_dots import TierDots

_ANSWER_HEIGHT = 150


class WelcomePage(Page):
    """Three steps, in any order; nothing is changed or sent before a button is pressed."""

    widest = WIDEST

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "Welcome to Oxide"), parent)
        self._task_id: str | None = None
        self._services: dict[str, tuple[TierDots, QWidget]] = {}
        self.found = self._found_step()
        self.connect_step = ConnectStep(desk, 2)
        self.ask = self._ask_step()
        area = ScrollingColumn(gap=12)
        for step in (self.found, self.connect_step, self.ask):
            area.column.addWidget(step)
        self.start_button = button(self.tr("Start using Oxide"), lambda: desk.show_page("ask"))
        area.column.addLayout(row(None, self.start_button))
        self.area = area
        self.body.addWidget(area, 1)
        bridge = desk.bridge
        bridge.service_changed.connect(self._service_changed)
        bridge.attempt_started.connect(self._attempt_started)
        bridge.text_arrived.connect(self._text_arrived)
        bridge.task_ended.connect(self._task_ended)

    # -- making ------------------------------------------------------------------------------------

    def _found_step(self) -> Step:
        about = self.tr("Oxide asks whichever of these suits a task. What is missing can be added at any time.")
        step = Step(1, self.tr("Found on this computer"), about)
        self._list = QVBoxLayout()
        self._list.setSpacing(spacing("step"))
        for status in self.desk.orchestrator.services():
            if status.settings.enabled:
                self._list.addWidget(self._service_row(status))
        step.content.addLayout(self._list)
        more = button(self.tr("What each one needs…"), lambda: self.desk.show_page("services"), "link")
        step.content.addLayout(row(more, None))
        step.finish()
        return step

    def _service_row(self, status: ServiceStatus) -> QWidget:
        made = QWidget()
        dots = TierDots(self.desk.theme)
        dots.show_status(status)
        about = label(engine_words(status.info.description) if status.info else "", "faint", wrap=True)
        line = row(label(status.settings.name), about, dots)
        line.setStretch(1, 1)
        made.setLayout(line)
        self._services[status.settings.name] = (dots, made)
        return made

    def _ask_step(self) -> Step:
        about = self.tr("It goes to whatever works here now; with nothing else installed, to the small built-in model.")
        step = Step(3, self.tr("Ask a first question"), about)
        self.question = QLineEdit("What is 2+2?")
        self.question.setAccessibleName(self.tr("A first question"))
        self.question.returnPressed.connect(self._ask)
        self.ask_button = button(self.tr("Ask"), self._ask, "primary")
        line = row(self.question, self.ask_button)
        line.setStretch(0, 1)
        self.state = label(kind="soft", wrap=True)
        self.answer = AnswerView(self.desk.theme)
        self.answer.link_wanted.connect(self.desk.open_link)
        self.answer.setFixedHeight(_ANSWER_HEIGHT)
        self.show_button = button(self.tr("See how it went"), self._show_task, "link")
        for part in (self.state, self.answer, self.show_button):
            part.setVisible(False)
        step.content.addLayout(line)
        step.content.addWidget(self.state)
        step.content.addWidget(self.answer)
        step.content.addLayout(row(self.show_button, None))
        return step

    # -- showing -----------------------------------------------------------------------------------

    def came_up(self) -> None:
        """Look at everything again."""
        self._show_services()
        self.desk.run(self._look(), "look for services")
        self.connect_step.look()
        self.question.setFocus()
        self.question.selectAll()

    def show_part(self, name: str) -> None:
        """`connect` is the step that connects Claude Code."""
        if name == "connect":
            self.connect_step.take_keyboard()
            self.area.ensureWidgetVisible(self.connect_step)

    async def _look(self) -> None:
        await self.desk.orchestrator.check_services(Depth.PROBE)
        self._show_services()

    def _service_changed(self, _health: Health) -> None:
        self._show_services()

    def _show_services(self) -> None:
        for status in self.desk.orchestrator.services():
            if made := self._services.get(status.settings.name):
                made[0].show_status(status)

    # -- asking ------------------------------------------------------------------------------------

    def _ask(self) -> None:
        if (prompt := self.question.text().strip()) and self.ask_button.isEnabled():
            self.desk.run(self._submit(prompt), "first question")

    async def _submit(self, prompt: str) -> None:
        self._task_id = new_task_id()
        self.ask_button.setEnabled(False)
        self.answer.begin()
        self._say(tr("◌ queued"))
        try:
            request = Request(prompt=prompt, source=Source.DESKTOP, cwd=Path.home())
            await self.desk.orchestrator.submit(request, self._task_id)
        except BaseException:  # it was not asked: the button must come back
            self.ask_button.setEnabled(True)
            self.state.setVisible(False)
            raise

    def _attempt_started(self, event: AttemptStarted) -> None:
        if event.task_id == self._task_id:
            self._say(f"● {event.service}")

    def _text_arrived(self, task_id: str, text: str) -> None:
        if task_id == self._task_id:
            self.answer.setVisible(True)
            self.answer.append_text(text)
            self.area.ensureWidgetVisible(self.answer)

    def _task_ended(self, record: TaskRecord) -> None:
        if record.id != self._task_id:
            return
        self.answer.finish()
        self.ask_button.setEnabled(True)
        self.show_button.setVisible(True)
        self.ask.finish()
        self._say("\n".join(part for part in (f"{sign(record)} {ending(record)}", way(record)) if part))

    def _say(self, sentence: str) -> None:
        self.state.setText(sentence)
        self.state.setVisible(True)

    def _show_task(self) -> None:
        if self._task_id:
            self.desk.open_task(self._task_id)
