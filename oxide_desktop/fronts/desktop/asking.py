"""Between an Ask panel and the engine: what the person wants goes in, what happens comes out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from oxide_desktop.core.errors import OxideError, StoreError
from oxide_desktop.core.events import AnalysisProgress, AttemptStarted, TaskNoted, TaskWaiting
from oxide_desktop.core.model import Analysis, Request, Source
from oxide_desktop.core.record import TaskRecord, TaskStatus, new_task_id
from oxide_desktop.core.replay import request_again
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.tokens import estimate_tokens
from oxide_desktop.fronts.desktop import sentences
from oxide_desktop.fronts.desktop.correcting import Correcting
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.widgets.ask_panel import AskPanel
from oxide_desktop.fronts.desktop.widgets.files import common_folder

TICK_MS = 1000
_WORTH_TELLING_S = 1.0


class Asking(QObject):
    """Serves one panel for as long as the app runs."""

    def __init__(self, panel: AskPanel, desk: Desk) -> None:
        super().__init__(panel)
        self._panel = panel
        self._desk = desk
        self._task_id: str | None = None
        self._record: TaskRecord | None = None
        self._task: RunningTask | None = None
        self._replay_of: str | None = None
        self._asked = ""
        self._service = ""
        self._left_until = 0.0
        self._began = 0.0
        self._preview = 0
        self._previewing = False
        self._correcting = Correcting(panel.correction, desk)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._show_pace)
        self._connect(panel, desk)
        if desk.is_open:
            self._opened()

    def _connect(self, panel: AskPanel, desk: Desk) -> None:
        panel.asked.connect(self._ask)
        panel.stop_wanted.connect(self._stop)
        panel.changed.connect(self._explain_soon)
        panel.again_wanted.connect(self._ask_elsewhere)
        panel.copy_wanted.connect(self._copy)
        panel.save_wanted.connect(self._choose_file)
        panel.answer.link_wanted.connect(desk.open_link)
        panel.failure.again_wanted.connect(lambda: self._ask_elsewhere(None))
        panel.failure.services_wanted.connect(lambda: desk.show_page("services"))
        panel.begin_wanted.connect(lambda: desk.pause(paused=False))
        desk.paused.connect(panel.paused.setVisible)
        desk.opened.connect(self._opened)
        bridge = desk.bridge
        bridge.task_changed.connect(self._task_changed)
        bridge.task_waiting.connect(self._task_waiting)
        bridge.attempt_started.connect(self._attempt_started)
        bridge.text_arrived.connect(self._text_arrived)
        bridge.progress_made.connect(self._progress_made)
        bridge.task_noted.connect(self._task_noted)
        bridge.task_ended.connect(self._task_ended)
        bridge.service_changed.connect(lambda _: self._offer_services())

    @property
    def task_id(self) -> str | None:
        """The task that the panel shows."""
        return self._task_id

    def _opened(self) -> None:
        self._panel.paused.setVisible(self._desk.orchestrator.is_paused)
        self._panel.set_ready(ready=True)
        self._offer_services()
        self._explain_soon()

    def _offer_services(self) -> None:
        if self._desk.is_open:
            self._panel.target.show_services(self._desk.orchestrator.services())

    # -- the person --------------------------------------------------------------------------------

    def take(self, request: Request) -> None:
        """Put a request into the panel, to be changed or asked."""
        if self._tick.isActive():  # what runs goes on without this panel
            self._let_go()
        self._panel.clear()
        self._panel.chips.set_paths(request.files)
        self._panel.share.setChecked(request.analysis is not None)
        self._panel.target.choose(request.preferences)
        self._panel.prompt.setPlainText(request.prompt)
        self._replay_of = request.replay_of
        self._panel.prompt.setFocus()

    def start_over(self) -> None:
        """Another question; what runs goes on, and what has been typed since it was asked stays."""
        is_draft = self._tick.isActive() and self._panel.prompt.toPlainText() != self._asked
        self._let_go()
        self._panel.clear(keep_draft=is_draft)
        self._explain_soon()

    def _let_go(self) -> None:
        self._tick.stop()
        self._task_id = self._record = self._task = self._replay_of = None
        self._correcting.show_task(None)

    def _request(self) -> Request:
        panel = self._panel
        files, wishes = panel.chips.paths(), panel.target.wishes
        analysis = None
        if panel.is_analysis:
            analysis = Analysis(services=(wishes.preferred_service,) if wishes.preferred_service else ())
        return Request(
            prompt=panel.prompt.toPlainText(),
            files=files,
            preferences=wishes,
            source=Source.DESKTOP,
            cwd=common_folder(files),
            analysis=analysis,
            replay_of=self._replay_of,
        )

    def _ask(self) -> None:
        self._asked = self._panel.prompt.toPlainText()
        self._submit(self._request())
        self._replay_of = None

    def _ask_elsewhere(self, service: str | None) -> None:
        if self._record is not None:
            try:
                self._submit(request_again(self._record, Source.DESKTOP, service))
            except OxideError as error:
                self._desk.show_error(error)

    def _submit(self, request: Request) -> None:
        self._task_id, self._record, self._task, self._service = new_task_id(), None, None, ""
        self._left_until = 0.0
        self._began = time.monotonic()
        self._correcting.show_task(None)
        self._panel.begin()
        self._panel.state.show_state("queued", tr("queued"))
        self._tick.start()
        self._desk.run(self._hand_in(request, self._task_id), "ask")

    async def _hand_in(self, request: Request, task_id: str) -> None:
        try:
            task = await self._desk.orchestrator.submit(request, task_id)
        except OxideError as error:
            if task_id == self._task_id:
                self._tick.stop()
                self._panel.fail(error)
        else:
            if task_id == self._task_id:
                self._task = task

    def _stop(self) -> None:
        if self._task_id and (task := self._desk.orchestrator.find(self._task_id)):
            task.cancel()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._panel.answer.text)
        self._panel.foot.setText(tr("copied"))

    def _choose_file(self) -> None:
        dialog = QFileDialog(self._panel, tr("Save the answer"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([tr("Markdown (*.md)"), tr("All files (*)")])
        dialog.setDefaultSuffix("md")
        dialog.selectFile("answer.md")
        text = self._panel.answer.text
        dialog.fileSelected.connect(lambda path: self._desk.run(self._save(Path(path), text), "save the answer"))
        dialog.open()

    async def _save(self, path: Path, text: str) -> None:
        try:
            await asyncio.to_thread(path.write_text, text, "utf-8")
        except OSError as error:
            raise StoreError(
                "The answer was not saved", f"{path}: {error.strerror}.", "Choose another place."
            ) from error
        self._panel.foot.setText(tr("saved to %1").replace("%1", str(path)))

    # -- before it is asked ------------------------------------------------------------------------

    def _explain_soon(self) -> None:
        self._preview += 1
        if not self._desk.is_open:
            return
        if self._previewing:  # it may be reading a folder: the newest wish waits for it
            return
        if self._panel.prompt.toPlainText().strip():
            self._previewing = True
            self._desk.run(self._explain(self._preview), "preview")
        elif not self._tick.isActive():
            self._panel.show_route("")

    async def _explain(self, number: int) -> None:
        try:
            await self._show_where_it_goes(number)
        finally:
            self._previewing = False
        if number != self._preview:
            self._explain_soon()

    async def _show_where_it_goes(self, number: int) -> None:
        settings = self._desk.orchestrator.settings
        try:
            request = self._request()
            found = await self._desk.orchestrator.explain(request)
        except OxideError as error:
            told: tuple[str, str, tuple[str, ...]] = ("", "", (sentences.error_line(error),))
        else:
            amount = sentences.what_goes(found, settings)
            told = (sentences.will_go(found), amount, tuple(sentences.held_or_cut(found)))
        if number == self._preview and not self._tick.isActive():
            self._panel.show_route(*told)

    # -- the engine --------------------------------------------------------------------------------

    def _task_changed(self, record: TaskRecord) -> None:
        if record.id == self._task_id:
            self._record = record
            if way := sentences.way(record):
                self._panel.show_route(way, "", tuple(map(sentences.engine_words, record.notes)))

    def _task_waiting(self, event: TaskWaiting) -> None:
        if event.task_id == self._task_id:
            words = tr("%n task(s) come before it", event.ahead) if event.ahead else tr("it is next")
            self._panel.state.show_state("queued", f"{event.service} · {words}")

    def _attempt_started(self, event: AttemptStarted) -> None:
        if event.task_id == self._task_id:
            self._service = event.service
            if event.attempt > 1:
                self._panel.answer.begin()
            self._show_pace()

    def _text_arrived(self, task_id: str, text: str) -> None:
        if task_id == self._task_id:
            self._panel.answer.append_text(text)

    def _task_noted(self, event: TaskNoted) -> None:
        if event.task_id == self._task_id:
            self._panel.warning.setText("\n".join(filter(None, (self._panel.warning.text(), event.note))))
            self._panel.warning.setVisible(True)

    def _progress_made(self, event: AnalysisProgress) -> None:
        if event.task_id != self._task_id:
            return
        self._panel.show_progress(event.files_done, event.files_total)
        told = tr("%1 of %2 files").replace("%1", f"{event.files_done:,}").replace("%2", f"{event.files_total:,}")
        parts = [told, tr("%n request(s) running", event.parts_running)]
        self._left_until = time.monotonic() + (event.left_s or 0.0)
        self._service = " · ".join(parts)
        self._show_pace()

    def _show_pace(self) -> None:
        """How long it has taken, and how much has come."""
        if not self._service:
            return
        elapsed = time.monotonic() - self._began
        parts = [self._service, sentences.span(elapsed)]
        if (left := self._left_until - time.monotonic()) > _WORTH_TELLING_S:  # what takes longer has no estimate
            parts.insert(1, tr("about %1 left").replace("%1", sentences.span(left)))
        if count := estimate_tokens(self._panel.answer.text):
            parts.append(tr("%1 tokens").replace("%1", f"{count:,}"))
        self._panel.state.show_state("running", " · ".join(parts))

    def _task_ended(self, record: TaskRecord) -> None:
        if record.id != self._task_id:
            return
        self._tick.stop()
        self._record = record
        panel = self._panel
        if record.result and record.result != panel.answer.text:
            panel.answer.show_text(record.result)
        if way := sentences.way(record):
            panel.show_route(way, "", tuple(map(sentences.engine_words, record.notes)))
        others = [item.settings.name for item in self._desk.orchestrator.services() if item.settings.enabled]
        panel.show_services_again(tuple(name for name in others if name != record.service))
        error = self._task.error if self._task else None
        if record.status is TaskStatus.FAILED and error is not None:
            panel.fail(error, sentences.why(record))
        else:
            panel.finish(record.status.value, sentences.ending(record), sentences.why(record))
        self._correcting.show_task(record)
        panel.foot.setText(tr("task %1 · in the history").replace("%1", record.id[:8]))
