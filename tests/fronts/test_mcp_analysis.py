"""`analyze_parallel`: a directory for several services, with progress, one answer, and a receipt for every file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.core.record import TaskStatus
from tests.fakes.scripted_adapter import STALL
from tests.fronts.mcp_house import ERAS, client, served, stub, texts


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    for name in ("a.py", "b.py"):
        (folder / "src" / name).write_text(f"# the needle of {name}\n")
    (folder / "src" / "picture.png").write_bytes(b"\x89PNG\x00\x01\x02")
    (folder / "other.py").write_text("# not asked for\n")
    return folder


@ERAS
async def test_a_directory_is_read_and_every_file_is_accounted_for(tmp_path: Path, project: Path, era: str) -> None:
    adapter = stub(["It is a small program."])
    async with served(tmp_path / "home", adapter) as house, client(tmp_path / "home", era, cwd=project) as asker:
        arguments = {"directory": "src", "prompt": "What is this?", "num_workers": 2}
        result = await asker.call_tool("analyze_parallel", arguments)
        again = await asker.call_tool("get_task_result", {"task_id": result.structured_content["task_id"]})
        whole = await house.history.get(result.structured_content["task_id"])
    answer = result.structured_content
    assert (answer["status"], answer["next_offset"]) == ("completed", None)
    assert "It is a small program." in texts(result)[0]
    receipt = {Path(item["path"]).name: item["status"] for item in answer["receipt"]}
    assert receipt == {"a.py": "read", "b.py": "read", "picture.png": "skipped"}
    assert answer["receipt"][0]["status"] == "skipped"
    assert "2 read, 0 truncated, 1 skipped" in "\n".join(answer["notes"])
    assert again.structured_content == answer
    assert whole.analysis.workers == 2
    asked = "".join(call.prompt for call in adapter.calls)
    assert "the needle of a.py" in asked
    assert "not asked for" not in asked


async def test_past_the_patience_it_goes_on_and_tells_how_far_it_is(tmp_path: Path, project: Path) -> None:
    adapter, told = stub([STALL]), []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with served(tmp_path / "home", adapter, patience_s=2.0) as house:
        async with client(tmp_path / "home", cwd=project) as asker:
            arguments = {"directory": ".", "prompt": "What is this?"}
            result = await asker.call_tool("analyze_parallel", arguments, progress_callback=heard)
        assert result.structured_content["status"] == "running"
        assert any("of 3 files read" in (message or "") for message in told)
        assert [task.id for task in house.running()] == [result.structured_content["task_id"]]


async def test_cancelling_it_cancels_all_of_it(tmp_path: Path, project: Path) -> None:
    adapter = stub([STALL])
    async with served(tmp_path / "home", adapter) as house, client(tmp_path / "home", cwd=project) as asker:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(asker.call_tool("analyze_parallel", {"directory": "src", "prompt": "What?"}))
            await adapter.stalled.wait()
            call.cancel()
        assert (await asker.list_tools()).tools
        for task in house.running():
            assert (await task.finished()).status is TaskStatus.CANCELLED
    assert adapter.closed == len(adapter.calls)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"prompt": "x"}, "directory is missing"),
        ({"directory": ".", "prompt": " "}, "The prompt is empty"),
        ({"directory": ".", "prompt": "x", "num_workers": 0}, "num_workers must be a whole number from 1 on"),
        ({"directory": ["."], "prompt": "x"}, "directory must be a string"),
        ({"directory": "nowhere", "prompt": "x"}, "nowhere"),
        ({"directory": ".", "prompt": "x", "strategy": "split"}, "not strategy"),
    ],
)
async def test_what_cannot_be_analysed_is_answered_with_why(
    tmp_path: Path, project: Path, arguments: dict[str, Any], complaint: str
) -> None:
    async with served(tmp_path / "home", stub()), client(tmp_path / "home", cwd=project) as asker:
        result = await asker.call_tool("analyze_parallel", arguments)
    assert result.is_error
    assert complaint in texts(result)[0]
