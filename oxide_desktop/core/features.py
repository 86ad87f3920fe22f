"""What can be seen in a prompt before anything is weighed: the request apart from what was pasted, cues, structure."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from oxide_desktop.core import lexicon

_HEAD_CHARS, _TAIL_CHARS = 4_000, 2_000
_MOST_TOKENS, _HEAD_TOKENS, _NEAR_TOKENS = 260, 14, 60
_SHORTEST_STEM, _LONGEST_PIECE, _MOST_RUNNING = 2, 6, 400
_ROLE_WEIGHT = 0.25

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE_LINE = re.compile(
    r"\s{4,}\S|\t\S|.*[;{}]\s*$|\s*(?:def|class|import|from|return|const|let|var|public|private|func|fn|#include)\b"
    r".*[(:;={<>.]|\s*</?\w+[^>]*>|\s*>>> |\s*\$ "
)
_TRACE = re.compile(
    r"Traceback \(most recent|^[ \t]{1,40}at .{3,200}[(:]\d*|^[ \t]{0,40}File \".{1,300}\", line \d+|"
    r"(?:\w(?:Error|Exception)|^Error)\b:|panic: |error\[E\d+\]|segmentation fault|: error:|exit code [1-9]",
    re.MULTILINE | re.IGNORECASE,
)
_DIFF = re.compile(r"^diff --git |^@@ .*@@|^--- a/|^\+\+\+ b/", re.MULTILINE)
_IDENTIFIER = re.compile(
    r"\b[a-z]{1,40}_[a-z_]{1,40}\b|\b[a-z]{1,40}[A-Z]\w{0,40}|\b[A-Z][a-z]{1,40}[A-Z]\w{0,40}|\w\(\)|`[^`\n]{1,80}`"
)
_PATH = re.compile(
    r"(?<!\w)@?[\w.*-]{1,80}/[\w./*-]{0,200}|(?<!\w)@[\w./*-]{1,200}|"
    r"\b[\w-]{1,80}\.(?:py|[jt]sx?|go|rs|java|c|cpp|h|rb|php|md|swift|kt|sql|css|html|json|ya?ml|toml|sh)\b"
)
_POINTED = re.compile(r"(?<!\w)@[\w./*-]{1,200}|(?<![\w.])[\w.*-]{1,80}/[\w./*-]{1,200}")
_FOLDER = re.compile(r"(?<![\w.])@?[\w.-]{1,40}/(?![\w*.])|@\.(?![\w/])|\*\*/")
# What stands within kana and is no letter: a dot between words, and the two marks of voiced sounds.
_WORD = re.compile(r"(?:[^\W_]|[\u3099\u309a\u30fb])+(?:'[^\W_]+)?")
_SUM = re.compile(r"\d\s{0,2}[-+*/^×÷]\s{0,2}\d")  # noqa: RUF001 - as people type it
_QUESTION_MARKS = "?？؟"  # noqa: RUF001 - as people type it
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "ı": "i", "đ": "d", "œ": "oe", "æ": "ae"})  # noqa: RUF001
_FIRST_UNSPACED, _LAST_UNSPACED = "\N{HIRAGANA LETTER SMALL A}", "\N{HANGUL SYLLABLE HIH}"  # kana, Han, Hangul
_LATIN_ENDS, _MORE_LATIN, _MORE_LATIN_ENDS = "\u024f", "\u1e00", "\u1eff"

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words of the lexicon that were found, what they speak for, and how much their place counts."""

    words: str
    weights: Weights
    place: float


@dataclass(frozen=True, slots=True)
class Features:
    """What was found.

    Attributes:
        length: Characters of the whole prompt.
        asked: Characters of the request without what was pasted.
        technical: How many words of software, names of code and paths it has.
        hard: Words that tell of a hard task, less those that tell of an easy one.
        steps: Lines of lists, each a thing to be done.
    """

    cues: tuple[Cue, ...]
    length: int
    asked: int
    technical: int
    hard: int
    steps: int
    identifiers: int
    paths: int
    folders: int
    is_question: bool
    is_sum: bool
    has_code: bool
    has_trace: bool
    has_diff: bool


def look_at(prompt: str) -> Features:
    """Find the features of a prompt; of a very long one its beginning and end are enough."""
    text = prompt if len(prompt) <= _HEAD_CHARS + _TAIL_CHARS else f"{prompt[:_HEAD_CHARS]}\n{prompt[-_TAIL_CHARS:]}"
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = _FENCE.sub("\n", text)
    lines = [line for line in plain.splitlines() if line.strip()]
    asked = [line for line in lines if not _CODE_LINE.match(line) and not _TRACE.search(line)] or lines
    request = "\n".join(asked).strip()
    cues = tuple(_cues(*_words([_POINTED.sub(" ", line) for line in asked])))
    paths = set(_PATH.findall(plain))
    names = set(_IDENTIFIER.findall(_PATH.sub(" ", request)))
    return Features(
        cues=cues,
        length=len(prompt),
        asked=len(request),
        technical=_count(cues, "technical") + len(paths) + len(names),
        hard=_count(cues, "hard") - _count(cues, "easy"),
        steps=sum(1 for line in asked if re.match(r"\s*(?:[-*]|\d+[.)])\s", line)),
        identifiers=len(names),
        paths=len(paths),
        folders=len(set(_FOLDER.findall(plain))),
        is_question=request[-1:] in _QUESTION_MARKS and bool(request),
        is_sum=bool(_SUM.search(request)),
        has_code="```" in text or len(lines) - len(asked) > 1,
        has_trace=bool(_TRACE.search(text)),
        has_diff=bool(_DIFF.search(text)),
    )


