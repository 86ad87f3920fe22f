"""The answer as it comes: Markdown that is rendered while it grows, at a cost that does not grow with it."""

from __future__ import annotations

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.widgets.markdown import closing, fence_at_end, put_at_end

# What has come is rendered anew with each batch, up to this many characters; what stands above is left alone.
_LOOSE_CHARS = 1_500
# Rendered once more as a whole at the end, for lists and tables that were cut in between; beyond it stays as it is.
_LONGEST_WHOLE_CHARS = 60_000
_MOST_SHOWN_CHARS = 400_000  # a document of more holds up the window for seconds, and keeps hundreds of megabytes
_LONGEST_FENCE_CHARS = 80  # of a line that opens a code block: what is longer names no language


class AnswerView(QTextBrowser):
    """Somebody else's text: nothing in it is loaded, and a link is only told of.

    Signals:
        link_wanted: Somebody clicked an address of the web.
    """

    link_wanted = Signal(QUrl)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(self.tr("Answer"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.document().setDocumentMargin(0)
        self.document().setUndoRedoEnabled(False)
        self.anchorClicked.connect(self._clicked)
        self._firm = 0  # where the part begins that is rendered anew
        self._loose = ""
        self._opened = 0  # so much of it opens a code block again, which the part above had opened
        self._whole = False  # rendered at once, so that there is no part to which more could be put
        self.text = ""
        theme.changed.connect(self._redraw)

    def begin(self) -> None:
        """A new answer."""
        self.text = self._loose = ""
        self._firm = self._opened = 0
        self._whole = False
        self.clear()

    def append_text(self, piece: str) -> None:
        """More of the answer. Behind what a document bears it is kept, and no more shown."""
        if self._whole:
            self._part_again()
        room = _MOST_SHOWN_CHARS - len(self.text)
        self.text += piece
        if room < 0:
            return
        self._loose += piece[:room]
        while len(self._loose) - self._opened > _LOOSE_CHARS:
            self._settle(_boundary(self._loose, self._opened))
        if len(piece) > room:
            self._end_what_is_shown()
        self._render_loose()

    def finish(self) -> None:
        """The answer is complete, or will not be."""
        if self.text and len(self.text) <= _LONGEST_WHOLE_CHARS:
            self._redraw()

    def show_text(self, text: str) -> None:
        """A whole answer at once."""
        self.begin()
        self.append_text(text)
        self.finish()

    # -- rendering ---------------------------------------------------------------------------------

    def _redraw(self) -> None:
        if len(self.text) > _LONGEST_WHOLE_CHARS:
            self._part_again()
            return
        text, place = self.text, self.verticalScrollBar().value()
        self.begin()
        self.text = text
        self._put(text)
        self._whole = True
        self.verticalScrollBar().setValue(place)

    def _part_again(self) -> None:
        """Render it by parts, as it is while it comes."""
        text, bar = self.text, self.verticalScrollBar()
        place, follows = bar.value(), self._is_at_end()
        self.begin()
        self.append_text(text)
        if not follows:
            bar.setValue(place)

    def _is_at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - 4

    def _settle(self, end: int) -> None:
        """Leave the text up to `end` as it is rendered now for good; a code block goes on behind it."""
        head, tail = self._loose[:end], self._loose[end:]
        fence = fence_at_end(head)
        self._loose = f"{head}\n{closing(fence)}" if fence else head
        self._render_loose()
        self._firm = self.document().characterCount() - 1
        again = f"{fence[:_LONGEST_FENCE_CHARS]}\n" if fence else ""
        self._loose, self._opened = again + tail, len(again)

    def _end_what_is_shown(self) -> None:
        fence = fence_at_end(self._loose)
        end = f"\n{closing(fence)}" if fence else ""
        self._loose += f"{end}\n\n---\n\n{self.tr('Only the beginning is shown. Copy and Save have all of it.')}"

    def _render_loose(self) -> None:
        follows = self._is_at_end()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        cursor.setPosition(self._firm)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        if self._loose.strip():
            self._put(self._loose)
        cursor.endEditBlock()
        if follows:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _put(self, text: str) -> None:
        put_at_end(self.document(), text, self._theme, self._theme.font().pointSizeF())

    # -- what strangers' text may not do -------------------------------------------------------------

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:  # noqa: N802 - Qt's name
        """Nothing is loaded, from nowhere."""
        return None

    def _clicked(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            self.link_wanted.emit(url)


def _boundary(text: str, start: int) -> int:
    """Where text longer than `_LOOSE_CHARS` behind `start` may be parted: between blocks, else lines, else anywhere."""
    within = text[: start + _LOOSE_CHARS]
    for mark in ("\n\n", "\n"):
        if (found := within.rfind(mark, start)) > start:
            return found + len(mark)
    return len(within)
