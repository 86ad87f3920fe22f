"""How far a service has been shown to work: four dots, and the word for it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from oxide_desktop.core.health import ServiceStatus, Tier
from oxide_desktop.fronts.desktop.sentences import engine_words, tr
from oxide_desktop.fronts.desktop.theme import Theme

_DOT, _GAP = 8, 5
_TIERS = list(Tier)


class TierDots(QWidget):
    """Filled as far as it was shown, crossed where it failed, hollow behind that."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._reached = 0
        self._failed = False
        self.word = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_status(self, status: ServiceStatus) -> None:
        """Draw what was last found."""
        health = status.health
        self._reached = _TIERS.index(health.tier) + 1 if health and health.tier else 0
        self._failed = bool(health and health.failing)
        self.word = tier_word(status)
        words = tr("%1: %2 of 4 steps shown").replace("%1", self.word).replace("%2", str(self._reached))
        self.setAccessibleName(words)
        self.setToolTip("\n".join(_steps(self._reached, failed=self._failed)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Dots and word in a row."""
        metrics = QFontMetrics(self._theme.font("small"))
        return QSize(4 * (_DOT + _GAP) + 4 + metrics.horizontalAdvance(self.word) + 2, metrics.height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """All of it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._theme.colour("warn" if self._failed else "ok")
        middle = self.height() / 2
        for number in range(4):
            dot = QRectF(number * (_DOT + _GAP) + 1, middle - _DOT / 2, _DOT, _DOT)
            if number < self._reached:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawEllipse(dot)
            elif self._failed and number == self._reached:
                painter.setPen(QPen(colour, 1.6))
                cross = dot.adjusted(1, 1, -1, -1)
                painter.drawLine(cross.topLeft(), cross.bottomRight())
                painter.drawLine(cross.bottomLeft(), cross.topRight())
            else:
                painter.setPen(QPen(self._theme.colour("edge"), 1.2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(dot.adjusted(0.6, 0.6, -0.6, -0.6))
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.colour("soft"))
        place = self.rect().adjusted(4 * (_DOT + _GAP) + 4, 0, 0, 0)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self.word)
        painter.end()


def tier_word(status: ServiceStatus) -> str:
    """How far a service is usable, in a word or two."""
    if not status.settings.enabled:
        return tr("switched off")
    if status.info is None:
        return tr("no adapter")
    if status.health is None:
        return tr("not looked at yet")
    if status.health.failing:
        return engine_words(status.health.failing.lacking)
    return engine_words(status.health.tier.reached) if status.health.tier else tr("unknown")


def _steps(reached: int, *, failed: bool) -> list[str]:
    words = (tr("installed"), tr("starts"), tr("signed in"), tr("answers"))
    signs = ["✓" if number < reached else "✕" if failed and number == reached else "○" for number in range(4)]
    return [f"{sign} {word}" for sign, word in zip(signs, words, strict=True)]
