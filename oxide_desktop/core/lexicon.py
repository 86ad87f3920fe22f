"""The ideas that words stand for, in twenty languages: looked up by word, by its beginning, or inside running text."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

_IDEAS_FILE = Path(__file__).with_name("ideas.txt")
_SHORTEST_STEM, _LONGEST_STEM, _LONGEST_PIECE = 2, 14, 7
_FIRST_UNSPACED, _LAST_UNSPACED = "\N{HIRAGANA LETTER SMALL A}", "\N{HANGUL SYLLABLE HIH}"  # kana, Han, Hangul
# What stands within a word and is no letter: two marks of voiced sounds, a dot, and the vowels of Devanagari.
_MARKS = "\u3099\u309a\u30fb\u0900-\u0963"
_WORD = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:['\-+#.](?:[^\W_]|[{_MARKS}])+)*[+#]*")
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "ı": "i", "đ": "d", "œ": "oe", "æ": "ae"})  # noqa: RUF001
_LATIN_ENDS, _MORE_LATIN, _MORE_LATIN_ENDS = "\u024f", "\u1e00", "\u1eff"

Ideas = tuple[str, ...]
Phrase = tuple[Ideas, bool, str]  # its other words, whether the last is a beginning only, and the idea


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
    table = _table()
    words = list(_words(line.lower()))
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


@dataclass(slots=True)
class Table:
    """Ideas by how their words are looked up.

    Attributes:
        exact: Whole words.
        stems: Beginnings of words.
        phrases: By their first word: the others, whether the last is a beginning only, and the idea.
        pieces: Found anywhere in running text.
        firsts: What pieces begin with.
    """

    exact: dict[str, Ideas] = field(default_factory=dict)
    stems: dict[str, Ideas] = field(default_factory=dict)
    phrases: dict[str, list[Phrase]] = field(default_factory=dict)
    pieces: dict[str, Ideas] = field(default_factory=dict)
    firsts: set[str] = field(default_factory=set)

    def learn(self, idea: str, entry: str) -> None:
        """One entry of the list: `word`, `stem*`, `some_phrase` or `some_phra*`."""
        is_stem = entry.endswith("*")
        parts = [part for part in entry.rstrip("*").split("_") if part]
        if parts[0][0] >= _FIRST_UNSPACED:
            piece = "".join(parts)
            _note(self.pieces, piece, idea)
            self.firsts.add(piece[0])
            return
        first, *others = (_folded(part) for part in parts)
        if others:
            self.phrases.setdefault(first, []).append((tuple(others), is_stem, idea))
        else:
            _note(self.stems if is_stem else self.exact, first, idea)

    def at(self, words: Sequence[str], index: int) -> Ideas:
        """The ideas of a word and of the phrases that begin with it."""
        word = words[index]
        ideas = _of_word(word)
        phrases = self.phrases.get(word)
        return ideas if phrases is None else tuple(dict.fromkeys((*ideas, *_of_phrases(phrases, words, index + 1))))

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


def _of_phrases(phrases: Sequence[Phrase], words: Sequence[str], start: int) -> Iterator[str]:
    following = words[start] if start < len(words) else ""
    for others, is_stem, idea in phrases:
        if not following.startswith(others[0]):
            continue
        here = tuple(words[start : start + len(others)])
        if here == others or (is_stem and here[:-1] == others[:-1] and here[-1].startswith(others[-1])):
            yield idea


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


@lru_cache(maxsize=4096)
def _of_word(word: str) -> Ideas:
    return _table().of_word(word)
