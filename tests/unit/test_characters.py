"""Text in pieces becomes whole characters, wherever it was cut."""

from hypothesis import given
from hypothesis import strategies as st

from oxide_desktop.core.characters import WholeCharacters, joined

SMILE = "\N{GRINNING FACE}"
FIRST, SECOND = "\ud83d", "\ude00"


def shown(*pieces: str) -> list[str]:
    characters = WholeCharacters()
    return [*map(characters.feed, pieces), characters.rest()]


def test_a_character_cut_in_two_is_joined():
    assert shown("a" + FIRST, SECOND + "b") == ["a", SMILE + "b", ""]
    assert shown(FIRST + SECOND) == [SMILE, ""]
    assert joined(FIRST + SECOND) == SMILE


def test_half_a_character_is_replaced():
    assert shown("a" + FIRST, "b") == ["a", "\ufffdb", ""]
    assert shown(SECOND + "b") == ["\ufffdb", ""]
    assert shown("a", FIRST) == ["a", "", "\ufffd"]


def test_an_empty_piece_changes_nothing():
    assert shown(FIRST, "", SECOND) == ["", "", SMILE, ""]


@given(st.lists(st.text(st.characters(codec=None), max_size=8), max_size=6))
def test_what_comes_out_can_be_encoded_and_loses_nothing_that_was_whole(pieces):
    whole = "".join(shown(*pieces))
    whole.encode()
    assert whole == joined("".join(pieces))


@given(st.text(max_size=20), st.integers(0, 40))
def test_wherever_a_text_is_cut_it_comes_out_as_it_was(text, at):
    halves = text.encode("utf-16-le")
    pieces = [part.decode("utf-16-le", "surrogatepass") for part in (halves[: at * 2], halves[at * 2 :])]
    assert "".join(shown(*pieces)) == text
