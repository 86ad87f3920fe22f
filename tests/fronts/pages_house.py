"""The main window on a real engine with a real history, and a person who goes to its pages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.windows.main import MainWindow
from tests.fakes.scripted_adapter import ScriptedAdapter
from tests.fronts.front_house import FrontHouse


class PagesHouse:
    """A window with an engine behind it.

    Attributes:
        asked: Requests that were put into the Ask page.
        failed: What the person was told of.
    """

    def __init__(self, application: QApplication, engine: FrontHouse, home: Path) -> None:
        self.engine = engine
        self.theme = Theme(application)
        self.desk = Desk(self.theme)
        self.window = MainWindow(self.desk, QSettings(str(home / "ui.ini"), QSettings.Format.IniFormat))
        self.failed: list[OxideError] = []
        self.asked: list[object] = []
        self.desk.failed.connect(self.failed.append)
        self.desk.asking_wanted.connect(self.asked.append)

    def go_to(self, name: str) -> QWidget:
        self.window.show()
        self.window.show_page(name)
        return self.window.page(name)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not holds():  # noqa: ASYNC110 - widgets have no events to await; a timeout bounds it
                await asyncio.sleep(0.005)

    async def agree(self) -> None:
        """Press the button of the question that stands before the window."""
        found: list[QMessageBox] = []
        await self.until(lambda: found or found.extend(self.window.findChildren(QMessageBox)))
        (box,) = found
        box.button(QMessageBox.StandardButton.NoButton)
        button = next(item for item in box.buttons() if item is not box.escapeButton())
        assert isinstance(button, QPushButton)
        button.click()
        await self.until(lambda: not self.window.findChildren(QMessageBox))

    async def add(self, *records: TaskRecord) -> None:
        for record in records:
            await self.engine.history.add(record)


@asynccontextmanager
async def pages_house(application: QApplication, home: Path, *adapters: ScriptedAdapter) -> AsyncIterator[PagesHouse]:
    async with FrontHouse(home, *adapters) as engine:
        house = PagesHouse(application, engine, home)
        house.desk.open(engine)
        try:
            yield house
        finally:
            await house.desk.aclose()
            house.window.hide()
            house.window.deleteLater()
            house.theme.close()


def with_pages(
    loop: Loop,
    application: QApplication,
    home: Path,
    person: Callable[[PagesHouse], Awaitable[None]],
    *adapters: ScriptedAdapter,
) -> None:
    """Let a person work, within a bound."""

    async def run() -> None:
        async with asyncio.timeout(60), pages_house(application, home, *adapters) as house:
            await person(house)

    loop.run_until_complete(run())
