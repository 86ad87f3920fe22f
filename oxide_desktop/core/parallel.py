"""An analysis: many files, shared out to many services, one answer, and a receipt for every file.

Each share is a task of its own with its own record. What one service loses goes to another; what nobody can read is
said in the receipt. The privacy lanes hold as for any task: they stand between a share and its service.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from oxide_desktop.core.attempt import note
from oxide_desktop.core.background import BackgroundTasks, in_own_thread
from oxide_desktop.core.context import Context
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.events import EventBus
from oxide_desktop.core.execute import Executor
from oxide_desktop.core.findings import Findings
from oxide_desktop.core.lanes import Lane, Lanes, open_lanes
from oxide_desktop.core.merger import Merger, MergingService
from oxide_desktop.core.merging import share_prompt
from oxide_desktop.core.model import Analysis, Strategy
from oxide_desktop.core.planning import Plan
from oxide_desktop.core.ports import Adapter, History
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.settings import PrivacySettings, Settings
from oxide_desktop.core.sharding import MOST_TOKENS, Piece, Pool, pieces_of
from oxide_desktop.core.shares import ShareKeeper
from oxide_desktop.core.tokens import ANSWER_TOKENS, answer_room, estimate_tokens


class Analyst:
    """Carries analyses out.

    Args:
        executor: Asks the services; shares and ordinary tasks respect the same bounds.
        history: The records, once they are open.
    """

    def __init__(
        self,
        settings: Settings,
        adapters: Mapping[str, Adapter],
        executor: Executor,
        bus: EventBus,
        history: Callable[[], History],
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._executor = executor
        self._bus = bus
        self._keeper = ShareKeeper(executor.aside(), settings.execution, history)
        self._draw = random.Random()  # noqa: S311 - jitter, not a secret

    async def run(self, task: RunningTask, plan: Plan, analysis: Analysis) -> None:
        """Read everything, merge, and leave answer and receipt in the task.

        Raises:
            ServiceError: Nothing could be read.
            StoreError: A share could not be recorded, and so was not asked.
        """
        workers = analysis.workers or self._settings.execution.max_parallel_workers
        lanes = open_lanes(
            plan, self._adapters, self._settings.execution, workers, self._draw, self._executor.breakers.closed_reason
        )
        reading = _Reading(task, plan, lanes, self._keeper, self._bus, self._executor.privacy())
        broadcast = analysis.strategy is Strategy.BROADCAST
        limits, services = self._settings.execution, partial(self._merging_services, lanes)
        merger = Merger(task, self._executor, self._keeper, self._bus, limits, services)
        findings = reading.findings
        try:
            await (reading.ask_everyone() if broadcast else reading.share_out())
            if not findings.parts:
                raise findings.nothing_read()
            await (merger.show(findings.parts) if broadcast else merger.merge(findings.parts))
        except asyncio.CancelledError:
            await reading.close()  # so that what follows is the last that is said
            findings.stop()
            merger.keep(findings.parts)
            raise
        finally:
            await reading.close()
            task.update(receipt=findings.receipt(plan.context.skipped, each_service=broadcast))

    def _merging_services(self, lanes: Lanes) -> list[MergingService]:
        windows = {lane.service: self._adapters[lane.service].info.max_context_tokens for lane in lanes.working}
        rooms = {
            name: None if window is None else window - answer_room(window, ANSWER_TOKENS)
            for name, window in windows.items()
        }
        return [MergingService(lane.service, lane.locality, rooms[lane.service]) for lane in lanes.working]


@dataclass(frozen=True, slots=True)
class _Outcome:
    lane: Lane
    pieces: Sequence[Piece]
    share: RunningTask | None
    error: Exception | None


class _Reading:
    """The part of an analysis in which the files are read.

    Attributes:
        findings: What it has come to so far.
    """

    def __init__(
        self, task: RunningTask, plan: Plan, lanes: Lanes, keeper: ShareKeeper, bus: EventBus, privacy: PrivacySettings
    ) -> None:
        self._task = task
        self._context = plan.context
        self._lanes = lanes
        self._keeper = keeper
        self._bus = bus
        self._privacy = privacy
        self._asking = BackgroundTasks()
        self._outcomes: asyncio.Queue[_Outcome] = asyncio.Queue()
        self.findings = Findings([file.path for file in plan.context.files])

    async def close(self) -> None:
        """Stop the shares that still run."""
        await self._asking.close()

    # -- every file once ---------------------------------------------------------------------------

    async def share_out(self) -> None:
        """Give the files to whoever is free until all are read or nobody can read what is left."""
        pool = Pool(await in_own_thread(self._pieces, "dividing files"))
        while True:
            self._lanes.leave_resting()
            for piece in pool.give_up(self._lanes.nobody_can_take):
                self.findings.give_up(piece, self._lanes.why_unread(piece))
            self._start_shares(pool)
            self._tell(pool)
            if not self._lanes.running and not len(pool):
                return
            await self._wait(pool)

    def _pieces(self) -> list[Piece]:
        held = {item.path: item.reason for item in self._context.held(self._privacy)}
        found: list[Piece] = []
        for file in self._context.files:
            reason = held.get(file.path)
            found += pieces_of(file, self._lanes.largest_room(local=reason is not None), reason)
        return found

    def _start_shares(self, pool: Pool) -> None:
        """Give every free service a share, those with the least to do first."""
        while len(pool) and (share := self._next_share(pool)):
            self._start(*share, broadcast=False)

    def _next_share(self, pool: Pool) -> tuple[Lane, list[Piece]] | None:
        for lane in self._lanes.free():
            room = MOST_TOKENS if lane.room is None else lane.room
            taker = self._lanes.taker(lane)
            if pieces := pool.take(pool.target_tokens(self._lanes.workers), room, taker):
                return lane, pieces
        return None

    async def _wait(self, pool: Pool) -> None:
        """Until a share ends, which its own deadline bounds, or a service has rested."""
        try:
            async with asyncio.timeout(self._lanes.shortest_rest_s()):
                outcome = await self._outcomes.get()
        except TimeoutError:
            return
        self._settle(outcome, pool)

    def _settle(self, outcome: _Outcome, pool: Pool) -> None:
        lane, error = outcome.lane, self._ended(outcome)
        if error is None:
            return
        lane.pace.failed(error)
        if error.kind not in (FailureKind.BUSY, FailureKind.QUOTA):  # those say nothing about the files
            for piece in outcome.pieces:
                piece.failed_on(lane.service)
        pool.give_back(outcome.pieces)
        if lane.pace.lost_reason and self._lanes.working:
            self._note(f"{lane.service} is out of this analysis ({lane.pace.lost_reason}). Others read its files.")

    # -- every file on every service ---------------------------------------------------------------

    async def ask_everyone(self) -> None:
        """Give all the files to every service, as far as its window goes."""
        pieces = [Piece(file, file.path, ("", ""), file.tokens) for file in self._context.files]
        waiting, left = list(self._lanes.working), len(self._lanes.working)
        while left:
            while waiting and self._lanes.running < self._lanes.workers:
                self._start(waiting.pop(0), pieces, broadcast=True)
            self._tell(None)
            outcome = await self._outcomes.get()
            left -= 1
            if error := self._ended(outcome):
                self._note(f"{outcome.lane.service} did not answer ({error.phrase}).")
                self.findings.refuse(outcome.pieces, outcome.lane.service, error.phrase, outcome.share)
        self._tell(None)

    # -- one share ---------------------------------------------------------------------------------

    def _start(self, lane: Lane, pieces: Sequence[Piece], *, broadcast: bool) -> None:
        lane.pace.running += 1
        self._asking.start(self._ask(lane, pieces, broadcast=broadcast), f"share of {self._task.id} for {lane.service}")

    async def _ask(self, lane: Lane, pieces: Sequence[Piece], *, broadcast: bool) -> None:
        context = self._context_of(pieces, broadcast=broadcast)
        try:
            share, error = await self._keeper.ask(self._task, lane.service, context, retried=broadcast)
        except Exception as failure:  # noqa: BLE001 - the loop that waits for this share must hear of it, and raises it
            self._outcomes.put_nowait(_Outcome(lane, pieces, None, failure))
        else:
            self._outcomes.put_nowait(_Outcome(lane, pieces, share, error))

    def _context_of(self, pieces: Sequence[Piece], *, broadcast: bool) -> Context:
        whole = self._context
        asked = len({piece.path for piece in pieces})
        prompt = whole.prompt if broadcast else share_prompt(whole.prompt, asked, len(whole.files))
        tokens = estimate_tokens(prompt) + sum(piece.tokens for piece in pieces)
        files = tuple(piece.file for piece in pieces)
        return Context(prompt=prompt, files=files, prompt_findings=whole.prompt_findings, tokens=tokens)

    def _ended(self, outcome: _Outcome) -> ServiceError | None:
        """Take the answer of a share, or tell how its service failed; what else went wrong is raised."""
        outcome.lane.pace.running -= 1
        if outcome.error is None and outcome.share is not None:
            outcome.lane.pace.succeeded()
            self.findings.take(outcome.pieces, outcome.lane.service, outcome.share)
            return None
        if isinstance(outcome.error, ServiceError):
            return outcome.error
        raise outcome.error or AssertionError("a share ended with neither answer nor error")

    def _tell(self, pool: Pool | None) -> None:
        waiting = {piece.path for piece in pool.waiting()} if pool else set()
        self._task.progress = self.findings.progress(self._task.id, self._lanes.running, waiting)
        self._bus.publish(self._task.progress)

    def _note(self, text: str) -> None:
        note(self._task, text, self._bus)
