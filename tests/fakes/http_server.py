"""A little real HTTP server that plays scripted replies, faults included. `openai_server` and `ollama_server` speak.

It runs in threads of its own, so that tests with and without a loop can use it, and as a program for those that want
another process. Whatever it waits for, closing it ends the wait.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


class Fault(Enum):
    """What goes wrong, after `Reply.after` pieces of the answer."""

    RESET = auto()  # the connection is reset; with `before_headers` there is no answer at all
    HANG_UP = auto()  # the body ends properly, the answer does not
    CUT_OFF = auto()  # the connection closes in the middle of the body
    STALL = auto()  # nothing more comes until the server closes or `release()` is called
    GARBAGE = auto()  # bytes that mean nothing
    HALF_LINE = auto()  # half a line, then the end
    HUGE_LINE = auto()  # `huge_bytes` without an end of line
    ERROR = auto()  # the dialect's error object in the stream


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How one request is answered.

    Attributes:
        pieces: The answer's text, one event each.
        status: Anything but 200 is answered with `error` (and `headers`), as the dialect words errors.
        body: Raw bytes to send instead of a stream, with `content_type`.
        finish: Why the answer ended, in the dialect's words.
        usage: Tokens read and written; `None` leaves them out.
        thinking: What the model thinks before it answers.
        pause_s: Between pieces.
        split: Send each event in two halves, wherever that cuts a character.
        before_headers: The fault comes instead of an answer.
        keep_open: Do not end the body after the end was said.
        whole: Ignore that a stream was wanted.
    """

    pieces: Sequence[str] = ("Hello", ", ", "world", ".")
    status: int = 200
    error: str = "it went wrong"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    finish: str = "stop"
    usage: tuple[int, int] | None = (5, 4)
    thinking: Sequence[str] = ()
    fault: Fault | None = None
    after: int = 0
    before_headers: bool = False
    pause_s: float = 0.0
    split: bool = False
    huge_bytes: int = 40 * 1024 * 1024
    keep_open: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Received:
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class ScriptedServer:
    """Answers by the script, then by `usual`. Subclasses bring the dialect.

    Attributes:
        models: Names on offer.
        api_key: What `Authorization` must carry, if anything.
        usual: The reply when the script is at its end.
        received: Every request so far, oldest first.
        connections: How many have been made.
        gone: Set when a client has left in the middle of an answer.
    """

    content_type: ClassVar[str]

    def __init__(
        self, *script: Reply, models: Sequence[str] = ("model-a", "model-b"), api_key: str = "", port: int = 0
    ) -> None:
        self.models = list(models)
        self.api_key = api_key
        self.usual = Reply()
        self.received: list[Received] = []
        self.connections = 0
        self.gone = threading.Event()
        self._script = deque(script)
        self._released = threading.Event()
        fake = self

        class Handler(_Handler):
            server_fake = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def play(self, *script: Reply) -> None:
        """Add to the script."""
        self._script.extend(script)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def asked(self) -> list[Received]:
        """The requests for answers."""
        return [request for request in self.received if self.is_question(request.method, request.path)]

    def release(self) -> None:
        """Let stalled replies go on (to their end, without the rest)."""
        self._released.set()

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def is_question(self, method: str, path: str) -> bool:
        raise NotImplementedError

    def look_up(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        """The answer to a small question, `None` where there is none."""
        raise NotImplementedError

    def error(self, status: int, text: str) -> Any:
        """How the dialect words an error."""
        raise NotImplementedError

    def events(self, reply: Reply, request: Any) -> list[bytes]:
        """The stream, one event each; the first ones hold `thinking`, the last ones say how it ended."""
        raise NotImplementedError

    def whole(self, reply: Reply, request: Any) -> Any:
        """The answer in one piece."""
        raise NotImplementedError

    def error_event(self, reply: Reply) -> bytes:
        raise NotImplementedError

    def refusal(self, request: Received) -> Reply | None:
        """What is wrong with a question by itself."""
        return None

    def next_reply(self, request: Received) -> Reply:
        if self.api_key and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return Reply(status=401, error="invalid API key")
        return self.refusal(request) or (self._script.popleft() if self._script else self.usual)


class _Handler(BaseHTTPRequestHandler):
    server_fake: ClassVar[ScriptedServer]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def handle(self) -> None:
        self.server_fake.connections += 1
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.server_fake.gone.set()
            self.close_connection = True

    def _handle(self) -> None:
        fake = self.server_fake
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Received(self.command, self.path, dict(self.headers), json.loads(raw) if raw else None)
        fake.received.append(request)
        if fake.is_question(self.command, self.path):
            self._reply(fake.next_reply(request), request)
        elif fake.api_key and request.headers.get("Authorization") != f"Bearer {fake.api_key}":
            self._whole(401, json.dumps(fake.error(401, "invalid API key")).encode())
        elif (found := fake.look_up(self.command, self.path, request.body)) is not None:
            self._whole(found[0], json.dumps(found[1]).encode())
        else:
            self._whole(404, b"404 page not found", content_type="text/plain")

    def _whole(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def _reply(self, reply: Reply, request: Received) -> None:
        fake = self.server_fake
        if reply.before_headers:
            self._go_wrong(reply)
        elif reply.status != 200:
            body = reply.body if reply.body is not None else json.dumps(fake.error(reply.status, reply.error)).encode()
            self._whole(reply.status, body, reply.headers, reply.content_type)
        elif reply.body is not None:
            self._whole(200, reply.body, reply.headers, reply.content_type)
        elif reply.whole or (isinstance(request.body, dict) and request.body.get("stream") is False):
            self._whole(200, json.dumps(fake.whole(reply, request.body)).encode())
        else:
            self._stream(reply, request)

    def _stream(self, reply: Reply, request: Received) -> None:
        fake = self.server_fake
        self.send_response(200)
        self.send_header("Content-Type", fake.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        events = fake.events(reply, request.body)
        stop = len(reply.thinking) + reply.after if reply.fault else len(events)
        for event in events[:stop]:
            halves = [event[: len(event) // 2], event[len(event) // 2 :]] if reply.split else [event]
            for half in halves:
                self._chunk(half)
            if reply.pause_s:
                fake._released.wait(reply.pause_s)
        if reply.fault:
            self._go_wrong(reply)
        else:
            if reply.keep_open:
                fake._released.wait(60)
            self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%X\r\n%b\r\n" % (len(data), data))

    def _go_wrong(self, reply: Reply) -> None:
        self.close_connection = True
        if reply.fault is Fault.RESET:
            # Linger zero: closing sends a reset instead of an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif reply.fault is Fault.STALL:
            self._wait_for_the_end()
        elif reply.fault is not Fault.CUT_OFF:
            for data in self._wrong_data(reply):
                self._chunk(data)
            self._chunk(b"")

    def _wrong_data(self, reply: Reply) -> Iterator[bytes]:
        fake = self.server_fake
        if reply.fault is Fault.GARBAGE:
            yield b"data: \xff\xfe{]\x00 what?\n\n\xff{]\n"
        elif reply.fault is Fault.HALF_LINE:
            event = fake.events(Reply(pieces=("unfinished",)), {})[0]
            yield event[: len(event) // 2]
        elif reply.fault is Fault.HUGE_LINE:
            block = b"x" * (1024 * 1024)
            for _ in range(reply.huge_bytes // len(block)):
                yield block
        elif reply.fault is Fault.ERROR:
            yield fake.error_event(reply)

    def _wait_for_the_end(self) -> None:
        """Until the client goes or the server is released; `gone` tells which."""
        fake = self.server_fake
        self.connection.settimeout(0.02)
        while not fake._released.is_set():
            try:
                if not self.connection.recv(1):
                    fake.gone.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                fake.gone.set()
                return


def closed_port() -> int:
    """A port of this machine where nothing listens, nor will: it is kept bound for as long as this process lives."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port = int(held.getsockname()[1])
    held.detach()
    return port


_PORTS = itertools.count(20_000 + os.getpid() % 600 * 20)


def free_port() -> int:
    """A port for a server that is to be started: none that the system gives to others who ask for any."""
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def serve_until_told(server: ScriptedServer) -> None:
    """Run as a program: the URL on a line, then until standard input ends."""
    import sys

    with server:
        print(server.url, flush=True)
        sys.stdin.read()
