"""The Ask panel: files, wishes, what is said before asking, analyses, and what can be done with an answer."""

import asyncio
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox

from oxide_desktop.core.errors import FailureKind, OxideError, ServiceError
from oxide_desktop.core.events import AnalysisProgress, TaskWaiting
from oxide_desktop.core.model import Analysis, Locality, Preferences, Request, Source, TaskType
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.desktop import sentences
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.widgets.files import MOST_SHOWN, FileChips, common_folder
from tests.fakes.scripted_adapter import STALL
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.unit.test_orchestrator import House, stub


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def dropped(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def actions(menu: QMenu) -> dict[str, QAction]:
    found: dict[str, QAction] = {}
    for action in menu.actions():
        found |= actions(action.menu()) if action.menu() else {action.text(): action}
    return found


def test_files_that_are_pasted_or_dropped_go_with_the_prompt(loop: Loop, tmp_path: Path):
    adapter = stub(["Fine."])
    (tmp_path / "a.py").write_text("x = 1")

    async def person(desk: DeskHouse) -> None:
        desk.panel.prompt.insertFromMimeData(dropped(tmp_path / "a.py"))
        desk.panel.prompt.insertFromMimeData(dropped(tmp_path / "a.py"))
        assert desk.panel.prompt.toPlainText() == ""
        assert desk.panel.chips.paths() == (str(tmp_path / "a.py"),)
        await desk.ask("Review a.py")
        await desk.ended()

    loop.run_until_complete(DeskHouse(House(adapter)).use(person))
    (call,) = adapter.calls
    assert "x = 1" in call.prompt
    assert call.cwd == tmp_path


def test_text_that_is_pasted_is_typed(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        data = QMimeData()
        data.setText("some words")
        desk.panel.prompt.insertFromMimeData(data)
        assert desk.panel.prompt.toPlainText() == "some words"
        assert desk.panel.chips.paths() == ()

    loop.run_until_complete(DeskHouse(House(stub())).use(person))


def test_a_chip_takes_its_file_away(loop: Loop, tmp_path: Path):
    async def person(desk: DeskHouse) -> None:
        desk.panel.chips.add([str(tmp_path / "a&b.py"), str(tmp_path / "c.py")])
        chip = desk.panel.chips._flow.itemAt(0).widget()
        assert chip.accessibleName() == "Remove a&b.py"
        chip.click()
        assert desk.panel.chips.paths() == (str(tmp_path / "c.py"),)

    loop.run_until_complete(DeskHouse(House(stub())).use(person))


def test_very_many_files_are_counted_rather_than_shown(loop: Loop, tmp_path: Path):
    async def person(desk: DeskHouse) -> None:
        chips: FileChips = desk.panel.chips
        chips.add(str(tmp_path / f"{number}.py") for number in range(40))
        assert chips._flow.count() == MOST_SHOWN + 1
        assert chips._flow.itemAt(MOST_SHOWN).widget().text() == f"and {40 - MOST_SHOWN} more   ✕"
        assert chips._flow.heightForWidth(200) > chips._flow.heightForWidth(2000)

    loop.run_until_complete(DeskHouse(House(stub())).use(person))


def test_what_is_held_back_and_what_leaves_the_computer_is_said_before_asking(loop: Loop, tmp_path: Path):
    adapter = stub(["never"], locality=Locality.CLOUD)
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / ".env").write_text("KEY=1")

    async def person(desk: DeskHouse) -> None:
        desk.panel.chips.add([str(tmp_path / "a.py"), str(tmp_path / ".env")])
        desk.panel.prompt.setPlainText("Review this")
        await desk.until(lambda: "leaves this computer" in desk.panel.amount.text())
        assert desk.panel.amount.text().startswith("2 files · about ")
        assert "nothing held back" not in desk.panel.amount.text()
        assert ".env" in desk.panel.warning.text()
        desk.panel.chips.set_paths([str(tmp_path / "a.py")])
        await desk.until(lambda: "nothing held back" in desk.panel.amount.text())
        assert desk.panel.warning.isHidden()

    loop.run_until_complete(DeskHouse(House(adapter)).use(person))
    assert adapter.calls == []


def test_a_file_that_is_not_there_is_told_before_asking(loop: Loop, tmp_path: Path):
    async def person(desk: DeskHouse) -> None:
        desk.panel.chips.add([str(tmp_path / "gone.py")])
        desk.panel.prompt.setPlainText("Review this")
        await desk.until(lambda: "gone.py" in desk.panel.warning.text())

    loop.run_until_complete(DeskHouse(House(stub())).use(person))


def test_a_service_and_a_type_can_be_chosen(loop: Loop):
    first, second = stub(["1"], name="first"), stub(["2"], name="second")

    async def person(desk: DeskHouse) -> None:
        assert desk.panel.target.text() == "Auto  ▾"
        choices = actions(desk.panel.target.menu())
        next(action for text, action in choices.items() if text.endswith("second")).trigger()
        choices["bug search"].trigger()
        assert desk.panel.target.wishes == Preferences("second", TaskType.BUG_SEARCH)
        assert desk.panel.target.text() == "second · bug search  ▾"
        await desk.ask("hello")
        await desk.ended()

    house = House(first, second)
    loop.run_until_complete(DeskHouse(house).use(person))
    (record,) = house.history.records.values()
    assert (record.service, record.task_type) == ("second", "bug_search")


def test_a_folder_is_analysed_by_several_services_with_its_progress(loop: Loop, tmp_path: Path):
    adapter = stub(["All is well."])
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("x = 1")
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        assert desk.panel.share.isHidden()
        desk.panel.chips.add([str(tmp_path)])
        assert not desk.panel.share.isHidden()
        desk.panel.prompt.setPlainText("What is this?")
        await desk.until(lambda: desk.panel.amount.text().startswith("2 files · about"))
        await desk.ask("What is this?")
        progress = AnalysisProgress(desk.app.window.page("ask").asking.task_id, 1, 2, 1, 1, 90.0)
        house.bus.publish(progress)
        assert desk.panel.progress.value() == 1
        assert "1 of 2 files" in desk.panel.state.text()
        assert re.search(r"about \d+ s left", desk.panel.state.text())
        house.bus.publish(dataclasses.replace(progress, left_s=0.5))  # it takes longer, and nobody knows how long
        assert "left" not in desk.panel.state.text()
        await desk.ended()
        assert "2 files read" in desk.panel.state.text()

    loop.run_until_complete(DeskHouse(house).use(person))
    (record,) = [item for item in house.history.records.values() if item.parent is None]
    assert record.analysis == Analysis()


def test_a_folder_can_also_be_asked_about_in_one_piece(loop: Loop, tmp_path: Path):
    (tmp_path / "a.py").write_text("x = 1")
    house = House(stub(["Fine."]))

    async def person(desk: DeskHouse) -> None:
        desk.panel.chips.add([str(tmp_path)])
        desk.panel.share.setChecked(False)
        await desk.ask("What is this?")
        await desk.ended()

    loop.run_until_complete(DeskHouse(house).use(person))
    (record,) = house.history.records.values()
    assert record.analysis is None


def test_the_same_can_be_tried_on_another_service(loop: Loop):
    first, second = stub(["1"], name="first"), stub(["2"], name="second")
    house = House(first, second)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("hello")
        await desk.ended()
        assert list(actions(desk.panel._again)) == ["second"]
        actions(desk.panel._again)["second"].trigger()
        await desk.until(lambda: desk.panel.state.text().startswith("✓ second"))
        assert desk.panel.answer.text == "2"

    loop.run_until_complete(DeskHouse(house).use(person))
    before, now = sorted(house.history.records.values(), key=lambda record: record.created_at)
    assert now.replay_of == before.id


def test_why_this_service_is_told_in_full(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        await desk.ask("hello")
        await desk.ended()
        assert desk.panel.reasons.isHidden()
        desk.panel.why_button.click()
        assert not desk.panel.reasons.isHidden()
        assert "1. stub" in desk.panel.reasons.text()
        assert "asked: stub · completed · stayed on this machine" in desk.panel.reasons.text()

    loop.run_until_complete(DeskHouse(House(stub(["Hi."]))).use(person))


def test_an_answer_is_copied_as_it_was_written(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        await desk.ask("hello")
        await desk.ended()
        desk.panel.copy_button.click()
        assert QGuiApplication.clipboard().text() == "**Hi.**"

    loop.run_until_complete(DeskHouse(House(stub(["**Hi.**"]))).use(person))


def test_an_answer_is_saved_where_the_person_says_and_a_failure_is_told(loop: Loop, tmp_path: Path):
    async def save_to(desk: DeskHouse, path: Path) -> None:
        desk.panel.save_button.click()
        (dialog,) = [item for item in desk.panel.findChildren(QFileDialog) if item.isVisible()]
        dialog.fileSelected.emit(str(path))
        dialog.close()

    async def person(desk: DeskHouse) -> None:
        await desk.ask("hello")
        await desk.ended()
        await save_to(desk, tmp_path / "answer.md")
        await desk.until(lambda: "saved to" in desk.panel.foot.text())
        await save_to(desk, tmp_path / "no" / "answer.md")
        await desk.until(lambda: any("The answer was not saved" in text for text in desk.notices))

    loop.run_until_complete(DeskHouse(House(stub(["**Hi.**"]))).use(person))
    assert (tmp_path / "answer.md").read_text("utf-8") == "**Hi.**"


def test_a_new_question_leaves_the_running_one_alone(loop: Loop):
    adapter = stub(["begun", STALL], ["Second."])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.app.window.page("ask").asking.start_over()
        assert (desk.panel.prompt.toPlainText(), desk.panel.answer.toPlainText()) == ("", "")
        assert len(house.orchestrator.running()) == 1
        await desk.ask("Another")
        await desk.ended()
        assert desk.panel.answer.text == "Second."
        assert len(house.orchestrator.running()) == 1

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_request_from_elsewhere_is_put_into_the_panel_and_not_asked(loop: Loop, tmp_path: Path):
    adapter = stub(["Fine."])
    request = Request(
        prompt="Again",
        files=(str(tmp_path),),
        preferences=Preferences("stub"),
        source=Source.DESKTOP,
        cwd=tmp_path,
        analysis=Analysis(),
        replay_of="old",
    )
    house = House(adapter)
    (tmp_path / "a.py").write_text("x = 1")

    async def person(desk: DeskHouse) -> None:
        desk.app.desk.ask_again(request)
        assert desk.panel.prompt.toPlainText() == "Again"
        assert desk.panel.is_analysis
        assert adapter.calls == []
        desk.panel.ask_button.click()
        await desk.ended()

    loop.run_until_complete(DeskHouse(house).use(person))
    record = next(item for item in house.history.records.values() if item.parent is None)
    assert (record.replay_of, record.analysis) == ("old", Analysis(services=("stub",)))


def test_who_waits_is_told_for_whom(loop: Loop):
    adapter = stub([STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        task_id = desk.app.window.page("ask").asking.task_id
        house.bus.publish(TaskWaiting(task_id, "stub", 2))
        assert desk.panel.state.text() == "◌ stub · 2 tasks come before it"

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_link_in_an_answer_is_shown_before_it_is_opened(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        desk.panel.answer.anchorClicked.emit(QUrl("https://example.org/a?b=c"))
        (box,) = [item for item in QApplication.allWidgets() if isinstance(item, QMessageBox) and item.isVisible()]
        assert box.informativeText() == "https://example.org/a?b=c"
        (copy,) = [item for item in box.buttons() if item.text() == "Copy"]
        copy.click()
        assert QGuiApplication.clipboard().text() == "https://example.org/a?b=c"

    loop.run_until_complete(DeskHouse(House(stub())).use(person))


def test_an_error_is_told_above_the_page_once_until_it_is_dismissed(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        for _ in range(2):
            desk.app.desk.show_error(OxideError("It broke", "Because.", "Mend it."))
        assert desk.notices.count("It broke: Because. Mend it.") == 1
        desk.app.window.notices._remove("It broke: Because. Mend it.")
        assert "It broke: Because. Mend it." not in desk.notices

    loop.run_until_complete(DeskHouse(House(stub())).use(person))


def test_files_of_one_project_are_asked_about_from_there(tmp_path: Path):
    (tmp_path / "src").mkdir()

    assert common_folder([str(tmp_path / "src" / "a.py"), str(tmp_path / "b.py")]) == tmp_path
    assert common_folder([str(tmp_path / "src")]) == tmp_path / "src"
    assert common_folder([]) == Path.home()


@pytest.mark.parametrize(("seconds", "told"), [(0.84, "0.8 s"), (41, "41 s"), (200, "3 min"), (9000, "2 h")])
def test_spans_are_told_as_people_say_them(seconds: float, told: str):
    assert sentences.span(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(3, "just now"), (120, "2 min ago"), (7200, "2 h ago"), (90_000, "1 day ago"), (200_000, "2 days ago")],
)
def test_ages_are_told_as_people_say_them(seconds: float, told: str):
    assert sentences.ago(seconds) == told


def test_a_task_that_was_stopped_says_so(loop: Loop):
    adapter = stub(["so far", STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.panel.stop_button.click()
        await desk.ended()
        assert desk.panel.answer.text == "so far"
        assert desk.panel.again_button.isEnabled() is False

    loop.run_until_complete(DeskHouse(house).use(person))
    assert next(iter(house.history.records.values())).status is TaskStatus.CANCELLED


def test_a_new_question_brings_back_what_it_took_away_when_that_is_undone(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        desk.panel.prompt.setPlainText("A long prompt")
        desk.app.window.page("ask").asking.start_over()
        assert not desk.panel.prompt.toPlainText()
        desk.panel.prompt.undo()
        assert desk.panel.prompt.toPlainText() == "A long prompt"

    loop.run_until_complete(DeskHouse(House(stub(["never"]))).use(person))


def test_what_is_typed_while_an_answer_comes_stays_for_the_next_question(loop: Loop):
    adapter = stub(["so far", STALL], ["Four."])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.panel.prompt.setPlainText("What is 2+2?")
        desk.app.window.page("ask").asking.start_over()
        assert desk.panel.prompt.toPlainText() == "What is 2+2?"
        await desk.until(desk.panel.ask_button.isEnabled)
        desk.panel.ask_button.click()
        await desk.until(lambda: desk.panel.answer.toPlainText() == "Four.")
        await desk.until(lambda: [task.record.prompt for task in house.orchestrator.running()] == ["Go on"])
        house.orchestrator.running()[0].cancel()

    loop.run_until_complete(DeskHouse(house).use(person))


def test_ctrl_return_asks_from_wherever_the_keyboard_is(loop: Loop):
    house = House(stub(["Four."]))

    async def person(desk: DeskHouse) -> None:
        desk.panel.prompt.setPlainText("What is 2+2?")
        desk.panel.target.setFocus()
        await desk.until(desk.panel.target.hasFocus)
        QTest.keyClick(desk.panel.target, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await desk.ended()
        assert desk.panel.answer.toPlainText() == "Four."
        desk.panel.add_button.setFocus()
        desk.panel.target.choose(Preferences("stub"))
        await desk.until(desk.panel.prompt.hasFocus)

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_failure_can_be_read_to_its_end_and_asked_again(loop: Loop):
    endless = "x" * 4_000
    house = House(stub([ServiceError(FailureKind.INVALID, "It broke", f"500: {endless}")], ["Four."]))

    async def person(desk: DeskHouse) -> None:
        desk.app.window.show_page("ask")
        await desk.ask("What is 2+2?")
        await desk.ended()
        failure = desk.panel.failure
        failure.fold.setChecked(True)
        assert endless in failure.details.text()
        await desk.until(lambda: failure.details.document().lineCount() > 10)
        assert failure.details.height() < desk.app.window.height() / 2
        failure.again.click()
        await desk.until(lambda: desk.panel.answer.toPlainText() == "Four.")
        assert failure.isHidden()

    loop.run_until_complete(DeskHouse(house).use(person))


def test_one_preview_is_made_at_a_time_and_the_newest_wish_is_shown(loop: Loop):
    house = House(stub(["never"]))
    explained: list[str] = []
    explain = house.orchestrator.explain
    gate = asyncio.Event()

    async def slow(request: Request) -> object:
        explained.append(request.prompt)
        await gate.wait()
        return await explain(request)

    house.orchestrator.explain = slow

    async def person(desk: DeskHouse) -> None:
        for words in ("one", "two", "three"):
            desk.panel.prompt.setPlainText(words)
            desk.panel.prompt.settled.emit()
            await desk.until(lambda: explained)
        assert explained == ["one"]
        gate.set()
        await desk.until(lambda: explained == ["one", "three"])
        await desk.until(desk.panel.route.text)

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_pause_is_told_before_something_is_asked(loop: Loop):
    house = House(stub(["never"]))

    async def person(desk: DeskHouse) -> None:
        desk.app.desk.pause(paused=True)
        assert desk.panel.paused.isVisibleTo(desk.panel)
        desk.panel.begin_wanted.emit()
        assert not desk.panel.paused.isVisibleTo(desk.panel)
        assert not house.orchestrator.is_paused

    loop.run_until_complete(DeskHouse(house).use(person))
