"""Where a prompt is typed: Ctrl+Return asks, files that are dropped or pasted are told of rather than typed in."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

# A person who types on does not want the route of half a sentence.
SETTLED_AFTER_MS = 300


def local_files(data: QMimeData) -> list[str]:
    """Paths of the files and folders in what was dropped or pasted."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


def asking_keys() -> str:
    """The keys that ask, as this system writes them."""
    return QKeySequence(Qt.Modifier.CTRL | Qt.Key.Key_Return).toString(QKeySequence.SequenceFormat.NativeText)


class PromptEdit(QPlainTextEdit):
    """Signals what the person does with it.

    Signals:
        submitted: Ctrl+Return was pressed.
        settled: Typing has paused.
        files_given: Paths that were dropped or pasted.
    """

    submitted = Signal()
    settled = Signal()
    files_given = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(self.tr("Ask anything, or drop files here"))
        self.setAccessibleName(self.tr("Prompt"))
        self.setAccessibleDescription(self.tr("%1 asks.").replace("%1", asking_keys()))
        self.setTabChangesFocus(True)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLED_AFTER_MS)
        self._settle.timeout.connect(self.settled)
        self.textChanged.connect(self._settle.start)

    def empty(self) -> None:
        """Take the text away; undoing brings it back."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl+Return asks."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and (
            event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        """Files can be dropped here as well as text."""
        return bool(local_files(source)) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Files are told of; anything else is typed in."""
        if files := local_files(source):
            self.files_given.emit(files)
        else:
            super().insertFromMimeData(source)
