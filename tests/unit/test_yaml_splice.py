"""One value of a YAML file is changed, and nothing else."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from oxide_desktop.config.yaml_splice import UnclearError, put

FILE = """# mine
services:
  qwen:
    enabled: true # it is quick
    model: "big one"

  ollama:   # at home
    base_url: http://localhost:11434
    # the last word

execution:
  timeout_seconds: 600   # ten minutes
privacy:
  local_only:
    - "**/.env"
    - clients/**
  allowed_roots: []
web: {enabled: true, port: 8000} # local
"""


def test_a_value_is_replaced_where_it_stands_and_its_comment_stays():
    changed = put(FILE, ("execution", "timeout_seconds"), 900)
    assert changed == FILE.replace("timeout_seconds: 600   #", "timeout_seconds: 900   #")


def test_quotes_go_and_come_as_the_value_needs_them():
    assert "    model: small\n" in put(FILE, ("services", "qwen", "model"), "small")
    assert "    model: 'true'\n" in put(FILE, ("services", "qwen", "model"), "true")
    assert "    model: null\n" in put(FILE, ("services", "qwen", "model"), None)


def test_a_new_key_goes_to_the_end_of_its_section_before_blank_lines():
    changed = put(FILE, ("services", "qwen", "api_key"), "keyring:qwen")
    assert changed == FILE.replace('"big one"\n', '"big one"\n    api_key: keyring:qwen\n')


def test_a_new_key_behind_a_comment_of_its_section_keeps_the_comment():
    changed = put(FILE, ("services", "ollama", "model"), "x")
    assert yaml.safe_load(changed)["services"]["ollama"] == {"base_url": "http://localhost:11434", "model": "x"}
    assert "# the last word" in changed


def test_sections_that_are_missing_are_made_at_the_end():
    changed = put(FILE, ("notifications", "min_seconds"), 2.5)
    assert changed == FILE + "notifications:\n  min_seconds: 2.5\n"


def test_a_section_on_one_line_stays_on_it():
    assert "web: {enabled: true, port: 9000} # local" in put(FILE, ("web", "port"), 9000)
    assert put("a: {}\n", ("a", "b", "c"), [1]) == "a: {b: {c: [1]}}\n"


def test_a_list_keeps_its_form():
    changed = put(FILE, ("privacy", "local_only"), ["a b", "*.pem", "c"])
    assert "  local_only:\n    - a b\n    - '*.pem'\n    - c\n  allowed_roots: []\n" in changed
    assert "  local_only: []\n  allowed_roots" in put(FILE, ("privacy", "local_only"), [])
    assert "  allowed_roots: [~/a]" not in put(FILE, ("privacy", "allowed_roots"), ["/a"])
    assert "  allowed_roots: [/a]\n" in put(FILE, ("privacy", "allowed_roots"), ["/a"])


def test_a_key_without_a_value_is_given_one():
    assert put("web:\n  port:\n", ("web", "port"), 1) == "web:\n  port: 1\n"
    assert put("web: # soon\nmcp: {}\n", ("web", "port"), 1) == "web: # soon\n  port: 1\nmcp: {}\n"


@pytest.mark.parametrize("text", ["", "# nothing yet", "# nothing yet\n", "\n\n"])
def test_an_empty_file_gets_its_first_value(text):
    changed = put(text, ("web", "port"), 1)
    assert changed.startswith(text)
    assert yaml.safe_load(changed) == {"web": {"port": 1}}
    assert changed.endswith("\n")


def test_a_file_without_a_last_line_end_is_borne():
    assert put("web:\n  port: 1", ("web", "enabled"), False) == "web:\n  port: 1\n  enabled: false\n"


def test_lines_end_as_they_did():
    assert put("web:\r\n  port: 1\r\n", ("web", "enabled"), True) == "web:\r\n  port: 1\r\n  enabled: true\r\n"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: &x 1\nb: *x\n", ("b",)),
        ("a: &x {c: 1}\nb: *x\n", ("b", "c")),
        ("a:\n  - 1 # one\n  - 2\n", ("a",)),
        ("a: |\n  text\n", ("a",)),
        ("a: 1\n", ("a", "b")),
        ("- 1\n", ("a",)),
        ("a: {b: 1}\n", ("a",)),
        ("a: [\n", ("a",)),
        ("a: 1\n--- \nb: 1\n", ("a",)),
    ],
)
def test_what_is_unclear_is_left_to_people(text, path):
    with pytest.raises(UnclearError):
        put(text, path, ["x"])


NAMES = st.sampled_from(["web", "port", "a b", "true", "ключ"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=5), max_size=3)
TREES = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
)


@given(TREES, st.booleans(), st.lists(NAMES, min_size=1, max_size=3), LEAVES)
def test_whatever_the_file_holds_it_then_says_what_was_wanted_or_is_refused(tree, flow, path, value):
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True)
    try:
        changed = put(text, path, value)
    except UnclearError:
        return
    found = yaml.safe_load(changed)
    for key in path:
        found = found[key]
    assert found == value
