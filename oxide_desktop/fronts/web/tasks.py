"""Routes that make the engine work: ask, analyse, explain, stop, ask again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.folders import working_folder
from oxide_desktop.core.model import Analysis, Preferences, Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.web.following import Following
from oxide_desktop.fronts.web.limits import Limits
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

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The task's id; with `follow` lines of JSON: `begin`, `chunks`, `state`, `end`",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}
Follow = Annotated[bool, Query(description="Stay, and be told of the task to its end")]


def asking_router(oxide: Orchestrator, limits: Limits) -> APIRouter:
    """The routes that make this engine work, or stop."""
    router = APIRouter(prefix="/api", tags=["tasks"], responses=ERRORS)

    def answer(task: RunningTask, *, follow: bool) -> Response | Json:
        return Following(task, oxide.notices(), limits) if follow else _submitted(task)

    @router.post("/tasks/execute", response_model=Submitted, responses=_ANSWERS)
    async def execute(body: TaskBody, follow: Follow = False) -> Response | Json:  # noqa: FBT002 - named in the address
        """Ask. The answer comes over `/ws`, and is in the task's record at the end."""
        return answer(await oxide.submit(_request(oxide, body)), follow=follow)

    @router.post("/analyze", response_model=Submitted, responses=_ANSWERS)
    async def analyze(body: AnalysisBody, follow: Follow = False) -> Response | Json:  # noqa: FBT002 - likewise
        """Ask about many files on several services. `/api/tasks/{task_id}/analysis` has the answer and the receipt."""
        return answer(await oxide.submit(_analysis(oxide, body)), follow=follow)

    @router.post("/explain", response_model=Explained, response_model_exclude_unset=True)
    async def explain(body: TaskBody) -> Json:
        """Where a task would go, and why. Nothing is executed or kept."""
        return (await oxide.explain(_request(oxide, body))).to_dict()

    @router.post("/tasks/{task_id}/cancel", response_model=Task, response_model_exclude_unset=True, responses=NOT_FOUND)
    async def cancel_task(task_id: str) -> Json:
        """Stop a running task, and answer when it has stopped."""
        return (await oxide.cancel(task_id)).to_dict()

    @router.post("/tasks/{task_id}/retry", response_model=Submitted, responses=_ANSWERS | NOT_FOUND)
    async def retry_task(
        task_id: str,
        body: RetryBody | None = None,
        follow: Follow = False,  # noqa: FBT002 - named in the address
    ) -> Response | Json:
        """Ask again what a task asked, as a new task, on another service if one is named."""
        wish = body or RetryBody(service=None, source="http")
        _require_services(oxide, wish.service)
        return answer(await oxide.retry(task_id, Source(wish.source), wish.service), follow=follow)

    return router


def _submitted(task: RunningTask) -> Json:
    """As what it was recorded; it may have got further by now."""
    return {"task_id": task.id, "status": TaskStatus.QUEUED, "message": "The task is recorded and on its way."}


def _request(oxide: Orchestrator, body: TaskBody) -> Request:
    wishes = Preferences.parse(body.preferences.model_dump(mode="json") if body.preferences else None)
    _require_services(oxide, wishes.preferred_service)
    return Request(
        prompt=body.prompt,
        files=_paths(body.files or ()),
        preferences=wishes,
        source=Source(body.source),
        cwd=_folder(body.cwd),
        piped=min(body.piped, len(body.prompt)),
    )


def _analysis(oxide: Orchestrator, body: AnalysisBody) -> Request:
    _require_services(oxide, *(body.services or ()))
    return Request(
        prompt=body.prompt,
        files=_paths(body.files),
        preferences=Preferences(task_type=body.task_type),
        source=Source(body.source),
        cwd=_folder(body.cwd),
        analysis=Analysis(services=tuple(body.services or ()), strategy=body.strategy, workers=body.workers),
    )


def _folder(given: str | None) -> Path:
    """What relative paths mean.

    Raises:
        UsageError: It is no folder, or it depends on where the server was started.
    """
    if given is None:
        return working_folder()
    folder = Path(given)
    if not _can_be_there(given) or not folder.is_absolute():
        raise UsageError("That is no folder", f"cwd is {given!r}.", "Give an absolute path.")
    return folder


def _paths(given: Sequence[str]) -> tuple[str, ...]:
    """What is to be read.

    Raises:
        UsageError: No system has a file of such a name.
    """
    for path in given:
        if not _can_be_there(path):
            raise UsageError("That is no path", f"files has {path!r}.", "Give paths as the system writes them.")
    return tuple(given)


def _can_be_there(path: str) -> bool:
    """Whether a name can be handed to the system: bytes that are no text may stand in it, halves of characters not."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _require_services(oxide: Orchestrator, *names: str | None) -> None:
    """Say at once that a name is wrong, rather than record a task that nobody can take.

    Raises:
        UsageError: No service of that name is configured.
    """
    for name in names:
        if name is not None:
            oxide.require_service(name)
