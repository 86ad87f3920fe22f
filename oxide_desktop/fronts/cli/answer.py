"""The answer on standard output, written beside the loop: a slow reader must not stop the engine's clocks."""

from __future__ import annotations

import asyncio
import queue
import select
import threading
from typing import Any, BinaryIO, TextIO

from oxide_desktop.fronts.cli.output import is_terminal
from oxide_desktop.fronts.cli.text import StreamCleaner


class AnswerWriter:
    """Writes pieces of text in order; on a terminal without control sequences, in a pipe byte for byte.

    An answer that does not end its last line has that ended, so that the next thing written begins one.

    Attributes:
        broken: Holds the error once writing has failed; nothing more will be written.
    """

    def __init__(self, stdout: TextIO) -> None:
        self._loop = asyncio.get_running_loop()
        self._cleaner = StreamCleaner() if is_terminal(stdout) else None
        self._last = "\n"
        self._pieces: queue.SimpleQueue[bytes | asyncio.Future[None]] = queue.SimpleQueue()
        self.broken: asyncio.Future[OSError] = self._loop.create_future()
        stdout.flush()
        # A daemon, on the raw stream: a reader that never reads again cannot keep the program from ending.
        threading.Thread(target=self._write_all, args=(_raw(stdout),), daemon=True, name="answer").start()

    def write(self, piece: str) -> None:
        """Add a piece; returns at once."""
        text = self._cleaner.feed(piece) if self._cleaner else piece
        self._put(text)

    async def finish(self, limit_s: float | None) -> None:
        """Wait until all is written or writing has failed.

        A reader may take its time: without a limit it is waited for, until somebody cancels the wait.
        """
        if self._cleaner:
            self._put(self._cleaner.rest())
        if self._last != "\n":
            self._put("\n")
        written: asyncio.Future[None] = self._loop.create_future()
        self._pieces.put(written)
        either: list[asyncio.Future[Any]] = [written, self.broken]
        await asyncio.wait(either, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)

    def _put(self, text: str) -> None:
        if text:
            self._last = text[-1]
            self._pieces.put(text.encode("utf-8", "replace"))

    # -- in the thread -----------------------------------------------------------------------------

    def _write_all(self, stream: BinaryIO) -> None:
        while True:
            piece = self._pieces.get()
            if isinstance(piece, asyncio.Future):
                self._tell(piece, None)
                return
            try:
                _write(stream, piece)
            except OSError as error:  # the reader has gone, or the disk is full: nobody gets the rest
                self._tell(self.broken, error)
                return

    def _tell(self, future: asyncio.Future[Any], result: OSError | None) -> None:
        try:
            self._loop.call_soon_threadsafe(future.set_result, result)
        except RuntimeError:
            return  # the loop has closed, so nobody waits any more


def _raw(stream: TextIO) -> BinaryIO:
    raw: BinaryIO = getattr(stream.buffer, "raw", stream.buffer)
    return raw


def _write(stream: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        count: int | None = stream.write(view)
        if count is None:  # the pipe is full, and whoever started us made it non-blocking
            select.select([], [stream], [])
            continue
        view = view[count:]
