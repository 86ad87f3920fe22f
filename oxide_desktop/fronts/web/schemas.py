"""What the HTTP API takes and gives, as types: FastAPI checks and documents by them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oxide_desktop.core.model import Candidate, Profile, Skipped, TaskType
from oxide_desktop.core.record import Attempt, TaskStatus, Tokens


class ErrorText(BaseModel):
    """What failed, why, and the one thing to do."""

    title: str
    message: str
    hint: str


class ErrorBody(BaseModel):
    """Every error of the API. `detail` is the whole of `error` as one sentence or two."""

    error: ErrorText
    detail: str


ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "The token is missing or wrong"},
    422: {"model": ErrorBody, "description": "What was asked for cannot be asked for"},
    500: {"model": ErrorBody, "description": "A mistake of Oxide's own"},
    507: {"model": ErrorBody, "description": "The history could not be read or written"},
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "There is none of that name"}}


class PreferencesBody(BaseModel):
    """What the caller insists on."""

    model_config = ConfigDict(extra="forbid")

    preferred_service: str | None = Field(None, min_length=1, description="This service and no other")
    task_type: TaskType | None = None
    model: str | None = Field(None, min_length=1)


class TaskBody(BaseModel):
    """A prompt, with files if it needs some."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    files: list[str] | None = Field(
        None, description="Paths and globs; absolute ones, or relative to the server's folder"
    )
    preferences: PreferencesBody | None = None


class Submitted(BaseModel):
    """A task is recorded and on its way."""

    task_id: str
    status: TaskStatus
    message: str


class RouteBody(BaseModel):
    """The ordered candidates, who was passed over, and the rule that decided, if one did."""

    candidates: list[Candidate]
    skipped: list[Skipped]
    rule: str | None
    rule_from: str | None = Field(None, description="Where the rule stands, if it is not one of the person's own")


class Task(BaseModel):
    """What is kept of a task. Times are Unix seconds."""

    id: str
    status: TaskStatus
    prompt: str
    files: list[str]
    preferences: dict[str, Any]
    service: str | None
    model: str | None
    task_type: str | None
    result: str | None
    error: str | None
    created_at: float
    started_at: float | None
    completed_at: float | None
    duration: float | None
    attempts: list[Attempt]
    route: RouteBody | None
    tokens: Tokens | None
    cost: float | None
    source: str
    notes: list[str]
    left_machine: bool | None
    replay_of: str | None = None


class TaskList(BaseModel):
    """Tasks newest first, how many are kept in all, and how many match."""

    tasks: list[Task]
    total: int
    filtered: int


class Deleted(BaseModel):
    """A task's record is gone."""

    task_id: str
    message: str


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


class Explained(BaseModel):
    """Where a task would go, and why."""

    profile: Profile
    route: RouteBody
    tokens: int
    notes: list[str]


class HealthReport(BaseModel):
    """Whether Oxide is well, and what is not."""

    status: str
    healthy: bool
    issues: list[str]
    cpu_percent: float
    memory_percent: float
