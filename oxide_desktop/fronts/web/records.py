"""Routes about what the engine keeps: list, search, export, show, delete."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from oxide_desktop.core.analysis import AnalysisResult
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.web.schemas import (
    ERRORS,
    NOT_FOUND,
    AnalysisReport,
    Cleared,
    Deleted,
    Json,
    Task,
    TaskList,
)

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Words = Annotated[str, Query(min_length=1, max_length=1000, description="Words of the prompt or the answer")]
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Every record by its id",
        "content": {
            "application/json": {
                "schema": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Task"}}
            }
        },
    }
}


def records_router(oxide: Orchestrator) -> APIRouter:
    """The routes on what this engine keeps."""
    router = APIRouter(prefix="/api/tasks", tags=["history"], responses=ERRORS)

    _add_lists(router, oxide)
    _add_one(router, oxide)
    return router


def _add_lists(router: APIRouter, oxide: Orchestrator) -> None:
    """Routes on many records."""

    async def page(wanted: TaskFilter, limit: int, offset: int) -> Json:
        found = await oxide.history.list(wanted, limit, offset)
        tasks = [record.to_dict() for record in found.tasks]
        return {"tasks": tasks, "total": found.total, "filtered": found.filtered}

    @router.get("", response_model=TaskList, response_model_exclude_unset=True)
    async def list_tasks(
        limit: Limit = 10,
        offset: Offset = 0,
        status: TaskStatus | None = None,
        service: str | None = None,
        task_type: TaskType | None = None,
        since: Annotated[float | None, Query(ge=0, le=1e11, description="Unix seconds")] = None,
    ) -> Json:
        """What was asked, newest first. Everything that is given must hold."""
        return await page(TaskFilter(status=status, service=service, task_type=task_type, since=since), limit, offset)

    @router.get("/search", response_model=TaskList, response_model_exclude_unset=True)
    async def search_tasks(q: Words, limit: Limit = 10, offset: Offset = 0) -> Json:
        """The tasks whose prompt or answer has these words, newest first."""
        return await page(TaskFilter(text=q), limit, offset)

    @router.get("/export", response_class=StreamingResponse, responses=_EXPORT)
    async def export_tasks() -> StreamingResponse:
        """Everything kept, as an ancestor's `tasks.json`: record by id."""
        named = {"content-disposition": 'attachment; filename="tasks.json"'}
        return StreamingResponse(await _begun(oxide.history.export()), media_type="application/json", headers=named)

    @router.post("/clear", response_model=Cleared)
    async def clear_tasks(status: TaskStatus | None = None) -> Json:
        """Remove the records of tasks that have ended, of one status or all."""
        if status is not None and not status.ended:
            raise UsageError("Nothing was removed", f"A task that is {status} has not ended.", "Cancel it first.")
        count = await oxide.clear_history(status)
        return {"cleared": count, "message": f"{count:,} record{'' if count == 1 else 's'} removed."}


def _add_one(router: APIRouter, oxide: Orchestrator) -> None:
    """Routes on one record; they come last, since an id may be anything."""

    async def find(task_id: str) -> TaskRecord:
        running = oxide.find(task_id)
        return running.so_far() if running else await oxide.history.get(task_id)

    @router.get("/{task_id}", response_model=Task, response_model_exclude_unset=True, responses=NOT_FOUND)
    async def get_task(task_id: str) -> Json:
        """One task, by its id; of one that runs, what there is by now."""
        return (await find(task_id)).to_dict()

    @router.get("/{task_id}/analysis", response_model=AnalysisReport, responses=NOT_FOUND)
    async def get_analysis(task_id: str) -> Json:
        """What an analysis has come to, with its receipt."""
        record = await find(task_id)
        if record.analysis is None:
            raise UsageError("That is no analysis", f"Task {record.id} asked one service.", "See /api/tasks/ID.")
        return AnalysisResult.of(record).to_dict()

    @router.delete("/{task_id}", response_model=Deleted, responses=NOT_FOUND)
    async def delete_task(task_id: str) -> Json:
        """Remove the record of a task that has ended."""
        await oxide.forget(task_id)
        return {"task_id": task_id, "message": "The task is deleted."}


async def _begun(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """The same pieces, of which the first is there: what cannot be read at all is still told as an error."""
    first = await anext(pieces, "")

    async def all_of_them() -> AsyncGenerator[str, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return all_of_them()
