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
_ALIGNED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_SELECTED, _HOVERED = QStyle.StateFlag.State_Selected, QStyle.StateFlag.State_MouseOver
_FOCUSED = QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_KeyboardFocusChange
Index = QModelIndex | QPersistentModelIndex


class TaskRow(QStyledItemDelegate):
    """Paints rows of a `TaskListModel`; one whose page has not come yet is a pale bar."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._take_looks()
        theme.changed.connect(self._take_looks)

    def _take_looks(self) -> None:
        """Fonts, sizes and colours, which cost more than a row if each row asks for them."""
        names = ("text", "faint", "soft", "accent", "ok", "warn", "bad", "line", "hover", "accent_soft")
        self._colours = {name: self._theme.colour(name) for name in names}
        self._body, self._small = self._theme.font(), self._theme.font("small")
        self._strong = self._theme.font(bold=True)
        self._metrics = {id(font): QFontMetrics(font) for font in (self._body, self._small, self._strong)}
        body, small = QFontMetrics(self._body), QFontMetrics(self._small)
        self._body_height, self._small_height = body.height(), small.height()
        self._line = QPen(self._colours["line"], 1)
        self._ring = QPen(self._colours["accent"], 2)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Two lines of text."""
        return QSize(120, self._body_height + self._small_height + 2 * _PAD_Y + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & (_SELECTED | _HOVERED):
            painter.fillRect(rect, self._colours["accent_soft" if state & _SELECTED else "hover"])
        painter.setPen(self._line)
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        inner = rect.adjusted(_PAD_X, _PAD_Y, -_PAD_X, -_PAD_Y)
        record = index.data(RECORD)
        if isinstance(record, TaskRecord):
            self._paint_task(painter, inner, record)
        else:
            self._paint_waiting(painter, inner)
        if state & _FOCUSED == _FOCUSED:
            painter.setPen(self._ring)
            painter.drawRect(rect.adjusted(1, 1, -2, -2))
        painter.restore()

    def _paint_task(self, painter: QPainter, inner: QRect, record: TaskRecord) -> None:
        state, when = self._theme.state(record.status.value), age(record.created_at)
        left, width = inner.left() + _SIGN, self._metrics[id(self._small)].horizontalAdvance(when) + 2
        above = QRect(left, inner.top(), inner.right() - left, self._body_height)
        top = above.bottom() + 1 + _GAP
        below = QRect(left, top, inner.right() - left - width - _PAD_X, self._small_height)
        beside = QRect(inner.right() - width, top, width, self._small_height)
        sign = QRect(inner.left(), inner.top(), _SIGN, inner.height())
        self._write(painter, sign, state.sign, state.colour, self._strong)
        self._write(painter, above, first_line(record.prompt), "text", self._body)
        self._write(painter, below, second_line(record), "faint", self._small)
        self._write(painter, beside, when, "faint", self._small)

    def _write(self, painter: QPainter, rect: QRect, text: str, colour: str, font: QFont) -> None:
        metrics = self._metrics[id(font)]
        painter.setFont(font)
        painter.setPen(self._colours[colour])
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, _ALIGNED, shown)

    def _paint_waiting(self, painter: QPainter, inner: QRect) -> None:
        third = inner.height() // 3
        left = inner.left() + _SIGN
        painter.fillRect(QRect(left, inner.top() + 2, inner.width() // 2, third), self._colours["line"])
        painter.fillRect(QRect(left, inner.bottom() - third, inner.width() // 3, third - 2), self._colours["line"])
