"""How a task looks in a list: its state, the first line of its prompt, who answered, how long ago."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.models.task_list import RECORD
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.wording import age, first_line, second_line

_PAD_X, _PAD_Y, _GAP = 10, 8, 2
_SIGN = 24
Index = QModelIndex | QPersistentModelIndex


class TaskRow(QStyledItemDelegate):
    """Paints rows of a `TaskListModel`; one whose page has not come yet is a pale bar."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Two lines of text."""
        body, small = QFontMetrics(self._theme.font()), QFontMetrics(self._theme.font("small"))
        return QSize(120, body.height() + small.height() + 2 * _PAD_Y + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._theme.colour("accent_soft"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, self._theme.colour("hover"))
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        inner = rect.adjusted(_PAD_X, _PAD_Y, -_PAD_X, -_PAD_Y)
        record = index.data(RECORD)
        if isinstance(record, TaskRecord):
            self._paint_task(painter, inner, record)
        else:
            self._paint_waiting(painter, inner)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.drawRect(rect.adjusted(1, 1, -2, -2))
        painter.restore()

    def _paint_task(self, painter: QPainter, inner: QRect, record: TaskRecord) -> None:
        state, when = self._theme.state(record.status.value), age(record.created_at)
        body, small = QFontMetrics(self._theme.font()), QFontMetrics(self._theme.font("small"))
        left, width = inner.left() + _SIGN, small.horizontalAdvance(when) + 2
        above = QRect(left, inner.top(), inner.right() - left - width - 2 * _PAD_X, body.height())
        below = QRect(left, inner.top() + body.height() + _GAP, inner.right() - left, small.height())
        beside = QRect(inner.right() - width, inner.top() + body.ascent() - small.ascent(), width, small.height())
        sign = QRect(inner.left(), inner.top(), _SIGN, inner.height())
        self._write(painter, sign, state.sign, state.colour, self._theme.font(bold=True))
        self._write(painter, above, first_line(record.prompt), "text", self._theme.font())
        self._write(painter, below, second_line(record), "faint", self._theme.font("small"))
        self._write(painter, beside, when, "faint", self._theme.font("small"))

    def _write(self, painter: QPainter, rect: QRect, text: str, colour: str, font: QFont) -> None:
        painter.setFont(font)
        painter.setPen(self._theme.colour(colour))
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)

    def _paint_waiting(self, painter: QPainter, inner: QRect) -> None:
        colour = self._theme.colour("line")
        third = inner.height() // 3
        painter.fillRect(QRect(inner.left() + _SIGN, inner.top() + 2, inner.width() // 2, third), colour)
        painter.fillRect(QRect(inner.left() + _SIGN, inner.bottom() - third, inner.width() // 3, third - 2), colour)
