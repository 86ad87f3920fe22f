"""Routes about routing: the person's rules, the task types, and what a rule would have changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from oxide_desktop.core.errors import NotFoundError, OxideError, UsageError
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.simulate import LAST_TASKS, MOST_TASKS
from oxide_desktop.fronts.web.schemas import ERRORS, NOT_FOUND, Cleared, ErrorText, Json


class Rule(BaseModel):
    """Tasks of this type go to this service."""

    model_config = ConfigDict(extra="forbid")

    task_type: TaskType
    service: str


class NewService(BaseModel):
    """Where the rule of the address sends its type. The type may be repeated, as long as it is the same."""

    model_config = ConfigDict(extra="forbid")

    service: str
    task_type: TaskType | None = None


class RuleCounts(BaseModel):
    """The rules in figures."""

    total_rules: int
    rules_by_service: dict[str, int]
    task_types: list[TaskType]


class RuleList(BaseModel):
    """Every rule that counts, and what stands in the file and does not."""

    rules: list[Rule]
    stats: RuleCounts
    problems: list[ErrorText]


class RuleChanged(BaseModel):
    """The rule as it stands now."""

    message: str
    rule: Rule


class RuleRemoved(BaseModel):
    """The type is the router's again."""

    message: str
    task_type: str


class TaskTypeText(BaseModel):
    """A task type, as people read it."""

    name: TaskType
    label: str
    description: str
    recommended_services: list[str]


class TaskTypeList(BaseModel):
    """The eight of them."""

    task_types: list[TaskTypeText]


class TrialBody(Rule):
    """A rule to be tried."""

    last: Annotated[int, Field(ge=1, le=MOST_TASKS, description="How many of the newest tasks to look at")] = LAST_TASKS


class Moved(BaseModel):
    """A task that would have gone elsewhere; `in_part` tells what of it would not have gone with it."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    prompt: str
    from_: str = Field(alias="from")
    to: str
    why: str
    in_part: str | None
    created_at: float


class Unmoved(BaseModel):
    """A task of the rule's type that would have stayed, or of which nobody knows."""

    id: str
    prompt: str
    service: str | None
    reason: str
    created_at: float


class Trial(BaseModel):
    """What a rule would have done to the newest tasks."""

    task_type: TaskType
    service: str
    looked_at: int
    of_type: int
    already_there: int
    moved: list[Moved]
    decided_otherwise: list[Unmoved]
    could_not: list[Unmoved]
    unknown: list[Unmoved]
    sentence: str
    caveats: list[str]


def rules_router(oxide: Orchestrator) -> APIRouter:
    """The routes on rules of this engine."""
    router = APIRouter(prefix="/api/routing", tags=["routing"], responses=ERRORS)

    _add_looks(router, oxide)
    _add_changes(router, oxide)
    return router


def _add_looks(router: APIRouter, oxide: Orchestrator) -> None:
    """Routes that change nothing."""

    @router.get("/rules", response_model=RuleList)
    async def list_rules() -> Json:
        """Every rule of the person's own. A project's own rules show in the routes that they decide."""
        problems = await asyncio.to_thread(oxide.rules.problems)
        if broken := [error for error in problems if not isinstance(error, UsageError)]:
            raise broken[0]
        return _as_list(await asyncio.to_thread(oxide.rules.all), problems)

    @router.get("/rules/{task_type}", response_model=Rule, responses=NOT_FOUND)
    async def get_rule(task_type: TaskType) -> Json:
        """The rule of one type."""
        rules = await asyncio.to_thread(oxide.rules.all)
        if task_type not in rules:
            raise NotFoundError("No such rule", f"No service is assigned to {task_type.value}.")
        return _rule(task_type, rules[task_type])

    @router.post("/try", response_model=Trial)
    async def try_rule(body: TrialBody) -> Json:
        """What a rule would have changed for the newest tasks, from their records. Nothing is set, asked or sent."""
        return (await oxide.try_rule(body.task_type, body.service, body.last)).to_dict()

    @router.get("/task-types", response_model=TaskTypeList)
    async def list_task_types() -> Json:
        """The eight task types, with the services that suit them."""
        return {"task_types": [_type_text(item) for item in TaskType]}


def _add_changes(router: APIRouter, oxide: Orchestrator) -> None:
    """Routes that set and remove rules."""

    async def put(task_type: TaskType, service: str) -> Json:
        await oxide.set_rule(task_type, service)
        return {"message": "Routing rule updated", "rule": _rule(task_type, service)}

    @router.post("/rules", response_model=RuleChanged)
    async def set_rule(body: Rule) -> Json:
        """Send a type to one service from now on."""
        return await put(body.task_type, body.service)

    @router.put("/rules/{task_type}", response_model=RuleChanged)
    async def update_rule(task_type: TaskType, body: NewService) -> Json:
        """Send the type of the address to one service from now on."""
        if body.task_type not in (None, task_type):
            raise UsageError("Two types at once", f"The address says {task_type.value}, the body {body.task_type}.")
        return await put(task_type, body.service)

    @router.delete("/rules/{task_type}", response_model=RuleRemoved, responses=NOT_FOUND)
    async def remove_rule(task_type: str) -> Json:
        """Leave a type to the router again, or take away what stands there for a type that does not exist."""
        await oxide.remove_rule(task_type)
        return {"message": "Routing rule removed", "task_type": task_type}

    @router.post("/rules/clear", response_model=Cleared)
    async def clear_rules() -> Json:
        """Leave every type to the router."""
        count = await oxide.clear_rules()
        return {"cleared": count, "message": f"{count:,} rule{'' if count == 1 else 's'} removed."}


def _rule(task_type: TaskType, service: str) -> Json:
    return {"task_type": task_type.value, "service": service}


def _as_list(rules: Mapping[TaskType, str], problems: Sequence[OxideError]) -> Json:
    return {
        "rules": [_rule(*item) for item in rules.items()],
        "stats": {
            "total_rules": len(rules),
            "rules_by_service": dict(Counter(rules.values())),
            "task_types": list(rules),
        },
        "problems": [error.to_dict() for error in problems],
    }


def _type_text(task_type: TaskType) -> Json:
    return {
        "name": task_type.value,
        "label": task_type.label,
        "description": task_type.description,
        "recommended_services": list(task_type.recommended_services),
    }
