"""Starting the app for a client that finds none. Standard library only, as the shim is; imported when it is needed."""

# os.path, since pathlib would be a tenth of the start.
# ruff: noqa: PTH103, PTH111, PTH118, PTH120

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING, Self

from oxide_desktop.ipc.channel import STARTED_BY_SHIM, ChannelError, home_folder, private_folder, socket_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_desktop.ipc.channel import Connection

START_LIMIT_S = 30.0
_LAST_WORDS_BYTES = 4096
_RETRY_S = 0.05
_RESTART_S = 1.0


class Starter:
    """Brings the app up. Of several at once only the first starts it; the others wait for it."""

    def __init__(self) -> None:
        self._turn: int | None = None
        self._app: subprocess.Popen[bytes] | None = None  # noqa: TID251 - _start_app gives the reason
        self._errors: IO[bytes] | None = None
        self._next_start = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._turn is not None:
            os.close(self._turn)
        if self._errors is not None:
            self._errors.close()

    def bring_up(self, look: Callable[[], Connection], given_up: threading.Event) -> Connection:
        """Look for the app again and again, and start it when it is our turn.

        Raises:
            ChannelError: It ended instead, or did not come up in time, which is less once `given_up` is set.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                return look()
            except OSError as error:
                problem = error
            code = self._app.poll() if self._app else 0
            if code and (reason := self._last_words()):
                raise ChannelError(f"it does not start. {reason}")
            if code or time.monotonic() >= deadline or given_up.wait(_RETRY_S):
                why = "it does not start" if code else f"it did not come up in time ({problem})"
                raise ChannelError(f"{why}. Run `oxide serve` in a terminal to see what keeps it from starting.")
            # Ours has not been started, or it has found another one that was just ending.
            if code is not None and time.monotonic() >= self._next_start:
                self._start_in_turn()

    def _start_in_turn(self) -> None:
        if self._turn is None:
            self._turn = _take_turn()
            return  # and look again: whoever had it may have brought the app up in the meantime
        self._app, self._errors = _start_app()
        self._next_start = time.monotonic() + _RESTART_S

    def _last_words(self) -> str:
        """What an app that has ended said of it, on one line: the error itself, where one is marked as such."""
        if self._errors is None:
            return ""
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
        said = self._errors.read(_LAST_WORDS_BYTES).decode("utf-8", "replace")
        return " ".join(said.rpartition("\u2715")[2].split())


def _take_turn() -> int | None:
    """An open file that is locked until it is closed or this process ends; `None` if somebody else has it locked."""
    folder = os.path.dirname(socket_path(home_folder()))
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        private_folder(folder)
        number = os.open(os.path.join(folder, "start.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_RDWR)  # the app cannot use that folder either, and will say what is wrong
    if _is_locked(number):
        return number
    os.close(number)
    return None


def _is_locked(number: int) -> bool:
    """Lock an open file; `False` if somebody else has."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists there only

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - exists elsewhere only

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _start_app() -> tuple[subprocess.Popen[bytes], IO[bytes]]:  # noqa: TID251 - as below
    """Start Oxide so that it outlives this process: with its window where there is a screen, headless otherwise.

    What it says of a start that fails stands in the file: a pipe would break when this process ends.
    """
    program = [sys.executable, "-P", "-m", "oxide_desktop"]  # -P: no file of the person's stands in for a module
    if getattr(sys, "frozen", False):
        program = [os.path.join(os.path.dirname(sys.executable), "oxide" + (".exe" if sys.platform == "win32" else ""))]
    if not _has_screen():
        program.append("serve")
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - the app's as well, until it serves and lets go of it
    app = subprocess.Popen(  # noqa: S603, TID251 - not a child to guard: a program of its own that outlives us
        program,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd=os.path.expanduser("~"),
        env={**os.environ, "OXIDE_HOME": home_folder(), STARTED_BY_SHIM: "1"},  # ours may be relative to our folder
        start_new_session=True,
        creationflags=flags,
    )
    threading.Thread(target=app.wait, name="reaper", daemon=True).start()  # an ended app must not stay as a zombie
    return app, errors


def _has_screen() -> bool:
    always = os.name == "nt" or sys.platform == "darwin"
    return always or bool(os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY"))
