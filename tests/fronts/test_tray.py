"""The tray's menu and pictures: what runs, what ran, what can be done, at every size."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QSystemTrayIcon

from oxide_desktop.core.errors import CancelledTaskError, FailureKind, ServiceError
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.desktop.icons import SIZES
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.tray_icon import tray_icon
from tests.fakes.scripted_adapter import STALL
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.unit.test_orchestrator import House, request, stub

REFUSED = ServiceError(FailureKind.INVALID, "stub refused the input", "400.")


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def menu(desk: DeskHouse) -> list[str]:
    desk.app.tray.menu.aboutToShow.emit()
    return [action.text() for action in desk.app.tray.menu.actions() if not action.isSeparator()]


def choose(desk: DeskHouse, begins: str) -> None:
    desk.app.tray.menu.aboutToShow.emit()
    (action,) = [item for item in desk.app.tray.menu.actions() if item.text().startswith(begins)]
    action.trigger()


def boxes() -> list[QMessageBox]:
    return [item for item in QApplication.allWidgets() if isinstance(item, QMessageBox) and item.isVisible()]


def press(text: str) -> None:
    (box,) = boxes()
    (found,) = [item for item in box.buttons() if item.text() == text]
    found.click()


def test_the_menu_tells_what_runs_what_ended_and_how(loop: Loop):
    adapter = stub(["Four."], [REFUSED], [STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await house.ask("What is 2+2 & 3?")
        await house.ask("This fails")
        await desk.ask("Go on")
        await adapter.stalled.wait()
        lines = menu(desk)
        assert lines[0] == "Ask…"
        assert lines[1].startswith("●  Go on")
        assert "stub · " in lines[1]
        assert lines[2].startswith("✕  This fails")
        assert lines[3].startswith("✓  What is 2+2 && 3?")
        assert lines[-1] == "Quit Oxide (1 task running)"

    loop.run_until_complete(DeskHouse(house).use(person))


def test_an_entry_stays_the_same_while_the_menu_is_renewed(loop: Loop):
    adapter = stub([STALL], ["Four."])
    house = House(adapter)
    opened: list[str] = []

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.app.desk.task_wanted.connect(opened.append)
        desk.app.tray.menu.aboutToShow.emit()
        shown = {action.text().split("\t")[0]: action for action in desk.app.tray.menu.actions()}
        running = house.orchestrator.running()[0]
        await house.ask("What is 2+2?")
        running.cancel()
        await desk.ended()
        lines = menu(desk)
        assert [line.split("\t")[0] for line in lines[1:3]] == ["✓  What is 2+2?", "⊘  Go on"]
        shown["●  Go on"].trigger()
        assert opened == [running.id]
        shown["Quit Oxide (1 task running)"].trigger()
        assert desk.app.leaving.wanted.is_set()

    loop.run_until_complete(DeskHouse(house).use(person))


@pytest.mark.qt_log_ignore("does not support grabbing")
def test_a_menu_that_stands_open_goes_on_and_nothing_in_it_moves(loop: Loop):
    adapter = stub([STALL], ["Four."])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        desk.app.tray.menu.popup(QPoint(0, 0))
        await desk.until(desk.app.tray.menu.isVisible)
        house.orchestrator.running()[0].cancel()
        await house.ask("What is 2+2?")

        def texts() -> list[str]:
            return [action.text().split("\t")[0] for action in desk.app.tray.menu.actions()]

        await desk.until(lambda: texts()[1] == "⊘  Go on" and texts()[-1] == "Quit Oxide")
        desk.app.tray.menu.close()
        assert menu(desk)[1].startswith("✓  What is 2+2?")

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_double_click_opens_the_small_window_once(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        wanted: list[bool] = []
        desk.app.tray.ask_wanted.connect(lambda: wanted.append(True))
        reasons = QSystemTrayIcon.ActivationReason
        for reason in (reasons.Trigger, reasons.DoubleClick):
            desk.app.tray.icon.activated.emit(reason)
        assert wanted == [True]

    loop.run_until_complete(DeskHouse(House(stub(["ok"]))).use(person))


def test_what_drops_out_of_the_menu_makes_room_for_what_is_newer(loop: Loop):
    house = House(stub(*[["ok"]] * 7))

    async def person(desk: DeskHouse) -> None:
        for number in range(7):
            await house.ask(f"Task {number}")
        lines = [line.split("\t")[0] for line in menu(desk)]
        assert lines[1:6] == [f"✓  Task {number}" for number in (6, 5, 4, 3, 2)]

    loop.run_until_complete(DeskHouse(house).use(person))


def test_what_ran_before_the_start_is_in_the_menu(loop: Loop):
    house = House(stub(["Four."]))

    async def person(desk: DeskHouse) -> None:
        await desk.until(lambda: any(line.startswith("✓  Asked before") for line in menu(desk)))

    async def main() -> None:
        await house.ask("Asked before")
        await DeskHouse(house).use(person)

    loop.run_until_complete(main())


def test_paused_tasks_wait_until_that_is_over(loop: Loop):
    house = House(stub(["Four."]))

    async def person(desk: DeskHouse) -> None:
        choose(desk, "Pause new tasks")
        assert not desk.panel.paused.isHidden()  # told before anything is asked
        await desk.ask("What is 2+2?")
        await desk.until(lambda: "paused" in desk.panel.warning.text())
        assert desk.panel.state.text().startswith("◌")
        assert desk.app.window.sidebar.state.text().startswith("◌ 1 waiting · paused · ")
        desk.panel.paused.findChild(QPushButton).click()
        await desk.ended()
        assert desk.panel.paused.isHidden()
        (pause,) = [item for item in desk.app.tray.menu.actions() if item.text() == "Pause new tasks"]
        assert not pause.isChecked()
        choose(desk, "Pause new tasks")
        assert house.orchestrator.is_paused
        choose(desk, "Pause new tasks")
        assert not house.orchestrator.is_paused

    loop.run_until_complete(DeskHouse(house).use(person))
    (record,) = house.history.records.values()
    assert record.status is TaskStatus.COMPLETED


def test_quitting_while_nothing_runs_asks_nothing(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        choose(desk, "Quit Oxide")
        assert desk.app.leaving.wanted.is_set()

    loop.run_until_complete(DeskHouse(House(stub(["ok"]))).use(person))


def test_quitting_while_a_task_runs_asks_once_and_staying_is_possible(loop: Loop):
    adapter = stub([STALL])

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        choose(desk, "Quit Oxide")
        choose(desk, "Quit Oxide")
        assert boxes()[0].text() == "1 task still running"
        press("Stay")
        assert not boxes()
        assert not desk.app.leaving.wanted.is_set()
        choose(desk, "Quit Oxide")
        press("Stop them")
        assert desk.app.leaving.wanted.is_set()

    loop.run_until_complete(DeskHouse(House(adapter)).use(person))


def test_finishing_first_can_be_called_off(loop: Loop):
    adapter = stub([STALL], ["fine"])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        choose(desk, "Quit Oxide")
        press("Finish first")
        choose(desk, "Quit Oxide")
        press("Stay")
        assert (await house.ask()).result == "fine"
        house.orchestrator.running()[0].cancel()
        await desk.until(lambda: not house.orchestrator.running())
        assert not desk.app.leaving.wanted.is_set()

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_pause_outlasts_that_finishing_first_is_called_off_and_its_end_does_not_call_it_off(loop: Loop):
    adapter = stub([STALL])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        choose(desk, "Pause new tasks")
        choose(desk, "Quit Oxide")
        press("Finish first")
        choose(desk, "Quit Oxide")
        press("Stay")
        assert house.orchestrator.is_paused
        choose(desk, "Quit Oxide")
        press("Finish first")
        choose(desk, "Pause new tasks")
        assert not house.orchestrator.is_paused
        with pytest.raises(CancelledTaskError, match="about to quit"):
            await house.orchestrator.submit(request())
        house.orchestrator.running()[0].cancel()
        await desk.until(desk.app.leaving.wanted.is_set)

    loop.run_until_complete(DeskHouse(house).use(person))


def test_finishing_first_begins_nothing_new_and_ends_with_the_last_task(loop: Loop):
    adapter = stub([STALL], ["never"])
    house = House(adapter)

    async def person(desk: DeskHouse) -> None:
        await desk.ask("Go on")
        await adapter.stalled.wait()
        (running,) = house.orchestrator.running()
        house.orchestrator.pause()
        waiting = await house.orchestrator.submit(request())
        choose(desk, "Quit Oxide")
        press("Finish first")
        assert (await waiting.finished()).status is TaskStatus.CANCELLED
        with pytest.raises(CancelledTaskError, match="about to quit"):
            await house.orchestrator.submit(request())
        assert not desk.app.leaving.wanted.is_set()
        running.cancel()
        await desk.app.leaving.wanted.wait()

    loop.run_until_complete(DeskHouse(house).use(person))
    assert len(adapter.calls) == 1


def test_a_failure_draws_attention_until_somebody_looks(loop: Loop):
    house = House(stub([REFUSED]))

    async def person(desk: DeskHouse) -> None:
        desk.app.window.hide()
        await desk.until(lambda: QApplication.activeWindow() is None)
        await house.ask("This fails")
        await desk.until(lambda: desk.app.tray.icon.toolTip() == "Oxide: a task failed")
        desk.app.window.activated.emit()  # the offscreen platform brings nothing to the front
        await desk.until(lambda: desk.app.tray.icon.toolTip() == "Oxide: idle")

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_task_in_the_menu_opens_where_tasks_are_shown(loop: Loop):
    house = House(stub(["Four."]))
    opened: list[str] = []

    async def person(desk: DeskHouse) -> None:
        desk.app.desk.task_wanted.connect(opened.append)
        record = await house.ask("What is 2+2?")
        choose(desk, "✓  What is 2+2?")
        assert opened == [record.id]

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_host_that_comes_late_is_brought_a_new_icon(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        before = desk.app.tray.icon
        desk.app.host.came.emit()
        assert desk.app.tray.icon is not before
        assert desk.app.tray.icon.isVisible()
        assert not desk.app.tray.icon.icon().isNull()

    loop.run_until_complete(DeskHouse(House(stub(["ok"]))).use(person))


def picture(state: str, count: int, size: int) -> QImage:
    return tray_icon(state, count, QColor("#c4622f")).pixmap(size, size).toImage()


def test_each_state_has_a_picture_of_its_own_at_every_size(qapp: QApplication):
    for size in SIZES:
        states = [("idle", 0), ("working", 1), ("working", 2), ("working", 12), ("attention", 0)]
        pictures = [picture(state, count, size) for state, count in states]
        assert all(image.width() == size for image in pictures)
        assert len({bytes(image.constBits()) for image in pictures}) == len(states), size
