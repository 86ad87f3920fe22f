from __future__ import annotations

import json
import os
import tracemalloc

import pytest

from oxide_desktop.core.record import TaskStatus
from oxide_desktop.store import exchange
from oxide_desktop.store.exchange import Refused, UnreadableFileError, entries, read

GOOD = {"id": "a", "status": "completed", "prompt": "p", "created_at": 1.0}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tasks.json"


def read_one(file, **fields):
    file.write_text(json.dumps({"a": GOOD | fields}))
    [record] = read(file)
    return record


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        " \n{\t}\r\n ",
        '{"a": 1}',
        '{"a" : 12345678901234567890 , "b":{"c":[1,2,{}]},"":"\\u00e9\\ud83d\\ude00é😀", "d":null,"e":true,"f":-1.5e3}',
        '{"a": "}", "b": "\\"{"}',
        '{"a": 1, "a": 2}',
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1 << 20])
def test_a_file_is_read_alike_in_pieces_of_any_size(file, content, piece):
    file.write_text(content, encoding="utf-8")
    pairs = json.loads(content, object_pairs_hook=list)
    assert [key for key, _ in entries(file, piece)] == [key for key, _ in pairs]
    assert dict(entries(file, piece)) == json.loads(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a": 1',
        b'{"a": 1,',
        b'{"a": 1,}',
        b'{"a": 1 "b": 2}',
        b'{"a": 1}}',
        b'{"a": 1} {}',
        b"{1: 2}",
        b"{'a': 1}",
        b'{"a": {"b": 1}',
        b'{"a": "unended}',
        b'{"a": "\xff"}',
        b'{"a": ' + b"[" * 100_000 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_what_is_not_one_whole_json_object_is_refused(file, content, piece):
    if piece == 1 and len(content) > 1000:
        piece = 1000
    file.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"tasks\.json is not a readable tasks\.json .*oxide history import"):
        list(entries(file, piece))


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    for name, make in (("missing", lambda path: None), ("folder", os.mkdir), ("pipe", os.mkfifo)):
        make(tmp_path / name)
        with pytest.raises(UnreadableFileError, match="it is not"):
            exchange.verify(tmp_path / name)


def test_a_byte_order_mark_does_no_harm(file):
    file.write_text('{"a": 1}', encoding="utf-8-sig")
    assert list(entries(file)) == [("a", 1)]


def test_the_memory_needed_does_not_grow_with_the_file(file):
    with file.open("w") as opened:
        opened.write("{")
        for number in range(10_000):
            opened.write(f'"task-{number}": {json.dumps(GOOD | {"result": "x" * 3000})},')
        opened.write('"last": {}}')
    tracemalloc.start()
    try:
        exchange.verify(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.stat().st_size > 30_000_000
    assert peak < 15_000_000


def test_a_record_of_an_ancestor_is_read_with_what_it_has(file):
    record = read_one(file, result="r", files=["x.py"], preferences={"preferred_service": "qwen"}, extra="unknown")
    assert (record.id, record.status, record.result, record.files) == ("a", TaskStatus.COMPLETED, "r", ("x.py",))
    assert (record.source, record.preferences) == ("ancestor", {"preferred_service": "qwen"})


def test_the_key_is_the_id_whatever_the_record_says(file):
    assert read_one(file, id="b").id == "a"


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_had_not_ended_is_interrupted(file, status):
    record = read_one(file, status=status, attempts=[{"service": "qwen", "started_at": 1.0, "status": "running"}])
    assert record.status is TaskStatus.INTERRUPTED
    assert record.attempts[0].status == "interrupted"
    assert record.error == "The task had not ended in the file that it was imported from."


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt": None}, "no prompt"),
        ({"prompt": 5}, "no prompt"),
        ({"status": None}, "status None"),
        ({"status": ["completed"]}, "status"),
        ({"status": "done"}, "status 'done'"),
        ({"created_at": None}, "no created_at"),
        ({"created_at": "2024-01-01"}, "created_at is not a sensible number"),
        ({"created_at": True}, "created_at is not a sensible number"),
        ({"created_at": float("nan")}, "created_at is not a sensible number"),
        ({"created_at": float("inf")}, "created_at is not a sensible number"),
        ({"created_at": -1}, "created_at is not a sensible number"),
        ({"duration": 1e300}, "duration is not a sensible number"),
        ({"completed_at": []}, "completed_at is not a sensible number"),
        ({"result": {"text": "r"}}, "result is not a text"),
        ({"error": 1}, "error is not a text"),
        ({"service": 1}, "service is not a text"),
        ({"cwd": 1}, "cwd is not a text"),
        ({"files": "x.py"}, "files are not a list"),
        ({"files": [1]}, "files are not a list"),
        ({"preferences": 5}, "another shape"),
        ({"attempts": 5}, "another shape"),
        ({"attempts": ["qwen"]}, "another shape"),
        ({"attempts": [{"started_at": 1.0}]}, "another shape"),
        ({"route": {"candidates": [{}]}}, "another shape"),
        ({"tokens": {"inwards": 1}}, "another shape"),
    ],
)
def test_a_bad_record_is_set_aside_with_its_reason(file, fields, reason):
    refused = read_one(file, **fields)
    assert isinstance(refused, Refused)
    assert refused.id == "a"
    assert reason in refused.reason


def test_an_entry_that_is_no_record_is_set_aside_and_the_others_are_read(file):
    file.write_text(json.dumps({"text": "cut", "list": [], "": GOOD, "good": GOOD}))
    text, items, empty, good = read(file)
    assert [entry.reason for entry in (text, items, empty)] == ["it is not an object"] * 2 + ["its id is empty"]
    assert good.id == "good"
