"""The app: a Qt application whose loop also runs the engine. The window is there first, the engine comes after."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QMessageBox

from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.fronts.desktop.bridge import Bridge
from oxide_desktop.fronts.desktop.garbage import GuiThreadCollector
from oxide_desktop.fronts.desktop.icons import icon
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.session import AskSession
from oxide_desktop.fronts.desktop.tray import Tray
from oxide_desktop.fronts.desktop.windows.ask import AskWindow

ACCENT = QColor("#b7410e")

BuildEngine = Callable[[], Orchestrator]
ServeFronts = Callable[[Orchestrator], AbstractAsyncContextManager[object]]
WatchSignals = Callable[[Callable[[], None]], AbstractAsyncContextManager[object]]


def run(build: BuildEngine, serve_fronts: ServeFronts, watch_signals: WatchSignals) -> int:
    """Run the app until the person or the system ends it.

    Args:
        build: Makes the engine; called in a thread, since it imports what is heavy.
        serve_fronts: Serves the other fronts of a started engine for as long as its block lasts.
        watch_signals: Calls what it is given when the system asks the process to end.

    Returns:
        The process's exit code.
    """
    application = QApplication(sys.argv[:1])
    application.setApplicationName("oxide")
    application.setApplicationDisplayName("Oxide")
    application.setDesktopFileName("oxide-desktop")
    application.setWindowIcon(icon("mark", ACCENT))
    application.setQuitOnLastWindowClosed(False)  # the last window may close while the tray icon stays
    with asyncio.Runner(loop_factory=lambda: Loop(application)) as runner:
        return runner.run(App(build, serve_fronts, watch_signals).main())


class App(QObject):
    """What is on the screen, from the first window to the last."""

    def __init__(self, build: BuildEngine, serve_fronts: ServeFronts, watch_signals: WatchSignals) -> None:
        super().__init__()
        self._build = build
        self._serve_fronts = serve_fronts
        self._watch_signals = watch_signals
        self._quit = asyncio.Event()
        self._notices: tuple[str, ...] = ()
        self._collector = GuiThreadCollector(self)
        self.window = AskWindow()
        self.tray = Tray()
        self.tray.ask_wanted.connect(self.show_window)
        self.tray.quit_wanted.connect(self._quit.set)

    async def main(self) -> int:
        """Show what there is, start the engine, and stay until somebody wants to quit."""
        self._collector.start()
        self.tray.show()
        self.show_window()
        if not self.tray.has_host():
            self._notify(self.tr("This desktop shows no tray icons, so this window is Oxide's place."))
            self.window.hidden.connect(self._quit.set)
        async with self._watch_signals(self._quit.set):
            try:
                await self._with_engine()
            except OxideError as error:
                await self._tell(error)
                return error.exit_code
            finally:
                self.tray.close()
                self.window.hide()
                self._collector.stop()
        return 0

    async def _with_engine(self) -> None:
        orchestrator = await asyncio.to_thread(self._build)
        async with orchestrator, self._serve_fronts(orchestrator):
            self._notify(*orchestrator.notices())
            orchestrator.watch_services()
            bridge = Bridge(self)
            bridge.open(orchestrator.bus)
            bridge.task_changed.connect(lambda record: self.tray.task_began(record.id))
            bridge.task_ended.connect(lambda record: self.tray.task_ended(record.id))
            session = AskSession(self.window, orchestrator, bridge)
            try:
                await self._quit.wait()
            finally:
                await session.aclose()
                bridge.close()

    def _notify(self, *notices: str) -> None:
        """Let sentences stand above all else in the window, below those that stand there already."""
        self._notices += notices
        if self._notices:
            self.window.show_notice("\n".join(self._notices))

    def show_window(self) -> None:
        """Bring the Ask window to the front, ready for typing."""
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()
        self.window.prompt.setFocus()

    async def _tell(self, error: OxideError) -> None:
        """Show an error that ends the app, and wait until it was read."""
        box = QMessageBox(QMessageBox.Icon.Critical, self.tr("Oxide"), error.title)
        box.setInformativeText("\n\n".join(part for part in (error.message, error.hint) if part))
        box.finished.connect(lambda _: self._quit.set())
        box.open()  # not exec(): that would stop the loop this coroutine runs on
        await self._quit.wait()
