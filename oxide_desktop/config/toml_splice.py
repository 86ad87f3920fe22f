"""Adds a table to a TOML file, takes it out, or changes a value, and leaves every other byte as a person wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, NamedTuple

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|#[^\n]*|[\[\]{}\n]''', re.DOTALL
)
_ASSIGNMENT = re.compile(r"""[ \t]*((?:[\w-]|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[ \t.])+?)[ \t]*=[ \t]*""")
_ONLY_BY_HAND = "it is there in a form that only a person can change"


class _Statement(NamedTuple):
    """A table's header or an assignment: whose, where its line begins, where what it says begins and ends."""

    path: tuple[str, ...]
    line: int
    start: int
    end: int
    is_header: bool = False


def put_table(text: str, section: str, name: str, values: Mapping[str, object]) -> str:
    """The text with the table `[section.name]`, at its end or within the section's braces.

    Raises:
        ValueError: It is not TOML, or has that table in a form that cannot be replaced.
    """
    expected = tomllib.loads(text)
    rest = take_table(text, section, name)
    expected.setdefault(section, {})[name] = dict(values)
    if _is_inline(text, section):
        return put_value(text, (section, name), values)
    line_end = _line_end(text)
    gap = "" if not rest else line_end if rest.endswith("\n") else line_end * 2
    return _proven(f"{rest}{gap}{_table(f'{section}.{name}', values, line_end)}", expected)


def put_value(text: str, path: Sequence[str], value: object) -> str:
    """The text with `value` at `path`, where the tables on the way are there or fit on its line.

    Raises:
        ValueError: It is not TOML, or stands there in a form that cannot be changed.
    """
    *above, name = path
    expected = inner = tomllib.loads(text)
    for key in above:
        inner = inner.setdefault(key, {})
    before, inner[name] = dict(inner), value
    found = {(each.path, each.is_header): each for each in _statements(text)}
    if here := found.get((tuple(path), False)):
        changed = text[: here.start] + _value(value) + text[here.end :]
    elif around := found.get((tuple(above), False)):
        changed = text[: around.start] + _value({**before, name: value}) + text[around.end :]
    elif table := found.get((tuple(above), True)):
        line_end = _line_end(text)
        end = text.find("\n", table.end) + 1 or len(text)
        gap = "" if text[:end].endswith("\n") else line_end
        changed = f"{text[:end]}{gap}{_key(name)} = {_value(value)}{line_end}{text[end:]}"
    elif above:
        changed = put_value(text, above, {**before, name: value})
    else:
        raise ValueError(_ONLY_BY_HAND)
    return _proven(changed, expected)


def take_value(text: str, path: Sequence[str]) -> str:
    """The text without the value at `path`, which is there.

    Raises:
        ValueError: It is not TOML, or stands there in a form that cannot be changed.
    """
    *above, name = path
    expected = inner = tomllib.loads(text)
    for key in above:
        inner = inner[key]
    del inner[name]
    for found in _statements(text):
        if found.path == tuple(path) and not found.is_header:
            changed = text[: found.line] + text[text.find("\n", found.end) + 1 or len(text) :]
            return _proven(changed, expected)
        if found.path == tuple(above) and not found.is_header:
            return _proven(text[: found.start] + _value(inner) + text[found.end :], expected)
    raise ValueError(_ONLY_BY_HAND)


def take_table(text: str, section: str, name: str) -> str:
    """The text without the table `[section.name]` and those below it; as it is, if there is none.

    Raises:
        ValueError: It is not TOML, or has that table in a form that cannot be taken out.
    """
    expected = tomllib.loads(text)
    if name not in expected.get(section, {}):
        return text
    if _is_inline(text, section):
        return take_value(text, (section, name))
    del expected[section][name]
    parts = [re.escape(section), rf"""(?:{re.escape(name)}|"{re.escape(name)}"|'{re.escape(name)}')"""]
    header = re.compile(rf"[ \t]*\[\s*{parts[0]}\s*\.\s*{parts[1]}\s*[.\]]")
    kept: list[str] = []
    behind: list[str] = []  # what is blank or said at a table's end belongs to what comes next
    inside = False
    for line, is_in_value in _lines(text):
        start = "" if is_in_value else line.lstrip()
        if start.startswith("["):
            was_inside, inside = inside, bool(header.match(line))
            if inside and not was_inside and kept and not kept[-1].strip():
                kept.pop()  # the blank line before it
        if not inside:
            kept += [*behind, line]
        behind = [*behind, line] if inside and not is_in_value and start[:1] in ("", "#") else []
    kept += behind
    return _proven("".join(kept), expected)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of a valid file, and whether it begins within a value: a string or an array of several lines."""
    start = depth = 0
    begins_in_value = False
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        for end in (found.end() for found in re.finditer("\n", token[0])):
            yield text[start : token.start() + end], begins_in_value
            start = token.start() + end
            begins_in_value = depth > 0 or start < token.end()
    if start < len(text):
        yield text[start:], begins_in_value


def _is_inline(text: str, section: str) -> bool:
    """Whether a section is one value within braces."""
    return any(found.path == (section,) and not found.is_header for found in _statements(text))


def _statements(text: str) -> Iterator[_Statement]:
    table: tuple[str, ...] = ()
    at = 0
    for line, begins_in_value in _lines(text):
        if begins_in_value:
            pass
        elif line.lstrip().startswith("["):
            table = _path(line)
            yield _Statement(table, at, at, at + len(line.rstrip()), is_header=True)
        elif found := _ASSIGNMENT.match(line):
            start = at + found.end()
            yield _Statement((*table, *_path(f"{found[1]} = 0")), at, start, _end_of_value(text, start))
        at += len(line)


def _path(line: str) -> tuple[str, ...]:
    """The keys that a header or an assignment names; one among several tables of a name has no path."""
    tree: Any = tomllib.loads(line)
    keys: list[str] = []
    while isinstance(tree, dict) and tree:
        ((key, tree),) = tree.items()
        keys.append(key)
    return (*keys, "") if isinstance(tree, list) else tuple(keys)


def _end_of_value(text: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if depth == 0 and token[0][0] in "#\n":
            return start + len(text[start : token.start()].rstrip())
        depth += (token[0] in "[{") - (token[0] in "]}")
    return start + len(text[start:].rstrip())


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _table(name: str, values: Mapping[str, object], line_end: str) -> str:
    lines = [f"[{name}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    return "".join(f"{line}{line_end}" for line in lines)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and truths are the same in TOML


def _proven(changed: str, expected: dict[str, Any]) -> str:
    """The changed text, if it says what it should: nobody's file is to be damaged by a slip of ours."""
    said = tomllib.loads(changed)
    if _without_empty(said) != _without_empty(expected):
        raise ValueError(_ONLY_BY_HAND)
    return changed


def _without_empty(tree: dict[str, Any]) -> dict[str, Any]:
    """A table that nothing is left in need not be there."""
    small = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in small.items() if value != {}}
