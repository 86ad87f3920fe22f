"""A running app on a real engine with scripted services, and a person in front of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from oxide_desktop.fronts.desktop.app import App
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.widgets.ask_panel import AskPanel
from tests.unit.test_orchestrator import House


@contextmanager
def running_loop(application: QApplication) -> Iterator[Loop]:
    made = Loop(application)
    asyncio.set_event_loop(made)
    yield made
    made.close()
    asyncio.set_event_loop(None)


class DeskHouse:
    """The app, and what a person does with it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.served = 0
        self.signal: Callable[[], None] = print
        self.show: Callable[[], None] = print
        self.launch_link: Callable[[], str] | None = None

    @asynccontextmanager
    async def serve(
        self, orchestrator: object, show: Callable[[], None], leave: Callable[[], None]
    ) -> AsyncIterator[SimpleNamespace]:
        self.served += 1
        self.show = show
        yield SimpleNamespace(launch_link=self.launch_link)

    @asynccontextmanager
    async def watch(self, stop: Callable[[], None]) -> AsyncIterator[None]:
        self.signal = stop
        yield

    async def use(self, person: Callable[["DeskHouse"], Awaitable[None]]) -> int:
        with TemporaryDirectory() as home:
            self.app = App(lambda: self.house.orchestrator, self.serve, self.watch, Path(home, "desktop.ini"))
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                running = group.create_task(self.app.main())
                await self.until(lambda: self.served == 1 and self.panel.is_ready)
                await person(self)
                self.app.leaving.now()
            return running.result()

    @property
    def panel(self) -> AskPanel:
        return self.app.window.page("ask").panel

    @property
    def notices(self) -> tuple[str, ...]:
        return self.app.window.notices.texts()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - widgets have no events to await; a timeout bounds it
            await asyncio.sleep(0.005)

    async def ask(self, prompt: str) -> None:
        self.panel.prompt.setPlainText(prompt)
        QTest.keyClick(self.panel.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)

    async def ended(self) -> None:
        await self.until(lambda: self.panel.state.text()[:1] in "✓✕⊘" and self.panel.state.text() != "")
