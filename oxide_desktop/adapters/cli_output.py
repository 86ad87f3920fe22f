"""What command-line programs print, as text: as it is, or picked out of JSON by a path.

A path is made of steps, each applied to everything that the step before has found:

    result.message      keys of objects
    choices[0]          an element, counted from the end if negative
    content[]           all elements, one after the other
    [type=text]         objects (or elements of a list) whose key has that value; other objects find nothing
    a.b|c               either path; what they find is put together

Text is what it is; numbers and truths are written as JSON does; anything else is not shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

LONGEST_LINE_CHARS = 32 * 1024 * 1024
STRAY_CHARS = 2000
_STEP = re.compile(
    r"\.?(?P<key>[^.\[\]|=]+)|\[(?P<index>-?\d+)\]|(?P<all>\[\])|\[(?P<name>[^\]=]+)=(?P<value>[^\]]*)\]"
)


@dataclass(frozen=True, slots=True)
class _Step:
    key: str | None = None
    index: int | None = None
    where: tuple[str, str] | None = None

    def __call__(self, found: Iterable[Any]) -> Iterator[Any]:
        for item in found:
            if self.key is not None:
                if isinstance(item, Mapping) and self.key in item:
                    yield item[self.key]
            elif self.index is not None:
                if isinstance(item, list) and -len(item) <= self.index < len(item):
                    yield item[self.index]
            elif self.where is None:
                yield from item if isinstance(item, list) else ()
            else:
                yield from self._fitting(item, *self.where)

    @staticmethod
    def _fitting(item: Any, name: str, value: str) -> Iterator[Any]:  # noqa: ANN401 - whatever JSON holds
        for one in item if isinstance(item, list) else [item]:
            if isinstance(one, Mapping) and name in one and _written(one[name]) == value:
                yield one


class Select:
    """A path into JSON.

    Raises:
        ValueError: It is no path; the text says at which character.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._alternatives = [list(_parsed(part, path)) for part in _split(path)]

    def texts(self, data: Any) -> list[str]:  # noqa: ANN401 - whatever JSON holds
        """Every text that it finds, in order."""
        texts = []
        for steps in self._alternatives:
            found: Iterable[Any] = [data]
            for step in steps:
                found = step(found)
            texts += [_written(item) for item in found if isinstance(item, str | int | float)]
        return texts


def _split(path: str) -> list[str]:
    """At each `|` that stands outside brackets."""
    return re.split(r"\|(?![^\[]*\])", path)


def _parsed(part: str, whole: str) -> Iterator[_Step]:
    position = 0
    while position < len(part) or not part:
        found = _STEP.match(part, position)
        if not found:
            raise ValueError(f"{whole!r} is no path: {part[position:] or 'nothing'!r} is no step")
        if found["name"]:
            yield _Step(where=(found["name"].strip(), found["value"].strip()))
        else:
            yield _Step(key=found["key"], index=int(found["index"]) if found["index"] else None)
        position = found.end()


def _written(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    return value if isinstance(value, str) else json.dumps(value)


class Reader(Protocol):
    """Makes an answer of what a program prints."""

    @property
    def error(self) -> str:
        """What the program said went wrong, where its output has a place for that."""
        ...

    @property
    def unread(self) -> str:
        """The end of what could not be read as output, such as a question to the person."""
        ...

    @property
    def works(self) -> bool:
        """Whether the last piece shows that the program works, even if there is no text in it."""
        ...

    def feed(self, text: str) -> str:
        """The part of the answer that `text` completes."""
        ...

    def finish(self) -> str:
        """What was held back, now that all has come."""
        ...


class TextReader:
    """The output is the answer."""

    def __init__(self) -> None:
        self.error = ""
        self.unread = ""
        self.works = False

    def feed(self, text: str) -> str:
        """All of it."""
        return text

    def finish(self) -> str:
        """Nothing is held back."""
        return ""


class JsonReader:
    """The output is one document of JSON, perhaps with lines for people before it."""

    def __init__(self, select: Select, error_select: Select | None) -> None:
        self.error = ""
        self.works = False
        self._select = select
        self._error_select = error_select
        self._parts: list[str] = []

    @property
    def unread(self) -> str:
        """All of it until it is whole."""
        return "".join(self._parts[-2:])[-STRAY_CHARS:]

    def feed(self, text: str) -> str:
        """Nothing before it is whole."""
        self._parts.append(text)
        self.works = bool(text.strip())
        return ""

    def finish(self) -> str:
        """The text that the path finds."""
        data = _document("".join(self._parts))
        if data is None:
            return ""
        self._parts = []
        if self._error_select:
            self.error = " ".join(self._error_select.texts(data))
        return "" if self.error else "".join(self._select.texts(data))


def _document(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The JSON in a text that may begin with other lines; `None` if there is none."""
    for start in re.finditer(r"^\s*[\[{\"]", text, re.MULTILINE):
        try:
            return json.loads(text[start.start() :])
        except ValueError:
            continue
    return None


class JsonLinesReader:
    """Each line is a document of its own; lines that are none are skipped."""

    def __init__(self, select: Select, error_select: Select | None) -> None:
        self.error = ""
        self.works = False
        self._select = select
        self._error_select = error_select
        self._stray = StrayLines()
        self._lines = Lines()

    @property
    def unread(self) -> str:
        """The last lines that were none of JSON, the unfinished one with them."""
        return self._stray.text + self._lines.tail()

    def feed(self, text: str) -> str:
        """What the path finds in the lines that are complete now."""
        self.works = False
        return "".join([self._read(line) for line in self._lines.feed(text)])

    def finish(self) -> str:
        """What it finds in a last line without an end."""
        return self._read(self._lines.rest())

    def _read(self, line: str) -> str:
        data = parse_line(line)
        if data is None:
            self._stray.add(line)
            return ""
        self.works = True
        if self._error_select and (errors := self._error_select.texts(data)):
            self.error = " ".join(errors)
            return ""
        return "".join(self._select.texts(data))


class Lines:
    """Puts lines together that come in pieces. A line that is too long is thrown away up to its end."""

    def __init__(self, longest_chars: int = LONGEST_LINE_CHARS) -> None:
        self._longest = longest_chars
        self._parts: list[str] = []
        self._held = 0

    def feed(self, text: str) -> list[str]:
        """The lines that `text` completes."""
        *whole, rest = text.split("\n")
        if whole:
            whole[0] = self.rest() + whole[0]
            self._parts, self._held = [], 0
        if self._held + len(rest) > self._longest:
            self._parts, rest = [], ""
        self._parts.append(rest)
        self._held += len(rest)
        return whole

    def rest(self) -> str:
        """What stands after the last end of line."""
        return "".join(self._parts)

    def tail(self) -> str:
        """The end of it, if it is for people; an object that has begun is not."""
        begun = next((part for part in self._parts if part), "")
        return "" if begun.lstrip().startswith("{") else "".join(self._parts[-2:])[-STRAY_CHARS:]


class StrayLines:
    """The last lines that were no output, such as a question to the person."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, line: str) -> None:
        """Keep a line, as long as it is among the last."""
        if line.strip():
            self.text = f"{self.text}{line}\n"[-STRAY_CHARS:]


def parse_line(line: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The object or list on a line, `None` if there is none."""
    if not line.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None
