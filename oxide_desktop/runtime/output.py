"""What a child writes: bounded on its way in, decoded across chunk borders, without terminal sequences."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections import deque
from collections.abc import Callable

TAIL_BYTES = 64 * 1024
BUFFER_BYTES = 256 * 1024  # beyond this a child waits for its reader
SEQUENCE_CHARS = 4096  # a sequence longer than this is taken for text that happens to hold an escape
QUIET_S = 0.5  # how long a pipe without a guard may stay silent before it counts as ended

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-OQ-WYZ`-~\\]"  # two characters, some with a character set between
)
_UNFINISHED = re.compile(r"(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*|\x1b[\]PX^_][^\x07\x1b]*\x1b?|\x1b[ -/]*)\Z")


class PlainText:
    """Bytes in, readable text out: UTF-8 decoded as it comes, damaged bytes replaced, terminal sequences dropped."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, data: bytes) -> str:
        """The text that is complete now."""
        text = self._held + self._decoder.decode(data)
        self._held = ""
        if "\x1b" not in text and "\x9b" not in text:
            return text
        # Before anything is dropped: what stands before a dropped sequence must not look as if it were still to end.
        unfinished = _UNFINISHED.search(text, max(0, len(text) - SEQUENCE_CHARS))
        if unfinished:
            self._held = unfinished.group()
            text = text[: unfinished.start()]
        return _without_escapes(_SEQUENCE.sub("", text))

    def finish(self) -> str:
        """What was held back for a sequence or a character that never came to its end."""
        rest = self._decoder.decode(b"", final=True)
        self._held, held = "", self._held
        return _without_escapes(_SEQUENCE.sub("", held + rest)) if rest else ""


def _without_escapes(text: str) -> str:
    """Drop the escapes of sequences that are none."""
    return text.replace("\x1b", "").replace("\x9b", "")


class Tail(asyncio.Protocol):
    """Reads a pipe to its end, always, and keeps only the last of it."""

    def __init__(self, limit: int = TAIL_BYTES) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._kept = bytearray()

    def data_received(self, data: bytes) -> None:
        """Keep the end of what there is."""
        self._kept += data[-self._limit :]
        if len(self._kept) > self._limit:
            del self._kept[: len(self._kept) - self._limit]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The last holder of the pipe has gone, or we have let go."""
        if not self.ended.done():
            self.ended.set_result(None)

    def text(self) -> str:
        """What is kept, readable."""
        plain = PlainText()
        return plain.feed(bytes(self._kept)) + plain.finish()


class Output(asyncio.Protocol):
    """Standard output on its way to one reader: the child waits while the reader is behind, and is cut at its limit.

    Attributes:
        capped: More came than is allowed.
    """

    def __init__(self, limit: int, on_capped: Callable[[], None]) -> None:
        self.capped = False
        self._limit = limit
        self._on_capped = on_capped
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._received = 0
        self._changed = asyncio.Event()
        self._ended = False
        self._unguarded = False
        self._discarding = False
        self._transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep hold of what can be paused."""
        assert isinstance(transport, asyncio.ReadTransport)  # noqa: S101 - what connect_read_pipe makes
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep what fits, and let the child wait if the reader is behind."""
        if self.capped:
            return
        part = data[: self._limit - self._received]
        self._received += len(part)
        if not self._discarding and part:
            self._chunks.append(part)
            self._buffered += len(part)
        if len(part) < len(data):
            self.capped = True
            self._on_capped()
        elif self._buffered >= BUFFER_BYTES and self._transport:
            self._transport.pause_reading()
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The last holder of the pipe has gone, or we have let go."""
        self._ended = True
        self._changed.set()

    def guard_gone(self) -> None:
        """From now on silence is the end: whoever still holds the pipe is nobody's child."""
        self._unguarded = True
        self._changed.set()

    async def read(self) -> bytes:
        """The next bytes, empty at the end. What was received is never lost to a cancellation."""
        while not self._chunks:
            if self._ended or self.capped:
                return b""
            self._changed.clear()
            try:
                async with asyncio.timeout(QUIET_S if self._unguarded else None):
                    await self._changed.wait()
            except TimeoutError:
                return b""
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk)
        self._resume()
        return chunk

    def discard(self) -> None:
        """Nobody reads (any more): throw away what comes, so that the child can go on."""
        self._discarding = True
        self._chunks.clear()
        self._buffered = 0
        self._resume()

    def _resume(self) -> None:
        if self._transport and self._buffered < BUFFER_BYTES and not self._transport.is_closing():
            self._transport.resume_reading()
