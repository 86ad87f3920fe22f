"""What MCP clients get besides a quick answer: the soft deadline, pages, services, prompts, resources."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError, UsageError
from oxide_desktop.core.events import TaskWaiting
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.tokens import estimate_tokens
from oxide_desktop.fronts.mcp.results import PAGE_CHARS, PAGE_TOKENS, page_of, stage
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter, service
from tests.fronts.mcp_house import ERAS, client, served, stub, texts

SHORT_S = 0.1  # whatever a call has seen by then, it is answered


class Gated(ScriptedAdapter):
    """Says its scene, then waits for the gate, then says one thing more.

    Attributes:
        waiting: Set once it waits.
    """

    def __init__(self, *scenes: Any) -> None:
        super().__init__(service("stub"), *scenes)
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()

    async def execute(self, call):  # type: ignore[override]
        async for item in super().execute(call):
            yield item
        self.waiting.set()
        await self.gate.wait()
        yield "and the rest"


# -- the soft deadline -------------------------------------------------------------------------------------------------


@ERAS
async def test_past_the_patience_a_call_answers_with_what_there_is_and_the_task_goes_on(
    tmp_path: Path, era: str
) -> None:
    adapter = Gated(["first words "])
    async with served(tmp_path, adapter, patience_s=SHORT_S) as house, client(tmp_path, era) as asker:
        task_id = (await asker.call_tool("route_task", {"prompt": "Take your time."})).structured_content["task_id"]
        await adapter.waiting.wait()
        early = (await asker.call_tool("get_task_result", {"task_id": task_id})).structured_content
        adapter.gate.set()
        await house.record_of(TaskStatus.COMPLETED)
        late = await asker.call_tool("get_task_result", {"task_id": task_id, "offset": early["next_offset"]})

    assert (early["status"], early["result"], early["next_offset"]) == ("running", "first words ", 12)
    assert f'get_task_result with task_id "{task_id}" and offset 12' in early["notes"][0]
    assert late.structured_content["status"] == "completed"
    assert late.structured_content["result"] == "and the rest"
    assert late.structured_content["next_offset"] is None
    assert texts(late)[0] == "and the rest"


async def test_waiting_again_for_a_task_tells_of_its_progress_and_is_answered_in_time(tmp_path: Path) -> None:
    adapter, told = stub(["words", STALL]), []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with served(tmp_path, adapter, patience_s=SHORT_S), client(tmp_path) as asker:
        early = (await asker.call_tool("route_task", {"prompt": "Stall."})).structured_content
        await adapter.stalled.wait()
        arguments = {"task_id": early["task_id"], "offset": 5}
        again = await asker.call_tool("get_task_result", arguments, progress_callback=heard)
    assert (again.structured_content["status"], again.structured_content["result"]) == ("running", None)
    assert again.structured_content["next_offset"] == 5
    assert "stub has written 5 characters" in told


async def test_giving_up_on_a_wait_leaves_the_task_alone(tmp_path: Path) -> None:
    adapter, is_waited_for = Gated(["words "]), asyncio.Event()

    async def heard(*_: object) -> None:
        is_waited_for.set()

    async with served(tmp_path, adapter) as house, client(tmp_path) as asker, asyncio.TaskGroup() as group:
        group.create_task(asker.call_tool("route_task", {"prompt": "Stall."}))
        await adapter.waiting.wait()
        (task,) = house.running()
        waiting = asker.call_tool("get_task_result", {"task_id": task.id}, progress_callback=heard)
        second = group.create_task(waiting)
        await is_waited_for.wait()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert (await asker.list_tools()).tools
        adapter.gate.set()
        record = await house.record_of(TaskStatus.COMPLETED)
    assert record.result == "words and the rest"


def test_a_task_that_waits_for_a_service_says_so() -> None:
    request = Request(prompt="x", source=Source.MCP, cwd=Path("/"))
    task = RunningTask(request, TaskRecord(id="t", status=TaskStatus.QUEUED, prompt="x", created_at=1.0, source="mcp"))
    assert stage(task) == "Task t is queued"
    task.waiting = TaskWaiting("t", "stub", 3)
    assert stage(task) == "It waits for stub, 3 before it"


async def test_a_mistake_of_oxides_own_is_an_answer_too(tmp_path: Path) -> None:
    class Broken(ScriptedAdapter):
        @property
        def info(self):  # type: ignore[override]
            raise RuntimeError("no info today")

    async with served(tmp_path, Broken(service("stub"))), client(tmp_path) as asker:
        result = await asker.call_tool("list_services", {})
    assert result.is_error
    assert "Oxide made a mistake" in texts(result)[0]


# -- pages -------------------------------------------------------------------------------------------------------------


async def test_a_long_result_comes_in_pages_that_make_it_up_again(tmp_path: Path) -> None:
    whole = "".join(f"line {number}: ünïcödé 漢字\n" for number in range(9_000))
    async with served(tmp_path, stub([whole])), client(tmp_path) as asker:
        result = await asker.call_tool("route_task", {"prompt": "Write a lot."})
        page = result.structured_content
        parts = [page["result"]]
        while page["next_offset"] is not None:
            assert page["next_offset"] == sum(map(len, parts))
            assert "This is not all." in page["notes"][0]
            arguments = {"task_id": page["task_id"], "offset": page["next_offset"]}
            page = (await asker.call_tool("get_task_result", arguments)).structured_content
            parts.append(page["result"])
        links = [item for item in result.content if isinstance(item, types.ResourceLink)]
        read = await asker.read_resource(str(links[0].uri))

    assert "".join(parts) == whole
    assert len(parts) > 3
    assert all(part.endswith("\n") for part in parts)
    assert [item.text for item in read.contents] == [whole]


@pytest.mark.parametrize("text", ["word " * 100_000, "漢" * 100_000, "🦀" * 50_000, "x" * 100_000, "a\n" * 90_000])
def test_a_page_never_holds_more_than_a_client_takes(text: str) -> None:
    offset, pages = 0, []
    while offset is not None:
        page = page_of(text, offset, complete=True)
        assert 0 < len(page.text) <= PAGE_CHARS
        assert estimate_tokens(page.text) <= PAGE_TOKENS
        pages.append(page.text)
        offset = page.next_offset
    assert "".join(pages) == text


def test_an_offset_past_the_end_is_refused_and_the_end_itself_is_not() -> None:
    assert page_of("four", 4, complete=True).text == ""
    with pytest.raises(UsageError, match=r"The text has 4 characters\. Send 4 or less\."):
        page_of("four", 5, complete=True)


# -- get_task_result ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "task_id is missing"),
        ({"task_id": "00000000-0000-4000-8000-000000000000"}, "No such task"),
        ({"task_id": "x", "offset": -1}, "offset must be a whole number from 0 on"),
        ({"task_id": "x", "offset": 1.5}, "offset must be a whole number"),
        ({"task_id": "x", "offset": True}, "offset must be a whole number"),
        ({"task_id": "x", "offset": "soon"}, "offset must be a whole number"),
        ({"task_id": "x", "page": 2}, "get_task_result takes task_id, offset, not page"),
    ],
)
async def test_a_result_that_cannot_be_had_is_answered_with_why(
    tmp_path: Path, arguments: dict[str, Any], complaint: str
) -> None:
    async with served(tmp_path, stub()), client(tmp_path) as asker:
        result = await asker.call_tool("get_task_result", arguments)
    assert result.is_error
    assert complaint in texts(result)[0]


async def test_the_result_of_a_failed_task_says_why_again(tmp_path: Path) -> None:
    broken = ServiceError(FailureKind.CRASHED, "stub broke", "It ended in the middle.", "Start it again.")
    async with served(tmp_path, stub(["half", broken])), client(tmp_path) as asker:
        failed = (await asker.call_tool("route_task", {"prompt": "x"})).structured_content
        again = await asker.call_tool("get_task_result", {"task_id": failed["task_id"], "offset": "0"})
    assert again.is_error
    assert "Start it again." in texts(again)[0]
    assert again.structured_content["result"] == "half"


async def test_a_task_of_another_process_is_told_apart(tmp_path: Path) -> None:
    elsewhere = TaskRecord(id="elsewhere", status=TaskStatus.RUNNING, prompt="x", created_at=1.0, source="cli")
    async with served(tmp_path, stub()) as house, client(tmp_path) as asker:
        await house.history.add(elsewhere)
        result = await asker.call_tool("get_task_result", {"task_id": "elsewhere"})
    assert not result.is_error
    assert "Another process of Oxide works on it" in texts(result)[0]


# -- list_services -----------------------------------------------------------------------------------------------------


@ERAS
async def test_services_are_listed_with_what_the_broken_ones_need(tmp_path: Path, era: str) -> None:
    good, bad = stub(), ScriptedAdapter(service("broken", model="big-1"))
    bad.health = Health(
        service="broken", tier=Tier.INSTALLED, failing=Tier.STARTS, message="It is not running.", fix="Start it."
    )
    async with served(tmp_path, good, bad), client(tmp_path, era) as asker:
        result = await asker.call_tool("list_services", {})
        refused = await asker.call_tool("list_services", {"name": "stub"})
    first, second = result.structured_content["services"]
    assert (first["name"], first["healthy"], first["locality"]) == ("stub", True, "local")
    assert (second["healthy"], second["problem"], second["fix"]) == (False, "It is not running.", "Start it.")
    assert "broken (local, big-1): not usable: It is not running. Start it." in texts(result)[0]
    assert "takes no arguments, not name" in texts(refused)[0]


# -- prompts and resources ---------------------------------------------------------------------------------------------


@ERAS
async def test_prompts_ask_for_the_tools(tmp_path: Path, era: str) -> None:
    async with served(tmp_path, stub()), client(tmp_path, era) as asker:
        assert [prompt.name for prompt in (await asker.list_prompts()).prompts] == ["ask", "review", "analyse"]
        ask = await asker.get_prompt("ask", {"question": "Why is the sky blue?"})
        review = await asker.get_prompt("review", {})
        analyse = await asker.get_prompt("analyse", {"directory": "src"})
        with pytest.raises(Exception, match="the argument question is empty"):
            await asker.get_prompt("ask", {})
        with pytest.raises(Exception, match="no prompt 'sing' here, only ask, review, analyse"):
            await asker.get_prompt("sing", {})
    said = [result.messages[0].content.text for result in (ask, review, analyse)]
    assert "route_task" in said[0]
    assert "\n\nWhy is the sky blue?\n\n" in said[0]
    assert "have changed since the last commit" in said[1]
    assert "analyze_parallel on src" in said[2]


@ERAS
async def test_results_are_resources_of_the_project_that_asked(tmp_path: Path, era: str) -> None:
    mine, others = tmp_path / "mine", tmp_path / "others"
    mine.mkdir()
    others.mkdir()
    async with served(tmp_path / "home", stub(["the answer"])):
        async with client(tmp_path / "home", era, cwd=mine) as asker:
            asked = await asker.call_tool("route_task", {"prompt": "My question\nof two lines, " + "long " * 30})
            listed = (await asker.list_resources()).resources
            (template,) = (await asker.list_resource_templates()).resource_templates
            read = await asker.read_resource(str(listed[0].uri))
            for bad in ("oxide://tasks/nobody", "oxide://else"):
                with pytest.raises(Exception, match=bad):
                    await asker.read_resource(bad)
        async with client(tmp_path / "home", era, cwd=others) as asker:
            assert (await asker.list_resources()).resources == []
    task_id = asked.structured_content["task_id"]
    assert [str(resource.uri) for resource in listed] == [f"oxide://tasks/{task_id}"]
    assert listed[0].name.startswith("My question of two lines, long")
    assert len(listed[0].name) <= 60
    assert template.uri_template == "oxide://tasks/{task_id}"
    assert read.contents[0].text == "the answer"


async def test_a_task_without_a_result_is_a_resource_that_says_so(tmp_path: Path) -> None:
    adapter = stub(["words", STALL])
    async with served(tmp_path, adapter, patience_s=SHORT_S), client(tmp_path) as asker:
        early = (await asker.call_tool("route_task", {"prompt": "Stall."})).structured_content
        await adapter.stalled.wait()
        read = await asker.read_resource(f"oxide://tasks/{early['task_id']}")
    assert "running" in read.contents[0].text
