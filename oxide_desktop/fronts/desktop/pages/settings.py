"""The Settings page: the person's `config.yaml` without having to open it, and the way to open it."""

from __future__ import annotations

import asyncio
from typing import Any

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices, QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from oxide_desktop.config.changing import change_settings, start_file
from oxide_desktop.config.login_start import set_login_start, starts_at_login
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.references import key_users
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.config.settings import load_config, to_plain
from oxide_desktop.core.errors import ConfigError, OxideError
from oxide_desktop.core.settings import Settings
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.key_asking import KeyAsking
from oxide_desktop.fronts.desktop.pages.base import WIDEST, Page
from oxide_desktop.fronts.desktop.sentences import error_line
from oxide_desktop.fronts.desktop.setting_list import GROUPS, Kind, Setting
from oxide_desktop.fronts.desktop.version_line import version_line
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row
from oxide_desktop.fronts.desktop.widgets.confirm import confirm
from oxide_desktop.fronts.desktop.widgets.key_list import KeyList
from oxide_desktop.fronts.desktop.widgets.scrolling import ScrollingColumn
from oxide_desktop.fronts.desktop.widgets.setting_row import SettingRow

_LOGIN = Setting(
    path=("login",),
    title=str(QT_TRANSLATE_NOOP("Settings", "Start at login")),
    help=str(QT_TRANSLATE_NOOP("Settings", "Oxide waits in the tray when you sign in.")),
    kind=Kind.SWITCH,
)
_UPDATES = Setting(
    path=("updates", "check"),
    title=str(QT_TRANSLATE_NOOP("Settings", "Look for newer versions")),
    help=str(QT_TRANSLATE_NOOP("Settings", "Once a day; nothing is downloaded or installed.")),
    kind=Kind.SWITCH,
)


