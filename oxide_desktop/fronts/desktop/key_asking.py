"""Between a key's dialog and the place where keys are kept: what was typed stays until it is kept or given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from PySide6.QtWidgets import QWidget

from oxide_desktop.config.paths import Paths
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.core.errors import OxideError
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.sentences import error_line, tr
from oxide_desktop.fronts.desktop.widgets.confirm import confirm
from oxide_desktop.fronts.desktop.widgets.key_dialog import KeyDialog

Then = Callable[[], Awaitable[None]]


class KeyAsking:
    """Asks for one key.

    Args:
        name: What the key is called where it is kept.
        service: Whom it is for, as the dialog says it.
        kept: Called when it is there.
        removed: Called when it is there no longer.
    """

    def __init__(self, desk: Desk, page: QWidget, name: str, service: str, *, kept: Then, removed: Then) -> None:
        self._desk = desk
        self._page = page
        self._name = name
        self._kept = kept
        self._removed = removed
        self._dialog: KeyDialog | None = KeyDialog(service, page)
        self._dialog.given.connect(lambda key: desk.run(self._keep(key), "keep key"))
        self._dialog.remove_wanted.connect(lambda: self._ask_before_removing())  # noqa: PLW0108 - it holds `self`
        self._dialog.finished.connect(lambda _: self._closed())
        desk.run(self._look(), "place of keys")
        self._dialog.open()

    def _closed(self) -> None:
        self._dialog = None

    async def _look(self) -> None:
        store = _keys()
        place = await asyncio.to_thread(lambda: store.place)
        stored = self._name in await asyncio.to_thread(store.names)
        if self._dialog:
            self._dialog.show_place(place, stored=stored)

    async def _keep(self, key: str) -> None:
        if self._dialog:
            self._dialog.show_keeping()
        try:
            await asyncio.to_thread(_keys().set, self._name, key)
        except OxideError as error:
            if self._dialog is None:
                raise
            self._dialog.refuse(error_line(error))
            return
        if self._dialog:
            self._dialog.accept()
        await self._kept()

    def _ask_before_removing(self) -> None:
        confirm(
            self._page,
            tr("Remove the key %1?").replace("%1", self._name),
            tr("Services that use it cannot sign in any more."),
            tr("Remove"),
            lambda: self._desk.run(self._remove(), "remove key"),
        )

    async def _remove(self) -> None:
        if self._dialog:
            self._dialog.reject()
        await asyncio.to_thread(_keys().remove, self._name)
        await self._removed()


def _keys() -> KeyStore:
    return KeyStore(Paths.from_environment())
