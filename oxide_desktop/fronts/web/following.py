"""One task as lines of JSON, from its start to its end: for a program that asked, and must miss nothing.

`begin` (the new record, notices) · `chunks` (texts of the answer, all of them, in order) · `state` (record so far,
progress, waiting; at least every few seconds) · `end` (the final record, and the error with its exit code).
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from contextlib import aclosing
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from oxide_desktop.core.model import Source
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.schemas import Json

log = logging.getLogger(__name__)

LOOK_S = 0.25
SIGN_OF_LIFE_S = 5.0


class Following(Response):
    """Tells one client of one task, which goes on without it; one of a terminal's command ends with it.

    A client that does not read, such as a command that is suspended, is gone after `Limits.send_s`.
    """

    def __init__(self, task: RunningTask, notices: tuple[str, ...], limits: Limits) -> None:
        super().__init__()
        self._task = task
        self._notices = notices
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send everything until the task has ended or nobody listens."""
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        try:
            async with asyncio.TaskGroup() as group:
                telling, states, left = map(
                    group.create_task, (self._tell(send), self._states(send), _until_left(receive))
                )
                await asyncio.wait([telling, states, left], return_when=asyncio.FIRST_COMPLETED)
                if left.done():
                    self._let_go()
                for each in (telling, states, left):
                    each.cancel()
            if not telling.cancelled():  # all is told, and nobody else writes any more
                await self._line(send, {"type": "end", "record": self._task.record.to_dict(), "error": self._error()})
        except* TimeoutError:
            log.info("a client has not read for %s s and is dropped", self._limits.send_s)
            self._let_go()
        else:
            await send({"type": "http.response.body"})

    def _let_go(self) -> None:
        if self._task.request.source is Source.CLI:
            self._task.cancel()

    async def _tell(self, send: Send) -> None:
        await self._line(send, {"type": "begin", "record": self._task.asked.to_dict(), "notices": list(self._notices)})
        async with aclosing(self._task.batches()) as batches:
            async for batch in batches:
                await self._line(send, {"type": "chunks", "texts": [chunk.text for chunk in batch]})

    async def _states(self, send: Send) -> None:
        loop, last, told_at = asyncio.get_running_loop(), None, 0.0
        while True:
            seen = (self._task.record, self._task.progress, self._task.waiting)
            if seen != last or loop.time() - told_at > SIGN_OF_LIFE_S:
                await self._line(send, self._state())
                last, told_at = seen, loop.time()
            await asyncio.sleep(LOOK_S)

    def _state(self) -> Json:
        progress, waiting = self._task.progress, self._task.waiting
        return {
            "type": "state",
            "record": self._task.record.to_dict(),
            "progress": dataclasses.asdict(progress) if progress else None,
            "waiting": dataclasses.asdict(waiting) if waiting else None,
        }

    def _error(self) -> Json | None:
        error = self._task.error
        return {**error.to_dict(), "exit_code": error.exit_code} if error else None

    async def _line(self, send: Send, message: Json) -> None:
        async with asyncio.timeout(self._limits.send_s):
            body = json.dumps(message).encode() + b"\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
