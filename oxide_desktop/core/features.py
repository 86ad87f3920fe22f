"""What can be seen in a prompt, each thing by a name that the weights know: words, ideas, structure, files."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from oxide_desktop.core import lexicon
from oxide_desktop.core.asked import LIST_MARK, Asked, take_apart
from oxide_desktop.core.mentions import Mentions, mentions

_HEAD_TOKENS, _FIRST_IDEAS, _NEAR_IDEAS, _LONGEST_RUN = 8, 4, 3, 60
_STEM_CHARS = 5
_SIZES_BYTES = (12, 30, 60, 120, 250, 500, 1000, 2000)
_FILE_COUNTS = (1, 3, 6, 10, 25)
_MOST_TECHNICAL, _MUCH_CODE_LINES, _MANY_LINES, _LONG_LIST, _MANY_NAMES, _ONLY_PASTED_CHARS = 4, 8, 8, 6, 2, 15
_ROLE_CHARS = 300

_SUM = re.compile(r"(?<![\d./-])\d{1,9}\s{0,2}[-+*/^×÷x%]\s{0,2}\d{1,9}(?![\d/-])")  # noqa: RUF001 - as people type it
_PLACEHOLDER = re.compile(r"[\[{<(]{1,2}[^\[\]{}<>()\n]{2,80}[\]}>)]{1,2}")
_QUESTION = "?？؟"  # noqa: RUF001 - as people type it
_COLONS = (":", "：")  # noqa: RUF001 - as people type it
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。？！])")  # noqa: RUF001 - as people type it
_TEST_FILE = re.compile(r"(?:^|[/_.])(?:tests?|spec)[/_.]")
_TELLING = ("s:path", "s:folder", "s:url", "s:sum", "s:pasted", "s:trace", "s:diff")
_DOCUMENTS = (".md", ".rst", ".txt")
_TECHNICAL = frozenset((
    "code", "function", "class", "method", "component", "website", "app", "api", "script", "program", "query",
    "database", "test", "regex", "algorithm", "bug", "exception", "lang", "tools", "programming", "server",
    "config", "repo", "pr", "commit", "readme", "docs", "comment", "security", "log",
))  # fmt: skip


@dataclass(slots=True)
class Features:
    """What was found.

    Attributes:
        names: Every feature, each once.
        words: For each idea the word that stood for it first.
        asked: The prompt taken apart.
        chars: Characters of the request without what was pasted.
        hard: Words that tell of a hard task.
        easy: Words that tell of an easy one.
    """

    asked: Asked
    names: dict[str, None] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    chars: int = 0
    hard: set[str] = field(default_factory=set)
    easy: set[str] = field(default_factory=set)

    @property
    def says_anything(self) -> bool:
        """Whether there is a word or a path in it, or a list of files beside it."""
        return any(not name.startswith("s:") for name in self.names) or any(map(self.names.__contains__, _TELLING))


def look_at(prompt: str, files: Sequence[tuple[str, int]] = ()) -> Features:
    """Find the features of a prompt and of the list of files that goes with it."""
    asked = take_apart(prompt)
    found = Features(asked)
    found.chars = sum(map(len, asked.lines)) + max(0, len(asked.lines) - 1)
    text = "\n".join(asked.lines)
    named = mentions(text)
    _add_lines(named.plain.split("\n"), found)
    technical = len(found.words.keys() & _TECHNICAL) + len(named.paths) + named.names
    technical += asked.trace + asked.diff + asked.fenced + (asked.code_lines > 1)
    for name in _of_structure(asked, text, named, min(technical, _MOST_TECHNICAL)):
        found.names[name] = None
    if asked.role:
        for token in lexicon.tokens(asked.role[:_ROLE_CHARS]):
            for idea in token.ideas:
                found.names[f"r:{idea}"] = None
    for name in _of_files(files):
        found.names[name] = None
    return found


def _add_lines(lines: Sequence[str], found: Features) -> None:
    """The features of the request's words."""
    sentences = [(part, bool(LIST_MARK.match(line))) for line in lines for part in _SENTENCE.split(line) if part]
    for number, (sentence, listed) in enumerate(sentences):
        tokens = lexicon.tokens(sentence)
        telling = [token for token in tokens if token.ideas]
        found.hard.update([token.shown for token in telling if "hard" in token.ideas])
        found.easy.update([token.shown for token in telling if "easy" in token.ideas])
        if listed and number:
            _add_item(telling, found)
            continue
        _add_words(tokens, found.names)
        _add_ideas(tokens, found, first=number == 0, last=0 < number == len(sentences) - 1)
        if sentence.rstrip()[-1:] in _QUESTION:
            found.names.update([(f"q:{idea}", None) for token in telling for idea in token.ideas])


def _add_item(tokens: Sequence[lexicon.Token], found: Features) -> None:
    """The ideas of an item of a list: what is to be heeded, rather than what is asked."""
    for token in tokens:
        for idea in token.ideas:
            found.words.setdefault(idea, token.shown)
            found.names[f"c:{idea}"] = None


