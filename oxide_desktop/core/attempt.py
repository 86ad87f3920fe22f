"""One try on one service: its text into the task, its end into the record."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from oxide_desktop.core.characters import WholeCharacters
from oxide_desktop.core.errors import FailureKind, OxideError, ServiceError
from oxide_desktop.core.events import AttemptStarted, Chunk, EventBus, TaskNoted
from oxide_desktop.core.places import leaves_machine
from oxide_desktop.core.ports import Adapter, Alive, Call, Note, Started, Usage
from oxide_desktop.core.record import Attempt, AttemptStatus, Tokens
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.settings import ExecutionSettings, Price
from oxide_desktop.core.tokens import estimate_tokens
from oxide_desktop.core.watchdog import Phase, Watchdog

log = logging.getLogger(__name__)

LONGEST_ANSWER_CHARS = 16 * 1024 * 1024
_TURNS_TO_A_LISTENER = 4


class LiveAttempt:
    """Runs one attempt and keeps its line in the task's record up to date.

    Attributes:
        visible: Whether any text of it has been shown, after which no other service may continue it.
    """

    def __init__(self, task: RunningTask, adapter: Adapter, bus: EventBus, started_at: float | None = None) -> None:
        self._task = task
        self._adapter = adapter
        self._bus = bus
        self._service = adapter.settings.name
        self._index = len(task.record.attempts) + 1
        self._line = Attempt(
            service=self._service,
            started_at=time.time() if started_at is None else started_at,
            left_machine=leaves_machine(adapter.settings, adapter.info.locality),
        )
        self._usage: Usage | None = None
        self._characters = WholeCharacters()
        task.update(attempts=(*task.record.attempts, self._line), service=self._service)
        task.keep_soon()

    @property
    def visible(self) -> bool:
        """Whether any text of it has been shown."""
        return self._line.first_chunk_at is not None

    async def run(self, call: Call, limits: ExecutionSettings) -> None:
        """Ask once; the answer goes into the task as it comes.

        Raises:
            ServiceError: It failed; the record says so already.
            CancelledError: It was stopped; likewise.
        """
        task_type = self._task.record.task_type or ""
        self._task.tell(AttemptStarted(self._task.id, self._index, self._service, task_type), self._bus)
        try:
            with _only_service_errors(self._service):
                await self._stream(call, limits)
        except ServiceError as error:
            status = AttemptStatus.PARTIAL if self.visible else AttemptStatus.FAILED
            self._end(status, error=str(error), kind=error.kind.value)
            raise
        except BaseException:  # cancelled, or a bug of ours: the line must not stay open, and the error goes on
            self._end(AttemptStatus.CANCELLED)
            raise
        self._end(AttemptStatus.COMPLETED, call=call)

    async def _stream(self, call: Call, limits: ExecutionSettings) -> None:
        chars = 0
        async with Watchdog(self._service, limits) as watchdog, aclosing(self._adapter.execute(call)) as outputs:
            async for output in outputs:
                if not isinstance(output, str):
                    self._take(output, watchdog)
                    continue
                if not output:
                    continue
                is_first = not chars
                if is_first:
                    self._change(first_chunk_at=time.time())
                    watchdog.enter(Phase.IDLE)
                    await self._task.kept()  # nothing is shown that a crash could make unheard of
                chars += len(output)
                watchdog.touch()
                self._show(output)
                if is_first:
                    await _let_listeners_have_it()
                if chars > LONGEST_ANSWER_CHARS:
                    raise _too_long(self._service)
        if not chars:
            raise ServiceError(
                FailureKind.TRANSIENT,
                f"{self._service} answered nothing",
                "It ended without an error and without text.",
            )
        self._publish(self._characters.rest())

    def _show(self, text: str) -> None:
        self._publish(self._characters.feed(text))

    def _publish(self, text: str) -> None:
        if text:
            chunk = Chunk(self._task.id, self._index, self._service, text)
            self._task.append(chunk)
            self._bus.publish(chunk)

    def _take(self, output: Started | Usage | Note | Alive, watchdog: Watchdog) -> None:
        if isinstance(output, Started):
            self._change(model=output.model)
            self._task.update(model=output.model)
            if not self.visible:
                watchdog.enter(Phase.FIRST_BYTE)
        elif isinstance(output, Usage):
            self._usage = output
        elif isinstance(output, Alive):
            watchdog.touch()
        else:
            note(self._task, output.text, self._bus)

    def _change(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Attempt, checked by it
        self._line = dataclasses.replace(self._line, **changes)
        self._task.update(attempts=(*self._task.record.attempts[: self._index - 1], self._line))

    def _end(
        self, status: AttemptStatus, error: str | None = None, kind: str | None = None, call: Call | None = None
    ) -> None:
        answer = self._task.text_of(self._index)
        tokens = self._tokens(answer, call)
        self._change(
            status=status,
            error=error,
            kind=kind,
            ended_at=time.time(),
            chars=len(answer),
            tokens=tokens,
            cost=cost_of(tokens, self._adapter.settings.price) if tokens else None,
        )
        self._task.update(**sums_of(self._task.record.attempts))

    def _tokens(self, answer: str, call: Call | None) -> Tokens | None:
        """What the service counted, however the attempt ended; what it did not is estimated for whole answers only."""
        if self._usage:
            return Tokens(self._usage.input_tokens, self._usage.output_tokens)
        return Tokens(call.input_tokens, estimate_tokens(answer), estimated=True) if call else None


async def _let_listeners_have_it() -> None:
    """Before the hundreds of pieces that may have come with the first one: who asked may only now be given its task."""
    for _ in range(_TURNS_TO_A_LISTENER):
        await asyncio.sleep(0)


@contextmanager
def _only_service_errors(service: str) -> Iterator[None]:
    """What else an adapter raises, a third party's for one, is its mistake and costs its own attempt only."""
    try:
        yield
    except ServiceError:
        raise
    except OxideError as error:
        log.warning("the adapter of %s raised %s", service, type(error).__name__)
        raise ServiceError(FailureKind.CRASHED, error.title, error.message, error.hint) from error
    except Exception as error:  # anything at all, from code that is not ours
        log.exception("the adapter of %s made a mistake", service)
        raise ServiceError(
            FailureKind.CRASHED, f"The adapter of {service} made a mistake", repr(error), "The log has the details."
        ) from error


def note(task: RunningTask, text: str, bus: EventBus) -> None:
    """Keep a remark in the record, once, and tell who listens."""
    if text not in task.record.notes:
        task.update(notes=(*task.record.notes, text))
        task.tell(TaskNoted(task.id, text), bus)


def sums_of(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """A task's `tokens` and `cost`: the sums of what is known of its attempts."""
    tokens = [attempt.tokens for attempt in attempts if attempt.tokens]
    costs = [attempt.cost for attempt in attempts if attempt.cost is not None]
    total = Tokens(
        sum(item.input for item in tokens),
        sum(item.output for item in tokens),
        estimated=any(item.estimated for item in tokens),
    )
    return {"tokens": total if tokens else None, "cost": sum(costs) if costs else None}


def cost_of(tokens: Tokens, price: Price | None) -> float | None:
    """Money, in the price's currency; `None` where no price is set."""
    if price is None:
        return None
    return (tokens.input * price.input + tokens.output * price.output) / 1_000_000


def _too_long(service: str) -> ServiceError:
    return ServiceError(
        FailureKind.CRASHED,
        f"{service} would not stop answering",
        f"Its answer passed {LONGEST_ANSWER_CHARS:,} characters and was ended there.",
    )
