"""The Ask window: a prompt, where it will go, and the answer as it comes. It asks nobody itself; it signals."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

# A person who types on does not want the route of half a sentence.
PREVIEW_AFTER_MS = 300
# The palette's own colours, so that light and dark follow the system; one accent, for the one thing to do.
_STYLE = """
AskWindow { background: palette(base); }
QPlainTextEdit { background: palette(base); border: 1px solid palette(mid); border-radius: 8px; padding: 8px; }
QPlainTextEdit:focus { border-color: #b7410e; }
QTextBrowser { background: palette(base); border: none; }
QLabel#quiet { color: palette(placeholder-text); }
QPushButton { border: 1px solid palette(mid); border-radius: 6px; padding: 6px 16px; }
QPushButton#ask { background: #b7410e; color: white; border-color: #b7410e; font-weight: 600; }
QPushButton#ask:disabled { background: palette(mid); border-color: palette(mid); }
QPushButton:focus { border: 2px solid palette(highlight); padding: 5px 15px; }
"""
# Beyond this, rendering Markdown would hold the window up for longer than it helps.
_LONGEST_MARKDOWN_CHARS = 200_000


class AskWindow(QWidget):
    """A window that stays when it is closed: closing hides it, and what runs goes on.

    Signals:
        asked: The prompt to ask.
        stop_wanted: The running answer should stop.
        prompt_settled: The prompt so far, when typing has paused.
        hidden: The window was closed; there may be no other way to get it back.
    """

    asked = Signal(str)
    stop_wanted = Signal()
    prompt_settled = Signal(str)
    hidden = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Ask — Oxide"))
        self.resize(720, 540)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(_STYLE)
        self._text = ""
        self._make_widgets()
        self._lay_out()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(PREVIEW_AFTER_MS)
        self._settle.timeout.connect(lambda: self.prompt_settled.emit(self.prompt.toPlainText()))
        self.prompt.textChanged.connect(self._prompt_changed)
        self.ask_button.clicked.connect(self._ask)
        self.stop_button.clicked.connect(self.stop_wanted)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        self.set_ready(ready=False)

    def _make_widgets(self) -> None:
        self.prompt = QPlainTextEdit()
        self.prompt.setPlaceholderText(self.tr("Ask anything. Ctrl+Enter sends it."))
        self.prompt.setAccessibleName(self.tr("Prompt"))
        self.prompt.setTabChangesFocus(True)
        self.prompt.installEventFilter(self)
        self.notice = QLabel()
        self.notice.setWordWrap(True)
        self.notice.setTextFormat(Qt.TextFormat.PlainText)
        self.notice.setVisible(False)
        self.route = QLabel()
        self.route.setAccessibleName(self.tr("Where it goes and why"))
        self.route.setWordWrap(True)
        self.route.setTextFormat(Qt.TextFormat.PlainText)
        self.route.setObjectName("quiet")
        self.ask_button = QPushButton(self.tr("&Ask"))
        self.ask_button.setObjectName("ask")
        self.stop_button = QPushButton(self.tr("&Stop"))
        self.stop_button.setVisible(False)
        self.state = QLabel()
        self.state.setAccessibleName(self.tr("State of the task"))
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setWordWrap(True)
        self.answer = QTextBrowser()
        self.answer.setAccessibleName(self.tr("Answer"))
        self.answer.setFrameShape(QFrame.Shape.NoFrame)
        self.answer.document().setDocumentMargin(0)
        self.answer.setOpenLinks(False)  # an answer is somebody else's text: nothing in it opens by itself

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.route, 1)
        buttons.addWidget(self.stop_button)
        buttons.addWidget(self.ask_button)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setFrameShadow(QFrame.Shadow.Sunken)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addWidget(self.notice)
        column.addWidget(self.prompt, 1)
        column.addLayout(buttons)
        column.addWidget(line)
        column.addWidget(self.state)
        column.addWidget(self.answer, 3)

    # -- what the session tells --------------------------------------------------------------------

    def set_ready(self, *, ready: bool) -> None:
        """The engine is up, or is still starting."""
        self._ready = ready
        self.state.setText("" if ready else self.tr("Starting…"))
        self._prompt_changed()

    def show_notice(self, sentence: str) -> None:
        """Something about the whole window, above all else."""
        self.notice.setText(sentence)
        self.notice.setVisible(True)

    def show_route(self, sentence: str) -> None:
        """Where the prompt goes, or would go."""
        self.route.setText(sentence)

    def begin(self) -> None:
        """A question is on its way."""
        self._text = ""
        self.answer.clear()
        self.state.setText(self.tr("◌ queued"))
        self._working(busy=True)

    def show_state(self, sentence: str) -> None:
        """What the task is doing now."""
        self.state.setText(sentence)

    def append(self, text: str) -> None:
        """More of the answer."""
        self._text += text
        cursor = QTextCursor(self.answer.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)

    def finish(self, sentence: str) -> None:
        """The answer is complete, or will not be."""
        if 0 < len(self._text) <= _LONGEST_MARKDOWN_CHARS:
            self.answer.setMarkdown(self._text)
        self.state.setText(sentence)
        self._working(busy=False)

    # -- what the person does ----------------------------------------------------------------------

    def _ask(self) -> None:
        if self.ask_button.isEnabled():
            self.asked.emit(self.prompt.toPlainText())

    def _prompt_changed(self) -> None:
        self.ask_button.setEnabled(self._ready and bool(self.prompt.toPlainText().strip()))
        self._settle.start()

    def _working(self, *, busy: bool) -> None:
        self.stop_button.setVisible(busy)
        self.ask_button.setVisible(not busy)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Ctrl+Enter in the prompt asks."""
        if watched is self.prompt and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                if not self.ask_button.isHidden():
                    self._ask()
                return True
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Hide instead: what runs goes on."""
        event.ignore()
        self.hide()
        self.hidden.emit()
