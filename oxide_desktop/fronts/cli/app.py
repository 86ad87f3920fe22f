"""The app that runs already, for commands that ask something: it owns the task then, with its queues and its record."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Protocol

from oxide_desktop import __version__
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.model import Request, Source
from oxide_desktop.fronts.cli.app_calls import AppAddress
from oxide_desktop.fronts.cli.app_task import FollowedTask, RunningApp, TaskOwner
from oxide_desktop.fronts.cli.interrupt import run_interruptible

if TYPE_CHECKING:
    from oxide_desktop.config.paths import Paths
    from oxide_desktop.core.orchestrator import Orchestrator
    from oxide_desktop.core.record import TaskRecord
    from oxide_desktop.fronts.cli.program import Program

GREETING_LIMIT_S = 1.0


class Asked(TaskOwner, Protocol):
    """Who is asked: an engine of our own, or the running app."""

    async def submit(self, request: Request) -> FollowedTask:
        """Have a request recorded and worked on."""
        ...


def ask(program: Program, request: Request, follow: Callable[[Asked, FollowedTask], Coroutine[None, None, int]]) -> int:
    """Ask the app that runs, or, where none answers, an engine of our own on the same files; answers the exit code."""

    async def work(owner: RunningApp | Orchestrator) -> int:
        return await follow(owner, await owner.submit(request))

    return _leave_to(program, work, may_be_told=_can_be_told(request))


def ask_again(
    program: Program,
    task_id: str,
    service: str | None,
    follow: Callable[[TaskOwner, TaskRecord, FollowedTask], Coroutine[None, None, int]],
) -> int:
    """The same for what a recorded task asked; `follow` is given its record as well."""

    async def work(owner: RunningApp | Orchestrator) -> int:
        if isinstance(owner, RunningApp):
            before = await owner.get(task_id)
            return await follow(owner, before, await owner.retry(before.id, service))
        await owner.start()
        before = await owner.history.get(task_id)
        return await follow(owner, before, await owner.retry(before.id, Source.CLI, service))

    return _leave_to(program, work)


def _leave_to(
    program: Program,
    work: Callable[[RunningApp | Orchestrator], Coroutine[None, None, int]],
    *,
    may_be_told: bool = True,
) -> int:
    """Do `work` with the app that runs and `may_be_told`, else with an engine of our own."""

    async def with_owner() -> int:
        owner = (await running_app(program.paths) if may_be_told else None) or program.engine()
        try:
            return await work(owner)
        finally:
            await owner.aclose()

    return run_interruptible(with_owner())


async def running_app(paths: Paths) -> RunningApp | None:
    """The app, if it runs in this version, on the settings of now, and answers at once."""
    address = _address(paths)
    if address is None:
        return None
    try:
        await address.call("GET", "/api/monitoring/health", limit_s=GREETING_LIMIT_S)
    except OxideError:
        return None
    return RunningApp(address)


def _address(paths: Paths) -> AppAddress | None:
    """Where the app listens, as far as that can be believed without asking."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        word = json.loads(paths.web_file.read_text(encoding="utf-8"))
        token = paths.token_file.read_text(encoding="utf-8").strip()
        if word["version"] == __version__ and not _settings_are_newer(paths):
            return AppAddress(int(word["port"]), token)
    return None


def _settings_are_newer(paths: Paths) -> bool:
    """Whether the app runs on settings that have changed since."""
    with contextlib.suppress(FileNotFoundError):
        return paths.config_file.stat().st_mtime > paths.web_file.stat().st_mtime
    return False


def _can_be_told(request: Request) -> bool:
    """Whether it is all text: names of files and folders may hold bytes that are none."""
    try:
        "".join((request.prompt, *request.files, str(request.cwd))).encode()
    except UnicodeEncodeError:
        return False
    return True
