from __future__ import annotations

import json

import pytest

from oxide_desktop.adapters.cli_output import JsonLinesReader, JsonReader, Lines, Select, TextReader

DATA = {
    "result": "done",
    "n": 4,
    "ok": True,
    "none": None,
    "choices": [{"message": {"content": "first"}}, {"message": {"content": "last"}}],
    "content": [{"type": "text", "text": "a"}, {"type": "tool", "text": "no"}, {"type": "text", "text": "b"}],
    "item": {"type": "agent_message", "text": "c"},
    "is_error": False,
}
PATHS = {
    "result": ["done"],
    "n": ["4"],
    "ok": ["true"],
    "none": [],
    "missing": [],
    "result.deeper": [],
    "choices": [],
    "choices[0].message.content": ["first"],
    "choices[-1].message.content": ["last"],
    "choices[7].message.content": [],
    "choices[].message.content": ["first", "last"],
    "content[type=text].text": ["a", "b"],
    "content[type=text][text=b].text": ["b"],
    "[is_error=false].result": ["done"],
    "[is_error=true].result": [],
    "item[type=agent_message].text": ["c"],
    "missing|result": ["done"],
    "result|n": ["done", "4"],
    "[result=x|y].n|result": ["done"],
    "result[]": [],
}


@pytest.mark.parametrize("path", list(PATHS))
def test_a_path_finds_the_texts_it_leads_to(path: str) -> None:
    assert Select(path).texts(DATA) == PATHS[path]


def test_a_path_may_begin_in_a_list() -> None:
    assert Select("[-1].result").texts([{"result": "no"}, {"result": "yes"}]) == ["yes"]


@pytest.mark.parametrize("path", ["", "a..b", "a[", "a[x]", "a]b", "a||b", "a[=]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        Select(path)


def test_text_is_what_it_is() -> None:
    reader = TextReader()
    assert [reader.feed("a"), reader.feed("b\n"), reader.finish()] == ["a", "b\n", ""]


def read(reader: JsonReader | JsonLinesReader, text: str, size: int = 7) -> str:
    parts = [reader.feed(text[start : start + size]) for start in range(0, len(text), size)]
    return "".join(parts) + reader.finish()


@pytest.mark.parametrize("indent", [None, 2])
def test_one_document_is_read_when_it_is_whole(indent: int | None) -> None:
    assert read(JsonReader(Select("result"), None), json.dumps(DATA, indent=indent)) == "done"


def test_lines_for_people_before_the_document_are_skipped() -> None:
    assert read(JsonReader(Select("[-1].text"), None), 'Loading [1/2]\n[warn] x\n[{"text": "ü"}]\n') == "ü"


def test_what_is_no_document_is_kept_for_the_message() -> None:
    reader = JsonReader(Select("result"), None)
    assert read(reader, "Please sign in: ", 100) == ""
    assert reader.unread == "Please sign in: "


def test_an_error_in_the_document_is_no_answer() -> None:
    reader = JsonReader(Select("result"), Select("[is_error=true].result"))
    assert read(reader, '{"is_error": true, "result": "Invalid API key"}') == ""
    assert reader.error == "Invalid API key"


def test_lines_are_read_as_they_come() -> None:
    reader = JsonLinesReader(Select("[type=text].part.text"), None)
    assert reader.feed('{"type": "start"}\n{"type": "text", "part": {"text": "a"}}\n{"type": "te') == "a"
    assert reader.feed('xt", "part": {"text": "b"}}') == ""
    assert reader.finish() == "b"


def test_lines_that_are_no_json_are_skipped_and_kept_for_the_message() -> None:
    reader = JsonLinesReader(Select("text"), Select("error.message"))
    assert read(reader, 'hello\n{"text": "a"}\n{broken\n{"error": {"message": "no"}}\n') == "a"
    assert reader.unread == "hello\n{broken\n"
    assert reader.error == "no"


def test_a_question_without_an_end_of_line_is_kept_for_the_message_and_an_unfinished_object_is_not() -> None:
    reader = JsonLinesReader(Select("text"), None)
    reader.feed("one\nEnter your ")
    reader.feed("API key: ")
    assert reader.unread == "one\nEnter your API key: "
    reader.feed('\n{"text": "a secr')
    reader.feed("et of the prompt")
    assert reader.unread == "one\nEnter your API key: \n"


def test_a_line_of_ten_megabytes_is_put_together() -> None:
    long = "x" * (10 * 1024 * 1024)
    assert read(JsonLinesReader(Select("text"), None), json.dumps({"text": long}) + "\n", 65536) == long


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    lines = Lines(longest_chars=100)
    for _ in range(50):
        assert lines.feed("x" * 60) == []
    assert len(lines.rest()) <= 100
    assert lines.feed("\nnext\n")[1:] == ["next"]
