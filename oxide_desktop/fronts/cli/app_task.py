"""A task that the running app works on, followed from here as if it were our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol
from urllib.parse import quote

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.events import AnalysisProgress, Chunk, TaskWaiting
from oxide_desktop.core.model import Request
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.cli.app_calls import AppAddress, AppGoneError, Json


class TaskOwner(Protocol):
    """Whoever works on a task: an engine of our own, or the running app."""

    def notices(self) -> tuple[str, ...]:
        """What a person should know before anything is asked."""
        ...

    async def cancel(self, task_id: str) -> TaskRecord:
        """Stop a task and wait until it has stopped."""
        ...


class FollowedTask(Protocol):
    """A task as it is followed, wherever it is worked on."""

    @property
    def id(self) -> str:
        """The record's id."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the record is final."""
        ...

    @property
    def record(self) -> TaskRecord:
        """The newest state."""
        ...

    @property
    def error(self) -> OxideError | None:
        """Why it failed, once it has."""
        ...

    @property
    def progress(self) -> AnalysisProgress | None:
        """How far an analysis has come."""
        ...

    @property
    def waiting(self) -> TaskWaiting | None:
        """For which service it waits."""
        ...

    def chunks(self) -> AsyncGenerator[Chunk, None]:
        """The answer, from its start."""
        ...

    async def finished(self) -> TaskRecord:
        """Wait for the end."""
        ...

    def cancel(self) -> None:
        """Stop the work."""
        ...


class AppTask:
    """What the app tells of one task, kept as it comes."""

    def __init__(self, app: RunningApp, record: TaskRecord) -> None:
        self._app = app
        self.record = record
        self.error: OxideError | None = None
        self.progress: AnalysisProgress | None = None
        self.waiting: TaskWaiting | None = None
        self._ended = asyncio.Event()
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()

    @property
    def id(self) -> str:
        """The record's id."""
        return self.record.id

    @property
    def ended(self) -> bool:
        """Whether nothing more will be told."""
        return self._ended.is_set()

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """The answer, from its start."""
        while (text := await self._texts.get()) is not None:
            yield Chunk(self.id, len(self.record.attempts), self.record.service or "", text)

    async def finished(self) -> TaskRecord:
        """Wait for the end."""
        await self._ended.wait()
        return self.record

    def cancel(self) -> None:
        """Stop the work; its end tells when it has stopped."""
        self._app.cancel_soon(self.id)

    async def listen(self, lines: AsyncGenerator[Json, None]) -> None:
        """Take in what is told until the end. What goes wrong on the way is the task's error."""
        try:
            async with aclosing(lines):
                async for line in lines:
                    self._take(line)
                    if line["type"] == "end":
                        return
            raise AppGoneError("It ended while it worked on the task")
        except OxideError as error:
            self.error = error
        except (LookupError, TypeError, ValueError) as error:  # an app of another version
            self.error = AppGoneError(f"What it told of the task cannot be read ({error!r})")
        finally:
            self._ended.set()
            self._texts.put_nowait(None)

    def _take(self, line: Json) -> None:
        if record := line.get("record"):
            self.record = TaskRecord.from_dict(record)
        match line["type"]:
            case "chunks":
                for text in line["texts"]:
                    self._texts.put_nowait(text)
            case "state":
                self.progress = AnalysisProgress(**line["progress"]) if line["progress"] else None
                self.waiting = TaskWaiting(**line["waiting"]) if line["waiting"] else None
            case "end":
                self.error = _error_of(line["error"])


class RunningApp:
    """The app as the owner of our task; closed when the command ends."""

    def __init__(self, address: AppAddress) -> None:
        self._address = address
        self._background = BackgroundTasks()
        self._notices: tuple[str, ...] = ()

    async def submit(self, request: Request) -> AppTask:
        """Have the app work on a request.

        Raises:
            OxideError: It does not take it.
        """
        return await self._begin(*_as_call(request))

    async def get(self, task_id: str) -> TaskRecord:
        """A record, by its id or a unique start of it.

        Raises:
            OxideError: There is none.
        """
        return TaskRecord.from_dict(await self._address.call("GET", f"/api/tasks/{quote(task_id, safe='')}"))

    async def retry(self, task_id: str, service: str | None) -> AppTask:
        """Have the app ask again what a task asked.

        Raises:
            OxideError: It does not take it.
        """
        return await self._begin(f"/api/tasks/{task_id}/retry?follow=true", {"service": service, "source": "cli"})

    async def _begin(self, path: str, body: Json) -> AppTask:
        lines = self._address.lines(path, body)
        begin = await anext(lines)
        self._notices = tuple(begin["notices"])
        task = AppTask(self, TaskRecord.from_dict(begin["record"]))
        self._background.start(task.listen(lines), f"follow the app's task {task.id}")
        return task

    def notices(self) -> tuple[str, ...]:
        """What a person should know, as the app told it with the newest task."""
        return self._notices

    async def cancel(self, task_id: str) -> TaskRecord:
        """Stop a task and wait until it has stopped."""
        return TaskRecord.from_dict(await self._address.call("POST", f"/api/tasks/{task_id}/cancel"))

    def cancel_soon(self, task_id: str) -> None:
        """Stop a task without waiting."""
        self._background.start(self.cancel(task_id), f"cancel task {task_id}")

    async def aclose(self) -> None:
        """Let go of it."""
        await self._background.close()


def _as_call(request: Request) -> tuple[str, Json]:
    """Where a request is sent, and as what."""
    shared: Json = {"prompt": request.prompt, "files": list(request.files), "cwd": str(request.cwd), "source": "cli"}
    if request.analysis is None:
        wishes = request.preferences.to_dict()
        return "/api/tasks/execute?follow=true", {**shared, "piped": request.piped, "preferences": wishes}
    task_type = request.preferences.task_type
    return "/api/analyze?follow=true", {
        **shared,
        "task_type": task_type.value if task_type else None,
        "services": list(request.analysis.services) or None,
        "strategy": request.analysis.strategy.value,
        "workers": request.analysis.workers,
    }


def _error_of(told: Json | None) -> OxideError | None:
    if told is None:
        return None
    error = OxideError(told["title"], told["message"], told["hint"])
    error.exit_code = told["exit_code"]
    return error
