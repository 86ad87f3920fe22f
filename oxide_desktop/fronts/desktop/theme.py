"""The application's looks, made of the tokens; they follow the system's light and dark while it runs."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from oxide_desktop.fronts.desktop.icons import icon, nav_icon
from oxide_desktop.fronts.desktop.scheme import SystemScheme
from oxide_desktop.fronts.desktop.stylesheet import style_sheet
from oxide_desktop.fronts.desktop.tokens import State, tokens

_ROLES = {
    QPalette.ColorRole.Window: "bg",
    QPalette.ColorRole.Base: "bg",
    QPalette.ColorRole.AlternateBase: "side",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.PlaceholderText: "faint",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "on_accent",
    QPalette.ColorRole.Accent: "accent",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.LinkVisited: "accent",
    QPalette.ColorRole.Mid: "line",
    QPalette.ColorRole.Midlight: "line",
    QPalette.ColorRole.Light: "raised",
    QPalette.ColorRole.Dark: "edge",
}
_DIM = (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText)


class Theme(QObject):
    """Colours, icons and sizes as they are now.

    Signals:
        changed: The system went from light to dark or back; what was drawn by hand has to be drawn again.
    """

    changed = Signal()

    def __init__(self, application: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._application = application
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._scheme = SystemScheme(application, self)
        self.is_dark = self._scheme.is_dark
        self._scheme.changed.connect(self._scheme_changed)
        self._font = _body_font(application.font())
        self._apply()

    def close(self) -> None:
        """Follow no longer."""
        self._scheme.close()

    # -- what pages ask for --------------------------------------------------------------------------

    def hex(self, name: str) -> str:
        """A colour of the tokens as `#rrggbb`, for rich text."""
        return tokens().colours["dark" if self.is_dark else "light"][name]

    def colour(self, name: str) -> QColor:
        """A colour of the tokens, for painting."""
        return QColor(self.hex(name))

    def icon(self, name: str, colour: str = "soft") -> QIcon:
        """An icon of `resources/icons` in a colour of the tokens."""
        key = (name, colour)
        if key not in self._icons:
            self._icons[key] = icon(name, self.colour(colour))
        return self._icons[key]

    def nav_icon(self, name: str) -> QIcon:
        """The same, in the accent where its button is checked."""
        return nav_icon(name, self.colour("soft"), self.colour("accent"))

    @staticmethod
    def state(name: str) -> State:
        """How a status (`completed`, `running`, …, `attention`) is told."""
        return tokens().states[name]

    def font(self, size: str = "body", *, bold: bool = False) -> QFont:
        """The system's font at `body`, `heading` or `small` size."""
        font = QFont(self._font)
        font.setPointSizeF(self._font.pointSizeF() * tokens().type[size])
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return font

    @staticmethod
    def code_font(size_pt: float) -> QFont:
        """A font in which all characters are equally wide."""
        known = set(QFontDatabase.families())
        families = [family for family in tokens().type["code"] if family in known]
        font = QFont(families) if families else QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPointSizeF(size_pt)
        return font

    # -- following the system --------------------------------------------------------------------------

    def _scheme_changed(self) -> None:
        dark = self._scheme.is_dark
        if dark != self.is_dark:
            self.is_dark = dark
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        self._icons.clear()
        self._application.setFont(self._font)
        self._application.setPalette(self._palette())
        scheme = tokens().colours["dark" if self.is_dark else "light"]
        self._application.setStyleSheet(style_sheet(scheme, self._font.pointSizeF()))

    def _palette(self) -> QPalette:
        palette = QPalette()
        for role, name in _ROLES.items():
            palette.setColor(role, self.colour(name))
        for role in _DIM:
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.colour("faint"))
        return palette


def _body_font(font: QFont) -> QFont:
    """The system's own, but never smaller than can be read all day."""
    body = QFont(font)
    body.setPointSizeF(max(font.pointSizeF(), tokens().type["smallest_body_pt"]))
    return body
