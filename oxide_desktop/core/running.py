"""A task on its way: its record as of now, and its answer, which any number of listeners may follow from the start."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from oxide_desktop.core.errors import CancelledTaskError, OxideError
from oxide_desktop.core.events import AnalysisProgress, Chunk, Event, EventBus, TaskWaiting
from oxide_desktop.core.model import Request
from oxide_desktop.core.receipts import FileReceipt
from oxide_desktop.core.record import TaskRecord, TaskStatus


class RunningTask:
    """What `Orchestrator.submit` gives back. The engine owns the work; whoever holds this only watches.

    Attributes:
        request: What was asked.
        asked: The record as it was when that was recorded.
        record: The newest state; final once the task has ended.
        error: Why the task failed or was cancelled, once it has.
        receipt: What became of each file for the service that was asked last.
        progress: How far an analysis has come.
        waiting: For which service it waits, and how many come before it; `None` while it does not.
        worth_keeping: Set when the record should be written soon, in case the process dies.
    """

    def __init__(self, request: Request, record: TaskRecord) -> None:
        self.request = request
        self.asked = self.record = record
        self.error: OxideError | None = None
        self.waiting: TaskWaiting | None = None
        self.worth_keeping = asyncio.Event()
        self.receipt: tuple[FileReceipt, ...] = ()
        self.progress: AnalysisProgress | None = None
        self._chunks: list[Chunk] = []
        self._ended = False
        self._waiters: list[asyncio.Future[None]] = []
        self._work: asyncio.Task[None] | None = None
        self._begun = False
        self._settled = False
        self._untold: list[tuple[EventBus, Event]] = []
        self._written = asyncio.Event()
        self._written.set()
        self._kept = True

    @property
    def id(self) -> str:
        """The record's id."""
        return self.record.id

    @property
    def ended(self) -> bool:
        """Whether the record is final."""
        return self._ended

    # -- for fronts --------------------------------------------------------------------------------

    async def chunks(self, start: int = 0) -> AsyncGenerator[Chunk, None]:
        """Every piece of the answer from number `start` on, those that came already first; ends with the task."""
        async with aclosing(self.batches(start)) as batches:
            async for batch in batches:
                for chunk in batch:
                    yield chunk

    async def batches(self, start: int = 0) -> AsyncGenerator[Sequence[Chunk], None]:
        """The same, with all that there is at once as one batch: for who writes them out together."""
        index = start
        while True:
            if batch := self._chunks[index:]:
                index += len(batch)
                yield batch
            elif self._ended:
                return
            else:
                await self._change()

    async def finished(self) -> TaskRecord:
        """Wait for the end; the record tells how it went. Cancelling the wait leaves the task alone."""
        while not self._ended:
            await self._change()
        return self.record

    def cancel(self, why: CancelledTaskError | None = None) -> None:
        """Stop the work. `finished` tells when it has stopped; an ended task stays as it is."""
        if self._settled or self.error is not None:
            return
        self.error = why or CancelledTaskError("Cancelled", "The task was stopped before it was done.")
        if self._begun:  # an asyncio task that is cancelled before its first step never closes its record
            self.work.cancel()

    def _change(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    # -- for the engine ----------------------------------------------------------------------------

    @property
    def work(self) -> asyncio.Task[None]:
        """What carries the task out."""
        assert self._work is not None  # noqa: S101 - `submit` ties it before it hands the task out
        return self._work

    def hold(self) -> None:
        """Tell nobody of it until it is known whether its first record is on the disk."""
        self._written.clear()

    def recorded(self) -> None:
        """The record is on the disk: who listens is told what has happened since it was asked."""
        self._written.set()
        untold, self._untold = self._untold, []
        for bus, event in untold:
            bus.publish(event)

    def dropped(self, error: OxideError) -> None:
        """It could not be recorded: it ends, and nobody is told that it had begun."""
        self._kept = False
        self._written.set()
        self.cancel(CancelledTaskError(error.title, error.message, error.hint))

    async def kept(self) -> bool:
        """Wait until it is known whether its first record is on the disk, and answer that."""
        await self._written.wait()
        return self._kept

    def tell(self, event: Event, bus: EventBus) -> None:
        """Publish an event, once the task is recorded."""
        if self._written.is_set():
            bus.publish(event)
        else:
            self._untold.append((bus, event))

    def own(self, work: asyncio.Task[None]) -> None:
        """Tie the task to the work that `cancel` stops."""
        self._work = work

    def begin(self) -> None:
        """The work's first step.

        Raises:
            CancelledError: The task was cancelled before it.
        """
        self._begun = True
        if self.error is not None:
            raise asyncio.CancelledError

    def settle(self, error: OxideError | None) -> None:
        """How it ended is decided: from here on a cancel changes nothing."""
        self._settled = True
        self.error = error

    def conclude(self, status: TaskStatus, error: OxideError | None) -> None:
        """Settle it, and put into the record how it ended and what the last attempt showed."""
        now = time.time()
        last = len(self.record.attempts)
        self.settle(error)
        self.update(
            status=status,
            error=str(error) if error else None,
            result=(self.text_of(last) or None) if last else None,
            completed_at=now,
            duration=now - (self.record.started_at or self.record.created_at),
        )

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of TaskRecord, checked by it
        """Replace fields of the record."""
        self.record = dataclasses.replace(self.record, **changes)

    def append(self, chunk: Chunk) -> None:
        """Add a piece of the answer and wake who follows."""
        self._chunks.append(chunk)
        if self._waiters:
            self._wake()

    def text_of(self, attempt: int) -> str:
        """What became visible of one attempt."""
        return "".join(chunk.text for chunk in self._chunks if chunk.attempt == attempt)

    def keep_soon(self) -> None:
        """Say that the record holds something that should not be lost."""
        self.worth_keeping.set()

    def state(self) -> tuple[TaskRecord, int]:
        """What `so_far` depends on: as long as it is the same, so is that."""
        return self.record, len(self._chunks)

    def so_far(self) -> TaskRecord:
        """The record with the text that the newest attempt has shown: all that is known if the process dies now."""
        if not self.record.attempts:
            return self.record
        *before, last = self.record.attempts
        if not (text := self.text_of(len(before) + 1)):
            return self.record
        attempts = (*before, dataclasses.replace(last, chars=len(text)))
        return dataclasses.replace(self.record, result=text, attempts=attempts)

    def end(self) -> None:
        """Say that the record is final."""
        self._settled = self._ended = True
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def first_record(request: Request, task_id: str) -> TaskRecord:
    """What is known of a task when it is asked."""
    return TaskRecord(
        id=task_id,
        status=TaskStatus.QUEUED,
        prompt=request.prompt,
        files=request.files,
        preferences=request.preferences.to_dict(),
        created_at=time.time(),
        source=request.source.value,
        cwd=str(request.cwd),
        roots=tuple(map(str, request.roots)) if request.roots is not None else None,
        piped=request.piped,
        analysis=request.analysis,
        replay_of=request.replay_of,
    )
