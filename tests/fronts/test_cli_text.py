"""Text on a terminal: widths, cutting, wrapping, and control sequences of others."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide_desktop.fronts.cli.text import StreamCleaner, clean, cut, one_line, width, wrap

ATTACKS = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b]0;new title\x07text", "text"),
    ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1b[2J\x1b[Hhome", "home"),
    ("\x9b31mred", "red"),
    ("\x9d0;title\x9ctext", "text"),
    ("\x1bPq device control \x1b\\text", "text"),
    ("\x1bcreset", "reset"),
    ("\x1b(0lines", "lines"),
    ("over\rwritten\b\x7f\x00", "overwritten"),
]


@pytest.mark.parametrize(("text", "shown"), ATTACKS)
def test_control_sequences_do_not_reach_the_screen(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_newlines_and_tabs_stay() -> None:
    assert clean("a\tb\nc") == "a\tb\nc"


def test_one_line_has_no_line_breaks() -> None:
    assert one_line("first\n  second\tthird\x1b[1m") == "first second third"


@pytest.mark.parametrize(("text", "shown"), ATTACKS)
def test_a_sequence_cut_anywhere_is_still_recognised(text: str, shown: str) -> None:
    for place in range(len(text) + 1):
        cleaner = StreamCleaner()
        assert cleaner.feed(text[:place]) + cleaner.feed(text[place:]) + cleaner.rest() == shown


@given(st.text(alphabet="ab\x1b[]0;m\x07\\\x9b\x9d\x9c\n", max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_no_way_of_cutting_lets_a_control_character_through(text: str, places: list[int]) -> None:
    cleaner = StreamCleaner()
    bounds = [0, *sorted(places), len(text)]
    shown = "".join(cleaner.feed(text[start:end]) for start, end in itertools.pairwise(bounds))
    shown += cleaner.rest()
    assert all(character == "\n" or character.isprintable() for character in shown)


def test_a_sequence_that_never_ends_holds_nothing_back_for_ever() -> None:
    cleaner = StreamCleaner()
    shown = cleaner.feed("\x1b]" + "x" * 5000) + cleaner.feed("and more")
    assert shown.endswith("xxand more")
    assert cleaner.rest() == ""


def test_wide_characters_count_twice_and_combining_marks_not_at_all() -> None:
    assert width("ok") == 2
    assert width("日本") == 4
    assert width("é") == 1


def test_a_cut_text_fits_and_says_that_it_was_cut() -> None:
    assert cut("short", 10) == "short"
    assert cut("a long sentence", 7) == "a long…"
    assert cut("日本語日本語", 5) == "日本…"
    assert width(cut("日本語日本語", 6)) <= 6


def test_wrapped_lines_fit_and_lose_no_word() -> None:
    text = "The service is not installed here. " * 5
    lines = wrap(text, 40, indent="  ")
    assert all(width(line) <= 40 and line.startswith("  ") for line in lines)
    assert " ".join(" ".join(lines).split()) == text.strip()


def test_nothing_wraps_to_one_empty_line() -> None:
    assert wrap("", 40) == [""]
