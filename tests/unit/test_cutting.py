from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oxide_desktop.core.cutting import LEAST_SHARE, cut_to, fair_shares, fenced, is_log, joined
from oxide_desktop.core.tokens import answer_room, estimate_tokens


def test_small_files_stay_whole_and_the_largest_is_cut_first():
    assert fair_shares([100, 5000, 200], 1000) == [100, 700, 200]
    assert fair_shares([5000, 5000], 1000) == [500, 500]


def test_where_not_even_a_bit_of_each_fits_the_largest_go():
    assert fair_shares([5000, 6000, 7000], 2 * LEAST_SHARE) == [LEAST_SHARE, LEAST_SHARE, 0]
    assert fair_shares([5000], 10) == [0]


@given(some.lists(some.integers(1, 5000), max_size=40), some.integers(0, 20_000))
def test_shares_never_exceed_the_room_or_the_need(needs, room):
    shares = fair_shares(needs, room)
    assert sum(shares) <= room
    assert all(0 <= share <= need for share, need in zip(shares, needs, strict=True))
    if sum(needs) <= room:
        assert shares == needs


def test_a_cut_is_at_the_end_of_a_line_and_can_be_seen():
    text = "".join(f"line {number}\n" for number in range(2000))
    cut = cut_to(text, 200)
    kept = int(re.search(r"first (\d+) of 2,000 lines", cut.kept)[1])
    assert cut.text == "".join(f"line {number}\n" for number in range(kept)) + f"[… {2000 - kept:,} lines left out …]\n"
    assert estimate_tokens(cut.text) <= 200


def test_one_long_line_is_cut_within():
    cut = cut_to("é" * 10_000, 200)
    assert cut.text.endswith("characters left out …]\n")
    assert "of 10,000 characters" in cut.kept


def test_the_last_line_counts_without_a_line_end():
    assert "of 3 lines" in cut_to("a\nb\n" + "c" * 9000, 100).kept
    clipped = cut_to("a\nb\n" + "c" * 9000, 100, more=True)
    assert "of more than 3 lines" in clipped.kept
    assert "[… more than 1 lines left out …]" in clipped.text


def test_a_cut_can_keep_both_ends():
    lines = [f"line {number}\n" for number in range(2000)]
    cut = cut_to("".join(lines), 200, ends=True)
    first, last = map(int, re.fullmatch(r"its first (\d+) and last (\d+) of 2,000 lines", cut.kept).groups())
    mark = f"[… {2000 - first - last:,} lines left out …]\n"
    assert cut.text == "".join(lines[:first]) + mark + "".join(lines[-last:])
    assert min(first, last) > 20
    assert estimate_tokens(cut.text) <= 200


def test_where_the_ends_are_no_whole_lines_only_the_beginning_is_kept():
    for text in ("a\n" + "b" * 9000, "b" * 9000 + "\na\n"):
        assert cut_to(text, 100, ends=True) == cut_to(text, 100)


@given(some.text(alphabet="ab\né", min_size=400, max_size=3000), some.integers(64, 110))
def test_ends_and_what_was_left_out_are_the_whole(text, tokens):
    cut = cut_to(text, tokens, ends=True)
    if found := re.fullmatch(r"its first (\d+) and last (\d+) of (\d+) lines", cut.kept):
        first, last, total = map(int, found.groups())
        lines = re.findall(r"[^\n]*\n|[^\n]+\Z", text)
        assert len(lines) == total
        assert cut.text == "".join((*lines[:first], f"[… {total - first - last} lines left out …]\n", *lines[-last:]))


@pytest.mark.parametrize(
    ("path", "text", "log"),
    [
        ("a/run.log", "", True),
        ("run.LOG.2", "", True),
        ("out.txt", "2026-01-02T03:04:05Z INFO x\n" * 9, True),
        ("out.txt", "[03:04:05.123] x\n    at y\n" * 9, True),
        ("syslog", "Jan  2 03:04:05 host x[1]: y\n" * 9, True),
        ("blog.md", "# At 03:04:05 it began\n" * 9, False),
        ("days.csv", "2026-01-02 03:04:05,x\n", False),
        ("a.py", "", False),
    ],
)
def test_a_log_is_known_by_its_name_or_its_times(path, text, log):
    assert is_log(path, text) is log


@given(some.text(min_size=1, max_size=3000), some.integers(64, 500), some.booleans())
def test_a_cut_text_is_never_longer_than_its_share(text, tokens, ends):
    assert estimate_tokens(cut_to(text, tokens, ends=ends).text) <= tokens


@given(some.text(alphabet="`a\n", max_size=60))
def test_no_content_breaks_out_of_its_fence(text):
    lines = fenced("x.md", text).splitlines()
    fence = lines[1]
    assert lines[0] == "File: x.md"
    assert lines[-1] == fence
    assert set(fence) == {"`"}
    assert not any(fence in line for line in lines[2:-1])


def test_a_file_is_shown_with_its_path_and_its_own_last_line():
    assert fenced("a.py", "x = 1") == "File: a.py\n```\nx = 1\n```\n"
    assert fenced("a.py", "") == "File: a.py\n```\n```\n"


def test_without_files_a_prompt_is_what_was_typed():
    assert joined("  hi \n\n", []) == "  hi \n\n"
    assert joined("hi\n", ["A", "B"]) == "hi\n\nA\nB"


def test_an_answer_takes_no_more_than_a_quarter_of_a_window():
    assert answer_room(100_000) == 2048
    assert answer_room(2048) == 512
