"""The answer's way to standard output: readers that are slow, that leave, that never take anything."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from oxide_desktop.fronts.cli.answer import AnswerWriter

LIMIT_S = 20.0
MORE_THAN_A_PIPE_HOLDS = 4 * 1024 * 1024


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield reading, stream


def read_to_the_end(reading: int, size: int) -> bytes:
    taken = b""
    while len(taken) < size:
        taken += os.read(reading, 65536)
    return taken


async def test_a_slow_reader_stops_nothing_and_gets_everything(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    async with asyncio.timeout(LIMIT_S):
        writer = AnswerWriter(stream)
        for _ in range(64):
            writer.write("x" * (MORE_THAN_A_PIPE_HOLDS // 64))  # would block here, if it blocked at all
        await writer.finish(0.01)
        assert not writer.broken.done()
        taken = await asyncio.to_thread(read_to_the_end, reading, MORE_THAN_A_PIPE_HOLDS + 1)
    assert taken == b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n"
    os.close(reading)


async def test_a_pipe_that_somebody_made_non_blocking_gets_everything_too(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    async with asyncio.timeout(LIMIT_S):
        writer = AnswerWriter(stream)
        writer.write("y" * MORE_THAN_A_PIPE_HOLDS)
        taken = await asyncio.to_thread(read_to_the_end, reading, MORE_THAN_A_PIPE_HOLDS)
        await writer.finish(None)
    assert len(taken) == MORE_THAN_A_PIPE_HOLDS
    os.close(reading)


async def test_a_reader_that_leaves_is_told_and_waited_for_no_more(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.close(reading)
    async with asyncio.timeout(LIMIT_S):
        writer = AnswerWriter(stream)
        writer.write("to nobody")
        lost = await writer.broken
        await writer.finish(None)
    assert lost.errno == errno.EPIPE


async def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123, ASYNC230 - a device
        async with asyncio.timeout(LIMIT_S):
            writer = AnswerWriter(stream)
            writer.write("too much")
            lost = await writer.broken
    assert lost.errno == errno.ENOSPC


async def test_a_pipe_gets_every_byte_and_a_terminal_only_text() -> None:
    text = "caf\u00e9 \x1b[31mred\x1b[0m\x07"
    reading, writing = os.pipe()
    ours, theirs = pty.openpty()
    shown = []
    for descriptor, source in ((writing, reading), (theirs, ours)):
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            async with asyncio.timeout(LIMIT_S):
                writer = AnswerWriter(stream)
                for character in text:
                    writer.write(character)
                await writer.finish(None)
            shown.append(os.read(source, 1000))
        os.close(source)
    assert shown == [f"{text}\n".encode(), "caf\u00e9 red\r\n".encode()]


async def test_a_writer_whose_loop_has_gone_ends_quietly(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe

    async def leave_early() -> None:
        AnswerWriter(stream).write("z" * MORE_THAN_A_PIPE_HOLDS)

    before = threading.enumerate()
    await asyncio.to_thread(asyncio.run, leave_early())
    (writer,) = (thread for thread in threading.enumerate() if thread.name == "answer" and thread not in before)
    assert writer.is_alive()
    os.close(reading)
    await asyncio.to_thread(writer.join, LIMIT_S)
    assert not writer.is_alive()
