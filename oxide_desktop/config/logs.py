"""Where log lines go: a file in Oxide's home, standard error if wanted, never standard output (MCP speaks there)."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import stat
import sys
from io import TextIOWrapper
from pathlib import Path

from oxide_desktop.config.masking import masked
from oxide_desktop.config.paths import PRIVATE_MODE, Paths
from oxide_desktop.core.settings import LoggingSettings

LARGEST_BYTES = 5_000_000
KEPT_FILES = 3

_LINE = "%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s"
_OURS = "oxide_desktop"
_installed: list[logging.Handler] = []


def configure_logs(settings: LoggingSettings, paths: Paths) -> None:
    """Send log lines where the settings want them, in place of where they went before.

    Libraries are heard from WARNING up. That a file cannot be written is said on standard error, and nothing else
    comes of it.
    """
    close_logs()
    file = paths.home / Path(settings.file).expanduser() if settings.file else None
    if file and not (paths.is_read_only and file.is_relative_to(paths.home)):
        _install(_LogFile(file))
    if settings.console and sys.stderr is not None:
        _install(logging.StreamHandler(sys.stderr))
    if not _installed:
        _install(logging.NullHandler())
    level = logging.getLevelNamesMapping()[settings.level]
    logging.getLogger().setLevel(max(level, logging.WARNING))
    logging.getLogger(_OURS).setLevel(level)


def close_logs() -> None:
    """Let go of the file and of standard error."""
    while _installed:
        handler = _installed.pop()
        logging.getLogger().removeHandler(handler)
        with contextlib.suppress(OSError):  # what a full disk did not take is lost
            handler.close()


def _install(handler: logging.Handler) -> None:
    handler.setFormatter(_Masking(_LINE))
    logging.getLogger().addHandler(handler)
    _installed.append(handler)


class _Masking(logging.Formatter):
    """Takes API keys out of the whole line, traces of errors included."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class _LogFile(logging.handlers.RotatingFileHandler):
    """A rotating file, for its owner's eyes only, that several processes write to. Its own failures harm nobody."""

    def __init__(self, file: Path) -> None:
        self._complained = False
        super().__init__(file, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        found = os.fstat(descriptor)
        if sys.platform != "win32" and stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding="utf-8", errors="backslashreplace")

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802 - the base class calls it so
        """Whether the file is full; first follows it where another process has begun a new one."""
        if self.stream and self._was_moved(self.stream):
            self.stream.close()
            self.stream = None  # the next line opens it
        return super().shouldRollover(record)

    def _was_moved(self, stream: TextIOWrapper) -> bool:
        try:
            return not os.path.samestat(os.fstat(stream.fileno()), Path(self.baseFilename).stat())
        except FileNotFoundError:
            return True

    def doRollover(self) -> None:  # noqa: N802 - the base class calls it so
        """Begin a new file, or go on with this one where it can't be renamed (on Windows, while others have it)."""
        with contextlib.suppress(OSError):
            super().doRollover()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class calls it so
        """Say once that the file cannot be written; a wrong log call is shown as ever."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._complained and sys.stderr is not None:
            self._complained = True
            sys.stderr.write(f"oxide: the log cannot be written to {self.baseFilename}: {error.strerror or error}.\n")
