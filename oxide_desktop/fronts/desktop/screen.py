"""When the screen goes away (the X server ends, the session is logged out of), so does the app, without a fuss."""

from __future__ import annotations

import logging
import os

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

log = logging.getLogger(__name__)

# What Qt says before it ends the process with an error of its own, tearing down what others still use.
_GONE = ("The X11 connection broke", "The Wayland connection broke", "X connection to")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def end_quietly_with_it() -> None:
    """Have what Qt says go to the log, and have the process end in order when its screen is gone.

    Nothing is lost: the history has all that it acknowledged, and guards end the programs that were started.
    """
    qInstallMessageHandler(_heard)


def _heard(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    if message.startswith(_GONE):
        log.info("the screen is gone: Oxide ends")
        os._exit(0)
    log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
