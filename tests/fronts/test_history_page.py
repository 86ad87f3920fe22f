"""The History page, used as a person would, on a real history."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from oxide_desktop.core.model import Analysis, Candidate, Request, Route, Skipped, Source
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus, Tokens
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.models.task_list import RECORD
from oxide_desktop.fronts.desktop.pages.history import HistoryPage
from tests.fakes.scripted_adapter import STALL
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub

NOW = time.time()


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def record(number: int, **values: object) -> TaskRecord:
    asked = NOW - 3_600 * number
    attempt = Attempt(service="stub", started_at=asked, ended_at=asked + 2, status=AttemptStatus.COMPLETED)
    return TaskRecord(
        **{
            "id": f"{number:04d}-task",
            "status": TaskStatus.COMPLETED,
            "prompt": f"Question {number}\nand its second line",
            "created_at": asked,
            "source": "mcp",
            "service": "stub",
            "task_type": "general",
            "result": f"Answer **{number}**",
            "attempts": (attempt,),
            "duration": 2.0,
            **values,
        }
    )


async def page_with(house: PagesHouse, *records: TaskRecord) -> HistoryPage:
    await house.add(*records)
    page = house.go_to("history")
    await house.until(lambda: page.model.rowCount() == len(records) and (page.detail.record or not records))
    return page


def ids(page: HistoryPage) -> list[str]:
    return [page.model.index(row).data(RECORD).id for row in range(page.model.rowCount())]


def test_the_newest_task_is_shown_in_full_beside_the_list(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1))
        assert ids(page) == ["0001-task", "0002-task"]
        assert page.count.text() == "2 tasks"
        assert page.detail.prompt.toPlainText() == "Question 1\nand its second line"
        assert page.detail.answer.toPlainText() == "Answer 1"
        assert page.detail.state.text() == "✓ done"
        assert "Question 1" in page.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_keyboard_goes_from_task_to_task_and_into_the_answer(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1))
        QTest.keyClick(page.view, Qt.Key.Key_Down)
        assert page.detail.record.id == "0002-task"
        QTest.keyClick(page.view, Qt.Key.Key_Return)
        await house.until(lambda: house.window.focusWidget() is page.detail.answer)
        QTest.keyClick(page.view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        await house.until(lambda: house.window.focusWidget() is page.search)

    with_pages(loop, qapp, tmp_path, person, stub())


def test_typing_into_the_search_finds_by_words_and_by_meaning(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(3, status=TaskStatus.FAILED, error="It broke."), record(2), record(1))
        QTest.keyClicks(page.search, "question 2")
        await house.until(lambda: ids(page) == ["0002-task"])
        assert page.detail.record.id == "0002-task"
        assert page.count.text() == "1 of 3 tasks"
        page.search.setText("failed service:stub")
        await house.until(lambda: ids(page) == ["0003-task"])
        assert page.detail.error.text() == "It broke."
        page.search.setText("type:nonsense")
        await house.until(lambda: page.model.rowCount() == 3)
        assert "nonsense" in page.hint.text()
        page.search.setText("nowhere")
        await house.until(lambda: page.stack.currentWidget() is page.nothing)
        assert page.nothing_said.text() == "No task matches."
        page.all_button.click()
        await house.until(lambda: page.model.rowCount() == 3)
        assert page.hint.isHidden()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_an_empty_history_says_how_it_is_filled(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house)
        await house.until(lambda: page.stack.currentWidget() is page.nothing)
        assert page.nothing_said.text().startswith("Nothing yet.")
        assert page.detail.isHidden()
        page.ask_button.click()
        assert house.window.current == "ask"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_flight_recorder_tells_of_every_candidate_and_markup_of_others_is_text(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    attempts = (
        Attempt(service="gemini", started_at=NOW, ended_at=NOW + 1, status=AttemptStatus.FAILED, kind="quota",
                error="<b>used up</b>", left_machine=True),
        Attempt(service="stub", started_at=NOW + 1, first_chunk_at=NOW + 2, ended_at=NOW + 9,
                status=AttemptStatus.COMPLETED, tokens=Tokens(10, 20), cost=0.5, left_machine=False),
    )  # fmt: skip
    route = Route((Candidate("gemini", 1.0, ("your rule",)),), (Skipped("qwen", "signed out: no key"),), rule="a → b")

    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(1, attempts=attempts, route=route, notes=("1 file is held back: .env",)))
        story = page.detail.story.toPlainText()
        for told in ("your rule", "signed out: no key", "<b>used up</b>", "held back", "nothing left this computer"):
            assert told in story
        assert "10 tokens in, 20 out" in story
        assert "quota" in page.detail.bars.accessibleDescription()
        assert "first text 1.0 s" in page.detail.bars.accessibleDescription()
        page.grab()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_receipt_of_an_analysis_names_each_file(loop: Loop, qapp: QApplication, tmp_path: Path):
    receipt = (FileReceipt("a.py", ReadStatus.READ, "", "stub"), FileReceipt("<i>.py", ReadStatus.SKIPPED, "a pipe"))

    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1, analysis=Analysis(), receipt=receipt))
        files = page.detail.tab_buttons[2]
        assert files.text() == "Files 2"
        files.click()
        assert "<i>.py" in page.detail.files.toPlainText()
        assert "a pipe" in page.detail.files.toPlainText()
        QTest.keyClick(page.view, Qt.Key.Key_Down)
        assert files.isHidden()
        assert page.detail.parts.currentWidget() is page.detail.answer

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_running_task_is_followed_and_can_be_stopped(loop: Loop, qapp: QApplication, tmp_path: Path):
    adapter = stub(["so ", "far", STALL])

    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(1))
        task = await house.engine.submit(Request(prompt="Go on", source=Source.MCP, cwd=tmp_path))
        house.desk.open_task(task.id)
        await house.until(lambda: page.detail.answer.toPlainText() == "so far")
        assert page.detail.state.text() == "● working"
        assert ids(page)[0] == task.id
        assert not page.actions_of_task.delete_button.isEnabled()
        page.actions_of_task.stop_button.click()
        await house.until(lambda: page.detail.state.text() == "⊘ cancelled")
        assert page.detail.answer.toPlainText() == "so far"
        assert page.actions_of_task.stop_button.isHidden()

    with_pages(loop, qapp, tmp_path, person, adapter)


def test_a_task_is_replayed_on_another_service_and_the_new_one_is_shown(loop: Loop, qapp: QApplication, tmp_path: Path):
    other = stub(["from another"], name="other")

    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(1, cwd=str(tmp_path)))
        actions = page.actions_of_task
        actions.replay_menu.aboutToShow.emit()
        names = [item.text() for item in actions.replay_menu.actions() if item.text()]
        assert names == ["As it was asked", "stub", "other", "Change it first…"]
        next(item for item in actions.replay_menu.actions() if item.text() == "other").trigger()
        await house.until(lambda: page.detail.answer.toPlainText() == "from another")
        await house.until(lambda: page.detail.state.text() == "✓ done")
        assert page.detail.record.replay_of == "0001-task"
        assert page.view.currentIndex().row() == 0
        next(item for item in actions.replay_menu.actions() if item.text().startswith("Change")).trigger()
        assert house.asked[0].prompt.startswith("Question 1")
        assert house.window.current == "ask"

    with_pages(loop, qapp, tmp_path, person, stub(), other)


def test_an_answer_is_copied_and_saved_as_it_was_written(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(1))
        page.actions_of_task.copy_button.click()
        assert QGuiApplication.clipboard().text() == "Answer **1**"
        page.actions_of_task.save_button.click()
        (dialog,) = page.findChildren(QFileDialog)
        assert Path(dialog.selectedFiles()[0]).name == "question-1.md"
        target = tmp_path / "saved.md"
        dialog.fileSelected.emit(str(target))
        await house.until(lambda: target.exists() and target.read_text() == "Answer **1**")
        dialog.reject()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_place_that_cannot_be_written_is_told_of(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(1))
        page.actions_of_task.export()
        (dialog,) = page.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(tmp_path / "gone" / "tasks.json"))
        await house.until(lambda: house.failed)
        assert "cannot be written" in house.failed[0].title
        (tmp_path / "folder").mkdir()
        dialog.fileSelected.emit(str(tmp_path / "folder"))
        await house.until(lambda: len(house.failed) == 2)
        assert not (tmp_path / ".folder.part").exists()
        dialog.reject()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_task_is_deleted_only_after_a_question(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1))
        QTest.keyClick(page.view, Qt.Key.Key_Delete)
        assert page.model.rowCount() == 2
        await house.agree()
        await house.until(lambda: page.model.rowCount() == 1)
        assert page.detail.record.id == "0002-task"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_everything_is_exported_deleted_and_imported_again(loop: Loop, qapp: QApplication, tmp_path: Path):
    target = tmp_path / "tasks.json"

    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1))
        actions = page.actions_of_task
        actions.export()
        (dialog,) = page.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(target))
        await house.until(target.exists)
        dialog.reject()
        assert set(json.loads(target.read_text())) == {"0001-task", "0002-task"}
        assert list(tmp_path.glob(".*.part")) == []
        actions.clear()
        await house.agree()
        await house.until(lambda: page.stack.currentWidget() is page.nothing)
        assert page.detail.isHidden()
        actions.import_file()
        dialog = next(item for item in page.findChildren(QFileDialog) if item.isVisible())
        dialog.fileSelected.emit(str(target))
        await house.until(lambda: page.model.rowCount() == 2)
        dialog.reject()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_what_an_import_sets_aside_is_told(loop: Loop, qapp: QApplication, tmp_path: Path):
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps({"bad": 1, "0007-task": record(7).to_dict()}))

    async def person(house: PagesHouse) -> None:
        page = await page_with(house)
        page.actions_of_task.import_file()
        (dialog,) = page.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(file))
        await house.until(lambda: house.failed)
        assert (house.failed[0].title, house.failed[0].hint) == ("1 task set aside", "1 task imported.")
        dialog.reject()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_task_behind_a_search_or_far_down_is_shown_when_it_is_asked_for(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1))
        page.search.setText("question 1")
        await house.until(lambda: page.model.rowCount() == 1)
        house.desk.open_task("0002-task")
        await house.until(lambda: page.detail.record.id == "0002-task")
        house.desk.open_task("no such task")
        await house.until(lambda: house.failed)
        assert house.failed[0].title == "No such task"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_row_that_is_not_read_yet_is_shown_when_it_is_and_nothing_acts_on_another_meanwhile(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, *(record(number) for number in range(250, 0, -1)))
        actions = page.actions_of_task
        QTest.keyClick(page.view, Qt.Key.Key_End)
        assert page.view.currentIndex().row() == 249
        assert page.detail.record is None
        assert page.detail.prompt.toPlainText() == page.detail.answer.text == page.detail.state.text() == ""
        offered = (actions.delete_button, actions.copy_button, actions.save_button)
        assert [made.isEnabled() for made in offered] == [False, False, False]
        assert actions.replay_button.isHidden()
        await house.until(lambda: page.detail.record)
        assert page.detail.record.id == "0250-task"
        assert page.detail.answer.toPlainText() == "Answer 250"
        assert actions.delete_button.isEnabled()
        QTest.keyClick(page.view, Qt.Key.Key_Home)
        assert page.detail.record.id == "0001-task"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_what_is_highlighted_is_what_is_shown_when_the_rows_behind_it_are_other_ones_now(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, *(record(number) for number in range(250, 0, -1)))
        QTest.keyClick(page.view, Qt.Key.Key_End)
        await house.until(lambda: page.detail.record)
        await house.engine.history.delete("0240-task")  # another program: as many as before, and not the same
        await house.add(record(0))
        page.model.refresh()
        await house.until(lambda: page.model.index(0).data(RECORD).id == "0000-task")
        await house.until(lambda: page.model.index(249).data(RECORD))
        assert page.detail.record == page.view.currentIndex().data(RECORD)

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_task_that_is_shown_beside_the_list_leaves_no_other_row_highlighted(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2), record(1))
        page.search.setText("question 1")
        await house.until(lambda: page.model.rowCount() == 1)
        house.desk.open_task("0002-task")
        await house.until(lambda: page.detail.record.id == "0002-task")
        assert not page.view.selectionModel().hasSelection()
        place = page.view.visualRect(page.model.index(0)).center()
        QTest.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert page.detail.record.id == "0001-task"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_light_and_dark_are_drawn(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(2, status=TaskStatus.FAILED, error="no"), record(1))
        light = page.grab().toImage()
        house.theme.is_dark = True
        house.theme._apply()
        house.theme.changed.emit()
        dark = page.grab().toImage()
        house.theme.is_dark = False
        house.theme._apply()
        assert light.pixelColor(5, 5).lightness() > 200
        assert dark.pixelColor(5, 5).lightness() < 60

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_age_in_the_detail_goes_on_with_the_lists(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_with(house, record(1))
        page.detail.when.setText("of long ago")
        page._ages.timeout.emit()
        assert page.detail.when.text() == "1 h ago"

    with_pages(loop, qapp, tmp_path, person, stub())
