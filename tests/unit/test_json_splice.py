"""Changing one member of a JSON text: what it says afterwards, and that nothing else has changed."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide_desktop.config.json_splice import put, take_out

PATH = ("mcpServers", "oxide")
ENTRY = {"command": "/opt/ä/oxide-mcp", "args": [], "env": {"A": "1"}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)
STYLES = st.sampled_from([{"indent": 2}, {"indent": "\t"}, {"indent": 4}, {}, {"separators": (",", ":")}])


def test_an_empty_file_becomes_an_object() -> None:
    assert put("", PATH, {"command": "x"}) == (
        '{\n  "mcpServers": {\n    "oxide": {\n      "command": "x"\n    }\n  }\n}\n'
    )


def test_the_rest_of_the_file_keeps_its_form() -> None:
    text = '{\n    "theme":   "dark",\n    "mcpServers": {\n        "a": {"command":"b"}\n    },\n    "z": [1,2,\n3]\n}'
    changed = put(text, PATH, {"command": "x"})
    added = ',\n        "oxide": {\n            "command": "x"\n        }'
    assert changed == text.replace('{"command":"b"}', '{"command":"b"}' + added)
    assert take_out(changed, PATH) == text


def test_windows_line_ends_and_tabs_are_kept() -> None:
    changed = put('{\r\n\t"a": 1\r\n}\r\n', PATH, {"command": "x"})
    assert "\n" not in changed.replace("\r\n", "")
    assert '\r\n\t\t"oxide": {\r\n\t\t\t"command"' in changed


def test_a_file_of_one_line_stays_one() -> None:
    assert put('{"a": 1}', PATH, {"command": "x"}) == '{"a": 1, "mcpServers": {"oxide": {"command": "x"}}}'


@settings(max_examples=40)
@given(OBJECTS, STYLES)
def test_whatever_stands_there_the_member_is_put_and_taken_out_again(tree: dict[str, object], style: dict) -> None:
    text = json.dumps({**tree, "mcpServers": {"other": 1}}, **style)
    changed = put(text, PATH, ENTRY)
    assert json.loads(changed) == {**tree, "mcpServers": {"other": 1, "oxide": ENTRY}}
    assert take_out(changed, PATH) == text
    assert put(changed, PATH, ENTRY) != ""
    assert json.loads(put(changed, PATH, 5))["mcpServers"]["oxide"] == 5


@settings(max_examples=40)
@given(OBJECTS, st.integers(min_value=0))
def test_any_member_can_be_taken_out(tree: dict[str, object], which: int) -> None:
    text = json.dumps(tree, indent=2)
    if not tree:
        assert take_out(text, ("x",)) == text
        return
    key = list(tree)[which % len(tree)]
    left = copy.copy(tree)
    del left[key]
    assert json.loads(take_out(text, (key,))) == left


def test_what_is_not_there_is_not_taken_out() -> None:
    for text in ("{}", '{"mcpServers": {}}', '{"mcpServers": {"a": 1}}'):
        assert take_out(text, PATH) == text


@pytest.mark.parametrize("text", ["[]", "5", '{"mcpServers": []}', '{"a": 1,}', '{"a": 1} // hi', '{"a": 1'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        put(text, PATH, ENTRY)
