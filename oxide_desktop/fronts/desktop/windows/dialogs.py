"""The few questions that are asked in a window of their own. None holds the loop up: they are opened, not run."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from oxide_desktop.core.errors import ConfigError, OxideError
from oxide_desktop.fronts.desktop.sentences import engine_words, tr

_LONGEST_ADDRESS = 300


def _box(parent: QWidget | None, title: str, text: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(QCoreApplication.translate("Dialogs", "Oxide"))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(title)
    box.setInformativeText(text)
    return box


def _choices(box: QMessageBox, choices: dict[str, Callable[[], object] | None]) -> None:
    """Buttons by their verbs; the first one is what Return does, the last one what Esc does."""
    made: dict[QPushButton, Callable[[], object] | None] = {}
    for text, action in choices.items():
        made[box.addButton(text, QMessageBox.ButtonRole.ActionRole)] = action
    buttons = list(made)
    first, last = buttons[0], buttons[-1]
    box.setDefaultButton(first)
    box.setEscapeButton(last)

    def chosen(clicked: QPushButton) -> None:
        if action := made.get(clicked):
            action()

    box.buttonClicked.connect(chosen)
    box.open()


def ask_before_quitting(
    parent: QWidget | None,
    running: int,
    finish: Callable[[], object],
    stop: Callable[[], object],
    stay: Callable[[], object],
) -> QMessageBox:
    """Tasks run: finish them first, or stop them, or do not quit after all."""
    box = _box(
        parent,
        tr("%n task(s) still running", running),
        tr("Oxide can quit when they have finished, or stop them now. What they have answered so far is kept."),
    )
    _choices(box, {tr("Finish first"): finish, tr("Stop them"): stop, tr("Stay"): stay})
    return box


def ask_before_opening(parent: QWidget | None, url: QUrl) -> QMessageBox:
    """An address in somebody else's text: show where it leads before it is opened."""
    address = url.toString()
    shown = address if len(address) <= _LONGEST_ADDRESS else f"{address[:_LONGEST_ADDRESS]}…"
    box = _box(parent, tr("Open this address in the browser?"), shown)
    choices: dict[str, Callable[[], object] | None] = {
        tr("Open"): lambda: QDesktopServices.openUrl(url),
        tr("Copy"): lambda: QGuiApplication.clipboard().setText(address),
        tr("Leave it"): None,
    }
    _choices(box, choices)
    return box


def tell_fatal(error: OxideError, closed: Callable[[], object]) -> QMessageBox:
    """An error that ends the app."""
    text = "\n\n".join(engine_words(part) for part in (error.message, error.hint) if part)
    box = _box(None, engine_words(error.title), text)
    box.setIcon(QMessageBox.Icon.Critical)
    box.finished.connect(lambda _: closed())
    choices: dict[str, Callable[[], object] | None] = {}
    if isinstance(error, ConfigError):
        file = QUrl.fromLocalFile(error.problems[0].file)
        choices[tr("Open the file")] = lambda: QDesktopServices.openUrl(file)
    _choices(box, {**choices, tr("Quit"): None})
    return box
