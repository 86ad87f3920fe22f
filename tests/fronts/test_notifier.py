"""Notifications: few, grouped, clickable, and never in the way of somebody who is looking anyway."""

import asyncio
import dataclasses
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.events import ServiceStatusChanged
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.settings import NotificationSettings
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.notices_dbus import DBusNotices
from tests.fakes.session_bus import Notifications, connect, session_bus
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.unit.test_orchestrator import House, stub

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the session bus is Linux' way")
FAILURE = ServiceError(FailureKind.INVALID, "stub refused the input", "400.")


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with session_bus() as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


class Desktop:
    """A house whose app is not being looked at, and the notifications that it causes."""

    def __init__(self, *scenes: object, **wishes: object) -> None:
        self.house = House(stub(*scenes))
        settings = NotificationSettings(**{"min_seconds": 0.0, **wishes})
        changed = dataclasses.replace(self.house.settings, notifications=settings)
        self.house.orchestrator.settings = changed
        self.service = Notifications()

    async def use(self, address: str, person: object, *, looks_on: bool = False) -> None:
        bus = await connect(address)
        bus.export("/org/freedesktop/Notifications", self.service)
        await bus.request_name("org.freedesktop.Notifications")

        async def looks_away(desk: DeskHouse) -> None:
            self.desk = desk
            if not looks_on:
                desk.app.window.hide()
            await desk.until(lambda: (QApplication.activeWindow() is not None) == looks_on)
            await person(desk)

        try:
            await DeskHouse(self.house).use(looks_away)
        finally:
            bus.disconnect()


def test_a_task_that_is_done_is_told_and_a_click_opens_it(loop: Loop, bus: str):
    desktop = Desktop(["Four."])
    opened: list[str] = []

    async def person(desk: DeskHouse) -> None:
        desk.app.desk.task_wanted.connect(opened.append)
        record = await desktop.house.ask("What is 2+2?")
        await desk.until(lambda: desktop.service.log)
        ((title, body),) = desktop.service.log
        assert title == "What is 2+2? is done"
        assert body.startswith("stub · ")
        desktop.service.ActionInvoked(1, "default")
        await desk.until(lambda: opened == [record.id])

    loop.run_until_complete(desktop.use(bus, person))


def test_several_that_end_are_one_notification(loop: Loop, bus: str):
    desktop = Desktop(["1"], [FAILURE], ["3"])

    async def person(desk: DeskHouse) -> None:
        for number in range(3):
            await desktop.house.ask(f"Question {number}")
            await desk.until(lambda number=number: len(desktop.service.log) == number + 1)
        assert list(desktop.service.shown.values()) == [("3 tasks have ended", "1 failed. The last one: Question 2")]
        desk.app.notifier.seen()
        await desk.until(lambda: not desktop.service.shown)

    loop.run_until_complete(desktop.use(bus, person))


def test_what_was_waved_away_or_looked_at_is_not_counted_again(loop: Loop, bus: str):
    desktop = Desktop(["1"], ["2"], ["3"])

    async def person(desk: DeskHouse) -> None:
        for number in range(2):
            await desktop.house.ask(f"Question {number}")
            await desk.until(lambda number=number: len(desktop.service.log) == number + 1)
            await desk.until(lambda: desk.app.notifier._notices._shown)
            desktop.service.NotificationClosed(number + 1, 2)
            await desk.until(lambda: not desk.app.notifier._unseen)
        await desktop.house.ask("Question 2")
        await desk.until(lambda: len(desktop.service.log) == 3)
        desk.app.window.activated.emit()  # the offscreen platform brings nothing to the front
        await desk.until(lambda: not desk.app.notifier._unseen)

    loop.run_until_complete(desktop.use(bus, person))
    assert [title for title, _ in desktop.service.log] == [f"Question {number} is done" for number in range(3)]


def test_a_click_on_several_opens_the_one_that_is_named(loop: Loop, bus: str):
    desktop = Desktop(["1"], ["2"])
    opened: list[str] = []

    async def person(desk: DeskHouse) -> None:
        desk.app.desk.task_wanted.connect(opened.append)
        await desktop.house.ask("Question 1")
        newest = await desktop.house.ask("Question 2")
        await desk.until(lambda: len(desktop.service.log) == 2)
        desktop.service.ActionInvoked(1, "default")
        await desk.until(lambda: opened == [newest.id])

    loop.run_until_complete(desktop.use(bus, person))


async def test_a_bus_without_anybody_who_shows_notifications_costs_no_connection_each_time(bus: str):
    notices = DBusNotices(print, print)
    for _ in range(2):
        assert not await notices.show("key", "title", "body", "Open")
    before = psutil.Process().num_fds()
    for _ in range(3):
        assert not await notices.show("key", "title", "body", "Open")
    assert psutil.Process().num_fds() <= before


