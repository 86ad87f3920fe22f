"""A task's answer in OpenAI's shapes, whole or as it comes. A client that leaves takes its task with it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from http import HTTPStatus

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from oxide_desktop.core.errors import (
    Bug,
    CancelledTaskError,
    FailureKind,
    OxideError,
    RouteError,
    ServiceError,
    UsageError,
)
from oxide_desktop.core.events import Chunk
from oxide_desktop.core.ports import ANSWER_CUT
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.web.errors import openai_body
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.schemas import Json

log = logging.getLogger(__name__)

_TOO_MANY = (FailureKind.BUSY, FailureKind.QUOTA)
# Oxide has tried again and elsewhere by itself: the clients' own retries would only do all of it twice.
_DO_NOT_RETRY = {"x-should-retry": "false"}


class ChatAnswer(Response):
    """What is sent for one task. A failure before the first text is an answer with its own status."""

    def __init__(self, task: RunningTask, limits: Limits, *, streams: bool, tells_usage: bool) -> None:
        super().__init__()
        self._task = task
        self._limits = limits
        self._streams = streams
        self._tells_usage = tells_usage
        self._created = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and watch whether there is still somebody to answer."""
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch(receive))
                try:
                    await self._answer(scope, receive, send)
                finally:
                    watch.cancel()
        except* TimeoutError:
            log.info("a client has not read its answer for %s s and is dropped", self._limits.send_s)
        finally:
            self._leave()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._streams:
            await self._stream(scope, receive, send)
        else:
            await self._task.finished()
            await self._whole()(scope, receive, send)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        """Nobody waits for the rest; after the end there is none."""
        self._task.cancel(CancelledTaskError("Cancelled", "The client that had asked went away."))

    # -- whole -------------------------------------------------------------------------------------

    def _whole(self) -> Response:
        if self._task.error is not None:
            return failed(self._task.error)
        message = {"role": "assistant", "content": self._task.record.result or "", "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish()}
        return JSONResponse({**self._head("chat.completion"), "choices": [choice], "usage": self._usage()})

    def _head(self, kind: str) -> Json:
        record = self._task.record
        model = "/".join(filter(None, (record.service, record.attempts[-1].model if record.attempts else None)))
        return {"id": f"chatcmpl-{record.id}", "object": kind, "created": self._created, "model": model}

    def _finish(self) -> str:
        return "length" if ANSWER_CUT.text in self._task.record.notes else "stop"

    def _usage(self) -> Json | None:
        tokens = self._task.record.tokens
        if tokens is None:
            return None
        total = tokens.input + tokens.output
        return {"prompt_tokens": tokens.input, "completion_tokens": tokens.output, "total_tokens": total}

    # -- as it comes -------------------------------------------------------------------------------

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._task.batches()) as batches:
            first = await anext(batches, None)
            if first is None and self._task.error is not None:
                await failed(self._task.error)(scope, receive, send)
                return
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
            async with aclosing(self._events(first or (), batches)) as events:
                async for piece in events:
                    async with asyncio.timeout(self._limits.send_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})

    async def _events(
        self, first: Sequence[Chunk], batches: AsyncGenerator[Sequence[Chunk], None]
    ) -> AsyncGenerator[bytes, None]:
        """The stream's events, those together that are there at the same time."""
        head = self._head("chat.completion.chunk")
        begun, ended = _around(head)
        yield _event(_chunk(head, {"role": "assistant", "content": ""})) + _texts(begun, ended, first)
        async for batch in batches:
            yield _texts(begun, ended, batch)
        if self._task.error is not None:
            yield _event(_body(self._task.error))
            return
        yield _event(_chunk(head, {}, self._finish()))
        if self._tells_usage:
            yield _event({**head, "choices": [], "usage": self._usage()})
        yield b"data: [DONE]\n\n"


def _around(head: Json) -> tuple[bytes, bytes]:
    """What stands before and behind the text in every event: it is the same thousands of times."""
    begun, _, ended = _event(_chunk(head, {"content": "\0"})).partition(b'"\\u0000"')
    return begun, ended


def _texts(begun: bytes, ended: bytes, batch: Sequence[Chunk]) -> bytes:
    return b"".join([begun + json.dumps(chunk.text).encode() + ended for chunk in batch])


def _chunk(head: Json, delta: Json, finish: str | None = None) -> Json:
    return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def _event(data: Json) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def failed(error: OxideError) -> Response:
    """An error as an answer of its own."""
    return JSONResponse(_body(error), _status(error), headers=_DO_NOT_RETRY)


def _body(error: OxideError) -> Json:
    code = error.kind.value if isinstance(error, ServiceError) else None
    if _names_what_is_not_there(error):
        return openai_body(_status(error), str(error), param="model", code="model_not_found")
    return openai_body(_status(error), "Oxide made a mistake." if isinstance(error, Bug) else str(error), code=code)


def _status(error: OxideError) -> int:
    """OpenAI's clients know 400 for what cannot be asked, and 429 for what is too much."""
    if _names_what_is_not_there(error):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, ServiceError) and error.kind in _TOO_MANY:
        return HTTPStatus.TOO_MANY_REQUESTS
    if isinstance(error, UsageError) and error.status == UsageError.status:
        return HTTPStatus.BAD_REQUEST
    return error.status


def _names_what_is_not_there(error: OxideError) -> bool:
    """Whether the model that was asked for is at fault; asking again would meet the same."""
    return isinstance(error, RouteError) and error.about_request
