"""What a task really was, over HTTP: kept, obeyed, shown, forgotten."""

from __future__ import annotations

from pathlib import Path

from tests.fronts.web_house import served, stub


async def test_a_correction_is_kept_obeyed_and_forgotten(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        task = await web.ended(await web.ask("What is 2+2?"))
        other = "general" if task["task_type"] != "general" else "coding"
        made = await web.post(f"/api/tasks/{task['id']}/correct", {"task_type": other})
        listed = (await web.get("/api/corrections")).json()["corrections"]
        taken = (await web.post("/api/explain", {"prompt": "What is 2+2?"})).json()["profile"]
        forgotten = await web.client.delete(f"/api/corrections/{task['id']}/")
        after = (await web.post("/api/explain", {"prompt": "What is 2+2?"})).json()["profile"]
        again = await web.client.delete(f"/api/corrections/{task['id']}")
    assert made.json() == listed[0]
    assert (made.json()["task_id"], made.json()["was"], made.json()["said"]) == (task["id"], task["task_type"], other)
    assert (taken["task_type"], "you said so" in taken["reasons"][0]) == (other, True)
    assert (forgotten.status_code, after["task_type"]) == (200, task["task_type"])
    assert (again.status_code, again.json()["error"]["title"]) == (404, "No such correction")


async def test_all_corrections_are_forgotten_at_once(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        for prompt in ("What is 2+2?", "Which is the largest ocean?"):
            task = await web.ended(await web.ask(prompt))
            await web.post(f"/api/tasks/{task['id']}/correct", {"task_type": "documentation"})
        cleared = (await web.post("/api/corrections/clear", {})).json()
        left = (await web.get("/api/corrections")).json()
    assert (cleared, left) == ({"cleared": 2, "message": "2 corrections forgotten."}, {"corrections": []})


async def test_what_is_no_task_or_no_type_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        missing = await web.post("/api/tasks/nope/correct", {"task_type": "coding"})
        wrong = await web.post("/api/tasks/nope/correct", {"task_type": "poetry"})
    assert (missing.status_code, wrong.status_code) == (404, 422)