def _add_words(tokens: Sequence[lexicon.Token], names: dict[str, None]) -> None:
    previous = "<"
    for token in tokens:
        word = token.text
        if token.running:
            names[f"z:{word if len(word) <= _NEAR_IDEAS else word[:2]}"] = None
            for index in range(min(len(word) - 1, _LONGEST_RUN)):
                names[f"z:{word[index : index + 2]}"] = None
        else:
            names[f"w:{word}"] = None
            names[f"b:{previous} {word}"] = None
            if len(word) > _STEM_CHARS + 1:
                names[f"p:{word[:_STEM_CHARS]}"] = None
            previous = word


def _add_ideas(tokens: Sequence[lexicon.Token], found: Features, *, first: bool, last: bool) -> None:
    names, words = found.names, found.words
    sequence: list[str] = []
    for place, token in enumerate(tokens):
        for idea in token.ideas:
            words.setdefault(idea, token.shown)
            names[f"i:{idea}"] = None
            if first and place < _HEAD_TOKENS:
                names[f"h:{idea}"] = None
            if last:
                names[f"l:{idea}"] = None
        if token.ideas:
            sequence.append(token.ideas[0])
    if first and sequence:
        names[f"f:{sequence[0]}"] = None
        names[f"f2:{'+'.join(sequence[:2])}"] = None
        for idea, other in itertools.combinations(dict.fromkeys(sequence[:_FIRST_IDEAS]), 2):
            names[f"e:{idea}+{other}"] = None
    _add_pairs(sequence, names)


def _add_pairs(sequence: Sequence[str], names: dict[str, None]) -> None:
    """Ideas near one another: to write a test is another thing than to write a letter."""
    for index, idea in enumerate(sequence):
        for other in sequence[index + 1 : index + 1 + _NEAR_IDEAS]:
            if other != idea:
                names[f"g:{idea}+{other}"] = None


def _of_structure(asked: Asked, text: str, named: Mentions, technical: int) -> Iterator[str]:
    size = bisect_right(_SIZES_BYTES, len(text.encode("utf-8", "replace")))
    yield f"s:size{size}"
    yield f"s:tech{technical}"
    ends = text.rstrip()[-1:]
    asks = bool(ends) and ends in _QUESTION
    if asks:
        yield "s:asks"
        yield f"s:asks,tech{technical}"
        yield f"s:asks,size{size}"
    elif any(mark in text for mark in _QUESTION):
        yield "s:asks-inside"
    else:
        yield f"s:tells,tech{technical}"
    pasted = asked.fenced or asked.code_lines > 1
    if pasted:
        yield "s:pasted"
        yield f"s:pasted,{'asks' if asks else 'tells'}"
    yield from (name for name, present in _of_layout(asked, text, pasted=pasted) if present)
    yield from (name for name, present in _of_names(text, named) if present)


def _of_layout(asked: Asked, text: str, *, pasted: bool) -> Iterator[tuple[str, bool]]:
    yield "s:trace", asked.trace
    yield "s:diff", asked.diff
    yield "s:fence", asked.fenced
    yield "s:much-pasted", asked.code_lines > _MUCH_CODE_LINES
    yield "s:only-pasted", pasted and len(text) < _ONLY_PASTED_CHARS
    yield "s:list", asked.listed > 1
    yield "s:long-list", asked.listed > _LONG_LIST
    yield "s:heading", text.startswith("#")
    yield "s:bold", "**" in text
    yield "s:role", bool(asked.role)
    yield "s:slash", text.startswith("/")
    yield "s:placeholder", bool(_PLACEHOLDER.search(text))
    yield "s:colon", text.rstrip().endswith(_COLONS)
    yield "s:quote", '"' in text or "\N{LEFT DOUBLE QUOTATION MARK}" in text
    yield "s:lines", len(asked.lines) > 1
    yield "s:many-lines", len(asked.lines) > _MANY_LINES
    yield "s:dots", "..." in text
    yield "s:lower", text.isascii() and text == text.lower()


def _of_names(text: str, named: Mentions) -> Iterator[tuple[str, bool]]:
    yield "s:url", named.url
    yield "s:sum", bool(_SUM.search(text))
    yield "s:name", named.names > 0
    yield "s:names", named.names > _MANY_NAMES
    if not named.paths:
        return
    joined = " ".join(named.paths)
    yield "s:path", True
    yield "s:paths", len(named.paths) > 1
    yield "s:folder", named.folders > 0
    yield "s:glob", "*" in joined
    yield "s:at", "@" in joined
    yield "s:path-test", any(map(_TEST_FILE.search, named.paths))
    yield "s:path-docs", ".md" in joined
    yield "s:path-log", ".log" in joined


def _of_files(files: Sequence[tuple[str, int]]) -> Iterator[str]:
    if not files:
        return
    yield f"n:files{bisect_right(_FILE_COUNTS, len(files))}"
    paths = [path for path, _ in files[: _FILE_COUNTS[-1]]]
    if any(path.endswith(".log") for path in paths):
        yield "n:log"
    if all(path.endswith(_DOCUMENTS) for path in paths):
        yield "n:docs"
