"""What the HTTP API says no to by itself: text that is none, paths that no system has, a test while Oxide is paused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fronts.web_house import served, stub

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tasks/execute", '{"prompt": "half \\ud800"}'),
        ("/api/explain", '{"prompt": "half \\udc00"}'),
        ("/api/analyze", '{"prompt": "half \\ud800", "files": ["."]}'),
        ("/api/tasks/execute", '{"prompt": "?", "cwd": "/tmp/\\ud800"}'),
        ("/api/tasks/execute", '{"prompt": "?", "cwd": "/tmp/\\u0000"}'),
        ("/api/tasks/execute", '{"prompt": "?", "files": ["a\\ud800"]}'),
        ("/api/analyze", '{"prompt": "?", "files": ["a\\u0000"]}'),
    ],
)
async def test_halves_of_characters_are_refused_rather_than_changed_without_a_word(
    tmp_path: Path, path: str, body: str
) -> None:
    async with served(tmp_path, stub()) as web:
        answer = await web.post(path, content=body.encode(), headers=JSON)
        assert answer.status_code == 422, answer.text
        assert (await web.get("/api/tasks")).json()["total"] == 0


@pytest.mark.parametrize("content", ['"half \\ud800"', '[{"type": "text", "text": "half \\ud800"}]'])
async def test_so_they_are_in_a_conversation(tmp_path: Path, content: str) -> None:
    body = f'{{"model": "auto", "messages": [{{"role": "user", "content": {content}}}]}}'
    async with served(tmp_path, stub()) as web:
        answer = await web.post("/v1/chat/completions", content=body.encode(), headers=JSON)
    assert answer.status_code == 400
    assert "half of a character" in answer.json()["error"]["message"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
async def test_whole_characters_and_names_that_are_no_text_are_taken(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("the needle")
    adapter = stub(["ok"])
    async with served(tmp_path / "home", adapter) as web:
        body = f'{{"prompt": "\\ud83d\\ude00", "files": ["caf\\udce9.txt"], "cwd": "{tmp_path}"}}'
        answer = await web.post("/api/tasks/execute", content=body.encode(), headers=JSON)
        assert answer.status_code == 200, answer.text
        record = await web.ended(answer.json()["task_id"])
    assert record["prompt"] == "\N{GRINNING FACE}"
    assert "the needle" in adapter.calls[0].prompt


async def test_a_service_is_not_tested_while_new_tasks_wait(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["4"])) as web:
        web.house.pause()
        answer = await web.post("/api/services/stub/test")
        assert (answer.status_code, answer.json()["error"]["title"]) == (503, "Oxide is paused")
        web.house.resume()
        assert (await web.post("/api/services/stub/test")).json()["response"] == "4"
