"""The app's end of the local socket: a hello line, then the handler that it wishes for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oxide_desktop import __version__
from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import OxideError
from oxide_desktop.ipc.channel import FRAME_LIMIT, HELLO_LIMIT_S, PROTOCOL, address_of, peer_uid, private_folder

log = logging.getLogger(__name__)

CLIENTS_LIMIT = 256
_CLOSE_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """How a client introduces itself.

    Attributes:
        wish: Names the handler it wants.
        cwd: Its project directory.
        client: What it is, for the log.
    """

    wish: str
    cwd: Path
    client: str
    version: str
    pid: int

    @classmethod
    def parse(cls, line: bytes) -> Hello:
        """Read the line.

        Raises:
            ValueError: It is no hello, or of a protocol of another time.
        """
        try:
            given = json.loads(line)
            hello = cls(
                wish=str(given["wish"]),
                cwd=Path(given["cwd"]),
                client=str(given["client"]),
                version=str(given["version"]),
                pid=int(given["pid"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no hello: {error!r}") from error
        if given.get("oxide") != PROTOCOL:
            raise ValueError(f"this Oxide ({__version__}) speaks protocol {PROTOCOL}; restart both sides to agree")
        return hello


Handler = Callable[[Hello, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class AlreadyServedError(OxideError):
    """Another Oxide answers on this socket."""


@asynccontextmanager
async def serve(
    path: Path,
    handlers: Mapping[str, Handler],
    *,
    clients_limit: int = CLIENTS_LIMIT,
    hello_limit_s: float = HELLO_LIMIT_S,
) -> AsyncIterator[None]:
    """Listen on the socket of that name inside the block. The caller holds the instance lock.

    Raises:
        AlreadyServedError: Somebody living listens there.
        OSError: It cannot be bound.
    """
    door = _Door(handlers, clients_limit, hello_limit_s)
    try:
        async with _listening(address_of(str(path)), door):
            yield
    finally:
        await door.background.close()


@asynccontextmanager
async def _listening(address: str, door: _Door) -> AsyncIterator[None]:
    if sys.platform == "win32":
        from oxide_desktop.ipc.pipe import PipeServer  # noqa: PLC0415 - exists there only

        try:
            server = PipeServer(address, door.protocol)
        except PermissionError as error:
            raise _already_served(address) from error
        door.background.start(server.serve(), "local pipe")
        yield
    else:
        place = Path(address)
        listener, identity = _bind(place)
        server = await asyncio.get_running_loop().create_unix_server(door.protocol, sock=listener)
        try:
            yield
        finally:
            server.close()
            _unlink(place, identity)


def _already_served(address: str) -> AlreadyServedError:
    return AlreadyServedError(
        "Oxide is running already", f"Another one answers at {address}.", "Use that one, or end it with `oxide stop`."
    )


if sys.platform != "win32":

    def _bind(place: Path) -> tuple[socket.socket, os.stat_result]:
        private_folder(str(place.parent))
        _clear_stale(place)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o177)
        try:
            listener.bind(str(place))
        except BaseException:  # refused or interrupted: nobody else has this socket
            listener.close()
            raise
        finally:
            os.umask(old_mask)
        listener.setblocking(False)  # noqa: FBT003 - the call's own shape
        return listener, place.stat()

    def _clear_stale(place: Path) -> None:
        """Remove a socket that nobody serves.

        Raises:
            AlreadyServedError: Somebody does.
        """
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            probe.settimeout(HELLO_LIMIT_S)
            try:
                probe.connect(str(place))
            except (FileNotFoundError, ConnectionRefusedError):
                place.unlink(missing_ok=True)
                return
            except TimeoutError:
                log.info("%s is served by somebody who is busy", place)
        raise _already_served(str(place))

    def _unlink(place: Path, identity: os.stat_result) -> None:
        """Take our own socket away, not one that has replaced it."""
        with contextlib.suppress(FileNotFoundError):
            found = place.stat()
            if (found.st_dev, found.st_ino) == (identity.st_dev, identity.st_ino):
                place.unlink()


def _is_stranger(writer: asyncio.StreamWriter) -> bool:
    if sys.platform == "win32":
        return False  # the pipe's access list has kept strangers out
    else:  # noqa: RET505 - mypy leaves out the other system's branch, not what follows it
        return peer_uid(writer.get_extra_info("socket")) not in (None, os.geteuid())


class _Door:
    """Lets clients in: checks who they are, hears what they want, and hands them on."""

    def __init__(self, handlers: Mapping[str, Handler], clients_limit: int, hello_limit_s: float) -> None:
        self.background = BackgroundTasks()
        self._handlers = handlers
        self._clients_limit = clients_limit
        self._hello_limit_s = hello_limit_s
        self._inside = 0

    def protocol(self) -> asyncio.StreamReaderProtocol:
        """A fresh protocol for one client."""
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=FRAME_LIMIT), self._arrived)

    def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.background.start(self._receive(reader, writer), "local client")

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._inside += 1
        try:
            await self._converse(reader, writer)
        except ConnectionError as error:
            log.debug("a local client left: %s", error)
        finally:
            self._inside -= 1
            await _close(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if _is_stranger(writer):
            log.warning("refused a local client of another user")
            return
        if self._inside > self._clients_limit:
            await _say(writer, {"error": f"Oxide serves {self._clients_limit} clients already"})
            return
        try:
            async with asyncio.timeout(self._hello_limit_s):
                hello = Hello.parse(await reader.readuntil(b"\n"))
        except (TimeoutError, asyncio.IncompleteReadError):
            return
        except (ValueError, asyncio.LimitOverrunError) as error:
            await _say(writer, {"error": str(error)})
            return
        if (handler := self._handlers.get(hello.wish)) is None:
            await _say(writer, {"error": f"this Oxide ({__version__}) does not offer {hello.wish!r}"})
            return
        await _say(writer, {"version": __version__, "pid": os.getpid()})
        log.debug("%s (pid %s) connected for %s", hello.client, hello.pid, hello.wish)
        await handler(hello, reader, writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Let what was written reach the client, but do not wait for one that does not read."""
    writer.close()
    try:
        async with asyncio.timeout(_CLOSE_LIMIT_S):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError as error:
        log.debug("a local client left: %s", error)


async def _say(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
    writer.write(json.dumps({"oxide": PROTOCOL, **message}).encode() + b"\n")
    async with asyncio.timeout(HELLO_LIMIT_S):
        await writer.drain()
