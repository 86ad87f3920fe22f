"""The app: a Qt application whose loop also runs the engine. What is seen comes first, the engine after."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QSettings, Qt
from PySide6.QtWidgets import QApplication

from oxide_desktop.config.paths import resource
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.fronts.desktop import language, screen
from oxide_desktop.fronts.desktop.activity import Activity
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.first_run import is_first_run
from oxide_desktop.fronts.desktop.garbage import GuiThreadCollector
from oxide_desktop.fronts.desktop.leaving import Leaving
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.notifier import Notifier
from oxide_desktop.fronts.desktop.pages.catalogue import PAGES
from oxide_desktop.fronts.desktop.recent import MOST, RecentTasks
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tray import Tray
from oxide_desktop.fronts.desktop.tray_host import TrayHostWatch
from oxide_desktop.fronts.desktop.windows import dialogs
from oxide_desktop.fronts.desktop.windows.ask import AskWindow
from oxide_desktop.fronts.desktop.windows.main import FIRST, MainWindow

if TYPE_CHECKING:
    from oxide_desktop.core.orchestrator import Orchestrator  # a sixth of a second that the window need not wait for


class Served(Protocol):
    """What the other fronts tell of themselves."""

    @property
    def launch_link(self) -> Callable[[], str] | None:
        """Gives an address that opens the web view once; `None` where that is switched off."""
        ...


BuildEngine = Callable[[], "Orchestrator"]
ServeFronts = Callable[["Orchestrator", Callable[[], None], Callable[[], None]], AbstractAsyncContextManager[Served]]
WatchSignals = Callable[[Callable[[], None]], AbstractAsyncContextManager[object]]


def run(
    build: BuildEngine, serve_fronts: ServeFronts, watch_signals: WatchSignals, memory: Path, *, in_tray: bool = False
) -> int:
    """Run the app until the person or the system ends it.

    Args:
        build: Makes the engine; called in a thread, since it imports what is heavy.
        serve_fronts: Serves the other fronts of a started engine for as long as its block lasts; they call what it is
            given to have the window shown, or the app end.
        watch_signals: Calls what it is given when the system asks the process to end.
        memory: The file that keeps where windows stand.
        in_tray: Begin without a window, where there is a tray.

    Returns:
        The process's exit code.
    """
    screen.end_quietly_with_it()
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)  # a web view may be wanted later
    application = QApplication(sys.argv[:1])
    language.speak_it(application, (memory.parent / "translations", resource("resources", "translations")))
    application.setApplicationName("oxide")
    application.setApplicationDisplayName("Oxide")
    application.setDesktopFileName("oxide-desktop")
    application.setQuitOnLastWindowClosed(False)  # the last window may close while the tray icon stays
    with asyncio.Runner(loop_factory=lambda: Loop(application)) as runner:
        app = App(build, serve_fronts, watch_signals, memory, in_tray=in_tray)
        return runner.run(app.main())


def tell(error: OxideError) -> None:
    """Show an error that keeps the app from starting, until the person has read it."""
    application = QApplication(sys.argv[:1])
    application.setApplicationDisplayName("Oxide")
    box = dialogs.tell_fatal(error, application.quit)
    box.raise_()
    application.exec()


class App(QObject):
    """What is on the screen, from the first window to the last."""

    def __init__(
        self,
        build: BuildEngine,
        serve_fronts: ServeFronts,
        watch_signals: WatchSignals,
        memory: Path,
        *,
        in_tray: bool = False,
    ) -> None:
        super().__init__()
        application = QApplication.instance()
        assert isinstance(application, QApplication)  # noqa: S101 - `run` has made it
        self._application = application
        self._build = build
        self._serve_fronts = serve_fronts
        self._watch_signals = watch_signals
        self._in_tray = in_tray
        self._collector = GuiThreadCollector(self)
        self._memory = QSettings(str(memory), QSettings.Format.IniFormat)
        self.theme = Theme(application, self)
        application.setWindowIcon(self.theme.icon("mark", "accent"))
        self.desk = Desk(self.theme, self)
        self.window = MainWindow(self.desk, self._memory)
        self._ask_window: AskWindow | None = None
        self.recent = RecentTasks(self.desk.bridge, self)
        self.activity = Activity(self.desk, self.recent, self.window.sidebar)
        self.tray = Tray(self.desk, self.recent, tuple(entry.name for entry in PAGES), self)
        self.host = TrayHostWatch(self)
        self.notifier = Notifier(self.desk, self.tray, self)
        self.leaving = Leaving(self.desk, self)
        self._connect()

    def _connect(self) -> None:
        self.tray.ask_wanted.connect(self.show_ask)
        self.tray.pause_wanted.connect(lambda paused: self.desk.pause(paused=paused))
        self.tray.quit_wanted.connect(self._want_quit)
        self.window.quit_wanted.connect(self._want_quit)
        self.window.hidden.connect(self._window_hidden)
        self.host.came.connect(self.tray.show_again)
        self.notifier.undelivered.connect(self.window.notices.tell)
        self.desk.link_wanted.connect(lambda url: dialogs.ask_before_opening(self._front(), url))
        self._application.commitDataRequest.connect(lambda _: self.leaving.now())
        self.window.activated.connect(self._looked_at)

    async def main(self) -> int:
        """Show what there is, start the engine, and stay until somebody wants to quit."""
        self._collector.start()
        self.tray.show()
        if not (self._in_tray and self.tray.has_host()):
            self.window.bring_up()
        if not self.tray.has_host():
            self.window.notices.tell(self.tr("This desktop shows no tray icons, so this window is Oxide's place."))
        async with self._watch_signals(self.leaving.now):
            try:
                await self._with_engine()
            except OxideError as error:
                box = dialogs.tell_fatal(error, self.leaving.now)  # held here: a window that nobody holds is gone
                box.raise_()
                await self.leaving.wanted.wait()
                return error.exit_code
            finally:
                self._close()
        return 0

    def _close(self) -> None:
        self.tray.close()
        self.host.close()
        self.window.remember()
        self.window.hide()
        if self._ask_window is not None:
            self._ask_window.hide()
        self.theme.close()
        self._memory.sync()
        self._collector.stop()

    async def _with_engine(self) -> None:
        orchestrator = await asyncio.to_thread(self._build)
        async with orchestrator, self._serve_fronts(orchestrator, self.window.bring_up, self.leaving.now) as served:
            self.desk.launch_link = served.launch_link
            for notice in orchestrator.notices():
                self.window.notices.tell(notice)
            orchestrator.watch_services()
            self.desk.open(orchestrator)
            self.desk.run(self._remember_tasks(orchestrator), "recent tasks")
            try:
                await self.leaving.wanted.wait()
            finally:
                await self.notifier.aclose()
                await self.desk.aclose()

    async def _remember_tasks(self, orchestrator: Orchestrator) -> None:
        page = await orchestrator.history.list(TaskFilter(), limit=MOST)
        self.recent.remember(page.tasks)
        if await is_first_run(orchestrator) and self.window.current == FIRST:
            self.window.show_page("welcome")

    # -- windows -----------------------------------------------------------------------------------

    @property
    def ask_window(self) -> AskWindow:
        """The small Ask window, made when it is first wanted."""
        if self._ask_window is None:
            self._ask_window = AskWindow(self.desk, self._memory)
            self._ask_window.activated.connect(self._looked_at)
        return self._ask_window

    def show_ask(self) -> None:
        """The tray icon was clicked: the small window comes, or goes if it is in front."""
        if self.ask_window.isActiveWindow():
            self.ask_window.close()
        else:
            self.ask_window.bring_up()

    def _front(self) -> MainWindow | AskWindow:
        ask = self._ask_window
        return ask if ask is not None and ask.isVisible() and not self.window.isActiveWindow() else self.window

    def _looked_at(self) -> None:
        self.recent.seen()
        self.notifier.seen()

    # -- leaving -----------------------------------------------------------------------------------

    def _window_hidden(self) -> None:
        """Without a tray, a window that is gone would leave nothing: it is made small while something runs."""
        if self.tray.has_host():
            return
        if self.desk.is_open and self.desk.orchestrator.running():
            self.window.showMinimized()
        else:
            self.leaving.now()

    def _want_quit(self) -> None:
        self.leaving.ask(self._front() if self._front().isVisible() else None)
