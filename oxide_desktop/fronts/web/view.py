"""What only the web view asks for: a light list of tasks, how quick services are, the settings. It is no contract."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Annotated

from fastapi import APIRouter, Query

from oxide_desktop.config.paths import Paths
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.query import parse_query
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.web.holding import settings_that_hold
from oxide_desktop.fronts.web.schemas import Json

LONGEST_LINE = 300


def view_router(oxide: Orchestrator, paths: Paths) -> APIRouter:
    """The view's own routes. They change with the view, so they are not in the API's description."""
    router = APIRouter(prefix="/api/view", include_in_schema=False)

    @router.get("/history")
    async def find_tasks(
        q: Annotated[str, Query(max_length=1000)] = "",
        status: TaskStatus | None = None,
        service: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 30,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> Json:
        """Tasks by what was typed (`service:qwen failed today`), without their answers, newest first."""
        query = parse_query(q, time.time())
        wanted = query.wanted
        wanted = dataclasses.replace(wanted, status=status or wanted.status, service=service or wanted.service)
        page = await oxide.history.list(wanted, limit, offset)
        tasks = [_line(task.record if (task := oxide.find(kept.id)) else kept) for kept in page.tasks]
        return {"tasks": tasks, "total": page.total, "filtered": page.filtered, "problems": list(query.problems)}

    @router.get("/speed/{name}")
    async def speed(name: str) -> Json:
        """How quick a service answered of late."""
        oxide.require_service(name)
        return dataclasses.asdict(await oxide.speed_of(name))

    @router.get("/children")
    async def children() -> Json:
        """The programs that Oxide runs for services."""
        running = await asyncio.to_thread(oxide.spawner.children)
        return {"children": [child.to_dict() for child in running]}

    @router.get("/settings")
    async def settings() -> Json:
        """The settings that hold, in words, and where they stand. Keys are only said to be there."""
        return await settings_that_hold(oxide, paths)

    return router


def _line(record: TaskRecord) -> Json:
    """A task as one line of a list."""
    return {
        "id": record.id,
        "status": record.status.value,
        "prompt": _first_line(record.prompt),
        "service": record.service,
        "task_type": record.task_type,
        "created_at": record.created_at,
        "duration": record.duration,
        "source": record.source,
        "error": record.error and record.error[:LONGEST_LINE],
    }


def _first_line(text: str) -> str:
    return next((line.strip()[:LONGEST_LINE] for line in text.splitlines() if line.strip()), "")
