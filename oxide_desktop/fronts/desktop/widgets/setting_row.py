"""One setting: what it is called, a line of help, and the control that fits its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.setting_list import Kind, Setting
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import hairline, label, row
from oxide_desktop.fronts.desktop.widgets.choice import Choice
from oxide_desktop.fronts.desktop.widgets.switch import Switch

_LINES_SHOWN = 3
_FIELD = 150


class SettingRow(QFrame):
    """Signals `changed` with the new value, in the form of the file, once the person has finished with it."""

    changed = Signal(object)

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self._held: Any = None
        self._wanted: Any = None
        self.title = label(_tr(setting.title))
        self.help = label(_tr(setting.help), "faint", wrap=True)
        self.problem = label(kind="bad", wrap=True)
        self.problem.setVisible(False)
        self.control, self._value, self._show = self._made(theme)
        self.control.setAccessibleName(_tr(setting.title))
        self.control.setAccessibleDescription(_tr(setting.help))
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.help)
        texts.addWidget(self.problem)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, spacing("within"), 0, 0)
        column.setSpacing(spacing("within"))
        texts.addStretch(1)
        control = row(label(_tr(setting.unit), "faint"), self.control) if setting.unit else self.control
        line = row(texts, control, gap=spacing("between"))
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(hairline())

    def matches(self, words: str) -> bool:
        """Whether a search means it."""
        text = f"{_tr(self.setting.title)} {_tr(self.setting.help)} {self.setting.key}".casefold()
        return all(word in text for word in words.casefold().split())

    # -- values ------------------------------------------------------------------------------------

    def show_value(self, value: object) -> None:
        """What holds now."""
        self._held = self._wanted = value
        self.problem.setVisible(False)
        self._show(value)

    def confirm(self, asked: object, value: object) -> None:
        """What a person asked for holds, as `value`; if they want something else by now, that stays shown."""
        self._held = value
        if self._wanted == asked:
            self.show_value(value)

    def refuse(self, sentence: str) -> None:
        """Why a value was not taken; what was typed can be mended, a switch is as it was."""
        self._wanted = self._held
        if self.setting.kind in (Kind.SWITCH, Kind.CHOICE):
            self._show(self._held)
        self.problem.setText(sentence)
        self.problem.setVisible(True)

    def finish(self) -> None:
        """The person goes: what is typed is what they want."""
        self._finished()

    def _finished(self) -> None:
        value = self._value()
        if value != self._wanted:
            self.problem.setVisible(False)
            self._wanted = value
            self.changed.emit(value)

    # -- controls ----------------------------------------------------------------------------------

    def _made(self, theme: Theme) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        makers = {
            Kind.SWITCH: self._switch,
            Kind.NUMBER: self._number,
            Kind.CHOICE: self._choice,
            Kind.LINES: self._lines,
        }
        return makers[self.setting.kind](theme)

    def _switch(self, theme: Theme) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        made = Switch(theme, "")
        made.clicked.connect(self._finished)
        return made, made.isChecked, lambda value: made.setChecked(bool(value))

    def _number(self, _theme: Theme) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        """A number as it is typed; nothing is the default. What is out of range, the file's own check refuses."""
        made = QLineEdit()
        made.setPlaceholderText(_tr(self.setting.unset) or self.tr("default"))
        made.setAlignment(Qt.AlignmentFlag.AlignRight)
        made.setFixedWidth(_FIELD)
        made.editingFinished.connect(self._finished)

        def show(value: float | None) -> None:
            made.setText("" if value is None else f"{value:.10g}")
            made.setModified(False)

        return made, lambda: _number_in(made.text()), show

    def _choice(self, theme: Theme) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        made = Choice(theme, "")
        made.addItems(self.setting.choices)
        made.setMinimumWidth(_FIELD)
        made.activated.connect(self._finished)
        return made, made.currentText, lambda shown: made.setCurrentText(str(shown))

    def _lines(self, _theme: Theme) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        made = QPlainTextEdit()
        made.setTabChangesFocus(True)
        made.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        made.setFixedHeight(made.fontMetrics().lineSpacing() * _LINES_SHOWN + 24)
        made.setFixedWidth(260)
        made.installEventFilter(self)

        def value() -> list[str] | None:
            items = [line.strip() for line in made.toPlainText().splitlines() if line.strip()]
            return items or (None if self.setting.unset else [])

        return made, value, lambda shown: made.setPlainText("\n".join(shown or ()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """A list is finished when it is left."""
        if event.type() == QEvent.Type.FocusOut and watched is self.control:
            self._finished()
        return super().eventFilter(watched, event)


def _number_in(text: str) -> int | float | str | None:
    """The number that was typed, a whole one where it is; what is none is left to be refused."""
    text = text.strip().replace("\N{NO-BREAK SPACE}", "")
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
        return int(value) if value.is_integer() else value
    except (ValueError, OverflowError):
        return text


def _tr(text: str) -> str:
    return QCoreApplication.translate("Settings", text)
