"""The dashboard inside the window, in a real QtWebEngine (`make test-webengine`)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication

from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.pages.dashboard import DashboardPage
from oxide_desktop.fronts.web import server
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, pages_house
from tests.unit.test_orchestrator import stub

# Of a machine without a graphics card QtWebEngine has much to say.
pytestmark = [pytest.mark.webengine, pytest.mark.qt_log_level_fail("CRITICAL")]
QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def with_dashboard(
    loop: Loop, qapp: QApplication, home: Path, person: Callable[[PagesHouse, DashboardPage], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(120),
            pages_house(qapp, home, stub(["Four."])) as house,
            server.serve(house.engine, house.engine.paths, house.engine.settings) as front,
        ):
            house.desk.launch_link = front.launch_link
            page = house.go_to("dashboard")
            await until_it_shows(page)
            await person(house, page)

    loop.run_until_complete(run())


async def evaluate(page: DashboardPage, source: str) -> object:
    answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    page.view.widget.page().runJavaScript(source, 0, answer.set_result)
    return await answer


async def until_it_shows(page: DashboardPage) -> None:
    assert page.view is not None, page.reason.text()
    while await evaluate(page, "document.querySelector('.tile h2')?.textContent ?? ''") != "Processor":  # noqa: ASYNC110 - see below
        await asyncio.sleep(0.05)  # pages have no events to await; a timeout bounds it


def test_the_dashboard_is_shown_without_the_frame_of_its_own(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse, page: DashboardPage) -> None:
        assert page.instead.isHidden()
        assert await evaluate(page, "getComputedStyle(document.querySelector('.side')).display") == "none"
        ground = "getComputedStyle(document.documentElement).getPropertyValue('--colour-bg')"
        assert await evaluate(page, ground) == house.theme.hex("bg")
        house.theme._scheme._of_portal = 1
        house.theme._scheme.changed.emit()
        assert house.theme.is_dark
        while await evaluate(page, ground) != house.theme.hex("bg"):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)

    with_dashboard(loop, qapp, tmp_path, person)


def test_an_address_elsewhere_is_not_gone_to_but_asked_about(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse, page: DashboardPage) -> None:
        asked: list[str] = []
        house.desk.link_wanted.connect(lambda url: asked.append(url.toString()))
        await evaluate(page, "location.href = 'http://localhost:9/elsewhere'")
        await house.until(lambda: asked == ["http://localhost:9/elsewhere"])
        assert page.view is not None
        await until_it_shows(page)

    with_dashboard(loop, qapp, tmp_path, person)


def test_its_links_lead_to_the_pages_of_the_window(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse, page: DashboardPage) -> None:
        await evaluate(page, "location.hash = '#/services'")
        await house.until(lambda: house.window.current == "services")
        house.window.show_page("dashboard")
        await until_it_shows(page)

    with_dashboard(loop, qapp, tmp_path, person)


def test_a_page_that_dies_is_told_of_and_comes_again(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse, page: DashboardPage) -> None:
        psutil.Process(page.view.widget.page().renderProcessPid()).kill()
        await house.until(lambda: page.view is None)
        assert page.reason.text() == "The page has ended unexpectedly."
        page.again_button.click()
        await until_it_shows(page)

    with_dashboard(loop, qapp, tmp_path, person)
