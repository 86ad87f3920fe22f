"""Follows one task to its end: answer out, progress beside it, the route in one line behind it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import sys
import time
from typing import TYPE_CHECKING, Self

from oxide_desktop.core.analysis import AnalysisResult
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.events import AnalysisProgress
from oxide_desktop.core.record import AttemptStatus, TaskRecord
from oxide_desktop.core.telling import way_taken
from oxide_desktop.core.tokens import estimate_tokens
from oxide_desktop.fronts.cli.answer import AnswerWriter
from oxide_desktop.fronts.cli.failures import say_error
from oxide_desktop.fronts.cli.output import ProgressLine, is_terminal, mark, out_json, paint, say, seconds
from oxide_desktop.fronts.cli.receipt import progress_text, say_receipt
from oxide_desktop.fronts.cli.text import one_line

if TYPE_CHECKING:
    from oxide_desktop.fronts.cli.app_task import FollowedTask, TaskOwner

TICK_S = 0.25
_WORTH_TELLING_S = 1.0
CANCEL_LIMIT_S = 15.0
FLUSH_LIMIT_S = 1.0


async def follow(engine: TaskOwner, task: FollowedTask, *, as_json: bool, quiet: bool) -> int:
    """Show a task until it has ended; answers the exit code.

    However this ends early (Ctrl-C, a reader that went away), the task is cancelled and its record says so.
    """
    lost: OSError | None = None
    try:
        with Progress(task, quiet=quiet) as progress:
            lost = None if as_json else await _stream(task, progress)
            await task.finished()
    except asyncio.CancelledError:
        _calm_down()
        await _cancel(engine, task)
    return _conclude(task, as_json=as_json, quiet=quiet, lost=lost)


def say_notices(engine: TaskOwner) -> None:
    """What a person should know of the history, which is open by now, and of the rules."""
    for notice in engine.notices():
        say(f"{mark('attention')} {one_line(notice)}")


async def watch(task: FollowedTask) -> None:
    """Show a task until it has ended; stopping to watch does not stop it."""
    with Progress(task, quiet=False) as progress:
        lost = await _stream(task, progress)
        await task.finished()
    _conclude(task, as_json=False, quiet=False, lost=lost)


async def _stream(task: FollowedTask, progress: Progress) -> OSError | None:
    """Write the answer as it comes; the error if it could not be written, which cancels the task."""
    writer = AnswerWriter(sys.stdout)
    writer.broken.add_done_callback(lambda _: task.cancel())
    try:
        async for chunk in task.chunks():
            if progress.shares_terminal:
                progress.stop()
            progress.add(chunk.text)
            writer.write(chunk.text)
    finally:
        progress.stop()
        await writer.finish(None if task.ended else FLUSH_LIMIT_S)
    return writer.broken.result() if writer.broken.done() else None


def _calm_down() -> None:
    """The cancellation has been heard; what follows is orderly."""
    current = asyncio.current_task()
    if current is not None:
        current.uncancel()


async def _cancel(engine: TaskOwner, task: FollowedTask) -> None:
    """Stop the task and wait until its record says so.

    Raises:
        OxideError: It goes on all the same.
    """
    try:
        async with asyncio.timeout(CANCEL_LIMIT_S):
            with contextlib.suppress(OxideError):  # it has ended just now, or the app has: its own end tells of it
                await engine.cancel(task.id)
            await task.finished()
    except TimeoutError:
        message = f"It was told to, and still goes on after {CANCEL_LIMIT_S:g} s."
        hint = "`oxide stop` ends a running Oxide with all that it started."
        raise OxideError("The task does not stop", message, hint) from None


def _conclude(task: FollowedTask, *, as_json: bool, quiet: bool, lost: OSError | None) -> int:
    if as_json:
        out_json((AnalysisResult.of(task.record) if task.record.analysis else task.record).to_dict())
    reader_left = lost is not None and lost.errno in (errno.EPIPE, errno.EINVAL)
    error = task.error
    if not quiet and not reader_left:
        _say_how_it_went(task.record, error)
    if lost is not None and not reader_left:
        hint = "Look at where standard output goes."
        error = OxideError("The answer could not be written", f"{lost.strerror}.", hint)
    if error is None:
        return 0
    if not reader_left:
        say_error(error)
    return error.exit_code


def _say_how_it_went(record: TaskRecord, error: OxideError | None) -> None:
    """The route in one line, and what else is worth knowing; not what the error itself will say."""
    told = str(error or "")
    tried = [
        f"tried {attempt.service}: {attempt.error}"
        for attempt in record.attempts
        if attempt.status in (AttemptStatus.FAILED, AttemptStatus.PARTIAL)
        and attempt.error
        and attempt.error not in told
    ]
    for line in dict.fromkeys([*tried, *(f"note: {note}" for note in record.notes)]):
        say(paint(one_line(line), dim=True))
    if record.analysis is not None:
        say_receipt(record)
    elif record.route is not None and record.route.candidates:
        say(f"{mark(record.status.value)} {one_line(way_taken(record))}{_figures(record)}")


def _figures(record: TaskRecord) -> str:
    figures = [seconds(record.duration)] if record.duration is not None else []
    if record.tokens:
        figures.append(f"{'about ' if record.tokens.estimated else ''}{record.tokens.output:,} tokens")
    return f" ({', '.join(figures)})" if figures else ""


class Progress:
    """The line on standard error while a task works: `● qwen 4 s, 212 tokens`."""

    def __init__(self, task: FollowedTask, *, quiet: bool) -> None:
        self._task = task
        self._line = ProgressLine(quiet=quiet)
        self._started = time.monotonic()
        self._tokens = 0
        self._progress: AnalysisProgress | None = None
        self._progress_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.shares_terminal = self._line.visible and is_terminal(sys.stdout)

    def __enter__(self) -> Self:
        if self._line.visible:
            self._tick()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(self, text: str) -> None:
        """Count a piece of the answer."""
        self._tokens += estimate_tokens(text)

    def stop(self) -> None:
        """Take the line away for good."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._line.clear()

    def _tick(self) -> None:
        self._line.show(self._text())
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _by_now(self, progress: AnalysisProgress) -> AnalysisProgress:
        """With what is left of its estimate; what takes longer than that has none."""
        now = time.monotonic()
        if progress != self._progress:
            self._progress, self._progress_since = progress, now
        left_s = (progress.left_s or 0.0) - (now - self._progress_since)
        return dataclasses.replace(progress, left_s=left_s if left_s >= _WORTH_TELLING_S else None)

    def _text(self) -> str:
        record = self._task.record
        waited = f"{time.monotonic() - self._started:.0f} s"
        if self._task.progress is not None and not self._tokens:
            return progress_text(self._by_now(self._task.progress), waited)
        if waiting := self._task.waiting:
            return f"◌ waiting for {waiting.service} ({waiting.ahead} ahead) {waited}"
        if not record.attempts:
            return f"◌ choosing a service {waited}"
        service = record.attempts[-1].service
        if self._tokens:
            return f"● {service} {waited}, {self._tokens:,} tokens"
        under_way = record.notes[-1:] if record.notes and record.notes[-1].endswith("…") else ()
        return " ".join([f"● {service}", *under_way, waited])
