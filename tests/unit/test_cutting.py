from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as some

from oxide_desktop.core.cutting import LEAST_SHARE, cut_to, fair_shares, fenced, joined
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


@given(some.text(min_size=1, max_size=3000), some.integers(64, 500))
def test_a_cut_text_is_never_longer_than_its_share(text, tokens):
    assert estimate_tokens(cut_to(text, tokens).text) <= tokens


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
