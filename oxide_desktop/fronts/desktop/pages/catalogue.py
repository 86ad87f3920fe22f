"""The pages there are, in the sidebar's order. A page is imported and made when it is first gone to."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the sidebar.

    Attributes:
        name: What `Desk.show_page` is called with; the icon has the same name.
        title: In English; `shown_title` translates it.
        place: `module:Class` of the page, below this package. The class is called with the desk.
        below: Whether it stands at the sidebar's foot.
        hidden: Whether it is gone to in other ways only (the first run).
        shows_tasks: Whether it is the page that shows a task by its id.
        needs_engine: Whether it can only be made once the engine is up.
    """

    name: str
    title: str
    place: str
    below: bool = False
    hidden: bool = False
    shows_tasks: bool = False
    needs_engine: bool = True

    @property
    def shown_title(self) -> str:
        """Its title in the person's language."""
        return QCoreApplication.translate("Pages", self.title)

    def make(self, desk: Desk) -> Page:
        """The page itself."""
        module, _, name = self.place.partition(":")
        made = getattr(import_module(f"{__package__}.{module}"), name)(desk)
        assert isinstance(made, Page)  # noqa: S101 - the table below is ours
        return made


PAGES: tuple[Entry, ...] = (
    Entry(name="ask", title=str(QT_TRANSLATE_NOOP("Pages", "Ask")), place="ask:AskPage", needs_engine=False),
    Entry(
        name="history",
        title=str(QT_TRANSLATE_NOOP("Pages", "History")),
        place="history:HistoryPage",
        shows_tasks=True,
    ),
    Entry(name="rules", title=str(QT_TRANSLATE_NOOP("Pages", "Rules")), place="rules:RulesPage"),
    Entry(name="services", title=str(QT_TRANSLATE_NOOP("Pages", "Services")), place="services:ServicesPage"),
    Entry(name="dashboard", title=str(QT_TRANSLATE_NOOP("Pages", "Dashboard")), place="dashboard:DashboardPage"),
    Entry(
        name="settings", title=str(QT_TRANSLATE_NOOP("Pages", "Settings")), place="settings:SettingsPage", below=True
    ),
    Entry(
        name="welcome",
        title=str(QT_TRANSLATE_NOOP("Pages", "Welcome to Oxide")),
        place="welcome:WelcomePage",
        hidden=True,
    ),
)
