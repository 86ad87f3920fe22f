"""The shares of an analysis as tasks of their own: asked, bounded and recorded beside the task that they belong to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from oxide_desktop.core.attempt import sums_of
from oxide_desktop.core.context import Context
from oxide_desktop.core.errors import FailureKind, OxideError, RouteError, ServiceError
from oxide_desktop.core.execute import Executor
from oxide_desktop.core.model import Candidate, Route
from oxide_desktop.core.ports import History
from oxide_desktop.core.record import TaskRecord, TaskStatus, new_task_id
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.settings import ExecutionSettings
from oxide_desktop.core.watchdog import whole_task_deadline

log = logging.getLogger(__name__)


class ShareKeeper:
    """Asks one share of one service and keeps its record.

    Args:
        executor: One that tells nobody: fronts follow the analysis, not its shares.
    """

    def __init__(self, executor: Executor, limits: ExecutionSettings, history: Callable[[], History]) -> None:
        self.executor = executor
        self._limits = limits
        self._history = history

    async def ask(
        self, analysis: RunningTask, service: str, context: Context, *, retried: bool
    ) -> tuple[RunningTask, ServiceError | None]:
        """One share, with or without retries on its service; the error if it failed.

        Raises:
            StoreError: It could not be recorded, and so was not asked.
        """
        share = _share_of(analysis, service, context)
        try:
            await self._history().add(share.record)
        except asyncio.CancelledError:  # what is being written is written all the same, and must not stay open
            await self._close(analysis, share, TaskStatus.CANCELLED, analysis.error)
            raise
        error: ServiceError | None = None
        cancelled: OxideError | None = None
        status = TaskStatus.FAILED
        try:
            async with whole_task_deadline(self._limits):
                await self._execute(share, service, context, retried=retried)
            status = TaskStatus.COMPLETED
        except RouteError as failure:
            error = ServiceError(FailureKind.MISSING, failure.title, failure.message, failure.hint)
        except ServiceError as failure:
            error = failure
        except asyncio.CancelledError:
            status, cancelled = TaskStatus.CANCELLED, analysis.error
            raise
        finally:
            await self._close(analysis, share, status, error or cancelled)
        return share, error

    async def _execute(self, share: RunningTask, service: str, context: Context, *, retried: bool) -> None:
        if retried:
            route = Route((Candidate(service, 1.0, ("you asked all",)),))
            await self.executor.run(share, route, context)
        else:
            await self.executor.once(share, service, context)

    async def _close(
        self, analysis: RunningTask, share: RunningTask, status: TaskStatus, error: OxideError | None
    ) -> None:
        share.conclude(status, error)
        share.end()
        attempts = (*analysis.record.attempts, *share.record.attempts)
        analysis.update(attempts=attempts, **sums_of(attempts))
        try:
            await asyncio.shield(self._history().save(share.record))
        except OxideError:  # the analysis has its answer all the same, and its own record tells of the share
            log.exception("the end of share %s could not be recorded", share.id)


def _share_of(analysis: RunningTask, service: str, context: Context) -> RunningTask:
    now = time.time()
    record = TaskRecord(
        id=new_task_id(),
        status=TaskStatus.RUNNING,
        prompt=context.prompt,
        files=tuple(str(file.named) for file in context.files),
        preferences={**analysis.record.preferences, "preferred_service": service},
        task_type=analysis.record.task_type,
        created_at=now,
        started_at=now,
        source=analysis.record.source,
        cwd=analysis.record.cwd,
        roots=analysis.record.roots,
        route=Route((Candidate(service, 1.0, ("a share of an analysis",)),)),
        parent=analysis.id,
    )
    return RunningTask(analysis.request, record)
