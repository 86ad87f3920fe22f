"""What a person types to find tasks."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide_desktop.core.model import TaskType
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.query import EXAMPLE, parse_query
from oxide_desktop.core.record import TaskStatus

NOW = dt.datetime(2026, 11, 23, 15, 30).astimezone().timestamp()


def at(*day: int) -> float:
    return dt.datetime(*day).astimezone().timestamp()


def wanted(text: str) -> TaskFilter:
    return parse_query(text, NOW).wanted


def test_the_example_that_the_field_shows_means_what_it_says():
    query = parse_query(EXAMPLE, NOW)
    assert query.wanted == TaskFilter(
        service="qwen", task_type=TaskType.CODING, status=TaskStatus.FAILED, since=at(2026, 11, 23)
    )
    assert query.problems == ()


def test_plain_words_are_looked_for_in_their_order():
    assert wanted("  hash   login ") == TaskFilter(text="hash login")
    assert parse_query("", NOW).is_all
    assert not parse_query("x", NOW).is_all


@pytest.mark.parametrize(
    ("text", "status"),
    [("failed", "failed"), ("Done", "completed"), ("working", "running"), ("status:inter", "interrupted")],
)
def test_states_are_understood_by_the_words_that_people_see(text, status):
    assert wanted(text).status is TaskStatus(status)


def test_a_word_in_quotes_is_only_a_word():
    assert wanted('"failed" "type:coding"') == TaskFilter(text="failed type:coding")


def test_a_name_in_quotes_may_hold_a_space():
    assert wanted('service:"my server"').service == "my server"


def test_a_quote_that_is_still_open_hinders_nothing():
    assert wanted('failed "half a') == TaskFilter(status=TaskStatus.FAILED, text="half a")


def test_colons_of_other_words_are_part_of_them():
    assert wanted("http://localhost:1234 std::move") == TaskFilter(text="http://localhost:1234 std::move")


def test_a_key_without_a_value_waits_for_it():
    assert parse_query("service: type:", NOW).is_all


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("today", at(2026, 11, 23)),
        ("since:yesterday", at(2026, 11, 22)),
        ("since:week", at(2026, 11, 17)),
        ("since:3h", NOW - 3 * 3600),
        ("since:2d", NOW - 2 * 86_400),
        ("since:2026-11-20", at(2026, 11, 20)),
    ],
)
def test_times_are_understood_as_people_say_them(text, since):
    assert wanted(text) == TaskFilter(since=since)


@pytest.mark.parametrize("text", ["type:nonsense", "status:nonsense", "since:nonsense", "type:code_r type:co"])
def test_what_is_not_understood_is_told_and_left_out(text):
    query = parse_query(f"{text} hello", NOW)
    assert len(query.problems) == 1
    assert query.wanted.text == "hello"


def test_a_type_may_be_begun_as_long_as_it_is_the_only_one():
    assert wanted("type:bug").task_type is TaskType.BUG_SEARCH
    assert wanted("type:code-review").task_type is TaskType.CODE_REVIEW


@given(st.text())
def test_whatever_is_typed_is_a_search(text):
    parse_query(text, NOW)
