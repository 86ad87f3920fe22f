"""The one façade. A task flows left to right: context -> profile -> route -> execute -> record -> notify."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from oxide_desktop.core.administration import Administration
from oxide_desktop.core.background import BackgroundTasks, SharedTime, close_all
from oxide_desktop.core.care import AdapterMaker
from oxide_desktop.core.children import Spawner
from oxide_desktop.core.errors import Bug, NotFoundError, OxideError, RouteError, StoreError
from oxide_desktop.core.events import EventBus, HistoryChanged, TaskEnded, TaskQueued, TaskRouted
from oxide_desktop.core.execute import Executor
from oxide_desktop.core.folders import working_folder
from oxide_desktop.core.keeping import keeping_record, record_end
from oxide_desktop.core.model import Explanation, Preferences, Request, Source, parse_list
from oxide_desktop.core.parallel import Analyst
from oxide_desktop.core.pausing import Pausing, closed
from oxide_desktop.core.planning import Plan, Planner
from oxide_desktop.core.ports import Adapter, HealthView, History, Projects, Rules
from oxide_desktop.core.privacy import WAY_OUT
from oxide_desktop.core.quota import Rests
from oxide_desktop.core.record import TaskRecord, TaskStatus, new_task_id
from oxide_desktop.core.replay import request_again
from oxide_desktop.core.route import is_held
from oxide_desktop.core.running import RunningTask, first_record
from oxide_desktop.core.settings import PrivacySettings, Settings
from oxide_desktop.core.watchdog import whole_task_deadline

log = logging.getLogger(__name__)

STOP_LIMIT_S = 3.0  # for all tasks together: a signal leaves 4.5 s for everything
A_MOMENT_S = 0.5  # for the rest, where the tasks took all of that
MAINTENANCE_INTERVAL_S = 6 * 3600.0


class Orchestrator(Administration):
    """Owns every task from its request to its record. Fronts call it and watch its bus; nothing else."""

    def __init__(
        self,
        *,
        settings: Settings,
        bus: EventBus,
        adapters: Mapping[str, Adapter],
        health: HealthView,
        rules: Rules,
        spawner: Spawner,
        open_history: Callable[[], Awaitable[History]],
        make_adapter: AdapterMaker | None = None,
        projects: Projects | None = None,
        privacy: Callable[[], PrivacySettings] | None = None,
        has_history: Callable[[], bool] = lambda: True,
        rests: Rests | None = None,
    ) -> None:
        super().__init__(settings, bus, adapters, health, rules, make_adapter, has_history=has_history, rests=rests)
        self.spawner = spawner
        self._open_history = open_history
        self._history: History | None = None
        self._opening = asyncio.Lock()
        self._executor = Executor(settings, adapters, bus, health, self._quotas, privacy or (lambda: settings.privacy))
        self._planner = Planner(
            settings,
            adapters,
            health,
            rules,
            self.services,
            resting=self._executor.breakers.closed_reason,
            quotas=self._quotas,
            experience=self._experience,
            privacy=self._executor.privacy,
            projects=projects,
        )
        self._analyst = Analyst(settings, adapters, self._executor, bus, lambda: self.history)
        self._background = BackgroundTasks()
        self._openings: set[asyncio.Task[None]] = set()
        self._running: dict[str, RunningTask] = {}
        self._closing = False
        self._ending, self._pausing = SharedTime(), Pausing(bus)

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the history. Every other call does so itself; a second call does nothing.

        Raises:
            CancelledTaskError: Oxide is ending.
        """
        async with self._opening:
            if self._history is None:
                history = await self._open_history()
                if self._closing:  # meanwhile, and found nothing to close
                    await history.aclose()
                    raise closed()
                self._history = history
                self._background.start(self._history.maintain(), "history maintenance")

    def watch_services(self, maintenance_interval_s: float = MAINTENANCE_INTERVAL_S) -> None:
        """Keep services' health fresh and the history in order, for programs that stay."""
        self._background.start(self._health.watch(), "health watch")
        self._background.start(self._maintain_again_and_again(maintenance_interval_s), "history upkeep")

    async def _maintain_again_and_again(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.history.maintain()
            except StoreError:
                log.exception("the history could not be maintained")

    async def aclose(self) -> None:
        """Stop the tasks, let go of services and children, finish what is being written. One failure stops no other."""
        await self.end_tasks()
        await self._background.close(max(self._ending.left_s(STOP_LIMIT_S), A_MOMENT_S))
        await close_all({"services' care": self._care, **self._adapters}, STOP_LIMIT_S)
        if self._history is not None:
            await self._history.aclose()

    async def end_tasks(self) -> None:
        """Stop the tasks and begin none again: whoever follows one can still be told its end.

        What does not stop in its time is given up, and not waited for by a second call.
        """
        self._closing = True
        if self._openings:
            await asyncio.wait(self._openings, timeout=self._ending.left_s(STOP_LIMIT_S))
        for task in (running := self.running()):
            task.cancel(closed())
        if running:
            await asyncio.wait([task.work for task in running], timeout=self._ending.left_s(STOP_LIMIT_S))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    @property
    def history(self) -> History:
        """The durable records.

        Raises:
            Bug: `start` was not called.
        """
        if self._history is None:
            raise Bug("The history is not open", "The engine was used before it was started.")
        return self._history

    # -- asking ------------------------------------------------------------------------------------

    async def submit(self, request: Request, task_id: str | None = None) -> RunningTask:
        """Record a request durably and start on it. Whoever is given the task may rely on its record.

        Args:
            request: What is asked.
            task_id: A `new_task_id`, for a caller that must know it before the first event.

        Raises:
            StoreError: It could not be recorded, so it is not carried out.
            CancelledTaskError: Oxide is ending.
        """
        await self.start()
        if self._closing:
            raise closed()
        self._pausing.refuse_new()
        task = RunningTask(request, first_record(request, task_id or new_task_id()))
        opening = self._background.start(self._open(task), f"open task {task.id}")
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            task.cancel()  # it may be recorded by now, and nobody holds it
            raise
        return task

    async def _open(self, task: RunningTask) -> None:
        """Record it, and begin meanwhile with what nobody is told of before the record is on the disk."""
        task.hold()
        task.tell(TaskQueued(task.record), self.bus)
        task.own(self._background.start(self._carry_out(task), f"task {task.id}"))
        try:
            await self.history.add(task.record)
        except BaseException as error:  # refused, or broken off by Oxide's end: nobody is given the task
            task.dropped(error if isinstance(error, OxideError) else closed())
            await asyncio.wait([task.work], timeout=STOP_LIMIT_S)
            raise
        self._running[task.id] = task
        task.recorded()

    async def _carry_out(self, task: RunningTask) -> None:
        """The flow. Whatever happens, the record is closed."""
        status, error = TaskStatus.COMPLETED, None
        try:
            task.begin()
            await self._pausing.wait(task)
            async with whole_task_deadline(self.settings.execution) as deadline:
                plan = await self._planner.plan(task.request)
                self._begin(task, plan)
                async with keeping_record(task, self.history.save, self._background):
                    if analysis := task.request.analysis:
                        await task.kept()  # its shares are recorded beside it
                        deadline.reschedule(None)  # each of its shares, and the merge, has one of its own
                        await self._analyst.run(task, plan, analysis)
                    else:
                        await self._executor.run(task, plan.route, plan.context)
        except asyncio.CancelledError:
            status, error = TaskStatus.CANCELLED, task.error or closed()
        except OxideError as failure:
            status, error = TaskStatus.FAILED, failure
        except Exception as failure:  # a bug of ours must end the task, not leave it running for ever
            log.exception("task %s met a bug", task.id)
            status, error = TaskStatus.FAILED, Bug("Oxide made a mistake", repr(failure), "The log has the details.")
        await self._close(task, status, error)

    def pause(self) -> None:
        """Let new tasks wait, recorded and queued, until `resume`; those that run go on."""
        self._pausing.pause()

    def wind_down(self) -> None:
        """Finish what has begun, refuse what is new and cancel what waits, until `call_off` or the end."""
        self._pausing.wind_down()

    def call_off(self) -> None:
        """End winding down: take new tasks again. A pause stays."""
        self._pausing.call_off()

    def resume(self) -> None:
        """Let those that wait begin."""
        self._pausing.resume()

    @property
    def is_paused(self) -> bool:
        """Whether new tasks wait."""
        return self._pausing.is_paused

    def _begin(self, task: RunningTask, plan: Plan) -> None:
        """Note where the task goes.

        Raises:
            RouteError: Nowhere.
        """
        task.update(
            status=TaskStatus.RUNNING,
            task_type=plan.profile.task_type.value,
            route=plan.route,
            started_at=time.time(),
            notes=(*task.record.notes, *plan.context.notes),
        )
        if not plan.route.candidates:
            raise _no_route(plan)
        task.update(service=plan.route.candidates[0].service)
        task.tell(TaskRouted(task.record), self.bus)

    async def _close(self, task: RunningTask, status: TaskStatus, error: OxideError | None) -> None:
        task.conclude(status, error)
        if not await task.kept():
            task.end()
            return
        try:
            await record_end(task, self.history.save, self._background, self.bus)
        finally:
            self._running.pop(task.id, None)
            task.end()
            self.bus.publish(TaskEnded(task.record))

    async def execute_task(
        self, prompt: str, files: Sequence[str] | None = None, preferences: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[str, None]:
        """Ask and stream the answer's text. Closing the generator early cancels the task.

        Raises:
            OxideError: The task failed; what had come until then was yielded.
        """
        wishes, paths, here = Preferences.parse(preferences), parse_list("files", files), working_folder()
        task = await self.submit(
            Request(prompt=prompt, files=paths, preferences=wishes, source=Source.PYTHON, cwd=here)
        )
        try:
            async for chunk in task.chunks():
                yield chunk.text
        finally:
            if not task.ended:
                task.cancel()
                await task.finished()
        if task.error:
            raise task.error

    async def explain(self, request: Request) -> Explanation:
        """The route that a request would take, and why. Nothing is recorded, nothing is sent."""
        plan = await self._planner.plan(request)
        context = plan.context
        return Explanation(plan.profile, plan.route, context.tokens, context.notes, len(context.files))

    # -- tasks -------------------------------------------------------------------------------------

    def running(self) -> tuple[RunningTask, ...]:
        """Tasks that have not ended, oldest first."""
        return tuple(self._running.values())

    def find(self, task_id: str) -> RunningTask | None:
        """A task that has not ended."""
        return self._running.get(task_id)

    async def cancel(self, task_id: str) -> TaskRecord:
        """Stop a task and wait until it has stopped.

        Raises:
            NotFoundError: It does not run here.
        """
        task = self.find(task_id)
        if task is None:
            raise NotFoundError("Nothing to cancel", f"No task {task_id} is running here.")
        task.cancel()
        return await task.finished()

    async def retry(self, task_id: str, source: Source, service: str | None = None) -> RunningTask:
        """Ask again what a recorded task asked, on another service if one is named.

        It becomes a new task, whose record names the old one.
        """
        await self.start()
        return await self.submit(request_again(await self.history.get(task_id), source, service))

    async def forget(self, task_id: str) -> None:
        """Delete the record of an ended task."""
        await self.start()
        await self.history.delete(task_id)
        self.bus.publish(HistoryChanged())

    async def clear_history(self, status: TaskStatus | None = None) -> int:
        """Delete the records of ended tasks; answers how many."""
        await self.start()
        count = await self.history.clear(status)
        self.bus.publish(HistoryChanged())
        return count


def _no_route(plan: Plan) -> RouteError:
    reasons = "; ".join(f"{item.service}: {item.reason}" for item in plan.route.telling) or "no service is configured"
    others = plan.free_again or "Run `oxide doctor` to see what each service needs."
    hint = WAY_OUT if is_held(plan.route) else others
    return RouteError("No service could take the task", f"{reasons}.", hint)
