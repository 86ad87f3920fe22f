"""The step that connects Claude Code: what will change is shown before it does, and can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from oxide_desktop.config import connecting
from oxide_desktop.config.clients import Client, Scope, clients, is_ours
from oxide_desktop.config.connecting import Change
from oxide_desktop.config.handshake import prove
from oxide_desktop.config.own_entry import difference, lock_of, own_entry, start_of
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import OxideError
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.sentences import engine_words, error_line, span, tr
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row, set_kind
from oxide_desktop.fronts.desktop.widgets.step import Step

CLIENT = "claude-code"
_PROOF_LIMIT_S = 15.0
_MOST_LINES = 6


class ConnectStep(Step):
    """Nothing is written before `Connect` is pressed."""

    def __init__(self, desk: Desk, number: int, parent: QWidget | None = None) -> None:
        about = self.tr("Claude Code then hands tasks to your other services, and each is kept in the history.")
        super().__init__(number, self.tr("Connect Claude Code"), about, parent)
        self._desk = desk
        self.state = label(wrap=True)
        self.state.setVisible(False)
        self.change = QPlainTextEdit()
        self.change.setReadOnly(True)
        self.change.setProperty("kind", "quote")
        self.change.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.change.setTabChangesFocus(True)
        self.change.setAccessibleName(self.tr("The change that will be made"))
        self.change.setFont(desk.theme.code_font(desk.theme.font("small").pointSizeF()))
        self.change.setVisible(False)
        self.connect_button = button(self.tr("Connect"), lambda: self._start(self._connect), "primary")
        self.undo_button = button(self.tr("Disconnect"), lambda: self._start(self._disconnect), "link")
        self.prove_button = button(self.tr("Test the connection"), lambda: self._start(self._prove))
        self.content.addWidget(self.state)
        self.content.addWidget(self.change)
        self.content.addLayout(row(self.connect_button, self.prove_button, self.undo_button, None))
        self._show_buttons(connected=False)

    def look(self) -> None:
        """Show the change that connecting would make, or that it has been made."""
        self._desk.run(self._look(), "look at Claude Code")

    def take_keyboard(self) -> None:
        """The keyboard goes to what can be done now."""
        shown = (self.connect_button, self.prove_button)
        next(made for made in shown if not made.isHidden()).setFocus()

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._desk.run(self._told(work), "connect Claude Code")

    async def _told(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        for made in (self.connect_button, self.undo_button, self.prove_button):
            made.setEnabled(False)
        try:
            await work()
        except OxideError as error:
            self._say(f"✕ {error_line(error)}", "bad")
        finally:
            for made in (self.connect_button, self.undo_button, self.prove_button):
                made.setEnabled(True)
            self.take_keyboard()  # it went elsewhere when the button was switched off

    async def _look(self) -> None:
        try:
            change = await asyncio.to_thread(_install, dry_run=True)
        except OxideError as error:
            self._say(f"⚠ {error_line(error)}", "warn")
            return
        self._show_buttons(connected=change.is_none)
        if change.is_none:
            self._say(tr("✓ Connected, in %1.").replace("%1", str(change.file)), "ok")
            self.finish()
        else:
            self._show_change(change)

    def _show_change(self, change: Change) -> None:
        lines = [line for line in difference(change).splitlines() if not line.startswith(("---", "+++", "@@"))]
        self.change.setPlainText("\n".join(lines))
        self._say(tr("This goes into %1. All else in it stays as it is.").replace("%1", str(change.file)), "soft")
        self.change.setFixedHeight(self.change.fontMetrics().lineSpacing() * min(len(lines), _MOST_LINES) + 20)
        self.change.setVisible(True)

    async def _connect(self) -> None:
        change = await asyncio.to_thread(_install, dry_run=False)
        self.change.setVisible(False)
        self._show_buttons(connected=True)
        kept = tr(" The file as it was: %1.").replace("%1", str(change.backup)) if change.backup else ""
        self._say(tr("✓ Connected.") + f" {engine_words(_client().after)}{kept}", "ok")
        self.finish()

    async def _disconnect(self) -> None:
        await asyncio.to_thread(_uninstall)
        self._say(self.tr("Claude Code is no longer connected."), "soft")
        await self._look()

    async def _prove(self) -> None:
        self._say(self.tr("Starting it as Claude Code does…"), "soft")
        proof = await asyncio.to_thread(_proved)
        self._say(proof, "ok")

    def _show_buttons(self, *, connected: bool) -> None:
        self.connect_button.setVisible(not connected)
        self.undo_button.setVisible(connected)
        self.prove_button.setVisible(connected)
        self.change.setVisible(not connected and bool(self.change.toPlainText()))

    def _say(self, sentence: str, kind: str) -> None:
        self.state.setText(sentence)
        set_kind(self.state, kind)
        self.state.setVisible(True)


# Each of these blocks.


def _client() -> Client:
    return clients(Path.home())[CLIENT]


def _install(*, dry_run: bool) -> Change:
    client, lock = _client(), lock_of(Paths.from_environment())
    file = client.file(Scope.USER, Path.home())
    there = connecting.found_in(client, file)
    if dry_run and is_ours(there):  # whichever of our programs it names: it was connected before
        return Change(file=file, before="", after="")
    return connecting.install(client, Scope.USER, Path.home(), own_entry(client, Scope.USER), lock, dry_run=dry_run)


def _uninstall() -> Change:
    return connecting.uninstall(_client(), Scope.USER, Path.home(), lock_of(Paths.from_environment()))


def _proved() -> str:
    client = _client()
    entry = connecting.found_in(client, client.file(Scope.USER, Path.home())) or {}
    proof = prove(*start_of(entry, Scope.USER), Path.home(), _PROOF_LIMIT_S)
    words = tr("✓ It answered in %1 with %n tool(s).", len(proof.tools))
    return words.replace("%1", span(proof.duration_s))
