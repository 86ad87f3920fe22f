"""The Dashboard page where the window cannot show it: it says why, and is the way to the browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.pages.dashboard import DashboardPage
from oxide_desktop.fronts.desktop.widgets.web_view import why_no_web
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


class Browser(QObject):
    """What the desktop opens addresses with."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    QDesktopServices.setUrlHandler("http", made, "open")
    yield made
    QDesktopServices.unsetUrlHandler("http")


def links(house: PagesHouse) -> None:
    """A web view whose links work once."""
    given = iter(range(1, 9))
    house.desk.launch_link = lambda: f"http://127.0.0.1:8000/launch?code={next(given)}"


def test_it_says_why_and_opens_the_browser_by_a_link_of_its_own_each_time(
    loop: Loop, qapp: QApplication, tmp_path: Path, browser: Browser
):
    async def person(house: PagesHouse) -> None:
        links(house)
        page = DashboardPage(house.desk, house.window, lambda: "It is not installed.")
        page.came_up()
        assert page.view is None
        assert page.reason.text() == "It is not installed."
        assert page.settings_button.isHidden()
        page.open_button.click()
        page.open_button.click()
        assert browser.opened == [f"http://127.0.0.1:8000/launch?code={number}" for number in (1, 2)]
        assert page.told.text() == "Opened in your browser."
        page.copy_button.click()
        assert QGuiApplication.clipboard().text() == "http://127.0.0.1:8000/launch?code=3"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_where_the_web_view_is_off_it_leads_to_the_settings(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = house.go_to("dashboard")
        assert page.reason.text().startswith("The web view is off.")
        assert page.open_button.isHidden()
        page.settings_button.click()
        assert house.window.current == "settings"

    with_pages(loop, qapp, tmp_path, person, stub())


class View:
    """What stands where the web view does, and knows where it was led."""

    def __init__(self) -> None:
        self.widget = QWidget()
        self.led: list[str] = []

    def go_to(self, place: str) -> None:
        self.led.append(place)

    def close(self) -> None:
        self.widget.deleteLater()


def test_only_a_place_leads_to_a_page_of_the_window_and_the_pages_key_is_none(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        wanted: list[str] = []
        house.desk.page_wanted.connect(wanted.append)
        page = DashboardPage(house.desk, house.window, lambda: "")
        page.view = view = View()
        page._go("key=c2VjcmV0")
        page._go("")
        page._go("/dashboard")
        assert (wanted, view.led) == ([], [])
        page._go("/services")
        assert (wanted, view.led) == (["services"], ["/dashboard"])

    with_pages(loop, qapp, tmp_path, person, stub())


def test_an_engine_that_cannot_be_loaded_is_told_of_with_its_reason(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        links(house)
        page = DashboardPage(house.desk, house.window, lambda: "")  # it is there, it says, and is not
        page.came_up()
        assert page.reason.text().startswith("QtWebEngine cannot be loaded: ")
        assert not page.again_button.isHidden()

    if why_no_web() == "":
        pytest.skip("QtWebEngine can be loaded here")
    with_pages(loop, qapp, tmp_path, person, stub())
