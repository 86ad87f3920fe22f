"""Whether this is the first time: then the first page is shown instead of an empty one."""

from __future__ import annotations

import asyncio

from oxide_desktop.config.paths import Paths
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.ports import TaskFilter


async def is_first_run(orchestrator: Orchestrator) -> bool:
    """Whether nothing was ever set or asked here."""
    if await asyncio.to_thread(Paths.from_environment().config_file.exists):
        return False
    return not (await orchestrator.history.list(TaskFilter(), limit=1)).total
