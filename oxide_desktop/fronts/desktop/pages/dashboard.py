"""The Dashboard page: the web view's, in this window where it can be shown, else on its way to the browser."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import Page
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row
from oxide_desktop.fronts.desktop.widgets.web_view import WebView, why_no_web

_PLACE = "/dashboard"


class DashboardPage(Page):
    """The view is made when the page is first gone to; a link into it works once, so each way in takes a new one."""

    def __init__(self, desk: Desk, parent: QWidget | None = None, why_not: Callable[[], str] = why_no_web) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "Dashboard"), parent)
        self._why_not = why_not
        self.view: WebView | None = None
        self.told = label(kind="soft")
        self.browser_button = button(self.tr("Open in browser"), self._open_in_browser, "link")
        self.top.addWidget(self.told)
        self.top.addWidget(self.browser_button)
        self.reason = label(kind="soft", wrap=True)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.open_button = button(self.tr("Open in browser"), self._open_in_browser, "primary")
        self.copy_button = button(self.tr("Copy a link"), self._copy_link, name=self.tr("Copy a link that works once"))
        self.again_button = button(self.tr("Try again"), self._open)
        self.settings_button = button(self.tr("Settings"), lambda: desk.show_page("settings"))
        self.instead = self._lay_out_instead()
        self.body.addWidget(self.instead, 1)
        desk.closed.connect(self._close)

    def _lay_out_instead(self) -> QWidget:
        """What stands in the view's place."""
        made = QWidget()
        column = QVBoxLayout(made)
        column.addStretch(1)
        column.addWidget(self.reason)
        actions = (self.open_button, self.copy_button, self.again_button, self.settings_button)
        column.addLayout(row(None, *actions, None))
        column.addStretch(2)
        return made

    def came_up(self) -> None:
        """Show the view, or say why there is none."""
        self.told.clear()
        if self.view is None:
            self._open()
        if self.view is not None:
            self.view.widget.setFocus()

    # -- the view ----------------------------------------------------------------------------------

    def _open(self) -> None:
        if self.desk.launch_link is None:
            self._say(self.tr("The web view is off. Set web.enabled to true in the settings, then start Oxide again."))
        elif reason := self._why_not():
            self._say(reason)
        else:
            self._show(self.desk.launch_link())

    def _show(self, link: str) -> None:
        try:
            self.view = view = WebView(self.desk.theme, self)
        except ImportError as error:
            self._say(self.tr("QtWebEngine cannot be loaded: %1").replace("%1", str(error)), again=True)
            return
        view.left.connect(self.desk.open_link)
        view.place_changed.connect(self._go)
        view.failed.connect(self._failed)
        view.saved.connect(lambda path: self.told.setText(self.tr("Saved as %1").replace("%1", path)))
        self.body.addWidget(view.widget, 1)
        self.instead.hide()
        self.browser_button.show()
        view.open(link, _PLACE)

    def _go(self, place: str) -> None:
        """What the dashboard leads to is a page of this window; a fragment of another kind leads nowhere."""
        name, _, task_id = place.strip("/").partition("/")
        if self.view is None or not place.startswith("/") or not name or place == _PLACE:
            return
        self.view.go_to(_PLACE)
        if task_id:
            self.desk.open_task(task_id)
        else:
            self.desk.show_page(name)

    def _failed(self, reason: str) -> None:
        self._close()
        self._say(reason, again=True)

    def _close(self) -> None:
        if self.view is not None:
            self.body.removeWidget(self.view.widget)
            self.view.close()
            self.view = None

    # -- instead of it -----------------------------------------------------------------------------

    def _say(self, reason: str, *, again: bool = False) -> None:
        self.reason.setText(reason)
        served = self.desk.launch_link is not None
        for part in (self.open_button, self.copy_button):
            part.setVisible(served)
        self.again_button.setVisible(again)
        self.settings_button.setVisible(not served)
        self.browser_button.hide()
        self.instead.show()

    def _open_in_browser(self) -> None:
        """What a browser makes of it is not told to us, so the way to help oneself is."""
        if self.desk.launch_link is not None:
            opened = QDesktopServices.openUrl(QUrl(self.desk.launch_link()))
            said = (
                self.tr("Opened in your browser.") if opened else self.tr("No browser could be started. Copy a link.")
            )
            self.told.setText(said)

    def _copy_link(self) -> None:
        if self.desk.launch_link is not None:
            QGuiApplication.clipboard().setText(self.desk.launch_link())
            self.told.setText(self.tr("Copied. The link works once, within five minutes."))
