"""What the HTTP API offers beside asking: the history, services, rules and figures, in the documented shapes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError, StoreError
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.model import Request, Source, TaskType
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.web.following import Following
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.monitoring import Metrics
from tests.fakes.scripted_adapter import STALL
from tests.fronts.web_house import Web, served, stub

BROKEN = ServiceError(FailureKind.INVALID, "stub broke", "It does not like this question.")


# -- tasks -------------------------------------------------------------------------------------------------------------


async def asked(web: Web, *prompts: str) -> list[dict[str, Any]]:
    return [await web.ended(await web.ask(prompt)) for prompt in prompts]


async def test_tasks_are_found_by_their_words(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["An apple."], ["A pear."])) as web:
        first, second = await asked(web, "Name a red fruit.", "Name a green fruit.")
        by_answer = (await web.get("/api/tasks/search", params={"q": "apple"})).json()
        by_prompt = (await web.get("/api/tasks/search/", params={"q": "fruit", "limit": 1})).json()
        nothing = await web.get("/api/tasks/search")
    assert by_answer == {"tasks": [first], "total": 2, "filtered": 1}
    assert ([task["id"] for task in by_prompt["tasks"]], by_prompt["filtered"]) == ([second["id"]], 2)
    assert nothing.status_code == 422


async def test_of_a_record_without_attempts_nobody_knows_whether_it_left(tmp_path: Path) -> None:
    kept = {"id": "old", "status": "completed", "prompt": "x", "service": "qwen", "result": "y", "created_at": 1.0}
    (tmp_path / "tasks.json").write_text(json.dumps({"old": kept}))
    async with served(tmp_path, stub()) as web:
        await web.house.import_history(tmp_path / "tasks.json")
        assert (await web.get("/api/tasks/old")).json()["left_machine"] is None


async def test_the_list_is_filtered_by_what_is_given(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="first"), stub(name="second")) as web:
        (task,) = await asked(web, "What is 2+2?")
        for query, found in {
            "service=first": 1,
            "service=second": 0,
            f"task_type={task['task_type']}": 1,
            "since=0": 1,
            f"since={task['created_at'] + 1}": 0,
        }.items():
            assert (await web.get(f"/api/tasks?{query}")).json()["filtered"] == found, query


async def test_everything_kept_is_exported_in_one_stream(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Four."])) as web:
        tasks = await asked(web, "What is 2+2?", "And 3+3?")
        answer = await web.get("/api/tasks/export")
    assert answer.headers["content-type"] == "application/json"
    assert "tasks.json" in answer.headers["content-disposition"]
    assert "content-length" not in answer.headers
    assert answer.json() == {task["id"]: task for task in tasks}


async def test_an_empty_history_is_exported_as_an_empty_object(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        assert (await web.get("/api/tasks/export")).json() == {}


async def test_an_export_that_cannot_begin_is_an_error_and_no_broken_file(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        history = web.house.history

        async def export() -> Any:
            raise StoreError("The history cannot be read", "The disk is gone.")
            yield ""

        web.house._history = type("Broken", (), {"export": staticmethod(export)})()
        answer = await web.get("/api/tasks/export")
        web.house._history = history
    assert answer.status_code == 507


async def test_records_of_ended_tasks_are_cleared_all_or_of_one_status(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["ok"], [BROKEN], ["ok"])) as web:
        await asked(web, "one", "two", "three")
        assert (await web.post("/api/tasks/clear?status=failed")).json()["cleared"] == 1
        assert (await web.post("/api/tasks/clear/?status=running")).status_code == 422
        assert (await web.post("/api/tasks/clear")).json()["message"] == "2 records removed."
        assert (await web.get("/api/tasks")).json()["total"] == 0


async def test_a_task_is_asked_again_on_another_service(tmp_path: Path) -> None:
    first, second = stub(["one"], name="first"), stub(["two"], name="second")
    async with served(tmp_path, first, second) as web:
        (task,) = await asked(web, "What is 2+2?")
        again = (await web.post(f"/api/tasks/{task['id']}/retry", {"service": "second"})).json()
        same = (await web.post(f"/api/tasks/{task['id']}/retry")).json()
        told = [await web.ended(answer["task_id"]) for answer in (again, same)]
        missing = await web.post(f"/api/tasks/{task['id']}/retry", {"service": "third"})
        unknown = await web.post("/api/tasks/nothing/retry")
    assert [(item["service"], item["replay_of"]) for item in told] == [("second", task["id"]), ("first", task["id"])]
    assert (missing.status_code, unknown.status_code) == (422, 404)


@pytest.mark.parametrize("address", ["/api/tasks/execute", "/api/explain"])
async def test_a_service_that_is_not_configured_is_refused_before_anything_is_recorded(
    tmp_path: Path, address: str
) -> None:
    async with served(tmp_path, stub()) as web:
        answer = await web.post(address, {"prompt": "hi", "preferences": {"preferred_service": "ghost"}})
        kept = (await web.get("/api/tasks")).json()["total"]
    assert (answer.status_code, kept) == (422, 0)
    assert "'ghost' is not one of stub" in answer.json()["error"]["message"]


async def test_relative_files_mean_the_folder_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the needle")
    adapter = stub()
    async with served(tmp_path / "home", adapter) as web:
        await web.ended(await web.ask("Review.", files=["notes.txt"], cwd=str(tmp_path)))
        relative = await web.post("/api/explain", {"prompt": "Review.", "cwd": "here"})
    assert "the needle" in adapter.calls[0].prompt
    assert relative.status_code == 422
    assert "absolute" in relative.json()["error"]["hint"]


async def test_many_files_are_analysed_and_the_receipt_names_each(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"text of {name}\n")
    async with served(tmp_path / "home", stub(["found it"])) as web:
        body = {"prompt": "What is in here?", "files": ["*.txt"], "services": ["stub"], "cwd": str(tmp_path)}
        answer = await web.post("/api/analyze/", body)
        assert (answer.status_code, answer.json()["status"]) == (200, "queued"), answer.text
        task = await web.ended(answer.json()["task_id"])
        report = (await web.get(f"/api/tasks/{task['id']}/analysis")).json()
        wrong = [await web.post("/api/analyze", {**body, **change}) for change in ({"files": []}, {"services": ["x"]})]
        (plain,) = await asked(web, "What is 2+2?")
        no_analysis = await web.get(f"/api/tasks/{plain['id']}/analysis")
    assert set(report) == {
        "aggregated_text",
        "total_duration_seconds",
        "receipt",
        "task_id",
        "status",
        "error",
        "notes",
    }
    assert (report["status"], report["aggregated_text"]) == ("completed", task["result"])
    assert [(item["path"], item["status"]) for item in report["receipt"]] == [("a.txt", "read"), ("b.txt", "read")]
    assert task["analysis"] == {"services": ["stub"], "strategy": "split", "workers": None}
    assert task["receipt"] == report["receipt"]
    assert [item.status_code for item in (*wrong, no_analysis)] == [422, 422, 422]


async def test_a_running_task_shows_the_text_that_has_come(tmp_path: Path) -> None:
    adapter = stub(["so far", STALL])
    async with served(tmp_path, adapter) as web:
        task_id = await web.ask()
        await adapter.stalled.wait()
        assert (await web.get(f"/api/tasks/{task_id}")).json()["result"] == "so far"


# -- services ----------------------------------------------------------------------------------------------------------


async def test_a_service_is_looked_at_when_that_is_asked_for(tmp_path: Path) -> None:
    adapter = stub()
    adapter.health = Health(service="stub", tier=Tier.STARTS, failing=Tier.AUTHENTICATED, fix="Sign in.")
    async with served(tmp_path, adapter, stub(name="off", enabled=False)) as web:
        assert (await web.get("/api/services/stub")).json()["checked_at"] is None
        looked = (await web.post("/api/services/stub/health")).json()
        assert looked == (await web.get("/api/services/stub/")).json()
        assert (looked["healthy"], looked["failing"], looked["fix"]) == (False, "authenticated", "Sign in.")
        assert (await web.post("/api/services/nobody/health")).status_code == 404


async def test_a_service_is_tested_with_one_question(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="other"), stub(["Four."], [BROKEN])) as web:
        good = (await web.post("/api/services/stub/test?test_prompt=Hello")).json()
        bad = (await web.post("/api/services/stub/test/")).json()
        missing = await web.post("/api/services/nobody/test")
        task = (await web.get(f"/api/tasks/{good['task_id']}")).json()
    assert (good["success"], good["response"], good["error"]) == (True, "Four.", None)
    assert (task["prompt"], task["service"], task["duration"]) == ("Hello", "stub", good["duration"])
    assert (bad["success"], bad["response"]) == (False, None)
    assert "stub broke" in bad["error"]
    assert missing.status_code == 404


async def test_the_models_of_a_service_are_listed(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        told = (await web.get("/api/services/stub/models")).json()
        missing = await web.get("/api/services/nobody/models")
    models = [{"name": "scripted-1", "size_bytes": None, "remote_host": None}]
    assert told == {"service": "stub", "models": models, "recommended_model": None}
    assert missing.status_code == 404


async def test_what_a_service_was_sent_today_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        await asked(web, "What is 2+2?")
        told = (await web.get("/api/services/stub/use")).json()
        missing = await web.get("/api/services/nobody/use")
    assert told["requests"] == 1
    assert (told["requests_left_today"], told["requests_left_this_minute"]) == (None, None)
    assert missing.status_code == 404


async def test_a_service_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        answer = await web.post("/api/services/stub/start")
    assert answer.status_code == 422
    assert answer.json()["error"]["title"] == "stub cannot be started"


# -- routing -----------------------------------------------------------------------------------------------------------


async def test_rules_are_set_shown_changed_and_removed(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="one"), stub(name="two")) as web:
        made = await web.post("/api/routing/rules", {"task_type": "coding", "service": "one"})
        assert made.json() == {
            "message": "Routing rule updated",
            "rule": {"task_type": "coding", "service": "one"},
        }
        await web.post("/api/routing/rules/", {"task_type": "general", "service": "one"})
        changed = await web.client.put("/api/routing/rules/coding", json={"task_type": "coding", "service": "two"})
        assert changed.json()["rule"] == {"task_type": "coding", "service": "two"}
        assert (await web.get("/api/routing/rules/coding")).json() == changed.json()["rule"]
        assert (await web.get("/api/routing/rules/")).json() == {
            "rules": [{"task_type": "coding", "service": "two"}, {"task_type": "general", "service": "one"}],
            "stats": {
                "total_rules": 2,
                "rules_by_service": {"two": 1, "one": 1},
                "task_types": ["coding", "general"],
            },
            "problems": [],
        }
        assert (await web.client.delete("/api/routing/rules/coding/")).json()["task_type"] == "coding"
        assert (await web.get("/api/routing/rules/coding")).status_code == 404
        assert (await web.client.delete("/api/routing/rules/coding")).status_code == 404
        assert (await web.post("/api/routing/rules/clear")).json() == {"cleared": 1, "message": "1 rule removed."}
        assert (await web.get("/api/routing/rules")).json()["rules"] == []


async def test_a_rule_is_obeyed(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="one"), stub(name="two")) as web:
        await web.post("/api/routing/rules", {"task_type": "coding", "service": "two"})
        told = (await web.post("/api/explain", {"prompt": "go", "preferences": {"task_type": "coding"}})).json()
    assert told["route"]["candidates"][0]["service"] == "two"
    assert told["route"]["rule"]


@pytest.mark.parametrize(
    "body",
    [
        {"task_type": "poetry", "service": "stub"},
        {"task_type": "coding", "service": "ghost"},
        {"task_type": "coding"},
        {"task_type": "coding", "service": "stub", "why": "because"},
    ],
)
async def test_nonsense_is_no_rule(tmp_path: Path, body: object) -> None:
    async with served(tmp_path, stub()) as web:
        assert (await web.post("/api/routing/rules", body)).status_code == 422
        assert (await web.client.put("/api/routing/rules/general", json=body)).status_code == 422
        assert (await web.get("/api/routing/rules")).json()["rules"] == []


async def test_rules_that_cannot_be_read_are_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        web.house.rules.problems = lambda: (StoreError("The rules cannot be read", "Damaged."),)
        answer = await web.get("/api/routing/rules")
    assert (answer.status_code, answer.json()["error"]["title"]) == (507, "The rules cannot be read")


async def test_a_rule_is_tried_on_the_newest_tasks_and_not_set(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="one"), stub(name="two")) as web:
        (task,) = await asked(web, "What is 2+2?")
        body = {"task_type": task["task_type"], "service": "two"}
        tried = (await web.post("/api/routing/try", body)).json()
        assert (await web.get("/api/routing/rules")).json()["rules"] == []
        assert tried == (await web.house.try_rule(TaskType(task["task_type"]), "two")).to_dict()
        assert [(item["from"], item["to"]) for item in tried["moved"]] == [("one", "two")]
        for wrong in ({"service": "ghost"}, {"last": 0}, {"last": 10_001}):
            assert (await web.post("/api/routing/try", {**body, **wrong})).status_code == 422


async def test_the_eight_types_are_told_with_what_suits_them(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        types = (await web.get("/api/routing/task-types")).json()["task_types"]
    assert [item["name"] for item in types] == [item.value for item in TaskType]
    assert types[0] == {
        "name": "coding",
        "label": "Code Generation",
        "description": "Writing new code, implementing features",
        "recommended_services": ["qwen", "gemini"],
    }


# -- monitoring --------------------------------------------------------------------------------------------------------


async def test_the_figures_are_told_in_the_documented_shape(tmp_path: Path) -> None:
    bad = stub(["x", STALL], name="bad")
    bad.health = Health(service="bad", tier=None, failing=Tier.INSTALLED, message="It is not there.")
    good = stub(["ok"], [BROKEN], ["x", STALL], name="good")
    async with served(tmp_path, good, bad, stub(name="off", enabled=False)) as web:
        await asked(web, "one", "two")
        await web.ask("three")
        await good.stalled.wait()
        figures = (await web.get("/api/monitoring/metrics/")).json()
        stats = (await web.get("/api/monitoring/stats")).json()
    assert figures["services"] == {"total": 3, "enabled": 2, "healthy": 1, "unhealthy": 1}
    ended = {"completed": 1, "failed": 1, "cancelled": 0, "interrupted": 0}
    assert figures["tasks"] == {"total": 3, "queued": 0, "running": 1, **ended}
    assert {"cpu_percent", "memory_percent"} <= set(figures["system"])
    assert figures["websocket"] == {"connections": 0}
    assert figures["timestamp"] > 1e9
    assert (stats["total_tasks"], stats["success_rate"]) == (3, 50.0)
    assert set(stats) >= {"avg_duration", "tasks_by_status", "tasks_by_service", "tasks_by_type"}


async def test_figures_are_taken_once_for_all_who_ask_at_the_same_time(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        metrics = Metrics(web.house)
        first = await metrics.now()
        assert await metrics.now() is first


# -- following one task ------------------------------------------------------------------------------------------------


async def lines_of(web: Web, path: str, body: object) -> list[dict[str, Any]]:
    async with web.client.stream("POST", path, json=body) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) async for line in answer.aiter_lines()]


async def test_who_asks_can_stay_and_misses_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Fo", "ur."], [BROKEN])) as web:
        begin, *told, end = await lines_of(web, "/api/tasks/execute?follow=true", {"prompt": "2+2?", "source": "cli"})
        *_, failed = await lines_of(web, "/api/tasks/execute?follow=true", {"prompt": "2+2?"})
        record = (await web.get(f"/api/tasks/{begin['record']['id']}")).json()
    assert (begin["type"], begin["record"]["status"], begin["notices"]) == ("begin", "queued", [])
    assert "".join(text for line in told if line["type"] == "chunks" for text in line["texts"]) == "Four."
    assert {line["type"] for line in told} <= {"chunks", "state"}
    assert end == {"type": "end", "record": record, "error": None}
    assert record["source"] == "cli"
    assert (failed["error"]["title"], failed["error"]["exit_code"]) == ("stub broke", 1)


async def test_a_task_that_waits_tells_so_while_it_is_followed_and_goes_on_without_its_follower(tmp_path: Path) -> None:
    adapter = stub(["x", STALL], max_concurrency=1)
    async with served(tmp_path, adapter) as web:
        await web.ask("first")
        await adapter.stalled.wait()
        async with web.client.stream("POST", "/api/tasks/execute?follow=true", json={"prompt": "second"}) as answer:
            async for line in answer.aiter_lines():
                told = json.loads(line)
                if told["type"] == "state" and told["waiting"]:
                    break
        assert (told["waiting"]["service"], told["waiting"]["ahead"]) == ("stub", 1)
        running = web.house.find(told["record"]["id"])
        assert running is not None
        assert not running.ended


@pytest.mark.parametrize(
    ("source", "status"), [(Source.CLI, TaskStatus.CANCELLED), (Source.HTTP, TaskStatus.COMPLETED)]
)
async def test_only_a_commands_task_ends_with_a_follower_that_reads_no_more(
    tmp_path: Path, source: Source, status: TaskStatus
) -> None:
    adapter = stub(["x", STALL] if source is Source.CLI else ["x"])
    async with served(tmp_path, adapter) as web:
        task = await web.house.submit(Request(prompt="hi", source=source, cwd=tmp_path))

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        async def receive() -> Any:
            await asyncio.Event().wait()

        async with asyncio.timeout(60):
            await Following(task, (), Limits(queue=10, send_s=0.05, close_s=0.05))({}, receive, send)
            record = await task.finished()
    assert record.status is status


async def test_an_analysis_is_followed_with_its_progress(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    adapter = stub(["x", STALL])
    async with served(tmp_path / "home", adapter) as web:
        body = {"prompt": "?", "files": ["a.txt"], "cwd": str(tmp_path)}
        async with web.client.stream("POST", "/api/analyze?follow=true", json=body) as answer:
            async for line in answer.aiter_lines():
                told = json.loads(line)
                if told["type"] == "state" and told["progress"]:
                    break
        assert told["progress"]["files_total"] == 1
