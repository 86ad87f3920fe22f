"""What the HTTP API takes and gives, as types: FastAPI checks and documents by them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from oxide_desktop.core.characters import joined
from oxide_desktop.core.model import Candidate, Profile, Skipped, Strategy, TaskType
from oxide_desktop.core.receipts import FileReceipt
from oxide_desktop.core.record import Attempt, TaskStatus, Tokens

Json = dict[str, Any]


class ErrorText(BaseModel):
    """What failed, why, and the one thing to do. An error of the engine's says what a command would end with."""

    title: str
    message: str
    hint: str
    exit_code: int | None = None


class ErrorBody(BaseModel):
    """Every error of the API. `detail` is the whole of `error` as one sentence or two."""

    error: ErrorText
    detail: str


_WHAT_IS_WRONG = {
    400: "The request is ambiguous, or no JSON",
    401: "The token is missing or wrong",
    403: "It comes from a page of another site",
    408: "The body did not come in time",
    413: "The body is too long",
    415: "The body is not said to be JSON",
    421: "It is addressed to another server",
    422: "What was asked for cannot be asked for",
    431: "The address and the headers are too long",
    500: "A mistake of Oxide's own",
    503: "As many requests are being answered as may be at once, or Oxide is paused",
    507: "The history or the rules could not be read or written",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text} for status, text in _WHAT_IS_WRONG.items()
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "There is none of that name"}}


def _whole(text: str) -> str:
    """The text, if it can be sent on as it is.

    Raises:
        ValueError: JSON can spell half of a character, which no text has.
    """
    if joined(text) != text:
        raise ValueError("it holds half of a character (a lone surrogate)")
    return text


Text = Annotated[str, AfterValidator(_whole)]


class PreferencesBody(BaseModel):
    """What the caller insists on."""

    model_config = ConfigDict(extra="forbid")

    preferred_service: str | None = Field(None, min_length=1, description="This service and no other")
    task_type: TaskType | None = None
    model: str | None = Field(None, min_length=1)


class TaskBody(BaseModel):
    """A prompt, with files if it needs some."""

    model_config = ConfigDict(extra="forbid")

    prompt: Text
    files: list[str] | None = Field(None, description="Paths and globs: absolute ones, or relative to `cwd`")
    preferences: PreferencesBody | None = None
    cwd: str | None = Field(None, description="The folder that the task is about; without it, the server's own")
    piped: int = Field(0, ge=0, description="How many characters at the prompt's end may be cut to fit, as files are")
    source: Literal["http", "cli"] = Field("http", description="The command line names itself")


class AnalysisBody(BaseModel):
    """A question about many files, for several services at once."""

    model_config = ConfigDict(extra="forbid")

    prompt: Text
    files: list[str] = Field(min_length=1, description="Folders, files and globs, as in a task")
    services: list[str] | None = Field(None, description="Who takes part; without it, every service that can")
    strategy: Strategy = Field(Strategy.SPLIT, description="Share the files out, or give every service all of them")
    workers: int | None = Field(None, ge=1, le=1000, description="Requests in flight at most")
    task_type: TaskType | None = None
    cwd: str | None = Field(None, description="The folder that relative paths mean; without it, the server's own")
    source: Literal["http", "cli"] = Field("http", description="The command line names itself")


class RetryBody(BaseModel):
    """How to ask again."""

    model_config = ConfigDict(extra="forbid")

    service: str | None = Field(None, min_length=1, description="On this service and no other")
    source: Literal["http", "cli"] = Field("http", description="The command line names itself")


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


class AnalysisWish(BaseModel):
    """How an analysis was asked for."""

    services: list[str]
    strategy: str
    workers: int | None


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
    replay_of: str | None = Field(None, description="The task that asked the same before")
    parent: str | None = Field(None, description="The analysis that it is a share of")
    analysis: AnalysisWish | None = Field(None, description="Only where it is an analysis")
    receipt: list[FileReceipt] | None = Field(None, description="What became of each file of an analysis")


class TaskList(BaseModel):
    """Tasks newest first, how many are kept in all, and how many match."""

    tasks: list[Task]
    total: int
    filtered: int


class Deleted(BaseModel):
    """A task's record is gone."""

    task_id: str
    message: str


class Cleared(BaseModel):
    """How many records, or rules, are gone."""

    cleared: int
    message: str


class AnalysisReport(BaseModel):
    """What an analysis has come to. While it runs, `status` says so and the answer is empty."""

    aggregated_text: str
    total_duration_seconds: float
    receipt: list[FileReceipt]
    task_id: str
    status: TaskStatus
    error: str | None
    notes: list[str]


class Explained(BaseModel):
    """Where a task would go, and why."""

    profile: Profile
    route: RouteBody
    tokens: int
    notes: list[str]
