"""Routes about services: what they are, how they are, what they were sent, and a question to try them with."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from oxide_desktop.core.errors import NotFoundError, RouteError
from oxide_desktop.core.folders import working_folder
from oxide_desktop.core.health import Depth, ServiceStatus
from oxide_desktop.core.model import Preferences, Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.core.servers import ModelInfo, ServerStart
from oxide_desktop.fronts.web.schemas import ERRORS, NOT_FOUND, ErrorBody, Json

TEST_PROMPT = "What is 2+2?"
_FAILED: dict[int | str, dict[str, Any]] = {502: {"model": ErrorBody, "description": "The service could not be asked"}}


class Service(BaseModel):
    """A configured service, and what was last found out about it."""

    name: str
    enabled: bool
    healthy: bool
    type: str
    api_type: str
    description: str
    locality: str
    executable: str | None
    base_url: str | None
    model: str | None
    max_context_tokens: int | None
    capabilities: list[str]
    last_resort: bool
    tier: str | None
    failing: str | None
    message: str
    fix: str
    version: str | None
    models: list[str]
    recommended_model: str | None
    checked_at: float | None


class ServiceList(BaseModel):
    """Every configured service by its name."""

    services: dict[str, Service]
    total: int
    enabled: int


class ServiceModels(BaseModel):
    """The models that a service offers, and the one that Oxide would choose."""

    service: str
    models: list[ModelInfo]
    recommended_model: str | None


class ServiceTest(BaseModel):
    """How a service answered one question. The task of that id has the rest."""

    service: str
    success: bool
    response: str | None
    error: str | None
    duration: float | None
    task_id: str


class UseToday(BaseModel):
    """What a service was sent since midnight, and what its quota leaves."""

    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    requests_left_today: int | None = Field(description="`null` where no quota is set")
    requests_left_this_minute: int | None = Field(description="`null` where no quota is set")
    free_at: float | None = Field(description="When it may be asked again; `null` where it may now")


def services_router(oxide: Orchestrator) -> APIRouter:
    """The routes on services of this engine."""
    router = APIRouter(prefix="/api/services", tags=["services"], responses=ERRORS)

    @router.get("", response_model=ServiceList)
    async def list_services() -> Json:
        """Every configured service, as it was last seen."""
        found = oxide.services()
        return {
            "services": {status.settings.name: status.to_dict() for status in found},
            "total": len(found),
            "enabled": sum(status.settings.enabled for status in found),
        }

    _add_one(router, oxide)
    _add_looks(router, oxide)
    return router


def _find(oxide: Orchestrator, name: str) -> ServiceStatus:
    """A configured service.

    Raises:
        NotFoundError: There is none of that name.
    """
    for status in oxide.services():
        if status.settings.name == name:
            return status
    names = ", ".join(status.settings.name for status in oxide.services())
    raise NotFoundError("No such service", f"{name!r} is not configured.", f"Configured: {names}.")


def _add_one(router: APIRouter, oxide: Orchestrator) -> None:
    """Routes that show, look at and try one service."""

    @router.get("/{name}", response_model=Service, responses=NOT_FOUND)
    async def get_service(name: str) -> Json:
        """One service, as it was last seen."""
        return _find(oxide, name).to_dict()

    @router.post("/{name}/health", response_model=Service, responses=NOT_FOUND)
    async def check_service(name: str) -> Json:
        """Look at an enabled service now: is it there, does it run, is it signed in. That costs no quota."""
        await oxide.check_service(name, Depth.PROBE)
        return _find(oxide, name).to_dict()

    @router.post("/{name}/test", response_model=ServiceTest, responses=NOT_FOUND)
    async def test_service(
        name: str, test_prompt: Annotated[str, Query(min_length=1, max_length=10_000)] = TEST_PROMPT
    ) -> Json:
        """Ask a service one question and wait for the answer. It is kept in the history like every task."""
        _find(oxide, name)
        if oxide.is_paused:  # the test would wait for as long as the pause lasts
            raise RouteError(
                "Oxide is paused", "New tasks wait, and so would this test.", "Resume it in the tray's menu."
            )
        wishes, here = Preferences(preferred_service=name), working_folder()
        task = await oxide.submit(Request(prompt=test_prompt, preferences=wishes, source=Source.HTTP, cwd=here))
        record = await task.finished()  # which the deadline of the whole task bounds
        return {
            "service": name,
            "success": record.status is TaskStatus.COMPLETED,
            "response": record.result,
            "error": record.error,
            "duration": record.duration,
            "task_id": record.id,
        }


def _add_looks(router: APIRouter, oxide: Orchestrator) -> None:
    """What else can be asked of an enabled service."""

    @router.get("/{name}/models", response_model=ServiceModels, responses=NOT_FOUND | _FAILED)
    async def list_models(name: str) -> Json:
        """The models that an enabled service offers now."""
        models = await oxide.list_models(name)
        recommended = next(
            (item.health.recommended_model for item in oxide.services() if item.settings.name == name and item.health),
            None,
        )
        return {"service": name, "models": models, "recommended_model": recommended}

    @router.get("/{name}/use", response_model=UseToday, responses=NOT_FOUND)
    async def todays_use(name: str) -> Json:
        """What a service was sent today, by all programs of this person, and what is left of its quota."""
        if name not in oxide.settings.services:
            raise NotFoundError("No such service", f"{name!r} is not configured.")
        return (await oxide.todays_use(name)).to_dict()

    @router.post("/{name}/start", response_model=ServerStart, responses=NOT_FOUND | _FAILED)
    async def start_service(name: str) -> ServerStart:
        """Start the server behind an enabled service, where Oxide knows how to: that is Ollama on this machine."""
        return await oxide.start_service(name)
