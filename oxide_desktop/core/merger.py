"""Makes one answer of an analysis' parts, on a service that may see them all; without one they stand as they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oxide_desktop.core.attempt import note
from oxide_desktop.core.context import Context
from oxide_desktop.core.errors import FailureKind, RouteError, ServiceError
from oxide_desktop.core.events import Chunk, EventBus
from oxide_desktop.core.execute import Executor
from oxide_desktop.core.merging import (
    Part,
    also_named,
    batches,
    lost_references,
    merge_need,
    merge_prompt,
    one_after_another,
    side_by_side,
)
from oxide_desktop.core.model import Candidate, Locality, Route
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.settings import ExecutionSettings
from oxide_desktop.core.shares import ShareKeeper
from oxide_desktop.core.tokens import estimate_tokens
from oxide_desktop.core.watchdog import whole_task_deadline


@dataclass(frozen=True, slots=True)
class MergingService:
    """A service that may merge.

    Attributes:
        room: Tokens that its window has beside the answer; `None` is as many as there are.
    """

    name: str
    locality: Locality
    room: int | None

    def holds(self, tokens: int) -> bool:
        """Whether so much fits."""
        return self.room is None or tokens <= self.room


class Merger:
    """Merges the parts of one analysis into its answer.

    Args:
        executor: Shows the answer to whoever follows the analysis.
        services: Tells those that still work, best first.
    """

    def __init__(
        self,
        task: RunningTask,
        executor: Executor,
        keeper: ShareKeeper,
        bus: EventBus,
        limits: ExecutionSettings,
        services: Callable[[], Sequence[MergingService]],
    ) -> None:
        self._task = task
        self._executor = executor
        self._keeper = keeper
        self._bus = bus
        self._limits = limits
        self._services = services
        self._prompt = task.request.prompt

    async def merge(self, parts: Sequence[Part]) -> None:
        """Leave one answer in the task, whatever happens on the way."""
        if len(parts) == 1:
            self._say(parts[0].text)
            return
        held = any(part.held for part in parts)
        working = self._services()
        able = [item for item in working if item.locality is Locality.LOCAL or not held]
        try:
            if not able:
                raise _nobody_may_merge() if working else _nobody_is_left()
            await self._merge(await self._reduce(parts, able), able)
        except (ServiceError, RouteError) as error:
            self._let_stand(parts, error)
            return
        merged = self._task.text_of(len(self._task.record.attempts))
        if lost := lost_references(parts, merged, [path for part in parts for path in part.paths]):
            self._say(also_named(lost))

    async def show(self, parts: Sequence[Part]) -> None:
        """Leave the answers to the same question, each under its service."""
        self._say(side_by_side(parts))

    def keep(self, parts: Sequence[Part]) -> None:
        """Leave what there is of an analysis that was stopped."""
        if parts and not self._task.text_of(len(self._task.record.attempts)):
            self._say(one_after_another(parts))

    def _say(self, text: str) -> None:
        """Add to the answer what no service said."""
        record = self._task.record
        chunk = Chunk(self._task.id, max(1, len(record.attempts)), record.service or "", text)
        self._task.append(chunk)
        self._bus.publish(chunk)

    async def _reduce(self, parts: Sequence[Part], able: Sequence[MergingService]) -> Sequence[Part]:
        """Merge in rounds, each of which leaves fewer parts, until they fit one window."""
        largest = max(able, key=lambda service: math.inf if service.room is None else service.room)
        while not any(service.holds(merge_need(self._prompt, parts)) for service in able):
            groups = batches(self._prompt, parts, largest.room or 0)
            if len(groups) == len(parts):
                raise _too_long_to_merge()
            parts = [await self._merge_batch(group, largest) for group in groups]
        return parts

    async def _merge_batch(self, parts: Sequence[Part], service: MergingService) -> Part:
        if len(parts) == 1:
            return parts[0]
        share, error = await self._keeper.ask(self._task, service.name, self._context(parts), retried=True)
        if error is not None:
            raise error
        return Part(
            service=service.name,
            paths=tuple(dict.fromkeys(path for part in parts for path in part.paths)),
            text=share.record.result or "",
            held=any(part.held for part in parts),
        )

    async def _merge(self, parts: Sequence[Part], able: Sequence[MergingService]) -> None:
        need = merge_need(self._prompt, parts)
        candidates = [Candidate(item.name, 1.0, ("merges the parts",)) for item in able if item.holds(need)]
        async with whole_task_deadline(self._limits):
            await self._executor.run(self._task, Route(tuple(candidates)), self._context(parts))

    def _context(self, parts: Sequence[Part]) -> Context:
        prompt = merge_prompt(self._prompt, parts)
        return Context(prompt=prompt, tokens=estimate_tokens(prompt))

    def _let_stand(self, parts: Sequence[Part], error: ServiceError | RouteError) -> None:
        note(self._task, f"The parts were not merged ({error.phrase}); they stand one after another.", self._bus)
        begun = bool(self._task.text_of(len(self._task.record.attempts)))
        self._say(("\n\n---\n\n" if begun else "") + one_after_another(parts))


def _nobody_may_merge() -> ServiceError:
    return ServiceError(
        FailureKind.HELD,
        "Nobody may see them all",
        "Some tell of files that must stay on this machine, and no local service takes part",
    )


def _nobody_is_left() -> ServiceError:
    return ServiceError(FailureKind.MISSING, "Nobody is left", "Every service that took part is out of this analysis")


def _too_long_to_merge() -> ServiceError:
    return ServiceError(
        FailureKind.CONTEXT, "The parts are too long", "No two of them fit the window of any service that takes part"
    )
