"""Routes that make the engine work: ask, analyse, explain, stop, ask again."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Analysis, Preferences, Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.web.schemas import (
    ERRORS,
    NOT_FOUND,
    AnalysisBody,
    Explained,
    Json,
    RetryBody,
    Submitted,
    Task,
    TaskBody,
)


def asking_router(oxide: Orchestrator) -> APIRouter:
    """The routes that make this engine work, or stop."""
    router = APIRouter(prefix="/api", tags=["tasks"], responses=ERRORS)

    @router.post("/tasks/execute", response_model=Submitted)
    async def execute(body: TaskBody) -> Json:
        """Ask. The answer comes over `/ws`, and is in the task's record at the end."""
        return _submitted(await oxide.submit(_request(oxide, body)))

    @router.post("/analyze", response_model=Submitted)
    async def analyze(body: AnalysisBody) -> Json:
        """Ask about many files on several services. `/api/tasks/{task_id}/analysis` has the answer and the receipt."""
        return _submitted(await oxide.submit(_analysis(oxide, body)))

    @router.post("/explain", response_model=Explained, response_model_exclude_unset=True)
    async def explain(body: TaskBody) -> Json:
        """Where a task would go, and why. Nothing is executed or kept."""
        return (await oxide.explain(_request(oxide, body))).to_dict()

    @router.post("/tasks/{task_id}/cancel", response_model=Task, response_model_exclude_unset=True, responses=NOT_FOUND)
    async def cancel_task(task_id: str) -> Json:
        """Stop a running task, and answer when it has stopped."""
        return (await oxide.cancel(task_id)).to_dict()

    @router.post("/tasks/{task_id}/retry", response_model=Submitted, responses=NOT_FOUND)
    async def retry_task(task_id: str, body: RetryBody | None = None) -> Json:
        """Ask again what a task asked, as a new task, on another service if one is named."""
        service = body.service if body else None
        _require_services(oxide, service)
        return _submitted(await oxide.retry(task_id, Source.HTTP, service))

    return router


def _submitted(task: RunningTask) -> Json:
    return {"task_id": task.id, "status": task.record.status, "message": "The task is recorded and on its way."}


def _request(oxide: Orchestrator, body: TaskBody) -> Request:
    wishes = Preferences.parse(body.preferences.model_dump(mode="json") if body.preferences else None)
    _require_services(oxide, wishes.preferred_service)
    return Request(
        prompt=body.prompt,
        files=tuple(body.files or ()),
        preferences=wishes,
        source=Source.HTTP,
        cwd=_folder(body.cwd),
    )


def _analysis(oxide: Orchestrator, body: AnalysisBody) -> Request:
    _require_services(oxide, *(body.services or ()))
    return Request(
        prompt=body.prompt,
        files=tuple(body.files),
        preferences=Preferences(task_type=body.task_type),
        source=Source.HTTP,
        cwd=_folder(body.cwd),
        analysis=Analysis(services=tuple(body.services or ()), strategy=body.strategy, workers=body.workers),
    )


def _folder(given: str | None) -> Path:
    """What relative paths mean.

    Raises:
        UsageError: It is no folder, or it depends on where the server was started.
    """
    if given is None:
        return Path.cwd()
    folder = Path(given)
    if "\0" in given or not folder.is_absolute():
        raise UsageError("That is no folder", f"cwd is {given!r}.", "Give an absolute path.")
    return folder


def _require_services(oxide: Orchestrator, *names: str | None) -> None:
    """Say at once that a name is wrong, rather than record a task that nobody can take.

    Raises:
        UsageError: No service of that name is configured.
    """
    for name in names:
        if name is not None:
            oxide.require_service(name)
