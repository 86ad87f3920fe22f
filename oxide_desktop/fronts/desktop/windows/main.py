"""The main window: the sidebar, and the pages beside it, each made when it is first gone to."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from oxide_desktop.core.model import Request
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import Page
from oxide_desktop.fronts.desktop.pages.catalogue import PAGES, Entry
from oxide_desktop.fronts.desktop.widgets.notices import Notices
from oxide_desktop.fronts.desktop.windows.sidebar import Sidebar

FIRST = "ask"
USUAL_SIZE = QSize(1080, 780)
LEAST_SIZE = QSize(720, 480)
_GEOMETRY = "main/geometry"
_FRAME = QSize(0, 32)  # what a window manager may put around it


class MainWindow(QWidget):
    """Closing hides it: what runs goes on.

    Signals:
        activated: It is in front, and has the keyboard.
        hidden: It was closed; there may be no other way to get it back.
        quit_wanted: The person pressed the keys that end the app.
    """

    hidden = Signal()
    activated = Signal()
    quit_wanted = Signal()

    def __init__(
        self,
        desk: Desk,
        memory: QSettings,
        entries: tuple[Entry, ...] = PAGES,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._memory = memory
        self._entries = {entry.name: entry for entry in entries}
        self._pages: dict[str, Page] = {}
        self._wanted = FIRST
        self.setProperty("kind", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(self.tr("Oxide"))
        room = self.screen().availableSize()
        self.setMinimumSize(LEAST_SIZE.boundedTo(room))
        self.sidebar = Sidebar(desk.theme, entries)
        self.notices = Notices(desk.theme)
        self.stack = QStackedWidget()
        self._lay_out()
        self._restore()
        self._connect()
        self.show_page(FIRST)

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.notices)
        right.addWidget(self.stack, 1)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        line.addWidget(self.sidebar)
        line.addLayout(right, 1)

    def _connect(self) -> None:
        self.sidebar.chosen.connect(self.show_page)
        self._desk.page_wanted.connect(self._bring)
        self._desk.task_wanted.connect(self._show_task)
        self._desk.asking_wanted.connect(self._ask_again)
        self._desk.failed.connect(self.notices.fail)
        self._desk.opened.connect(lambda: self.show_page(self._wanted))
        for number, name in enumerate(self.sidebar.buttons, start=1):
            keys = QKeySequence(Qt.Modifier.CTRL | Qt.Key(Qt.Key.Key_0 + number))
            QShortcut(keys, self, lambda name=name: self.show_page(name))
        QShortcut(QKeySequence(QKeySequence.StandardKey.Close), self, self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Quit), self, self.quit_wanted.emit)

    # -- pages -------------------------------------------------------------------------------------

    @property
    def current(self) -> str:
        """The page that is shown, or will be as soon as the engine is up."""
        return self._wanted

    def page(self, name: str) -> Page:
        """A page of that name, made if it is not there yet."""
        if name not in self._pages:
            self._pages[name] = made = self._entries[name].make(self._desk)
            self.stack.addWidget(made)
        return self._pages[name]

    def show_page(self, name: str) -> None:
        """Go to a page; one that needs the engine comes as soon as that is up."""
        if name not in self._entries:
            return
        self._wanted = name
        self.sidebar.show_current(name)
        if self._desk.is_open or not self._entries[name].needs_engine:
            page = self.page(name)
            if self.stack.currentWidget() is not page or self.isVisible():
                self.stack.setCurrentWidget(page)
                page.came_up()

    def _show_task(self, task_id: str) -> None:
        for name, entry in self._entries.items():
            if entry.shows_tasks:
                self._bring(name)
                self.page(name).show_task(task_id)
                return
        self._bring(FIRST)

    def _ask_again(self, request: Request) -> None:
        self._bring(FIRST)
        self.page(FIRST).take_request(request)

    # -- the window --------------------------------------------------------------------------------

    def bring_up(self) -> None:
        """Show the window, in front, ready for typing."""
        self.showNormal() if self.isMinimized() else self.show()
        self.raise_()
        self.activateWindow()
        if page := self._pages.get(self._wanted):
            page.came_up()

    def _bring(self, name: str) -> None:
        """Go to a page, or to a part of it: `page/part`."""
        name, _, part = name.partition("/")
        self.show_page(name)
        self.bring_up()
        if part and name in self._pages:
            self._pages[name].show_part(part)

    def _restore(self) -> None:
        kept = self._memory.value(_GEOMETRY)
        if not (isinstance(kept, QByteArray) and self.restoreGeometry(kept)):
            self.resize(USUAL_SIZE.boundedTo(self.screen().availableSize() - _FRAME))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """It came to the front."""
        if event.type() is QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Hide instead, and remember where it stood."""
        event.ignore()
        self.remember()
        self.hide()
        self.hidden.emit()

    def remember(self) -> None:
        """Keep where the window stands and how large it is."""
        self._memory.setValue(_GEOMETRY, self.saveGeometry())
