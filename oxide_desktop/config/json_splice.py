"""Changes one member of a JSON file and leaves every other byte as a person wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from oxide_desktop.core.errors import Bug

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_UNIT = "  "


class _Member(NamedTuple):
    key: str
    start: int
    value_start: int
    end: int


class _Object(NamedTuple):
    """An object in a text: where its braces are and what is between them."""

    open: int
    close: int
    members: list[_Member]

    def find(self, key: str) -> int | None:
        """Which of the members has that key; the last one, as every parser has it."""
        found = [index for index, member in enumerate(self.members) if member.key == key]
        return found[-1] if found else None


def put(text: str, path: Sequence[str], value: object) -> str:
    """The text with `value` at `path`; what is missing on the way is made.

    Raises:
        ValueError: It is not JSON, or something on the way is no object.
    """
    text = text if text.strip() else "{}\n"
    before = json.loads(text)
    at = _skip(text, 0)
    for depth, key in enumerate(path):
        here = _object_at(text, at)
        index = here.find(key)
        if index is None:
            missing = value
            for name in reversed(path[depth + 1 :]):
                missing = {name: missing}
            changed = _insert(text, here, depth, f"{json.dumps(key)}: ", missing)
            break
        at = here.members[index].value_start
    else:
        lead = text[here.open + 1 : here.members[0].start]
        changed = text[:at] + _dump(text, value, lead) + text[here.members[index].end :]  # type: ignore[index]  # found
    return _proven(changed, _with(before, path, value))


def take_out(text: str, path: Sequence[str]) -> str:
    """The text without the member at `path`; as it is, if there is none.

    Raises:
        ValueError: It is not JSON, or something on the way is no object.
    """
    at = _skip(text, 0)
    for key in path[:-1]:
        here = _object_at(text, at)
        index = here.find(key)
        if index is None:
            return text
        at = here.members[index].value_start
    here = _object_at(text, at)
    index = here.find(path[-1])
    if index is None:
        return text
    expected = json.loads(text)
    inner = expected
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    if len(here.members) == 1:
        changed = text[: here.open + 1] + text[here.close :]
    elif index == len(here.members) - 1:
        changed = text[: here.members[index - 1].end] + text[here.members[index].end :]
    else:
        changed = text[: here.members[index].start] + text[here.members[index + 1].start :]
    return _proven(changed, expected)


def _object_at(text: str, at: int) -> _Object:
    if text[at : at + 1] != "{":
        raise ValueError("there is something else where an object should be")
    members: list[_Member] = []
    position = _skip(text, at + 1)
    while text[position] != "}":
        key, after_key = _DECODER.raw_decode(text, position)
        value_start = _skip(text, _skip(text, after_key) + 1)
        _, end = _DECODER.raw_decode(text, value_start)
        members.append(_Member(key, position, value_start, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return _Object(at, position, members)


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _insert(text: str, here: _Object, depth: int, label: str, value: object) -> str:
    line_end = "\r\n" if "\r\n" in text else "\n"
    if here.members:
        lead = text[here.open + 1 : here.members[0].start]
        last = here.members[-1].end
        return f"{text[:last]},{lead or ' '}{label}{_dump(text, value, lead)}{text[last:]}"
    unit = _unit(text)
    lead, tail = f"{line_end}{unit * (depth + 1)}", f"{line_end}{unit * depth}"
    return f"{text[: here.open + 1]}{lead}{label}{_dump(text, value, lead)}{tail}{text[here.close :]}"


def _dump(text: str, value: object, lead: str) -> str:
    """A value as this file has its values: on lines of their own, or all on one."""
    if "\n" not in lead:
        return json.dumps(value, ensure_ascii=False)
    line_end = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(value, ensure_ascii=False, indent=_unit(text))
    return written.replace("\n", line_end + lead.rpartition("\n")[2])


def _unit(text: str) -> str:
    """What one step to the right is in this file."""
    found = re.search(r"\{\r?\n([ \t]+)\"", text)
    return found[1] if found else _UNIT


def _with(tree: Any, path: Sequence[str], value: object) -> Any:  # noqa: ANN401 - any JSON
    inner = tree
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    return tree


def _proven(changed: str, expected: object) -> str:
    """The changed text, if it says what it should: nobody's file is to be damaged by a slip of ours."""
    if json.loads(changed) != expected:
        raise Bug("A file was not changed", "The changed text would not have said what it should.")
    return changed
