"""A page of our own web view inside a window where QtWebEngine is installed, and the reason where there is none.

QtWebEngine is large, so it is an extra and loaded when it is first wanted. It ends the whole program where its sandbox
cannot work; that is looked at before.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtWidgets import QWidget

from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import tokens

_NO_SANDBOX = "QTWEBENGINE_DISABLE_SANDBOX"
# What a Linux says of processes without rights that want a namespace of their own, and the answer that means no.
_NAMESPACES = {
    Path("/proc/sys/kernel/unprivileged_userns_clone"): "0",
    Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"): "1",
    Path("/proc/sys/user/max_user_namespaces"): "0",
}
# The window has its own sidebar and heading, and may know light from dark where QtWebEngine does not.
_DRESS = """
globalThis.sheet ??= new CSSStyleSheet();
sheet.replaceSync(`$css`);
if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet);
"""
_WITHOUT_FRAME = """
.side, .skip, #page > .title { display: none }
body { grid-template-columns: minmax(0, 1fr) }
#page { padding: 0; max-width: none }
"""


def why_no_web() -> str:
    """Why no web page can be shown in a window here; empty where one can."""
    if find_spec("PySide6.QtWebEngineWidgets") is None:
        return tr("The dashboard opens in your browser. With QtWebEngine (the extra “webengine”) it is shown here.")
    if sys.platform == "linux" and not os.environ.get(_NO_SANDBOX):
        if os.geteuid() == 0:
            return tr("QtWebEngine shows nothing to root.")
        if any(_says(file, no) for file, no in _NAMESPACES.items()):
            return tr("This system does not let QtWebEngine have its sandbox.")
    return ""


def _says(file: Path, answer: str) -> bool:
    try:
        return file.read_text(encoding="ascii").strip() == answer
    except OSError:
        return False


class WebView(QObject):
    """Shows one page of one server, and nothing else; what it keeps ends with it.

    Signals:
        place_changed: Where in the page one is, by the address's fragment.
        left: An address elsewhere was clicked, and not gone to.
        failed: There is nothing to be seen; why.
        saved: A file was saved, by its path.

    Raises:
        ImportError: Libraries that QtWebEngine needs are missing.
    """

    place_changed = Signal(str)
    left = Signal(QUrl)
    failed = Signal(str)
    saved = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._core: Any = import_module("PySide6.QtWebEngineCore")
        widgets: Any = import_module("PySide6.QtWebEngineWidgets")
        self._home = QUrl()
        self._first_place = ""
        self._shown = False
        self.widget: Any = widgets.QWebEngineView(parent)
        self._profile: Any = self._core.QWebEngineProfile()  # one without a name keeps nothing on the disk
        self._page: Any = self._core.QWebEnginePage(self._profile)
        self.widget.setPage(self._page)
        self._set_up()
        self._connect()
        self._dress()

    def _set_up(self) -> None:
        attributes = self._core.QWebEngineSettings.WebAttribute
        self._page.settings().setAttribute(attributes.JavascriptCanAccessClipboard, True)  # noqa: FBT003 - Qt's shape
        self.widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        actions = self._core.QWebEnginePage.WebAction
        self.widget.addActions([self._page.action(actions.Copy), self._page.action(actions.Reload)])

    def _connect(self) -> None:
        self._theme.changed.connect(self._dress)
        self._page.navigationRequested.connect(self._navigate)
        self._page.newWindowRequested.connect(lambda request: self.left.emit(request.requestedUrl()))
        self._page.urlChanged.connect(self._moved)
        self._page.loadFinished.connect(self._loaded)
        self._page.renderProcessTerminated.connect(lambda *_: self.failed.emit(tr("The page has ended unexpectedly.")))
        self._profile.downloadRequested.connect(self._download)

    def _dress(self) -> None:
        """For the page that is shown, and for those that come."""
        scheme = "dark" if self._theme.is_dark else "light"
        colours = "".join(f"--colour-{name}: {value};" for name, value in tokens().colours[scheme].items())
        source = Template(_DRESS).substitute(css=f":root {{ color-scheme: {scheme}; {colours} }} {_WITHOUT_FRAME}")
        world = self._core.QWebEngineScript.ScriptWorldId.ApplicationWorld
        script = self._core.QWebEngineScript()
        script.setSourceCode(source)
        script.setInjectionPoint(self._core.QWebEngineScript.InjectionPoint.DocumentReady)
        script.setWorldId(world)
        self._page.scripts().clear()
        self._page.scripts().insert(script)
        self._page.setBackgroundColor(self._theme.colour("bg"))
        self._page.runJavaScript(source, world.value)

    def open(self, link: str, place: str) -> None:
        """Go to a place of the page that a link opens."""
        self._home, self._shown, self._first_place = QUrl(link), False, place
        self._page.load(self._home)  # a fragment of ours would take the place of the key that the link answers with

    def go_to(self, place: str) -> None:
        """Another place of the page that is open."""
        there = QUrl(self._page.url())
        there.setFragment(place)
        self._page.load(there)

    def close(self) -> None:
        """Let go of it. A profile has to outlive its page."""
        self._theme.changed.disconnect(self._dress)
        self.widget.setPage(None)
        self._page.destroyed.connect(self._profile.deleteLater)
        self._page.deleteLater()
        self.widget.deleteLater()

    def _navigate(self, request: Any) -> None:  # noqa: ANN401 - of a module that may not be there
        url: QUrl = request.url()
        if (url.scheme(), url.authority()) == (self._home.scheme(), self._home.authority()):
            request.accept()
            return
        request.reject()
        if request.isMainFrame():
            self.left.emit(url)

    def _moved(self, url: QUrl) -> None:
        if self._shown:  # what the link answers with on the way there holds the page's key
            self.place_changed.emit(url.fragment())

    def _loaded(self, whole: bool) -> None:  # noqa: FBT001 - Qt's signal passes it so
        """Only the first time counts: what is not gone to later ends as "not loaded" as well."""
        if not (whole or self._shown):
            self.failed.emit(tr("The page did not load."))
        if whole and not self._shown:
            self._shown = True
            self.go_to(self._first_place)

    def _download(self, request: Any) -> None:  # noqa: ANN401 - likewise
        request.isFinishedChanged.connect(
            lambda: self.saved.emit(str(Path(request.downloadDirectory(), request.downloadFileName())))
        )
        request.accept()
