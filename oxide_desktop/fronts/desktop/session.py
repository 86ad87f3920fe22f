"""Between the Ask window and the engine: what the person wants goes in, what happens comes out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.events import AttemptStarted
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.record import TaskRecord, TaskStatus, new_task_id
from oxide_desktop.core.route import route_sentence, way_taken
from oxide_desktop.fronts.desktop.bridge import Bridge
from oxide_desktop.fronts.desktop.windows.ask import AskWindow


class AskSession(QObject):
    """Serves one Ask window for as long as the engine runs."""

    def __init__(self, window: AskWindow, orchestrator: Orchestrator, bridge: Bridge) -> None:
        super().__init__()
        self._window = window
        self._orchestrator = orchestrator
        self._background = BackgroundTasks()
        self._task_id: str | None = None
        self._preview = 0
        window.asked.connect(self._ask)
        window.stop_wanted.connect(self._stop)
        window.prompt_settled.connect(self._prompt_settled)
        bridge.attempt_started.connect(self._attempt_started)
        bridge.text_arrived.connect(self._text_arrived)
        bridge.task_changed.connect(self._task_changed)
        bridge.task_ended.connect(self._task_ended)
        window.set_ready(ready=True)

    async def aclose(self) -> None:
        """End what still runs for the window; the engine's tasks are not its own."""
        self._window.asked.disconnect(self._ask)
        self._window.prompt_settled.disconnect(self._prompt_settled)
        await self._background.close()

    # -- the person --------------------------------------------------------------------------------

    def _ask(self, prompt: str) -> None:
        self._task_id = new_task_id()
        self._window.begin()
        self._background.start(self._submit(prompt, self._task_id), "ask")

    async def _submit(self, prompt: str, task_id: str) -> None:
        try:
            await self._orchestrator.submit(_request(prompt), task_id)
        except OxideError as error:
            self._window.finish(f"✕ {error}")

    def _stop(self) -> None:
        if self._task_id and (task := self._orchestrator.find(self._task_id)):
            task.cancel()

    def _prompt_settled(self, prompt: str) -> None:
        self._preview += 1
        if prompt.strip():
            self._background.start(self._explain(prompt, self._preview), "preview")
        else:
            self._window.show_route("")

    async def _explain(self, prompt: str, number: int) -> None:
        try:
            found = await self._orchestrator.explain(_request(prompt))
        except OxideError as error:
            sentence = str(error)
        else:
            sentence = self.tr("will go to: %1").replace("%1", route_sentence(found.profile.task_type, found.route))
        if number == self._preview:
            self._window.show_route(sentence)

    # -- the engine --------------------------------------------------------------------------------

    def _task_changed(self, record: TaskRecord) -> None:
        if record.id == self._task_id and (way := way_taken(record)):
            self._window.show_route(way)

    def _attempt_started(self, event: AttemptStarted) -> None:
        if event.task_id == self._task_id:
            self._window.show_state(f"● {event.service}")

    def _text_arrived(self, task_id: str, text: str) -> None:
        if task_id == self._task_id:
            self._window.append(text)

    def _task_ended(self, record: TaskRecord) -> None:
        if record.id != self._task_id:
            return
        if way := way_taken(record):
            self._window.show_route(way)
        self._window.finish(_ending(record))


def _request(prompt: str) -> Request:
    return Request(prompt=prompt, source=Source.DESKTOP, cwd=Path.home())


def _ending(record: TaskRecord) -> str:
    """One line on how a task ended, with what is worth knowing below it."""
    seconds = f"{record.duration or 0:.1f} s"
    if record.status is TaskStatus.COMPLETED:
        tokens = f" · {record.tokens.output} tokens" if record.tokens else ""
        first = f"✓ {record.service} · {seconds}{tokens}"
    elif record.status is TaskStatus.CANCELLED:
        first = f"⊘ {record.error}"
    else:
        first = f"✕ {record.error}"
    return "\n".join((first, *record.notes))
