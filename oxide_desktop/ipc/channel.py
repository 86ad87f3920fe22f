"""The local socket as both its ends see it: where it is, who may speak, and the client's side of it.

Standard library only, and little of that: `oxide-mcp` imports this and must start fast. A conversation opens with one
JSON line from each side, hello and welcome; what follows belongs to the wish that the hello names.
"""

# os.path, since pathlib would be a tenth of the shim's start.
# ruff: noqa: PTH101, PTH102, PTH109, PTH111, PTH117, PTH118

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import struct
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOL = 1
FRAME_LIMIT = 8 * 1024 * 1024
"""Bytes in one line. Files travel as paths, so that a prompt is all that can be long."""
HELLO_LIMIT_S = 5.0
STARTED_BY_SHIM = "OXIDE_STARTED_BY_SHIM"
"""In the environment of an app that `oxide-mcp` has started, which reads its standard error until the app serves."""
_PATH_LIMIT = 107 if sys.platform == "linux" else 103


class ChannelError(OSError):
    """The socket is not safe to use, or whoever answered does not speak our language."""


def home_folder() -> str:
    """Oxide's folder, as `config.paths` has it too (the shim must not pay for importing that)."""
    given = os.path.expanduser(os.environ.get("OXIDE_HOME") or "~/.oxide")
    return given if os.path.isabs(given) else os.path.join(os.getcwd(), given)


def socket_path(home: str) -> str:
    """The name of the socket of a home folder."""
    return os.path.join(home, "run", "oxide.sock")


def address_of(path: str) -> str:
    """Where the socket of that name really is.

    The name itself, where the system can bind it. A longer one gets a folder of its own under the temporary folder, and
    on Windows a pipe, both named by a hash of it.
    """
    if sys.platform == "win32":
        return rf"\\.\pipe\oxide-{_digest(path)}"
    else:  # noqa: RET505 - mypy leaves out the other system's branch, not what follows it
        if len(os.fsencode(path)) <= _PATH_LIMIT:
            return path
        return f"/tmp/oxide-{os.geteuid()}-{_digest(path)}/s"  # noqa: S108 - the server makes its folder private


def private_folder(folder: str) -> None:
    """Make a folder that only this user can enter, or close the one that is there.

    Raises:
        ChannelError: Somebody else made it, or it is no folder.
    """
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if sys.platform != "win32":
            found = os.lstat(folder)
            if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
                raise ChannelError(f"{folder} is not a folder of this user") from None
            if found.st_mode & 0o077:
                os.chmod(folder, 0o700)


def _digest(path: str) -> str:
    import hashlib  # noqa: PLC0415 - 3 ms that most starts need not pay

    return hashlib.sha256(os.path.normcase(os.path.realpath(path)).encode()).hexdigest()[:16]


def peer_uid(peer: Any) -> int | None:  # noqa: ANN401 - a socket, or asyncio's view of one
    """User id of whoever is at the other end, `None` where the system does not tell. macOS is untried here."""
    if sys.platform == "linux":
        _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(uid)
    elif sys.platform == "darwin":  # noqa: RET505 - as in address_of
        local_peercred, sol_local = 1, 0  # <sys/un.h>; the answer is a struct xucred: version, uid, groups
        _, uid = struct.unpack_from("2I", peer.getsockopt(sol_local, local_peercred, 76))
        return int(uid)
    else:
        return None


class ByteStream(Protocol):
    """A connected socket or pipe, usable from two threads at once."""

    def readline(self) -> bytes:
        """The next line with its end; shorter than that, or nothing, when the other side is gone."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of it; `OSError` when the other side is gone."""
        ...

    def settimeout(self, timeout_s: float | None) -> None:
        """Let reads fail after that long."""
        ...

    def close(self) -> None:
        """End it, and wake whoever waits in `readline`."""
        ...


class _SocketStream:
    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._incoming = peer.makefile("rb")
        self.readline = self._incoming.readline
        self.write = peer.sendall
        self.settimeout = peer.settimeout

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            self._peer.shutdown(socket.SHUT_RDWR)
        self._peer.close()
        self._incoming.close()


class Connection:
    """A client's end: lines in, bytes out, closed from any thread."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.write = stream.write
        self.close = stream.close
        self.welcome: dict[str, Any] = {}

    def read_line(self) -> bytes:
        """The next line with its end; shorter than that, or nothing, when the other side is gone."""
        try:
            return self._stream.readline()
        except (ConnectionError, ValueError):  # reset, or closed by another thread meanwhile
            return b""

    def greet(self, hello: Mapping[str, Any]) -> None:
        """Say what is wanted, and hear whether it can be had.

        Raises:
            ChannelError: It cannot, or the answer is no welcome.
            OSError: Nothing came in time.
        """
        self.write(json.dumps({"oxide": PROTOCOL, **hello}).encode() + b"\n")
        try:
            welcome = json.loads(self.read_line())
        except ValueError:
            raise ChannelError("what listens there is not Oxide, or it is just ending") from None
        if "error" in welcome:
            raise ChannelError(str(welcome["error"]))
        self.welcome = welcome


def connect(path: str, hello: Mapping[str, Any], timeout_s: float = HELLO_LIMIT_S) -> Connection:
    """Reach the app behind the socket of that name.

    Raises:
        OSError: Nobody listens, it is not this user's, or it did not answer in time.
    """
    stream = _open(address_of(path), timeout_s)
    try:
        connection = Connection(stream)
        connection.greet(hello)
    except BaseException:  # refused, late or interrupted: nobody will use it
        stream.close()
        raise
    stream.settimeout(None)
    return connection


def _open(address: str, timeout_s: float) -> ByteStream:
    if sys.platform == "win32":
        from oxide_desktop.ipc import pipe  # noqa: PLC0415 - exists there only

        return pipe.connect(address, timeout_s)
    else:  # noqa: RET505 - as in address_of
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(timeout_s)
        try:
            peer.connect(address)
            served_by = peer_uid(peer)
        except BaseException:  # refused, late or interrupted: nobody will use it
            peer.close()
            raise
        if served_by not in (None, os.geteuid()):
            peer.close()
            raise ChannelError(f"{address} is served by another user")
        return _SocketStream(peer)
