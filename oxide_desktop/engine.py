"""The composition root: settings in, an Orchestrator with everything plugged in out."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import glob
import logging
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_desktop import __version__
from oxide_desktop.adapters.registry import adapter_class
from oxide_desktop.config.live_privacy import LivePrivacy
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.projects import ProjectFiles
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.config.settings import load_config
from oxide_desktop.core import orchestrator
from oxide_desktop.core.analysis import AnalysisResult
from oxide_desktop.core.errors import DiskFullError, UsageError
from oxide_desktop.core.events import EventBus
from oxide_desktop.core.folders import working_folder
from oxide_desktop.core.model import Analysis, Request, Source, Strategy, parse_list, parse_strategy
from oxide_desktop.core.ports import Adapter, AdapterTools
from oxide_desktop.core.settings import Settings
from oxide_desktop.runtime.health import HealthBoard
from oxide_desktop.runtime.ollama import OllamaStarter
from oxide_desktop.runtime.processes import GuardedSpawner
from oxide_desktop.store.rests import RestFile
from oxide_desktop.store.rules import RuleFile

if TYPE_CHECKING:
    from oxide_desktop.store.history import SqliteHistory

log = logging.getLogger(__name__)
# In somebody else's program what is logged goes where they want it, and not to standard error if they want it nowhere.
logging.getLogger("oxide_desktop").addHandler(logging.NullHandler())


class Orchestrator(orchestrator.Orchestrator):
    """The engine on this machine's files, services and keys.

    Use it as an async context manager, or as it is: the first call opens what it needs. Close it with `aclose`.
    """

    def __init__(self, config: Settings | None = None, *, paths: Paths | None = None) -> None:
        self.paths = paths or Paths.from_environment()
        settings = keep_at_home(config or load_config(), self.paths.home)
        self.paths.prepare()
        self.keys = KeyStore(self.paths)
        spawner = GuardedSpawner(self.paths.run_dir, run_id=uuid.uuid4().hex)
        bus = EventBus()
        starter = OllamaStarter(spawner, self.paths.run_dir)
        tools = AdapterTools(spawner=spawner, secrets=self.keys, starter=starter)
        adapters, self.adapter_problems = plug_adapters(settings, tools)
        board = HealthBoard(adapters, bus)
        starter.on_lost = board.look_soon
        super().__init__(
            settings=settings,
            bus=bus,
            adapters=adapters,
            health=board,
            rules=RuleFile(self.paths.rules_file, tuple(settings.services)),
            spawner=spawner,
            open_history=self._open_history_after_sweep,
            has_history=self.paths.database.exists,
            rests=RestFile(self.paths.rests_file, settings.services),
            projects=ProjectFiles(tuple(settings.services)),
            privacy=LivePrivacy(settings.privacy, self.paths.config_file),
            make_adapter=lambda service: adapter_class(service.kind)(service, tools),
        )
        self._guarded = spawner
        self._starter = starter
        self._only_looks = False

    async def start_to_look(self) -> bool:
        """Open the history also where the disk is full, to look at it alone; answers whether it can be written."""
        try:
            await self.start()
        except DiskFullError:
            self._only_looks = True
            await self.start()
        return not self._only_looks

    async def _open_history_after_sweep(self) -> SqliteHistory:
        from oxide_desktop.store.history import SqliteHistory  # noqa: PLC0415 - brings SQLite; `explain` keeps nothing

        self._log_start()
        read_only = self.paths.is_read_only or self._only_looks
        if not read_only:
            await asyncio.to_thread(self._guarded.sweep)
        history = await SqliteHistory.open(
            self.paths.database,
            backups=self.paths.backups,
            quarantine=self.paths.quarantine,
            ancestor=self.paths.ancestor_tasks,
            retention_days=self.settings.storage.retention_days,
            read_only=read_only,
        )
        for notice in history.notices:
            log.warning("%s", notice)
        return history

    def _log_start(self) -> None:
        log.info("Oxide %s starts with %s and %s", __version__, self.paths.config_file, self.paths.database)
        log.info("services: %s", ", ".join(f"{name} ({item.settings.kind})" for name, item in self._adapters.items()))
        for name, error in self.adapter_problems.items():
            log.warning("%s is left out: %s", name, error)
        for problem in self.rules.problems():
            log.warning("%s", problem)

    def tell_waits(self, tell: Callable[[str], None]) -> None:
        """Have closing say what it waits for, should it have to."""
        self._starter.on_wait = tell

    async def aclose(self) -> None:
        """Stop tasks, services and children, and finish what is being written."""
        async with contextlib.AsyncExitStack() as stack:  # one failure stops no other
            stack.push_async_callback(self._guarded.aclose)
            stack.push_async_callback(self._starter.aclose)
            await super().aclose()
        if self._history is not None:
            log.info("Oxide has ended")


class ParallelExecutor:
    """Analyses many files on several services, as `oxide analyze` does.

    Args:
        max_workers: Requests in flight at most; `None` leaves it to the settings.
        orchestrator: The engine to use; without one, each call opens one of its own and closes it.
    """

    def __init__(
        self, max_workers: int | None = None, *, orchestrator: orchestrator.Orchestrator | None = None
    ) -> None:
        self._max_workers = max_workers
        self._orchestrator = orchestrator

    async def execute_parallel(
        self,
        prompt: str,
        files: Sequence[str],
        services: Sequence[str] | None = None,
        strategy: str = Strategy.SPLIT.value,
    ) -> AnalysisResult:
        """Ask about all files (folders, files, globs). Cancelling the call cancels the analysis.

        Raises:
            OxideError: It failed as a whole: nothing could be read, or what was asked for cannot be asked for.
        """
        request = Request(
            prompt=prompt,
            files=parse_list("files", files),
            source=Source.PYTHON,
            cwd=working_folder(),
            analysis=Analysis(
                services=parse_list("services", services), strategy=parse_strategy(strategy), workers=self._max_workers
            ),
        )
        if self._orchestrator is not None:
            return await _analyse(self._orchestrator, request)
        async with Orchestrator() as oxide:
            return await _analyse(oxide, request)


async def _analyse(oxide: orchestrator.Orchestrator, request: Request) -> AnalysisResult:
    task = await oxide.submit(request)
    try:
        record = await task.finished()
    finally:
        if not task.ended:
            task.cancel()
            await task.finished()
    if task.error:
        raise task.error
    return AnalysisResult.of(record)


def keep_at_home(settings: Settings, home: Path) -> Settings:
    """The same settings under which nothing of Oxide's own (token, keys, history) goes to a cloud service."""
    own = f"{glob.escape(os.path.realpath(home))}/"
    privacy = dataclasses.replace(settings.privacy, local_only=(*settings.privacy.local_only, own))
    return dataclasses.replace(settings, privacy=privacy)


def plug_adapters(settings: Settings, tools: AdapterTools) -> tuple[Mapping[str, Adapter], Mapping[str, UsageError]]:
    """An adapter for every enabled service, and for those that got none, why.

    A third party's adapter that cannot be loaded costs its own service only.
    """
    adapters: dict[str, Adapter] = {}
    problems: dict[str, UsageError] = {}
    for name, service in settings.services.items():
        if service.enabled:
            try:
                adapter = adapter_class(service.kind)(service, tools)
                _ = adapter.info  # asked for with every route: one that raises is of no use
            except UsageError as error:
                problems[name] = error
            except Exception as error:  # a third party's code may raise anything
                log.exception("the adapter of %s cannot be made", name)
                problems[name] = UsageError(f"{name} cannot be used", f"Its adapter made a mistake: {error!r}.")
            else:
                adapters[name] = adapter
    return adapters, problems
