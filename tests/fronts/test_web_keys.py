"""API keys over HTTP: names, and whether they are kept. No answer ever holds a key."""

from __future__ import annotations

from pathlib import Path

from tests.fronts.web_house import served, stub

KEY = "sk-never-shown-0123456789"


async def test_a_key_is_kept_named_and_removed_and_never_shown(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="keyed", api_key="keyring:gemini"), stub(name="other")) as web:
        before = (await web.get("/api/keys")).json()
        kept = await web.client.put("/api/keys/gemini", json={"key": KEY})
        await web.client.put("/api/keys/spare", json={"key": KEY})
        after = await web.get("/api/keys/")
        removed = await web.client.delete("/api/keys/gemini")
        missing = await web.client.delete("/api/keys/gemini")
        settings = await web.get("/api/view/settings")
        left = (await web.get("/api/keys")).json()["keys"]
    assert before["keys"] == [{"name": "gemini", "kept": False, "used_by": ["keyed"]}]
    assert after.json()["keys"] == [
        {"name": "gemini", "kept": True, "used_by": ["keyed"]},
        {"name": "spare", "kept": True, "used_by": []},
    ]
    assert (kept.status_code, removed.status_code, missing.status_code) == (200, 200, 404)
    assert "keyring:gemini" in kept.json()["message"]
    assert [(item["name"], item["kept"]) for item in left] == [("gemini", False), ("spare", True)]
    for answer in (kept, after, removed, settings):
        assert KEY not in answer.text


async def test_a_key_that_a_service_is_given_in_its_environment_is_used(tmp_path: Path) -> None:
    program = stub(name="program", env={"TOKEN": "keyring:cli", "PLAIN": "no reference"})
    both = stub(name="both", api_key="keyring:cli", env={"TOKEN": "keyring:cli"})
    async with served(tmp_path, program, both) as web:
        keys = (await web.get("/api/keys")).json()["keys"]
    assert keys == [{"name": "cli", "kept": False, "used_by": ["program", "both"]}]


async def test_what_is_no_name_or_no_key_is_refused_and_not_repeated(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        name = await web.client.put("/api/keys/two words", json={"key": KEY})
        value = await web.client.put("/api/keys/name", json={"key": f"{KEY}\n{KEY}"})
        extra = await web.client.put("/api/keys/name", json={"key": KEY, "more": KEY})
        kept = (await web.get("/api/keys")).json()["keys"]
    assert (name.status_code, value.status_code, extra.status_code) == (422, 422, 422)
    assert KEY not in name.text + value.text + extra.text
    assert kept == []
