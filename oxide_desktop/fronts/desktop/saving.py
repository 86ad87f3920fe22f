"""Files that a person saves: where is asked in the system's own dialog, and writing does not hold the windows up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtWidgets import QFileDialog, QWidget

from oxide_desktop.config.private_files import unwritable
from oxide_desktop.fronts.desktop.desk import Desk

T = TypeVar("T")


def choose_file(
    desk: Desk, parent: QWidget, title: str, name: str, use: Callable[[Path], Coroutine[Any, Any, object]]
) -> None:
    """Ask where to, and use it once the person has said so.

    Args:
        desk: Runs it, and tells what fails.
        parent: Whose window the dialog stands before.
        title: What is saved, as the dialog's title.
        name: What the file is called unless the person says otherwise.
        use: Writes it.
    """
    dialog = QFileDialog(parent, title, str(Path.home() / name))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda chosen: desk.run(use(Path(chosen)), title))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


async def on_disk(path: Path, work: Callable[[], T]) -> T:
    """What may block, in a thread.

    Raises:
        StoreError: The file system refused.
    """
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise unwritable(error, path) from error


async def write_text(path: Path, text: str) -> None:
    """A text as the whole file.

    Raises:
        StoreError: The file system refused.
    """
    await on_disk(path, lambda: path.write_text(text, encoding="utf-8"))