class SettingsPage(Page):
    """A change is checked and written at once; it holds from the next start on, unless the page says otherwise."""

    widest = WIDEST

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "Settings"), parent)
        self._writing = asyncio.Lock()
        self._is_shown = False  # before that, fields say nothing of what holds
        self.rows: dict[str, SettingRow] = {}
        self._parts: list[tuple[QWidget, list[SettingRow]]] = []
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the settings"))
        self.search.setAccessibleName(self.search.placeholderText())
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search)
        self.saved = label(kind="soft")  # beside the heading, where it moves nothing
        self.top.addWidget(self.saved)
        self.nothing = label(self.tr("No setting matches."), "soft")
        self.nothing.setVisible(False)
        self.note = label(kind="warn", wrap=True)
        self.note.setVisible(False)
        self.area = ScrollingColumn(gap=0)
        self._add_group(self.tr("Oxide"), [self._login_row(), self._row(_UPDATES)])
        self.version = label(kind="faint", wrap=True)
        self.version.setContentsMargins(0, 8, 0, 0)
        if (column := self._parts[-1][0].layout()) is not None:
            column.addWidget(self.version)
        for group in GROUPS:
            made = [self._row(setting) for setting in group.settings]
            self._add_group(QCoreApplication.translate("Settings", group.title), made)
        self._add_keys()
        self._add_files()
        self.body.addWidget(self.search)
        self.body.addWidget(self.note)
        self.body.addWidget(self.nothing)
        self.body.addWidget(self.area, 1)
        desk.closing.connect(self._finish)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.search.setFocus)

    # -- making ------------------------------------------------------------------------------------

    def _add_group(self, title: str, made: list[SettingRow]) -> None:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 12, 0, 12)
        column.setSpacing(0)
        column.addWidget(label(title, "strong"))
        for item in made:
            column.addWidget(item)
        self._parts.append((part, made))
        self.area.column.addWidget(part)

    def _row(self, setting: Setting) -> SettingRow:
        made = SettingRow(self.desk.theme, setting)
        made.changed.connect(lambda value: self.desk.keep(self._change(made, value), "change setting"))
        self.rows[setting.key] = made
        return made

    def _login_row(self) -> SettingRow:
        made = SettingRow(self.desk.theme, _LOGIN)
        made.changed.connect(lambda wanted: self.desk.run(self._set_login(made, wanted), "login start"))
        self.rows[_LOGIN.key] = made
        return made

    def _add_keys(self) -> None:
        self.keys = KeyList()
        self.keys.set_wanted.connect(self._ask_for_key)
        self.keys.remove_wanted.connect(self._remove_key)
        self._key_place = label("", "faint", wrap=True)
        self._add_group(self.tr("Keys"), [])
        column = self._parts[-1][0].layout()
        if column is not None:
            column.addWidget(self._key_place)
            column.addWidget(self.keys)

    def _add_files(self) -> None:
        self._add_group(self.tr("All else"), [])
        self._place = label("", "faint", wrap=True)
        self.open_button = button(self.tr("Open config.yaml"), lambda: self.desk.run(self._open_file(), "open file"))
        self.welcome_button = button(self.tr("Show the first page again"), lambda: self.desk.show_page("welcome"))
        column = self._parts[-1][0].layout()
        if isinstance(column, QVBoxLayout):
            column.setSpacing(8)
            column.addWidget(self._place)
            column.addLayout(row(self.open_button, self.welcome_button, None))

    # -- showing -----------------------------------------------------------------------------------

    def came_up(self) -> None:
        """Read the file again: it may have been changed by hand."""
        self.search.setFocus()
        self.desk.run(self._look(), "settings")

    async def _look(self) -> None:
        paths = Paths.from_environment()
        self._place.setText(
            self.tr("Services, prices, quotas and programs of your own are set in %1, which says how.").replace(
                "%1", str(paths.config_file)
            )
        )
        try:
            settings = await asyncio.to_thread(load_config)
        except ConfigError as error:
            self._tell(error_line(error))
            settings = self.desk.orchestrator.settings
        self._show(settings)
        self._is_shown = True
        self.version.setText(await asyncio.to_thread(version_line, paths, settings.updates))
        self.rows[_LOGIN.key].show_value(await asyncio.to_thread(starts_at_login))
        await self._look_at_keys()

    def _show(self, settings: Settings) -> None:
        plain = to_plain(settings)
        for key, item in self.rows.items():
            if key != _LOGIN.key:
                item.show_value(_at(plain, item.setting.path))

    def _tell(self, sentence: str) -> None:
        self.note.setText(sentence)
        self.note.setVisible(True)

    def _search(self, words: str) -> None:
        """Hide what is not meant; a group goes with its last row."""
        for part, made in self._parts:
            whole = words.strip().casefold() in _words_of(part)
            for item in made:
                item.setVisible(whole or item.matches(words))
            part.setVisible(whole or any(item.matches(words) for item in made))
        self.nothing.setVisible(all(part.isHidden() for part, _ in self._parts))

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Whoever comes back sees them all."""
        if not event.spontaneous():
            self.search.clear()
        super().hideEvent(event)

    # -- changing ----------------------------------------------------------------------------------

    def _finish(self) -> None:
        """The app ends while something may stand in a field."""
        if self._is_shown:
            for item in self.rows.values():
                item.finish()

    async def _change(self, item: SettingRow, value: Any) -> None:  # noqa: ANN401 - as the file has it
        file = Paths.from_environment().config_file
        try:
            async with self._writing:
                settings = await asyncio.to_thread(change_settings, file, {item.setting.path: value})
        except OxideError as error:
            item.refuse(error_line(error))
            return
        item.confirm(value, _at(to_plain(settings), item.setting.path))
        self.saved.setText(self._holds_when(item.setting.path))

    def _holds_when(self, path: tuple[str, ...]) -> str:
        if path[0] == "privacy":
            return self.tr("Saved. What holds more back holds at once, the rest from the next start of Oxide on.")
        return self.tr("Saved. It holds from the next start of Oxide on.")

    async def _set_login(self, item: SettingRow, wanted: bool) -> None:  # noqa: FBT001 - what the switch says
        try:
            async with self._writing:
                await asyncio.to_thread(set_login_start, wanted=wanted)
        except OxideError as error:
            item.refuse(error_line(error))
            return
        item.confirm(wanted, wanted)

    async def _open_file(self) -> None:
        file = Paths.from_environment().config_file
        await asyncio.to_thread(start_file, file)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(file)))

    # -- keys --------------------------------------------------------------------------------------

    async def _look_at_keys(self) -> None:
        store = KeyStore(Paths.from_environment())
        stored = await asyncio.to_thread(store.names)
        self.keys.show_keys(stored, _named_keys(self.desk.orchestrator.settings))
        words = await asyncio.to_thread(lambda: store.place)
        self._key_place.setText(self.tr("Kept in %1.").replace("%1", words))

    def _ask_for_key(self, name: str) -> None:
        KeyAsking(self.desk, self, name, name, kept=self._look_at_keys, removed=self._look_at_keys)

    def _remove_key(self, name: str) -> None:
        confirm(
            self,
            self.tr("Remove the key %1?").replace("%1", name),
            self.tr("Services that use it cannot sign in any more."),
            self.tr("Remove"),
            lambda: self.desk.run(self._forget_key(name), "remove key"),
        )

    async def _forget_key(self, name: str) -> None:
        await asyncio.to_thread(KeyStore(Paths.from_environment()).remove, name)
        await self._look_at_keys()


def _at(plain: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - any value of the settings
    for key in path:
        plain = plain[key]
    return plain


def _named_keys(settings: Settings) -> list[str]:
    """The names of keys that services are told to use."""
    return list(key_users(service for service in settings.services.values() if service.enabled))


def _words_of(part: QWidget) -> str:
    """A group's heading, and what its buttons say."""
    heading = next(iter(part.findChildren(QLabel)), None)
    found = [item.text() for item in (heading, *part.findChildren(QPushButton)) if item is not None]
    return " ".join(found).casefold()
