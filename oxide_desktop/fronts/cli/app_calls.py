"""Requests to the running app, over its HTTP API. Written on bare streams: an HTTP client takes 150 ms to import."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from oxide_desktop.core.errors import OxideError

HOST = "127.0.0.1"
ANSWER_LIMIT_S = 15.0
SILENCE_LIMIT_S = 30.0
_LONGEST_LINE_BYTES = 256 * 2**20
_OK = 200

Json = dict[str, Any]


class AppGoneError(OxideError):
    """The app does not answer, or no longer."""

    def __init__(self, reason: object) -> None:
        super().__init__("The running Oxide does not answer", f"{reason}.".replace("..", "."), "See `oxide status`.")


@dataclass(frozen=True, slots=True)
class AppAddress:
    """Where the app listens, and the token that it wants."""

    port: int
    token: str = field(repr=False)

    async def call(self, method: str, path: str, body: Json | None = None, limit_s: float = ANSWER_LIMIT_S) -> Json:
        """One request and its answer.

        Raises:
            AppGoneError: There is none in time.
            OxideError: It is an error.
        """
        try:
            async with asyncio.timeout(limit_s), self._answer(method, path, body) as reader:
                found: Json = json.loads(await reader.read())
                return found
        except TimeoutError:
            raise AppGoneError(f"It said nothing for {limit_s:g} s") from None
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise AppGoneError(error) from error

    async def lines(self, path: str, body: Json) -> AsyncGenerator[Json, None]:
        """The lines that a request is answered with, until there are no more.

        Raises:
            AppGoneError: It broke off, or fell silent.
            OxideError: It is an error.
        """
        try:
            async with self._answer("POST", path, body) as reader:
                while True:
                    async with asyncio.timeout(SILENCE_LIMIT_S):
                        line = await reader.readline()
                    if not line:
                        return
                    yield json.loads(line)
        except TimeoutError:
            raise AppGoneError(f"It said nothing for {SILENCE_LIMIT_S:g} s") from None
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise AppGoneError(error) from error

    @asynccontextmanager
    async def _answer(self, method: str, path: str, body: Json | None) -> AsyncGenerator[asyncio.StreamReader, None]:
        """The body of a good answer, which ends with the connection: that is what version 1.0 means."""
        reader, writer = await asyncio.open_connection(HOST, self.port, limit=_LONGEST_LINE_BYTES)
        try:
            content = b"" if body is None else json.dumps(body).encode()
            kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
            head = f"Host: {HOST}:{self.port}\r\nAuthorization: Bearer {self.token}\r\n{kind}"
            writer.write(f"{method} {path} HTTP/1.0\r\n{head}\r\n".encode() + content)
            await writer.drain()
            first, *_ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            if int(first.split()[1]) != _OK:
                raise _told(json.loads(await reader.read()))
            yield reader
        finally:
            writer.close()


def _told(answer: Json) -> OxideError:
    """The error that an answer tells, with the exit code that it has here; the door's own errors have none."""
    text = answer["error"]
    error = OxideError(text["title"], text["message"], text["hint"])
    error.exit_code = text.get("exit_code", OxideError.exit_code)
    return error
