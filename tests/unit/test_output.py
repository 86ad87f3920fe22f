"""Output of children: decoding, terminal sequences, bounds."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide_desktop.runtime.output import Output, PlainText, Tail


def in_pieces(data: bytes, size: int) -> str:
    plain = PlainText()
    pieces = [plain.feed(data[start : start + size]) for start in range(0, len(data), size)]
    return "".join(pieces) + plain.finish()


SEQUENCES = {
    "colour": "\x1b[1;31m",
    "reset": "\x1b[m",
    "cursor": "\x1b[2K\x1b[1G\x1b[?25l",
    "link": "\x1b]8;;https://example.org\x1b\\",
    "title": "\x1b]0;working…\x07",
    "device string": "\x1bP1$r0m\x1b\\",
    "character set": "\x1b(B",
    "save cursor": "\x1b7",
    "eight-bit": "\x9b31m",
    "keypad": "\x1b=",
}


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_sequences_go_wherever_they_are_cut(sequence, size):
    assert in_pieces(f"a{sequence}b".encode(), size) == "ab"


@given(st.text(), st.integers(1, 7))
def test_text_without_escapes_comes_through_as_it_is(text, size):
    text = text.replace("\x1b", "").replace("\x9b", "")
    assert in_pieces(text.encode(), size) == text


def test_a_sequence_that_breaks_off_before_another_one_is_cut_the_same_way_everywhere():
    data = b"\x1b/\x1b0"
    assert in_pieces(data, 1) == in_pieces(data, 9) == "/"


@given(st.lists(st.one_of(st.text(), st.sampled_from(sorted(SEQUENCES.values())), st.just("\x1b"))), st.integers(1, 9))
def test_how_output_is_cut_does_not_change_what_is_read(parts, size):
    data = "".join(parts).encode()
    assert in_pieces(data, size) == in_pieces(data, len(data) + 1)


@given(st.lists(st.one_of(st.text(), st.sampled_from(sorted(SEQUENCES.values())), st.just("\x1b"))))
def test_no_escape_is_ever_left(parts):
    assert "\x1b" not in in_pieces("".join(parts).encode(), 5)


def test_line_ends_are_left_alone():
    assert in_pieces(b"a\r\nb\rc\n", 1) == "a\r\nb\rc\n"


def test_bytes_that_are_no_text_are_replaced_and_the_rest_kept():
    assert in_pieces(b"a\xff\xfeb\xf0\x9f\x98", 1) == "a��b�"


def test_a_character_that_never_comes_to_its_end_is_one_replacement():
    assert in_pieces("é".encode()[:1], 1) == "�"


def test_an_unfinished_sequence_is_dropped_at_the_end():
    assert in_pieces(b"done\x1b[3", 2) == "done"


def test_a_sequence_without_end_does_not_swallow_the_output():
    plain = PlainText()
    text = plain.feed(b"\x1b]0;") + "".join(plain.feed(b"x" * 1000) for _ in range(100)) + plain.finish()
    assert text.count("x") > 90_000
    assert "\x1b" not in text


async def test_a_tail_keeps_the_end():
    tail = Tail(limit=10)
    for part in (b"0123", b"456789ab", b"", b"c" * 3):
        tail.data_received(part)
    assert tail.text() == "6789abccc"[-10:] or len(tail.text()) == 10
    tail.data_received(b"z" * 50)
    assert tail.text() == "z" * 10


async def test_a_tail_has_ended_once_its_pipe_is_lost():
    tail = Tail()
    assert not tail.ended.done()
    tail.connection_lost(None)
    tail.connection_lost(None)
    assert tail.ended.done()


async def test_output_ends_after_what_was_received():
    output = Output(100, lambda: None)
    output.data_received(b"last")
    output.connection_lost(None)
    assert await output.read() == b"last"
    assert await output.read() == b""
    assert await output.read() == b""


async def test_output_is_cut_at_its_limit_and_says_so_once():
    told = []
    output = Output(5, lambda: told.append("capped"))
    for part in (b"123", b"456", b"789"):
        output.data_received(part)
    assert [await output.read() for _ in range(3)] == [b"123", b"45", b""]
    assert told == ["capped"]
    assert output.capped


async def test_what_arrives_while_a_read_is_cancelled_is_not_lost():
    output = Output(100, lambda: None)
    reading = asyncio.create_task(output.read())
    await asyncio.sleep(0)
    output.data_received(b"kept")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await output.read() == b"kept"


async def test_a_silent_pipe_without_a_guard_counts_as_ended():
    output = Output(100, lambda: None)
    output.data_received(b"last")
    output.guard_gone()
    assert await output.read() == b"last"
    async with asyncio.timeout(60):
        assert await output.read() == b""


async def test_what_nobody_reads_is_thrown_away_and_still_counted():
    told = []
    output = Output(5, lambda: told.append("capped"))
    output.discard()
    output.data_received(b"123456")
    output.connection_lost(None)
    assert told == ["capped"]
    assert await output.read() == b""
