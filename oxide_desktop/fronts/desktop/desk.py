"""What every window and page is given: the engine, what happens in it, the looks, and the ways from page to page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl, Signal

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import Bug, OxideError
from oxide_desktop.core.model import Request
from oxide_desktop.fronts.desktop.bridge import Bridge
from oxide_desktop.fronts.desktop.theme import Theme

if TYPE_CHECKING:
    from oxide_desktop.core.orchestrator import Orchestrator  # the window comes before the engine


# Writing a file takes milliseconds; a disk that does not answer must not hold up the end of the session.
KEEPING_LIMIT_S = 3.0


class Desk(QObject):
    """There before the engine is, because the first window is.

    Signals:
        opened: The engine is up; `orchestrator` can be used from now on.
        page_wanted: A page, by its name in the catalogue; `page/part` for a part of it.
        task_wanted: A task should be shown, by its id.
        asking_wanted: A `Request` should be put into the Ask page, to be changed or asked.
        closing: The app is about to end, and what is typed can still be kept (`keep`).
        closed: The app is about to end: what windows and pages hold is to be let go.
        paused: New tasks wait from now on, or no longer.
        failed: An `OxideError` that the person should see.
        link_wanted: An address (`QUrl`) of the web that stood in somebody else's text.

    Attributes:
        bridge: What happens, as Qt signals; can be connected to before the engine is up.
        background: Runs coroutines for pages; what fails in them with an `OxideError` goes through `run`.
        theme: Colours, icons, fonts.
        launch_link: Gives an address that opens the web view once; `None` where that is switched off.
    """

    opened = Signal()
    closing = Signal()
    closed = Signal()
    page_wanted = Signal(str)
    task_wanted = Signal(str)
    asking_wanted = Signal(object)
    paused = Signal(bool)
    failed = Signal(object)
    link_wanted = Signal(object)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.bridge = Bridge(self)
        self.background = BackgroundTasks()
        self.launch_link: Callable[[], str] | None = None
        self._orchestrator: Orchestrator | None = None
        self._closed = False
        self._keeping: set[asyncio.Task[None]] = set()

    # -- life --------------------------------------------------------------------------------------

    def open(self, orchestrator: Orchestrator) -> None:
        """Begin to work with an engine, which has been started."""
        self._orchestrator = orchestrator
        self.bridge.open(orchestrator.bus)
        self.opened.emit()

    async def aclose(self) -> None:
        """End what runs for windows and pages; the engine's tasks are not theirs."""
        self.closing.emit()
        if self._keeping:
            await asyncio.wait(self._keeping, timeout=KEEPING_LIMIT_S)
        self._closed = True
        self.closed.emit()
        self.bridge.close()
        await self.background.close()

    @property
    def is_open(self) -> bool:
        """Whether the engine is up, and the app not about to end."""
        return self._orchestrator is not None and not self._closed

    @property
    def orchestrator(self) -> Orchestrator:
        """The engine.

        Raises:
            Bug: It is not up yet.
        """
        if self._orchestrator is None:
            raise Bug("The engine is not up", "A window used it before it was.")
        return self._orchestrator

    # -- for pages ---------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Run a coroutine beside the windows; an `OxideError` that leaves it is shown to the person.

        When the app is about to end, nothing new is begun.
        """
        self._begin(work, name)

    def keep(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Run what writes down the person's will: the app does not end before it is done."""
        if started := self._begin(work, name):
            self._keeping.add(started)
            started.add_done_callback(self._keeping.discard)

    def _begin(self, work: Coroutine[Any, Any, object], name: str) -> asyncio.Task[None] | None:
        if self._closed:
            work.close()
            return None
        started = self.background.start(self._told(work), name)
        started.add_done_callback(lambda _: work.close())  # at the end some are cancelled before they begin
        return started

    async def _told(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except OxideError as error:
            self.show_error(error)

    def show_page(self, name: str) -> None:
        """Go to a page by its name in the catalogue (`ask`, `history`, …)."""
        self.page_wanted.emit(name)

    def pause(self, *, paused: bool) -> None:
        """Let new tasks wait, or begin again."""
        if paused:
            self.orchestrator.pause()
        else:
            self.orchestrator.resume()
        self.paused.emit(paused)

    def open_task(self, task_id: str) -> None:
        """Show one task, running or ended."""
        self.task_wanted.emit(task_id)

    def ask_again(self, request: Request) -> None:
        """Put a request into the Ask page; nothing is asked before the person does."""
        self.asking_wanted.emit(request)

    def open_link(self, url: QUrl) -> None:
        """Have the person asked whether an address should be opened in the browser."""
        self.link_wanted.emit(url)

    def show_error(self, error: OxideError) -> None:
        """Tell what failed, why, and the one thing to do, without holding anything up."""
        self.failed.emit(error)
