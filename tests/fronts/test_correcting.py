"""A person says what a task really was: in the history, below an answer; and sees and takes back what was said."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton

from oxide_desktop.core.model import Request, Source, TaskType
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.widgets.type_correction import TypeCorrection
from tests.fakes.scripted_adapter import STALL
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import House, stub

PROMPT = "Look at how the session is renewed"


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def past(number: int = 1, task_type: str | None = "bug_search") -> TaskRecord:
    return TaskRecord(
        id=f"{number:04d}-task",
        status=TaskStatus.COMPLETED,
        prompt=PROMPT if number == 1 else f"{PROMPT} {number}",
        created_at=time.time() - number,
        source="cli",
        task_type=task_type,
        service="stub",
        result="Well.",
    )


def say(shown: TypeCorrection, task_type: TaskType) -> None:
    assert not shown.button.isHidden()
    shown.choices[task_type].trigger()


async def in_history(house: PagesHouse, record: TaskRecord) -> TypeCorrection:
    await house.add(record)
    page = house.go_to("history")
    page.show_task(record.id)
    await house.until(lambda: page.detail.record and page.detail.record.id == record.id)
    return page.detail.correction


def test_what_a_task_of_the_history_really_was_moves_the_next_one_like_it(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        shown = await in_history(house, past())
        assert shown.choices[TaskType.BUG_SEARCH].isChecked()
        assert shown.line.isHidden()
        say(shown, TaskType.CODE_REVIEW)
        await house.until(lambda: not shown.line.isHidden())
        assert shown.told.text().startswith("You said code review, not bug search.")
        assert shown.choices[TaskType.CODE_REVIEW].isChecked()
        found = await house.engine.explain(Request(prompt=PROMPT, source=Source.DESKTOP, cwd=tmp_path))
        assert found.profile.task_type is TaskType.CODE_REVIEW

    with_pages(loop, qapp, tmp_path, person, stub())


def test_what_was_said_is_taken_back_where_it_was_said(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        shown = await in_history(house, past())
        say(shown, TaskType.CODE_REVIEW)
        await house.until(lambda: not shown.line.isHidden())
        shown.back_button.click()
        await house.until(shown.line.isHidden)
        assert shown.choices[TaskType.BUG_SEARCH].isChecked()
        assert not await house.engine.corrections()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_to_say_that_it_was_what_it_was_taken_for_takes_back_the_correction(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        shown = await in_history(house, past())
        say(shown, TaskType.BUG_SEARCH)
        say(shown, TaskType.CODING)
        await house.until(lambda: not shown.line.isHidden())
        assert [item.said for item in await house.engine.corrections()] == [TaskType.CODING]
        say(shown, TaskType.BUG_SEARCH)
        await house.until(shown.line.isHidden)
        assert not await house.engine.corrections()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_task_that_was_never_profiled_offers_no_correction(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        assert (await in_history(house, past(1, None))).button.isHidden()
        assert (await in_history(house, past(2, "of another program"))).button.isHidden()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_below_an_answer_the_correction_is_offered_once_it_has_ended(loop: Loop):
    adapter = stub(["so far", STALL], ["Four."])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        shown = desk.panel.correction
        assert shown.button.isHidden()
        await desk.ask("What is 2+2?")
        await adapter.stalled.wait()
        assert shown.button.isHidden()
        desk.panel.stop_button.click()
        await desk.ended()
        say(shown, TaskType.CODING)
        await desk.until(lambda: not shown.line.isHidden())
        assert shown.told.text().startswith("You said coding, not ")
        await desk.ask("Another one")
        await desk.ended()
        assert shown.line.isHidden()

    loop.run_until_complete(DeskHouse(house).use(person))
    assert [item.said for item in house.history.corrections.made] == [TaskType.CODING]


def words(widget: object) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def buttons(widget: object, text: str) -> list[QPushButton]:
    return [item for item in widget.findChildren(QPushButton) if item.text() == text and item.isVisible()]


def test_the_rules_page_shows_what_was_said_and_takes_it_back(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        await house.add(*(past(number) for number in range(1, 8)))
        page = house.go_to("rules")
        assert "“This was a …”" in page.corrections.explained.text()
        assert page.corrections.clear_button.isHidden()
        for number in range(1, 8):
            await house.engine.correct(f"{number:04d}-task", TaskType.CODE_REVIEW)
        await house.until(lambda: f"{PROMPT} 7" in words(page.corrections))
        assert "code review, not bug search · just now" in words(page.corrections)
        assert len(buttons(page.corrections, "Take back")) == 5
        page.corrections.more_button.click()
        await house.until(lambda: len(buttons(page.corrections, "Take back")) == 7)
        buttons(page.corrections, "Take back")[0].click()
        await house.until(lambda: f"{PROMPT} 7" not in words(page.corrections))
        page.corrections.clear_button.click()
        await house.agree()
        await house.until(page.corrections.clear_button.isHidden)
        assert not await house.engine.corrections()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_what_was_said_is_exported_in_the_shape_of_the_command_line(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        await house.add(past())
        made = await house.engine.correct("0001-task", TaskType.CODE_REVIEW)
        page = house.go_to("rules")
        await house.until(lambda: not page.corrections.export_button.isHidden())
        page.corrections.export_button.click()
        (dialog,) = page.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(tmp_path / "said.json"))
        dialog.close()
        await house.until((tmp_path / "said.json").exists)
        await house.until(lambda: (tmp_path / "said.json").read_text("utf-8").endswith("}\n"))
        assert json.loads((tmp_path / "said.json").read_text("utf-8")) == {"corrections": [made.to_dict()]}

    with_pages(loop, qapp, tmp_path, person, stub())
