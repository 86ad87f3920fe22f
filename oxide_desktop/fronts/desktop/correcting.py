"""Between "This was a …" and the engine: what the person says of a task is kept, shown, and taken back."""

from __future__ import annotations

from PySide6.QtCore import QObject

from oxide_desktop.core.model import TaskType
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.widgets.type_correction import TypeCorrection


class Correcting(QObject):
    """Serves one `TypeCorrection`, for the task that is shown beside it."""

    def __init__(self, shown: TypeCorrection, desk: Desk) -> None:
        super().__init__(shown)
        self._shown = shown
        self._desk = desk
        self._task_id = ""
        self._found: TaskType | None = None
        shown.said.connect(self._say)
        shown.taken_back.connect(self._take_back)
        desk.bridge.corrections_changed.connect(self._look)

    def show_task(self, record: TaskRecord | None) -> None:
        """The task that is shown now; one that runs, or was never profiled, cannot be corrected."""
        ended = record is not None and record.status.ended
        found = next((kind for kind in TaskType if record and ended and kind.value == record.task_type), None)
        task_id = record.id if record and found else ""
        if (task_id, found) != (self._task_id, self._found):
            self._task_id, self._found = task_id, found
            self._shown.show_type(found, None)
            self._look()

    def _look(self) -> None:
        if self._task_id and self._desk.is_open:
            self._desk.run(self._tell(self._task_id), "corrections")

    async def _tell(self, task_id: str) -> None:
        made = {item.task_id: item for item in await self._desk.orchestrator.corrections()}
        if task_id == self._task_id:
            self._shown.show_type(self._found, made.get(task_id))

    def _say(self, task_type: TaskType) -> None:
        if self._task_id:
            self._desk.run(self._keep(self._task_id, task_type), "correct")

    async def _keep(self, task_id: str, task_type: TaskType) -> None:
        """What the classifier had found anyway corrects nothing: then an earlier correction is taken back."""
        engine = self._desk.orchestrator
        earlier = {item.task_id: item.was for item in await engine.corrections()}
        if task_type is not earlier.get(task_id, self._found):
            await engine.correct(task_id, task_type)
        elif task_id in earlier:
            await engine.forget_correction(task_id)

    def _take_back(self) -> None:
        if self._task_id:
            self._desk.run(self._desk.orchestrator.forget_correction(self._task_id), "take back")
