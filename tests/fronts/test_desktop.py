"""The app's window and tray, driven as a person would, on a real engine with scripted services."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

from oxide_desktop.core.errors import FailureKind, ServiceError, StoreError
from oxide_desktop.core.health import Depth
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.desktop.app import App
from oxide_desktop.fronts.desktop.loop import Loop
from tests.fakes.scripted_adapter import STALL
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.unit.test_orchestrator import House, stub


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def test_a_question_is_typed_and_its_answer_streams_into_the_window(loop: Loop):
    house = House(stub(["**Fo", "ur**."]))

    async def person(desk: DeskHouse) -> None:
        await desk.ask("What is 2+2?")
        await desk.ended()
        assert desk.panel.answer.toPlainText() == "Four."
        assert desk.panel.state.text().startswith("✓ stub · ")
        assert "stub" in desk.panel.route.text()

    assert loop.run_until_complete(DeskHouse(house).use(person)) == 0
    (record,) = house.history.records.values()
    assert (record.source, record.status) == ("desktop", TaskStatus.COMPLETED)


def test_the_route_is_shown_while_typing_and_nothing_is_sent(loop: Loop):
    house = House(stub(["never"]))

    async def person(desk: DeskHouse) -> None:
        desk.panel.prompt.setPlainText("Write a function that sorts")
        await desk.until(lambda: desk.panel.route.text().startswith("will go to: "))
        assert "stub" in desk.panel.route.text()
        desk.panel.prompt.setPlainText("")
        await desk.until(lambda: not desk.panel.route.text())

    loop.run_until_complete(DeskHouse(house).use(person))
    assert house.adapters["stub"].calls == []


def test_what_a_person_should_know_of_the_history_stands_above_all_else(loop: Loop):
    house = House(stub(["never"]))
    house.history.notices = ("The history was damaged.", "A backup of <b>today</b> took its place.")

    async def person(desk: DeskHouse) -> None:
        assert desk.notices[-2:] == house.history.notices
        shown = desk.app.window.notices.findChildren(QLabel)
        assert house.history.notices[1] in [label.text() for label in shown]
        assert {label.textFormat() for label in shown} == {Qt.TextFormat.PlainText}

    assert loop.run_until_complete(DeskHouse(house).use(person)) == 0


def test_stop_cancels_the_task_and_says_so(loop: Loop):
    adapter = stub(["so far", STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on for ever")
        await adapter.stalled.wait()
        await desk.until(lambda: desk.panel.answer.toPlainText() == "so far")
        assert not desk.panel.ask_button.isEnabled()
        desk.panel.stop_button.click()
        await desk.ended()
        assert desk.panel.state.text().startswith("⊘ ")
        assert desk.panel.ask_button.isEnabled()

    loop.run_until_complete(DeskHouse(house).use(person))
    assert adapter.closed == 1


def test_a_failure_is_told_in_the_window_with_its_hint(loop: Loop):
    house = House(stub([ServiceError(FailureKind.AUTH, "stub is signed out", "401.", "Sign in with `stub login`.")]))

    async def person(desk: DeskHouse) -> None:
        await desk.ask("hello")
        await desk.ended()
        assert desk.panel.state.text() == "✕ No service could take the task"
        assert not desk.panel.failure.isHidden()
        assert "Sign in with" in desk.panel.failure.hint.text()
        assert desk.panel.failure.details.isHidden()
        desk.panel.failure.fold.click()
        assert "stub is signed out" in desk.panel.failure.details.text()
        desk.panel.failure.services.click()
        assert desk.app.window.current == "services"

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_full_disk_is_told_before_anything_is_asked(loop: Loop):
    house = House(stub(["never"]))
    house.history.full = True

    async def person(desk: DeskHouse) -> None:
        await desk.ask("hello")
        await desk.ended()
        assert "disk is full" in f"{desk.panel.state.text()} {desk.panel.failure.details.text()}"

    loop.run_until_complete(DeskHouse(house).use(person))


def test_nothing_can_be_asked_with_an_empty_prompt_or_twice_at_once(loop: Loop):
    adapter = stub([STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("   ")
        assert not desk.panel.ask_button.isEnabled()
        await desk.ask("once")
        await adapter.stalled.wait()
        await desk.ask("twice")
        desk.panel.stop_button.click()
        await desk.ended()

    loop.run_until_complete(DeskHouse(house).use(person))
    assert len(house.history.records) == 1


def test_the_small_window_hides_on_esc_and_the_task_goes_on(loop: Loop):
    adapter = stub(["begun", STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        desk.app.tray.ask_wanted.emit()
        small = desk.app.ask_window
        await desk.until(small.isActiveWindow)  # else the keys are another window's
        small.panel.prompt.setPlainText("Go on")
        QTest.keyClick(small.panel.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await adapter.stalled.wait()
        QTest.keyClick(small, Qt.Key.Key_Escape)
        assert not small.isVisible()
        assert len(house.orchestrator.running()) == 1
        assert not desk.app.leaving.wanted.is_set()
        desk.app.tray.ask_wanted.emit()
        assert small.isVisible()
        await desk.until(lambda: small.panel.answer.toPlainText() == "begun")

    loop.run_until_complete(DeskHouse(house).use(person))


def test_without_a_tray_host_the_window_says_so_and_closing_it_quits(loop: Loop):
    house = House(stub(["ok"]))

    async def person(desk: DeskHouse) -> None:
        assert "no tray icons" in desk.notices[0]
        desk.app.window.close()
        assert desk.app.leaving.wanted.is_set()

    assert loop.run_until_complete(DeskHouse(house).use(person)) == 0


def test_without_a_tray_host_closing_the_window_does_not_end_a_task(loop: Loop):
    adapter = stub(["begun", STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.app.window.close()
        assert not desk.app.leaving.wanted.is_set()
        assert desk.app.window.isMinimized()

    loop.run_until_complete(DeskHouse(house).use(person))


def test_the_tray_counts_what_runs(loop: Loop):
    adapter = stub([STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        assert desk.app.tray.icon.toolTip() == "Oxide: idle"
        await desk.ask("Go on")
        await adapter.stalled.wait()
        await desk.until(lambda: desk.app.tray.icon.toolTip() == "Oxide: 1 task running")
        desk.panel.stop_button.click()
        await desk.until(lambda: desk.app.tray.icon.toolTip() == "Oxide: idle")

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_signal_from_the_system_ends_the_app_and_its_tasks(loop: Loop):
    adapter = stub([STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.signal()

    assert loop.run_until_complete(DeskHouse(house).use(person)) == 0
    assert house.history.closed
    (record,) = house.history.records.values()
    assert record.status is TaskStatus.CANCELLED


def test_a_service_s_status_reaches_qt(loop: Loop):
    house = House(stub(["ok"]))

    async def person(desk: DeskHouse) -> None:
        health = await house.orchestrator.check_service("stub", Depth.PROBE)
        assert health.healthy

    loop.run_until_complete(DeskHouse(house).use(person))


def test_an_engine_that_cannot_start_is_told_in_a_dialog_and_ends_the_app(loop: Loop, tmp_path: Path):
    def build() -> object:
        raise StoreError("The history cannot be opened", "It comes from a newer Oxide.", "Update Oxide.")

    async def main() -> int:
        desk = DeskHouse(House(stub(["ok"])))
        app = App(build, desk.serve, desk.watch, tmp_path / "desktop.ini")
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            running = group.create_task(app.main())
            await desk.until(lambda: any(isinstance(w, QMessageBox) for w in QApplication.topLevelWidgets()))
            (box,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox)]
            assert "newer Oxide" in box.informativeText()
            box.close()
        return running.result()

    assert loop.run_until_complete(main()) == 1


def test_garbage_is_collected_in_the_gui_thread_only_while_the_app_runs(loop: Loop):
    """A Qt object in a cycle that a worker thread's collector deletes would end the process."""
    threads: list[int] = []

    def notice(phase: str, _info: object) -> None:
        threads.append(threading.get_ident())

    def allocate() -> None:
        for _ in range(200_000):
            [[]].append([])

    async def person(desk: DeskHouse) -> None:
        gc.callbacks.append(notice)
        try:
            await asyncio.to_thread(allocate)
            desk.app._collector._timer.timeout.emit()
        finally:
            gc.callbacks.remove(notice)
        assert not gc.isenabled()

    loop.run_until_complete(DeskHouse(House(stub(["ok"]))).use(person))

    assert set(threads) == {threading.get_ident()}
    assert gc.isenabled()
