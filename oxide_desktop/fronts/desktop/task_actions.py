"""What can be done with a task of the history, and with all of it: buttons, menus and what they do."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.model import Source
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.core.replay import request_again
from oxide_desktop.fronts.desktop.correcting import Correcting
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.saving import choose_file, on_disk, write_text
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.widgets.basics import button
from oxide_desktop.fronts.desktop.widgets.confirm import confirm
from oxide_desktop.fronts.desktop.widgets.task_detail import TaskDetail
from oxide_desktop.fronts.desktop.wording import first_line


class TaskActions(QObject):
    """Stands at the foot of a `TaskDetail` and acts on what that shows."""

    def __init__(self, desk: Desk, detail: TaskDetail, page: QWidget) -> None:
        super().__init__(page)
        self._desk = desk
        self._detail = detail
        self._page = page
        self._correcting = Correcting(detail.correction, desk)
        self.replay_button = button(self.tr("Replay on…"))
        self.replay_menu = QMenu(self.replay_button)
        self.replay_menu.aboutToShow.connect(self._fill_replay_menu)
        self.replay_button.setMenu(self.replay_menu)
        self.stop_button = button(self.tr("Stop"), self.stop)
        self.copy_button = button(self.tr("Copy"), self.copy, "link", name=self.tr("Copy the answer"))
        self.save_button = button(self.tr("Save…"), self.save, "link", name=self.tr("Save the answer"))
        self.delete_button = button(self.tr("Delete…"), self.delete, "link")
        for made in (self.stop_button, self.replay_button, self.copy_button, self.save_button):
            detail.foot.addWidget(made)
        detail.foot.addStretch(1)
        detail.foot.addWidget(self.delete_button)

    def for_all(self) -> tuple[QPushButton, ...]:
        """Buttons for the whole history."""
        made = button(self.tr("More"), name=self.tr("More that can be done with the history"))
        menu = QMenu(made)
        menu.addAction(self.tr("Export everything…"), self.export)
        menu.addAction(self.tr("Import a tasks.json…"), self.import_file)
        menu.addSeparator()
        menu.addAction(self.tr("Delete all…"), self.clear)
        made.setMenu(menu)
        return (made,)

    def update(self) -> None:
        """Offer what can be done with the record that is shown now."""
        record = self._detail.record
        self._correcting.show_task(record)
        ended = record is not None and record.status.ended
        runs_here = record is not None and self._desk.orchestrator.find(record.id) is not None
        self.stop_button.setVisible(runs_here)
        self.replay_button.setVisible(ended)
        self.delete_button.setEnabled(ended and record is not None and record.parent is None)
        has_answer = bool(record and (record.result or self._detail.answer.text))
        self.copy_button.setEnabled(has_answer)
        self.save_button.setEnabled(has_answer)

    # -- one task ----------------------------------------------------------------------------------

    def _fill_replay_menu(self) -> None:
        self.replay_menu.clear()
        self.replay_menu.addAction(self.tr("As it was asked"), lambda: self.replay(None))
        self.replay_menu.addSeparator()
        for name, service in self._desk.orchestrator.settings.services.items():
            if service.enabled:
                self.replay_menu.addAction(name.replace("&", "&&"), partial(self.replay, name))
        self.replay_menu.addSeparator()
        self.replay_menu.addAction(self.tr("Change it first…"), self.ask_again)

    def replay(self, service: str | None) -> None:
        """Ask again what the task asked; the new task is shown."""
        if record := self._detail.record:
            self._desk.run(self._replay(record.id, service), "replay")

    async def _replay(self, task_id: str, service: str | None) -> None:
        task = await self._desk.orchestrator.retry(task_id, Source.DESKTOP, service)
        self._desk.open_task(task.id)

    def ask_again(self) -> None:
        """Put what was asked into the Ask page."""
        if record := self._detail.record:
            try:
                self._desk.ask_again(request_again(record, Source.DESKTOP))
            except OxideError as error:
                self._desk.show_error(error)

    def stop(self) -> None:
        """Stop the task; what has come of its answer is kept."""
        if (record := self._detail.record) and (task := self._desk.orchestrator.find(record.id)):
            task.cancel()

    def copy(self) -> None:
        """The answer as it was written, to be pasted elsewhere."""
        if self._detail.answer.text:
            QGuiApplication.clipboard().setText(self._detail.answer.text)

    def save(self) -> None:
        """The answer into a file of the person's choice."""
        record, text = self._detail.record, self._detail.answer.text
        if record and text:
            choose_file(
                self._desk,
                self._page,
                self.tr("Save the answer"),
                f"{_file_name(record)}.md",
                lambda path: write_text(path, text),
            )

    def delete(self) -> None:
        """Delete the task, once the person has said so."""
        record = self._detail.record
        if record is None or not self.delete_button.isEnabled():
            return
        confirm(
            self._page,
            self.tr("Delete this task?"),
            tr("“%1” and its answer are deleted for good.").replace("%1", first_line(record.prompt)[:80]),
            self.tr("Delete"),
            lambda: self._desk.run(self._desk.orchestrator.forget(record.id), "delete task"),
        )

    # -- all of them -------------------------------------------------------------------------------

    def export(self) -> None:
        """Everything kept, into a file."""
        choose_file(self._desk, self._page, self.tr("Export the history"), "tasks.json", self._export)

    async def _export(self, path: Path) -> None:
        """By way of a second file, so that one from before is whole until the new one is."""
        unfinished = path.with_name(f".{path.name}.part")
        try:
            with await on_disk(path, lambda: unfinished.open("w", encoding="utf-8")) as file:
                async with aclosing(self._desk.orchestrator.history.export()) as pieces:
                    async for piece in pieces:
                        await on_disk(path, partial(file.write, piece))
            await on_disk(path, lambda: unfinished.replace(path))
        finally:
            await asyncio.to_thread(unfinished.unlink, missing_ok=True)

    def import_file(self) -> None:
        """Add the tasks of a `tasks.json`."""
        dialog = QFileDialog(self._page, self.tr("Import a tasks.json"), str(Path.home()), "JSON (*.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self._desk.run(self._import(Path(name)), "import"))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    async def _import(self, path: Path) -> None:
        result = await self._desk.orchestrator.import_history(path)
        if result.refused:
            named = "; ".join(f"{task_id}: {reason}" for task_id, reason in result.refused[:3])
            title = tr("%n task(s) set aside", len(result.refused))
            raise OxideError(title, f"{named}.", tr("%n task(s) imported.", result.imported))

    def clear(self) -> None:
        """Delete every task that has ended, once the person has said so."""
        confirm(
            self._page,
            self.tr("Delete the whole history?"),
            self.tr("Every task that has ended and its answer are deleted for good. Export them first to keep a copy."),
            self.tr("Delete all"),
            lambda: self._desk.run(self._desk.orchestrator.clear_history(), "clear history"),
        )


def _file_name(record: TaskRecord) -> str:
    """A name for a file that tells what is in it."""
    words = re.findall(r"\w+", first_line(record.prompt).lower())[:6]
    return "-".join(words)[:60] or "answer"
