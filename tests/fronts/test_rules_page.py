"""The Rules page: nothing is set before it is saved, and what it would have changed is said before."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Candidate, Route, TaskType
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.pages.rules import RulesPage
from oxide_desktop.fronts.desktop.widgets.rule_row import RuleRow
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub

SERVICES = (stub(name="qwen"), stub(name="gemini"))


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


async def page_of(house: PagesHouse) -> RulesPage:
    page = house.go_to("rules")
    await house.until(page.rows[TaskType.GENERAL].choice.count)
    return page


def choose(row: RuleRow, service: str) -> None:
    row.choice.setCurrentIndex(row.choice.findData(service))
    row.choice.activated.emit(row.choice.currentIndex())


def past(number: int, cwd: Path) -> TaskRecord:
    return TaskRecord(
        id=f"{number}",
        status=TaskStatus.COMPLETED,
        prompt=f"Question {number}",
        created_at=time.time() - number,
        source="cli",
        task_type="coding",
        route=Route((Candidate("qwen", 1.0), Candidate("gemini", 0.5))),
        cwd=str(cwd),
    )


def test_each_type_shows_where_it_goes_now(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        await house.engine.set_rule(TaskType.CODING, "gemini")
        page = await page_of(house)
        assert page.rows[TaskType.CODING].choice.currentText() == "gemini"
        assert page.rows[TaskType.GENERAL].choice.currentText() == "Automatic, qwen first"
        assert len(page.rows) == 8

    with_pages(loop, qapp, tmp_path, person, *SERVICES)


def test_a_change_is_tried_on_the_last_tasks_and_only_then_saved(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        await house.add(*(past(number, tmp_path) for number in range(8)))
        page = await page_of(house)
        row = page.rows[TaskType.CODING]
        choose(row, "gemini")
        await house.until(lambda: row.verdict.text() == "Would have moved 8 of the last 8 tasks.")
        assert house.engine.rules.all() == {}
        row.which_button.click()
        assert row.which.isVisible()
        assert "qwen → gemini  Question 0" in row.which.text()
        assert row.which.text().endswith("and 2 more")
        row.save_button.click()
        await house.until(lambda: house.engine.rules.all() == {TaskType.CODING: "gemini"})
        await house.until(lambda: row.save_button.isVisible() is False)
        assert row.choice.currentText() == "gemini"

    with_pages(loop, qapp, tmp_path, person, *SERVICES)


def test_a_change_can_be_taken_back_and_automatic_be_chosen_again(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        await house.engine.set_rule(TaskType.CODING, "gemini")
        page = await page_of(house)
        row = page.rows[TaskType.CODING]
        choose(row, "qwen")
        assert row.save_button.isVisible()
        row.undo_button.click()
        assert (row.choice.currentText(), row.save_button.isVisible()) == ("gemini", False)
        choose(row, "")
        assert "scores best" in row.verdict.text()
        row.save_button.click()
        await house.until(lambda: house.engine.rules.all() == {})

    with_pages(loop, qapp, tmp_path, person, *SERVICES)


def test_a_choice_that_is_not_saved_yet_outlives_a_change_of_another_row(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        choose(page.rows[TaskType.CODING], "gemini")
        await house.engine.set_rule(TaskType.GENERAL, "gemini")
        await house.until(lambda: page.rows[TaskType.GENERAL].choice.currentText() == "gemini")
        assert page.rows[TaskType.CODING].choice.currentText() == "gemini"
        assert page.rows[TaskType.CODING].save_button.isVisible()

    with_pages(loop, qapp, tmp_path, person, *SERVICES)


def test_a_project_that_decides_otherwise_is_named(loop: Loop, qapp: QApplication, tmp_path: Path):
    project = tmp_path / "shop"
    project.mkdir()
    (project / ".oxide.yaml").write_text("rules:\n  coding: gemini\n")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / ".oxide.yaml").write_text("rules: [\n")

    async def person(house: PagesHouse) -> None:
        await house.add(past(1, project), past(2, broken))
        page = await page_of(house)
        row = page.rows[TaskType.CODING]
        await house.until(row.chips.count)
        chip = row.chips.itemAt(0).widget()
        assert isinstance(chip, QLabel)
        assert chip.text() == "shop: gemini"
        assert chip.toolTip() == f"{project / '.oxide.yaml'} sends it to gemini"
        assert not house.failed

    with_pages(loop, qapp, tmp_path, person, *SERVICES)


def test_all_rules_go_only_after_a_question(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        await house.engine.set_rule(TaskType.CODING, "gemini")
        page = await page_of(house)
        await house.until(page.clear_button.isEnabled)
        page.clear_button.click()
        assert house.engine.rules.all() != {}
        await house.agree()
        await house.until(lambda: house.engine.rules.all() == {})

    with_pages(loop, qapp, tmp_path, person, *SERVICES)


def test_rules_that_are_not_used_are_told_of(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        house.engine.rules.unused = (UsageError("A rule is not used", "There is no service gone."),)
        page = await page_of(house)
        await house.until(lambda: "There is no service gone." in page.problems.text())
        assert page.problems.isVisible()

    with_pages(loop, qapp, tmp_path, person, *SERVICES)
