from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide_desktop.adapters.lines import LineSplitter, LineTooLongError


@given(st.text(st.characters(exclude_characters="\r\n")), st.lists(st.integers(1, 7)))
def test_lines_are_the_same_however_the_bytes_are_cut(text: str, cuts: list[int]) -> None:
    wanted = [text, "", text + "é漢🦀", "last"]
    data = "\n".join(wanted).encode("utf-8", "replace")
    splitter, found = LineSplitter(), []
    for size in [*cuts, len(data)]:
        found += splitter.feed(data[:size])
        data = data[size:]
    assert [*found, splitter.rest()] == [line.encode("utf-8", "replace").decode() for line in wanted]


def test_both_kinds_of_line_ends_are_understood() -> None:
    assert LineSplitter().feed(b"one\r\ntwo\n\r\n") == ["one", "two", ""]


def test_damaged_bytes_become_marks_and_lose_nothing_else() -> None:
    assert LineSplitter().feed(b"a\xffb\n") == ["a\N{REPLACEMENT CHARACTER}b"]


def test_a_line_over_the_bound_is_refused_before_it_ends() -> None:
    splitter = LineSplitter(longest_bytes=10)
    assert splitter.feed(b"12345\n67890") == ["12345"]
    with pytest.raises(LineTooLongError):
        splitter.feed(b"123456")
