"""Routes about tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query

from oxide_desktop.core.model import Preferences, Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.web.schemas import (
    ERRORS,
    NOT_FOUND,
    Deleted,
    Explained,
    Submitted,
    Task,
    TaskBody,
    TaskList,
)

Json = dict[str, Any]


def asking_router(oxide: Orchestrator) -> APIRouter:
    """The routes that make this engine work, or stop."""
    router = APIRouter(prefix="/api", tags=["tasks"], responses=ERRORS)

    @router.post("/tasks/execute", response_model=Submitted)
    async def execute(body: TaskBody) -> Json:
        """Ask. The answer comes over `/ws`, and is in the task's record at the end."""
        task = await oxide.submit(_request(body))
        return {"task_id": task.id, "status": task.record.status, "message": "The task is recorded and on its way."}

    @router.post("/tasks/{task_id}/cancel", response_model=Task, response_model_exclude_unset=True, responses=NOT_FOUND)
    async def cancel_task(task_id: str) -> Json:
        """Stop a running task, and answer when it has stopped."""
        return (await oxide.cancel(task_id)).to_dict()

    @router.post("/explain", response_model=Explained, response_model_exclude_unset=True)
    async def explain(body: TaskBody) -> Json:
        """Where a task would go, and why. Nothing is executed or kept."""
        return (await oxide.explain(_request(body))).to_dict()

    return router


def records_router(oxide: Orchestrator) -> APIRouter:
    """The routes on what this engine keeps."""
    router = APIRouter(prefix="/api", tags=["tasks"], responses=ERRORS)

    @router.get("/tasks", response_model=TaskList, response_model_exclude_unset=True)
    async def list_tasks(
        limit: Annotated[int, Query(ge=1, le=1000)] = 10,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
        status: TaskStatus | None = None,
    ) -> Json:
        """What was asked, newest first."""
        page = await oxide.history.list(TaskFilter(status=status), limit, offset)
        tasks = [record.to_dict() for record in page.tasks]
        return {"tasks": tasks, "total": page.total, "filtered": page.filtered}

    @router.get("/tasks/{task_id}", response_model=Task, response_model_exclude_unset=True, responses=NOT_FOUND)
    async def get_task(task_id: str) -> Json:
        """One task, by its id."""
        running = oxide.find(task_id)
        record = running.record if running else await oxide.history.get(task_id)
        return record.to_dict()

    @router.delete("/tasks/{task_id}", response_model=Deleted, responses=NOT_FOUND)
    async def delete_task(task_id: str) -> Json:
        """Remove the record of a task that has ended."""
        await oxide.forget(task_id)
        return {"task_id": task_id, "message": "The task is deleted."}

    return router


def _request(body: TaskBody) -> Request:
    wishes = body.preferences.model_dump(mode="json") if body.preferences else None
    return Request(
        prompt=body.prompt,
        files=tuple(body.files or ()),
        preferences=Preferences.parse(wishes),
        source=Source.HTTP,
        cwd=Path.cwd(),
    )
