"""What the person said that tasks really were: all of it, each to be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from oxide_desktop.core.corrections import Correction
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import OneLine, button, hairline, label, row
from oxide_desktop.fronts.desktop.wording import age, first_line, moment, type_words

_SHOWN_AT_FIRST = 5


class CorrectionList(QWidget):
    """Signals what the person wants.

    Signals:
        taken_back: One should be forgotten, by its task's id.
        all_taken_back: All should be.
        export_wanted: They should be written to a file.
    """

    taken_back = Signal(str)
    all_taken_back = Signal()
    export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._made: Sequence[Correction] = ()
        self._all_shown = False
        self.export_button = button(self.tr("Export…"), self.export_wanted.emit, "link")
        self.export_button.setAccessibleName(self.tr("Export what you said of tasks"))
        self.clear_button = button(self.tr("Take all back…"), self.all_taken_back.emit, "link")
        self.explained = label(kind="soft", wrap=True)
        self.rows = QVBoxLayout()
        self.rows.setSpacing(0)
        self.more_button = button(self.tr("Show all"), self._show_all, "link")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, spacing("between"), 0, spacing("between"))
        column.setSpacing(spacing("within"))
        column.addLayout(row(label(self.tr("What you said of tasks"), "strong"), None, *self._buttons()))
        column.addWidget(self.explained)
        column.addLayout(self.rows)
        column.addLayout(row(self.more_button, None))
        self.show_corrections(())

    def _buttons(self) -> tuple[QWidget, ...]:
        return (self.export_button, self.clear_button)

    def show_corrections(self, made: Sequence[Correction]) -> None:
        """All of them, newest first."""
        self._made = made
        for part in self._buttons():
            part.setVisible(bool(made))
        teaching = self.tr("Nothing. If a task was taken for the wrong type, say so in History: “This was a …”.")
        meaning = self.tr("Prompts like these are taken for what you said. Your rules stand above it.")
        self.explained.setText(meaning if made else teaching)
        while (item := self.rows.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        shown = made if self._all_shown else made[:_SHOWN_AT_FIRST]
        for correction in shown:
            self.rows.addWidget(self._row(correction))
        self.more_button.setVisible(len(shown) < len(made))
        self.more_button.setText(self.tr("Show all %1").replace("%1", f"{len(made):,}"))

    def _show_all(self) -> None:
        self._all_shown = True
        self.show_corrections(self._made)

    def _row(self, correction: Correction) -> QWidget:
        made = QWidget()
        prompt = OneLine()
        prompt.setText(first_line(correction.prompt))
        types = self.tr("%1, not %2").replace("%1", type_words(correction.said))
        types = types.replace("%2", type_words(correction.was))
        said = label(f"{types} · {age(correction.made_at)}", "faint")
        said.setToolTip(moment(correction.made_at))
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(prompt)
        names.addWidget(said)
        back = button(self.tr("Take back"), partial(self.taken_back.emit, correction.task_id), "link")
        back.setAccessibleName(tr("Take back what you said of “%1”").replace("%1", prompt.text()))
        line = row(names, back, gap=spacing("between"))
        line.setStretch(0, 1)
        column = QVBoxLayout(made)
        column.setContentsMargins(0, spacing("within"), 0, 0)
        column.addLayout(line)
        column.addWidget(hairline())
        return made