def test_a_failure_says_what_failed_where_and_why_without_being_taken_for_markup(loop: Loop, bus: str):
    desktop = Desktop([ServiceError(FailureKind.AUTH, "stub is <b>out</b>", "401 & more.")])

    async def person(desk: DeskHouse) -> None:
        await desktop.house.ask("Analyse the repo")
        await desk.until(lambda: desktop.service.log)
        assert desktop.service.log[0][0] == "Analyse the repo failed on stub"
        assert "&lt;b&gt;out&lt;/b&gt;: 401 &amp; more." in desktop.service.log[0][1]

    loop.run_until_complete(desktop.use(bus, person))


@pytest.mark.parametrize("wishes", [{"enabled": False}, {"completed": False}, {"min_seconds": 60.0}])
def test_what_is_not_wanted_or_was_quick_is_not_told(loop: Loop, bus: str, wishes: dict[str, object]):
    desktop = Desktop(["Four."], [FAILURE], **wishes)

    async def person(desk: DeskHouse) -> None:
        await desktop.house.ask("What is 2+2?")
        if "completed" in wishes:
            await desktop.house.ask("This one fails")
            await desk.until(lambda: desktop.service.log)

    loop.run_until_complete(desktop.use(bus, person))
    assert [title for title, _ in desktop.service.log] == (
        ["This one fails failed on stub"] if "completed" in wishes else []
    )


def test_nothing_is_told_to_somebody_who_is_looking(loop: Loop, bus: str):
    desktop = Desktop(["Four."])

    async def person(desk: DeskHouse) -> None:
        await desktop.house.ask("What is 2+2?")

    loop.run_until_complete(desktop.use(bus, person, looks_on=True))
    assert desktop.service.log == []


def test_a_task_that_fails_because_its_service_is_signed_out_is_told_once(loop: Loop, bus: str):
    signed_out = ServiceError(FailureKind.AUTH, "stub is signed out", "401.", "Sign in with `stub login`.")
    desktop = Desktop(["Four."], [signed_out])

    async def person(desk: DeskHouse) -> None:
        await desktop.house.ask("This is answered")
        await desktop.house.ask("This is not")
        await desk.until(lambda: len(desktop.service.log) == 2)

    loop.run_until_complete(desktop.use(bus, person))
    assert [title for title, _ in desktop.service.log] == ["This is answered is done", "2 tasks have ended"]


def test_a_service_that_stops_is_told_once_and_one_that_never_ran_is_not(loop: Loop, bus: str):
    desktop = Desktop()
    well = Health(service="ollama", tier=Tier.ANSWERS)
    gone = Health(service="ollama", tier=None, failing=Tier.STARTS, message="It does not answer.", fix="Start it.")

    async def person(desk: DeskHouse) -> None:
        for health in (gone, well, gone):
            desktop.house.bus.publish(ServiceStatusChanged(health))
        await desk.until(lambda: desktop.service.log)
        assert desktop.service.log == [("ollama is not running", "It does not answer. Start it.")]

    loop.run_until_complete(desktop.use(bus, person))


def test_without_a_bus_it_is_told_in_the_window(loop: Loop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
    house = House(stub(["Four."]))
    house.orchestrator.settings = dataclasses.replace(
        house.settings, notifications=NotificationSettings(min_seconds=0.0)
    )

    async def person(desk: DeskHouse) -> None:
        desk.app.window.hide()
        await desk.until(lambda: QApplication.activeWindow() is None)
        await house.ask("What is 2+2?")
        await desk.until(lambda: any("What is 2+2? is done" in text for text in desk.notices))

    loop.run_until_complete(DeskHouse(house).use(person))


def test_the_bus_may_go_and_nothing_breaks(loop: Loop, bus: str):
    desktop = Desktop(["1"], ["2"])

    async def main() -> None:
        async def person(desk: DeskHouse) -> None:
            await desktop.house.ask("First")
            await desk.until(lambda: desktop.service.log)
            desk.app.notifier._notices._bus.disconnect()
            await asyncio.sleep(0)
            await desktop.house.ask("Second")
            await desk.until(lambda: len(desktop.service.log) == 2)

        await desktop.use(bus, person)

    loop.run_until_complete(main())


async def test_elsewhere_the_tray_icon_shows_them_and_without_one_it_says_that_it_cannot(qapp: QApplication):
    from oxide_desktop.fronts.desktop.notices_qt import TrayNotices

    clicked: list[str] = []
    icon = QSystemTrayIcon()
    tray = SimpleNamespace(icon=icon, has_host=lambda: False)
    notices = TrayNotices(tray, clicked.append)

    assert not await notices.show("tasks", "Done", "", "Open")
    tray.has_host = lambda: True
    assert await notices.show("tasks", "Done", "", "Open")
    assert await notices.show("service:x", "Gone", "", "Show")
    icon.messageClicked.emit()
    await notices.withdraw("tasks")
    await notices.aclose()

    assert clicked == ["service:x"]
