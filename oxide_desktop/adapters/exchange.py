"""One HTTP request on its way, and what comes back: whole or line by line, its failures as `ServiceError`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from oxide_desktop.adapters.http_errors import Peer, empty, ended_early, garbage, refused, translated, web_page
from oxide_desktop.adapters.lines import LineSplitter, LineTooLongError
from oxide_desktop.core.errors import ServiceError

if TYPE_CHECKING:
    import httpx

CLOSE_TIMEOUT_S = 2.0
ERROR_BODY_BYTES = 64 * 1024
WHOLE_BODY_BYTES = 32 * 1024 * 1024


class Exchange:
    """One request and what comes back."""

    def __init__(self, peer: Peer, sent: asyncio.Event, sending: asyncio.Task[httpx.Response | ServiceError]) -> None:
        self._peer = peer
        self._sent = sent
        self._sending = sending

    async def sent(self) -> None:
        """Wait until the service has the whole request, or it has become clear that it never will.

        Raises:
            ServiceError: It could not be sent.
        """
        await self._sent.wait()
        if self._sending.done() and isinstance(error := await self._outcome(), ServiceError):
            raise error

    async def _outcome(self) -> httpx.Response | ServiceError:
        await asyncio.wait([self._sending])
        if self._sending.cancelled():  # not we: whoever let go of the service's connections has ended it
            return ended_early(self._peer)
        return self._sending.result()

    async def response(self) -> httpx.Response:
        """Wait for the answer to begin.

        Raises:
            ServiceError: There was none, or it is an error.
        """
        response = await self._outcome()
        if isinstance(response, ServiceError):
            raise response
        if response.status_code != HTTPStatus.OK:
            raise refused(self._peer, response.status_code, response.headers, await _error_body(response))
        if response.headers.get("content-type", "").startswith("text/html"):
            raise web_page(self._peer)
        return response

    async def json(self) -> Mapping[str, Any]:
        """The whole answer as a JSON object; a bare list becomes `{"data": list}`.

        Raises:
            ServiceError: There was none, or it is something else.
        """
        response = await self.response()
        parts, size = [], 0
        async with aclosing(self._bytes(response)) as pieces:
            async for piece in pieces:
                parts.append(piece)
                size += len(piece)
                if size > WHOLE_BODY_BYTES:
                    raise garbage(self._peer, "The answer does not end.")
        return self._parsed(response, b"".join(parts))

    def _parsed(self, response: httpx.Response, body: bytes) -> Mapping[str, Any]:
        if not body:
            raise empty(self._peer)
        try:
            found = json.loads(body)
        except ValueError as error:
            kind = response.headers.get("content-type", "").partition(";")[0] or "something"
            raise garbage(self._peer, f"It sent {kind} that is not JSON.") from error
        if isinstance(found, Mapping):
            return found
        if isinstance(found, list):
            return {"data": found}
        raise garbage(self._peer, "It sent JSON that is no object.")

    async def lines(self) -> AsyncGenerator[list[str], None]:
        """The answer's lines, as many at once as a read brings; an unfinished last one comes last.

        Raises:
            ServiceError: The stream broke off or is not made of lines.
        """
        splitter = LineSplitter()
        async with aclosing(self._bytes(await self.response())) as pieces:
            async for piece in pieces:
                try:
                    lines = splitter.feed(piece)
                except LineTooLongError as error:
                    raise garbage(self._peer, "It sent a line without an end.") from error
                if lines:
                    yield lines
        if rest := splitter.rest():
            yield [rest]

    async def _bytes(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        import httpx  # noqa: PLC0415 - loaded already where there is a response

        # Where nothing is packed, unpacking still costs a twentieth of the time that a stream takes.
        read = response.aiter_bytes if "content-encoding" in response.headers else response.aiter_raw
        try:
            async with _all_of(response, read()) as pieces:
                async for piece in pieces:
                    yield piece
        except httpx.RemoteProtocolError as error:
            raise ended_early(self._peer) from error
        except httpx.HTTPError as error:
            raise translated(self._peer, error) from error


async def drain(lines: AsyncGenerator[list[str], None], within_s: float = 0.2) -> None:
    """Read what little is left after the end was said, so that the connection can be used again."""
    with suppress(TimeoutError, ServiceError):  # the answer is whole; a connection more or less does not matter
        async with asyncio.timeout(within_s):
            async for _ in lines:
                pass


async def _error_body(response: httpx.Response) -> bytes:
    """What there is of an error's text, within bounds of size and time."""
    body = b""
    with suppress(*http_failures(), TimeoutError):  # the status alone will have to do
        async with asyncio.timeout(CLOSE_TIMEOUT_S), _all_of(response, response.aiter_bytes()) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) >= ERROR_BODY_BYTES:
                    break
    return body[:ERROR_BODY_BYTES]


@asynccontextmanager
async def _all_of(response: httpx.Response, pieces: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """A body's pieces, whose response is closed before they are let go.

    Behind them stand generators of httpx's own, which nobody else ends: they would close the response wherever they
    happen to be collected, in a task of another or in none.
    """
    async with aclosing(pieces):  # type: ignore[type-var]  # a generator, which httpx does not say
        try:
            yield pieces
        finally:
            await let_go(response)


async def let_go(response: httpx.Response) -> None:
    """Close a response; its connection with it, where there was more to come."""
    with suppress(*http_failures(), TimeoutError):  # what it had to say is read, or not wanted any more
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await response.aclose()


def http_failures() -> tuple[type[Exception], ...]:
    """What httpx raises when it is not our fault."""
    import httpx  # noqa: PLC0415 - loaded already where there is a client

    return (httpx.HTTPError, httpx.InvalidURL)
