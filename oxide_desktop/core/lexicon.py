"""The ideas that words stand for, in twenty languages: looked up by word, by its beginning, or inside running text."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

_IDEAS_FILE = Path(__file__).with_name("ideas.txt")
_SHORTEST_STEM, _LONGEST_STEM, _LONGEST_PIECE = 2, 16, 9
_FIRST_UNSPACED, _LAST_UNSPACED = "\N{IDEOGRAPHIC ITERATION MARK}", "\N{HANGUL SYLLABLE HIH}"  # kana, Han, Hangul
# What stands within a word and is no letter: two marks of voiced sounds, a dot, and the vowels of Devanagari.
_MARKS = "\u3099\u309a\u30fb\u0900-\u0963"
_WORD = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:['\-+#.](?:[^\W_]|[{_MARKS}])+)*[+#]*")
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "ı": "i", "đ": "d", "œ": "oe", "æ": "ae"})  # noqa: RUF001
_LATIN_ENDS, _MORE_LATIN, _MORE_LATIN_ENDS = "\u024f", "\u1e00", "\u1eff"

Ideas = tuple[str, ...]
Phrase = tuple[tuple[str, ...], bool, str]  # its words but two, whether the last is only a beginning, and the idea


class Token(NamedTuple):
    """A word, or a piece of a script without spaces, with the ideas that begin there.

    Attributes:
        text: As it is weighed: small letters, Latin ones without accents.
        shown: As it was written, in small letters.
    """

    text: str
    ideas: Ideas
    shown: str
    running: bool = False


def tokens(line: str) -> list[Token]:
    """The words of a line."""
    table, lowered = _table(), line.replace("İ", "i").lower()  # else two characters, of which one is no letter
    if lowered.isascii():
        return table.plain(_WORD.findall(lowered))
    words = list(_words(_parted().sub(_joined, lowered)))
    folded = [word if running else _folded(word) for word, running in words]
    found: list[Token] = []
    for index, (word, running) in enumerate(words):
        if running:
            found += table.in_running(word)
        else:
            found.append(Token(folded[index], table.at(folded, index), word))
    return found


def _words(lowered: str) -> Iterator[tuple[str, bool]]:
    for word in _WORD.findall(lowered):
        if word.isascii():
            yield word, False
            continue
        for unspaced, run in itertools.groupby(word, _is_unspaced):
            if part := "".join(run).strip("'-.+#"):
                yield part, unspaced


def _is_unspaced(char: str) -> bool:
    return _FIRST_UNSPACED <= char <= _LAST_UNSPACED


def _folded(word: str) -> str:
    """Without accents, as words are looked up."""
    if word.isascii():
        return word
    highest = max(word)
    if highest > _LATIN_ENDS and not _MORE_LATIN <= highest <= _MORE_LATIN_ENDS:
        return word
    parts = unicodedata.normalize("NFKD", word.translate(_PLAIN_LETTERS))
    return "".join(char for char in parts if not unicodedata.combining(char))


class Phrases:
    """Those that begin with the same word, told apart when that word is met first."""

    def __init__(self, others: Iterable[tuple[str, str]]) -> None:
        """What follows the first word, as the list writes it, and the idea, for each."""
        self._by_second: dict[str, list[Phrase]] = {}
        self._openings: list[tuple[str, str]] = []  # of those with two words: what the second begins with, and the idea
        for written, idea in others:
            second, *rest = [word for word in written.rstrip("*").split("_") if word]
            is_stem = written[-1] == "*"
            if is_stem and not rest:
                self._openings.append((second, idea))
            else:
                self._by_second.setdefault(second, []).append((tuple(rest), is_stem, idea))

    def at(self, words: Sequence[str], index: int) -> Iterator[str]:
        """The ideas of those that go on like that."""
        second = words[index]
        for beginning, idea in self._openings:
            if second.startswith(beginning):
                yield idea
        for rest, is_stem, idea in self._by_second.get(second, ()):
            here = tuple(words[index + 1 : index + 1 + len(rest)])
            if here == rest or (is_stem and _begins_with(here, rest)):
                yield idea


@dataclass(slots=True)
class Table:
    """Ideas by how their words are looked up.

    Attributes:
        exact: Whole words.
        stems: Beginnings of words.
        phrases: By their first word: what follows it, as the list writes it, and the idea.
        pieces: Found anywhere in running text.
        firsts: What pieces begin with.
        parted: Pieces with a space in them, as Korean has them, with it.
    """

    exact: dict[str, Ideas] = field(default_factory=dict)
    stems: dict[str, Ideas] = field(default_factory=dict)
    phrases: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    pieces: dict[str, Ideas] = field(default_factory=dict)
    firsts: set[str] = field(default_factory=set)
    parted: set[str] = field(default_factory=set)

    def learn(self, idea: str, entry: str) -> None:
        """One entry of the list: `word`, `stem*`, `some_phrase` or `some_phra*`."""
        if entry[0] >= _FIRST_UNSPACED:
            written = entry.rstrip("*").strip("_").replace("_", " ")
            piece = written.replace(" ", "")
            _note(self.pieces, piece, idea)
            self.firsts.add(piece[0])
            if piece != written:
                self.parted.add(written)
            return
        first, _, others = (entry if entry.isascii() else _folded(entry)).partition("_")
        if others:
            self.phrases.setdefault(first, []).append((others, idea))
        elif first[-1] == "*":
            _note(self.stems, first[:-1], idea)
        else:
            _note(self.exact, first, idea)

    def plain(self, words: Sequence[str]) -> list[Token]:
        """Words that need no folding, of which most begin no phrase."""
        known, phrases = _of_word, self.phrases
        return [
            Token(word, self.at(words, index) if word in phrases else known(word), word)
            for index, word in enumerate(words)
        ]

    def at(self, words: Sequence[str], index: int) -> Ideas:
        """The ideas of a word and of the phrases that begin with it."""
        word = words[index]
        ideas = _of_word(word)
        if word not in self.phrases or index + 1 == len(words):
            return ideas
        found = [*ideas, *_phrases_of(word).at(words, index + 1)]
        return ideas if len(found) == len(ideas) else tuple(dict.fromkeys(found))

    def of_word(self, word: str) -> Ideas:
        """The ideas of a word and of its beginnings."""
        found = dict.fromkeys(self.exact.get(word, ()))
        for end in range(_SHORTEST_STEM, min(len(word), _LONGEST_STEM) + 1):
            if ideas := self.stems.get(word[:end]):
                found.update(dict.fromkeys(ideas))
        return tuple(found)

    def in_running(self, run: str) -> Iterator[Token]:
        """The longest pieces of a run that mean something, and what lies between them."""
        start = blank = 0
        while start < len(run):
            size = self._piece_at(run, start)
            if size:
                if blank < start:
                    yield Token(run[blank:start], (), run[blank:start], running=True)
                piece = run[start : start + size]
                yield Token(piece, self.pieces[piece], piece, running=True)
                blank = start + size
            start += size or 1
        if blank < len(run):
            yield Token(run[blank:], (), run[blank:], running=True)

    def _piece_at(self, run: str, start: int) -> int:
        if run[start] not in self.firsts:
            return 0
        sizes = range(min(_LONGEST_PIECE, len(run) - start), 0, -1)
        return next((size for size in sizes if run[start : start + size] in self.pieces), 0)


def _note(table: dict[str, Ideas], word: str, idea: str) -> None:
    known = table.get(word, ())
    if idea not in known:
        table[word] = (*known, idea)


def _begins_with(here: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether words are those, the last by its beginning."""
    return len(here) == len(rest) and here[:-1] == rest[:-1] and here[-1].startswith(rest[-1])


def read_ideas(text: str) -> Mapping[str, list[str]]:
    """The entries of each idea, as the list writes them."""
    lines = (line.partition(": ") for line in text.splitlines() if line and not line.startswith("#"))
    return {idea: words.split() for idea, _, words in lines}


@cache
def _table() -> Table:
    table = Table()
    for idea, entries in read_ideas(_IDEAS_FILE.read_text(encoding="utf-8")).items():
        for entry in entries:
            table.learn(idea, entry)
    return table


@cache
def _parted() -> re.Pattern[str]:
    """Pieces that may be written apart, where a word begins: "다시 한번" has no poem (시 한) in it."""
    return re.compile(rf"(?<![가-힣])(?:{'|'.join(map(re.escape, sorted(_table().parted)))})")


def _joined(found: re.Match[str]) -> str:
    return found[0].replace(" ", "")


@lru_cache(maxsize=4096)
def _of_word(word: str) -> Ideas:
    return _table().of_word(word)


@lru_cache(maxsize=4096)
def _phrases_of(word: str) -> Phrases:
    return Phrases(_table().phrases[word])
