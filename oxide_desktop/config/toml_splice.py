"""Adds a table to a TOML file, or takes it out, and leaves every other byte as a person wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|#[^\n]*|[\[\]{}\n]''', re.DOTALL
)


def put_table(text: str, section: str, name: str, values: Mapping[str, object]) -> str:
    """The text with the table `[section.name]`, at its end.

    Raises:
        ValueError: It is not TOML, or has that table in a form that cannot be replaced.
    """
    expected = tomllib.loads(text)
    rest = take_table(text, section, name)
    expected.setdefault(section, {})[name] = dict(values)
    gap = "" if not rest else "\n" if rest.endswith("\n") else "\n\n"
    return _proven(f"{rest}{gap}{_table(f'{section}.{name}', values)}", expected)


def take_table(text: str, section: str, name: str) -> str:
    """The text without the table `[section.name]` and those below it; as it is, if there is none.

    Raises:
        ValueError: It is not TOML, or has that table in a form that cannot be taken out.
    """
    expected = tomllib.loads(text)
    if name not in expected.get(section, {}):
        return text
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


def _table(name: str, values: Mapping[str, object]) -> str:
    lines = [f"[{name}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and truths are the same in TOML


def _proven(changed: str, expected: dict[str, Any]) -> str:
    """The changed text, if it says what it should: nobody's file is to be damaged by a slip of ours."""
    said = tomllib.loads(changed)
    if _without_empty(said) != _without_empty(expected):
        raise ValueError("the table is there in a form that only a person can change")
    return changed


def _without_empty(tree: dict[str, Any]) -> dict[str, Any]:
    """A table that nothing is left in need not be there."""
    return {key: value for key, value in tree.items() if value != {}}
