"""The attempts of a task on one line of time each: waiting for the first text pale, the answer solid."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord
from oxide_desktop.fronts.desktop.sentences import span, tr
from oxide_desktop.fronts.desktop.theme import Theme

MOST = 6
_BAR, _GAP, _LEAST = 8, 6, 3
_STATES = {
    AttemptStatus.RUNNING: "running",
    AttemptStatus.COMPLETED: "completed",
    AttemptStatus.FAILED: "failed",
    AttemptStatus.PARTIAL: "attention",
    AttemptStatus.CANCELLED: "cancelled",
    AttemptStatus.INTERRUPTED: "interrupted",
}


class AttemptBars(QWidget):
    """Name, bar, and what the bar means in words; all of them on the same scale of time."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._attempts: tuple[Attempt, ...] = ()
        self._left_out = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Attempts"))

    def show_record(self, record: TaskRecord) -> None:
        """Draw the newest attempts of a task."""
        self._attempts = record.attempts[-MOST:]
        self._left_out = len(record.attempts) - len(self._attempts)
        words = [f"{item.service}: {self.words(item)}" for item in self._attempts]
        self.setAccessibleDescription("; ".join(words))
        self.setToolTip("\n".join(words))
        self.setVisible(bool(self._attempts))
        self.updateGeometry()
        self.update()

    def words(self, attempt: Attempt) -> str:
        """How an attempt went."""
        parts = [self._theme.state(_STATES[attempt.status]).sign]
        if attempt.ended_at is not None:
            parts.append(span(attempt.ended_at - attempt.started_at))
        if attempt.first_chunk_at is not None:
            parts.append(self.tr("first text %1").replace("%1", span(attempt.first_chunk_at - attempt.started_at)))
        if attempt.kind:
            parts.append(attempt.kind.replace("_", " "))
        return "  ".join(parts)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """One line an attempt, and one that tells of those left out."""
        lines = len(self._attempts) + bool(self._left_out)
        return QSize(200, lines * (self._line() + _GAP))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as it is."""
        return QSize(120, self.sizeHint().height())

    def _line(self) -> int:
        return QFontMetrics(self._theme.font("small")).height()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """All of it."""
        if not self._attempts:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self._theme.font("small")
        painter.setFont(font)
        metrics = QFontMetrics(font)
        names = min(max(metrics.horizontalAdvance(item.service) for item in self._attempts), self.width() // 3)
        words = min(max(metrics.horizontalAdvance(self.words(item)) for item in self._attempts), self.width() // 2)
        track = QRect(names + 12, 0, max(self.width() - names - words - 24, 24), self._line())
        first = min(item.started_at for item in self._attempts)
        whole_s = max(max(_end(item) for item in self._attempts) - first, 0.001)
        for number, attempt in enumerate(self._attempts):
            line = track.translated(0, number * (self._line() + _GAP))
            self._write(painter, QRect(0, line.top(), names + 6, line.height()), attempt.service, "text")
            self._draw_bar(painter, line, attempt, first, whole_s)
            beside = QRect(line.right() + 12, line.top(), words + 2, line.height())
            self._write(painter, beside, self.words(attempt), "soft")
        if self._left_out:
            below = track.translated(0, len(self._attempts) * (self._line() + _GAP))
            below.setLeft(0)
            self._write(painter, below, tr("%n earlier attempt(s)", self._left_out), "faint")
        painter.end()

    def _draw_bar(self, painter: QPainter, line: QRect, attempt: Attempt, first: float, whole_s: float) -> None:
        def place(moment: float) -> int:
            return line.left() + round((moment - first) / whole_s * line.width())

        top = line.center().y() - _BAR // 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("code"))
        painter.drawRoundedRect(QRect(line.left(), top, line.width(), _BAR), 3, 3)
        start, end = place(attempt.started_at), place(_end(attempt))
        start = min(start, line.right() - _LEAST)
        painter.setBrush(self._theme.colour("edge"))
        painter.drawRoundedRect(QRect(start, top, max(end - start, _LEAST), _BAR), 3, 3)
        solid = attempt.first_chunk_at if attempt.first_chunk_at is not None else attempt.started_at
        if attempt.status is not AttemptStatus.RUNNING or attempt.first_chunk_at is not None:
            start = min(place(solid), line.right() - _LEAST)
            painter.setBrush(self._theme.colour(self._theme.state(_STATES[attempt.status]).colour))
            painter.drawRoundedRect(QRect(start, top, max(end - start, _LEAST), _BAR), 3, 3)

    def _write(self, painter: QPainter, rect: QRect, text: str, colour: str) -> None:
        painter.setPen(self._theme.colour(colour))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


def _end(attempt: Attempt) -> float:
    known = (attempt.ended_at, attempt.first_chunk_at, attempt.started_at)
    return next(moment for moment in known if moment is not None)
