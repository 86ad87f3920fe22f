"""Routes about corrections: what a person said that tasks really were, kept, shown and forgotten."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from oxide_desktop.core.model import TaskType
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.fronts.web.schemas import ERRORS, NOT_FOUND, Cleared, Deleted, Json


class CorrectionBody(BaseModel):
    """What a task really was."""

    model_config = ConfigDict(extra="forbid")

    task_type: TaskType


class CorrectionText(BaseModel):
    """What the classifier had found, what the person said, and when (Unix seconds)."""

    task_id: str
    prompt: str
    was: TaskType
    said: TaskType
    made_at: float


class CorrectionList(BaseModel):
    """Those that count, newest first."""

    corrections: list[CorrectionText]


def corrections_router(oxide: Orchestrator) -> APIRouter:
    """The routes on what was corrected in this engine."""
    router = APIRouter(prefix="/api", tags=["routing"], responses=ERRORS)

    @router.post("/tasks/{task_id}/correct", response_model=CorrectionText, responses=NOT_FOUND)
    async def correct_task(task_id: str, body: CorrectionBody) -> Json:
        """Say what a task really was. Prompts like it are taken for that from now on; rules stand above it."""
        return (await oxide.correct(task_id, body.task_type)).to_dict()

    @router.get("/corrections", response_model=CorrectionList)
    async def list_corrections() -> Json:
        """Every correction that counts."""
        return {"corrections": [item.to_dict() for item in await oxide.corrections()]}

    @router.post("/corrections/clear", response_model=Cleared)
    async def clear_corrections() -> Json:
        """Forget all of them."""
        count = await oxide.clear_corrections()
        return {"cleared": count, "message": f"{count:,} correction{'' if count == 1 else 's'} forgotten."}

    @router.delete("/corrections/{task_id}", response_model=Deleted, responses=NOT_FOUND)
    async def forget_correction(task_id: str) -> Json:
        """Forget what was said of one task."""
        await oxide.forget_correction(task_id)
        return {"task_id": task_id, "message": "The correction is forgotten."}

    return router
