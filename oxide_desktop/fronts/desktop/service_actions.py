"""What can be done with one service: test it, start it, give it a key or a model."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from oxide_desktop.config.changing import change_settings
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.references import KEYRING
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.health import Depth
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.key_asking import KeyAsking
from oxide_desktop.fronts.desktop.sentences import span, tr
from oxide_desktop.fronts.desktop.widgets.service_card import ServiceCard


class ServiceActions(QObject):
    """Serves one card."""

    def __init__(self, desk: Desk, card: ServiceCard, page: QWidget) -> None:
        super().__init__(card)
        self._desk = desk
        self._card = card
        self._page = page
        self._pulling: asyncio.Task[None] | None = None
        card.test_wanted.connect(lambda: desk.run(self._test(), "test service"))
        card.start_wanted.connect(lambda: desk.run(self._start(), "start service"))
        card.check_wanted.connect(lambda: desk.run(self._check(), "check service"))
        card.key_wanted.connect(self._ask_for_key)
        card.pull.pull_wanted.connect(self._pull)
        card.pull.stop_wanted.connect(self._stop_pulling)

    def _show(self) -> None:
        for status in self._desk.orchestrator.services():
            if status.settings.name == self._card.name:
                self._card.show_status(status)

    async def _test(self) -> None:
        """A real question, and how long the answer took."""
        self._card.set_busy(busy=True)
        self._card.say(self.tr("Asking a short question…"))
        begun = time.monotonic()
        try:
            health = await self._desk.orchestrator.check_service(self._card.name, Depth.PROVE)
        finally:
            self._card.set_busy(busy=False)
        self._show()
        took = span(time.monotonic() - begun)
        if health.healthy:
            self._card.say(tr("✓ It answered in %1.").replace("%1", took), "ok")
        else:
            self._card.say("")

    async def _check(self) -> None:
        self._card.set_busy(busy=True)
        try:
            await self._desk.orchestrator.check_service(self._card.name, Depth.PROBE)
        finally:
            self._card.set_busy(busy=False)
        self._show()

    async def _start(self) -> None:
        self._card.set_busy(busy=True)
        self._card.say(self.tr("Starting…"))
        try:
            start = await self._desk.orchestrator.start_service(self._card.name)
        except OxideError as error:
            self._card.say(f"✕ {error}", "bad")
        else:
            self._card.say(start.note or self.tr("✓ It runs."), "ok")
        finally:
            self._card.set_busy(busy=False)
        self._show()

    # -- models ------------------------------------------------------------------------------------

    def _pull(self, model: str) -> None:
        if self._pulling is None or self._pulling.done():
            self._pulling = self._desk.background.start(self._fetch(model), "pull model")

    def _stop_pulling(self) -> None:
        if self._pulling is not None:
            self._pulling.cancel()

    async def _fetch(self, model: str) -> None:
        line = self._card.pull
        line.show_running(running=True)
        said = self.tr("Stopped. Asked again, it goes on from there.")
        try:
            async with aclosing(self._desk.orchestrator.pull_model(self._card.name, model)) as steps:
                async for progress in steps:
                    line.show_progress(progress)
            said = tr("✓ %1 is there.").replace("%1", model)
        except OxideError as error:
            said = f"✕ {error}"
        finally:
            line.show_running(running=False)
            line.say(said)
        self._show()

    # -- keys --------------------------------------------------------------------------------------

    def _ask_for_key(self) -> None:
        name = self._reference.removeprefix(KEYRING) if self._is_named else self._card.name
        KeyAsking(self._desk, self._page, name, self._card.name, kept=self._key_kept, removed=self._key_removed)

    @property
    def _reference(self) -> str:
        return self._card.status.settings.api_key or ""

    @property
    def _is_named(self) -> bool:
        return self._reference.startswith(KEYRING)

    async def _key_removed(self) -> None:
        self._card.say(self.tr("The key is removed."))
        await self._check()

    async def _key_kept(self) -> None:
        """A service that is not told yet where its key is, is told so in the settings."""
        if self._is_named:
            self._card.say(self.tr("✓ The key is kept."), "ok")
            await self._check()
            return
        path = ("services", self._card.name, "api_key")
        file = Paths.from_environment().config_file
        await asyncio.to_thread(change_settings, file, {path: f"{KEYRING}{self._card.name}"})
        self._card.say(self.tr("✓ The key is kept. Oxide uses it from its next start on."), "ok")