Placed = list[tuple[str, float]]


def _words(lines: Sequence[str]) -> tuple[Placed, Placed]:
    """Words as cues are written, and runs of scripts that put no spaces between words, each with its line's weight."""
    words: Placed = []
    running: Placed = []
    for line in lines:
        lowered = line.lower()
        weight = _ROLE_WEIGHT if lowered.lstrip("*#_-> ").startswith(lexicon.ROLES) else 1.0
        found = [part for word in _WORD.findall(lowered) for part in _parts(word)]
        words += [(_folded(word), weight) for word in found if word[0] < _FIRST_UNSPACED]
        if run := "".join(word for word in found if word[0] >= _FIRST_UNSPACED):
            running.append((run, weight))
    half = _MOST_TOKENS // 2
    words = words if len(words) <= _MOST_TOKENS else words[:half] + words[-half:]
    placed = [(word, weight * place) for (word, weight), place in zip(words, _places(len(words)), strict=True)]
    return placed, running


def _parts(word: str) -> Iterator[str]:
    """Its runs with and without spaces between words; a class of so many characters would take 5 ms to compile."""
    if word.isascii():
        yield word
        return
    for _, run in itertools.groupby(word, lambda char: _FIRST_UNSPACED <= char <= _LAST_UNSPACED):
        if part := "".join(run).strip("'"):
            yield part


def _places(count: int) -> Iterator[float]:
    """How much a word counts by its place: the beginning most, the end more than the middle."""
    for index in range(count):
        near = index < _NEAR_TOKENS or index >= count - _NEAR_TOKENS // 2
        yield 1.3 if index < _HEAD_TOKENS else 1.0 if near else 0.5


def _folded(word: str) -> str:
    """Without accents, as cues are written."""
    if word.isascii():
        return word
    highest = max(word)
    if highest > _LATIN_ENDS and not _MORE_LATIN <= highest <= _MORE_LATIN_ENDS:
        return word
    parts = unicodedata.normalize("NFKD", word.translate(_PLAIN_LETTERS))
    return "".join(char for char in parts if not unicodedata.combining(char))


@dataclass(frozen=True, slots=True)
class Table:
    """Cues by how they are looked up.

    Attributes:
        exact: Whole words.
        stems: Beginnings of words.
        phrases: By their first word: the others, each with whether it is a beginning only.
        pieces: Found anywhere in running text.
    """

    exact: Mapping[str, Weights]
    stems: Mapping[str, Weights]
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], bool, Weights]]]
    pieces: Mapping[str, Weights]

    @classmethod
    def build(cls, entries: Mapping[str, Weights]) -> Table:
        """From cues as the lexicon writes them."""
        exact: dict[str, Weights] = {}
        stems: dict[str, Weights] = {}
        phrases: dict[str, list[tuple[tuple[str, ...], bool, Weights]]] = {}
        pieces: dict[str, Weights] = {}
        for cue, weights in entries.items():
            plain = cue.rstrip("*")
            if cue[0] >= _FIRST_UNSPACED:
                pieces[plain.replace("_", "")] = weights
            elif "_" in cue:
                first, *others = plain.split("_")
                phrases.setdefault(first, []).append((tuple(others), cue.endswith("*"), weights))
            elif cue.endswith("*"):
                stems[plain] = weights
            else:
                exact[plain] = weights
        return cls(exact, stems, phrases, pieces)

    def of_words(self, words: Placed) -> Iterator[Cue]:
        """The cues among words."""
        for index, (word, place) in enumerate(words):
            if weights := self.exact.get(word):
                yield Cue(word, weights, place)
            for end in range(_SHORTEST_STEM, len(word) + 1):
                if weights := self.stems.get(word[:end]):
                    yield Cue(word, weights, place)
            for others, beginning, weights in self.phrases.get(word, ()):
                found = tuple(item for item, _ in words[index + 1 : index + 1 + len(others)])
                if found == others or (beginning and _begins(found, others)):
                    yield Cue(" ".join((word, *found)), weights, place)

    def of_running(self, run: str, place: float) -> Iterator[Cue]:
        """The cues within a run of text."""
        for start in range(len(run)):
            for end in range(start + 1, min(start + _LONGEST_PIECE, len(run)) + 1):
                if weights := self.pieces.get(run[start:end]):
                    yield Cue(run[start:end], weights, place)


def _begins(found: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return len(found) == len(others) and found[:-1] == others[:-1] and found[-1].startswith(others[-1])


@cache
def _table() -> Table:
    entries: dict[str, Weights] = {}
    for name, by_weight in lexicon.CUES.items():
        for weight, cues in by_weight.items():
            for cue in cues.split():
                entries[cue] = (*entries.get(cue, ()), (name, weight))
    return Table.build(entries)


def _cues(words: Placed, running: Placed) -> Iterator[Cue]:
    yield from _table().of_words(words)
    room = _MOST_RUNNING
    for run, place in running:
        yield from _table().of_running(run[:room], place)
        room = max(0, room - len(run))


def _count(cues: Sequence[Cue], subject: str) -> int:
    """How many different cues there are for what is not a type."""
    return len({cue.words for cue in cues for name, _ in cue.weights if name == subject})
