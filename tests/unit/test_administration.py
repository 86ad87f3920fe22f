"""What is looked at and changed besides tasks, on a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.events import HistoryChanged
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.ports import TaskFilter
from tests.fakes.history_program import task
from tests.fakes.memory import MemoryRules
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.front_house import front_house


@pytest.fixture
def stub() -> ScriptedAdapter:
    return ScriptedAdapter(service("stub"))


async def test_whoever_watches_hears_of_an_import(tmp_path: Path, stub: ScriptedAdapter) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps({"task-1": task("task-1").to_dict()}))
    async with front_house(tmp_path / "home", stub) as house:
        with house.bus.subscribe() as events:
            assert (await house.import_history(file)).imported == 1
            assert await events.next() == HistoryChanged()
        assert (await house.history.list(TaskFilter())).total == 1


async def test_an_import_that_is_refused_says_so(tmp_path: Path, stub: ScriptedAdapter) -> None:
    (tmp_path / "tasks.json").write_text("[")
    async with front_house(tmp_path / "home", stub) as house:
        with pytest.raises(StoreError, match="not a readable"):
            await house.import_history(tmp_path / "tasks.json")


async def test_the_machine_is_measured_for_every_front(tmp_path: Path, stub: ScriptedAdapter) -> None:
    async with front_house(tmp_path / "home", stub) as house:
        assert 0 < (await house.system_metrics())["memory_percent"] <= 100


async def test_every_front_is_told_of_rules_that_are_not_used(tmp_path: Path, stub: ScriptedAdapter) -> None:
    async with front_house(tmp_path / "home", stub) as house:
        assert house.notices() == ()
        assert isinstance(house.rules, MemoryRules)
        house.rules.unused = (StoreError("The rules cannot be read", "They are damaged.", "Mend the file."),)
        assert house.notices() == ("The rules cannot be read: They are damaged. Mend the file.",)


async def test_the_speed_of_a_service_is_that_of_its_newest_answers(tmp_path: Path, stub: ScriptedAdapter) -> None:
    async with front_house(tmp_path, stub) as house:
        task = await house.submit(Request(prompt="What is 2+2?", source=Source.PYTHON, cwd=tmp_path))
        await task.finished()
        assert (await house.speed_of("stub")).answers == 1
        assert (await house.speed_of("another")).answers == 0
