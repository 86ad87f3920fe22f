"""Starting when the person logs in: only if they asked for it, in each system's own way, and undone without a trace."""

from __future__ import annotations

import os
import plistlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from oxide_desktop.config.private_files import write_atomically
from oxide_desktop.core.errors import StoreError

_NAME = "oxide-desktop"
_LABEL = "org.oxide-desktop"
_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"


class LoginStart(Protocol):
    """Whether Oxide starts at login, and changing that."""

    def is_on(self) -> bool:
        """Whether it does."""
        ...

    def set_on(self, *, on: bool) -> None:
        """Have it start, or no longer.

        Raises:
            StoreError: The system does not let us.
        """
        ...


def for_this_system() -> LoginStart:
    """The way of the system that runs."""
    if sys.platform == "win32":
        return RunKey(start_command())
    elif sys.platform == "darwin":  # noqa: RET505 - mypy leaves out the other systems' branches, not what follows them
        file = Path.home() / "Library" / "LaunchAgents" / f"{_LABEL}.plist"
        return EntryFile(file, launch_agent(start_command(), _kept()))
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return EntryFile(folder / "autostart" / f"{_NAME}.desktop", desktop_entry(start_command(), _kept()))


def start_command() -> Sequence[str]:
    """What starts the app without a window: a bundle's own program, or this Python."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "oxide_desktop"]
    return (*program, "--tray")


def _kept() -> Mapping[str, str]:
    """What of the environment it needs again: where Oxide's files are, if that is not the usual place."""
    home = os.environ.get("OXIDE_HOME")
    return {"OXIDE_HOME": str(Path(home).expanduser().absolute())} if home else {}


def desktop_entry(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """An entry of the XDG autostart specification."""
    words = [*(("env", *(f"{key}={value}" for key, value in environment.items())) if environment else ()), *command]
    lines = ["[Desktop Entry]", "Type=Application", "Name=Oxide", "Icon=oxide-desktop"]
    return "\n".join([*lines, f"Exec={' '.join(map(_quoted, words))}", "X-GNOME-Autostart-enabled=true", ""]).encode()


def _quoted(word: str) -> str:
    """A word of an `Exec` line: quoted and escaped as that specification wants it, its `%` doubled."""
    word = word.replace("%", "%%")
    if shlex.quote(word) == word:
        return word
    for sign in ("\\", '"', "`", "$"):
        word = word.replace(sign, f"\\{sign}")
    return '"' + word.replace("\\", "\\\\") + '"'


def launch_agent(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """A launch agent of macOS that starts once, at login."""
    entry = {"Label": _LABEL, "ProgramArguments": list(command), "RunAtLoad": True, "ProcessType": "Interactive"}
    return plistlib.dumps({**entry, **({"EnvironmentVariables": dict(environment)} if environment else {})})


class EntryFile:
    """A file whose being there is the wish."""

    def __init__(self, file: Path, text: bytes) -> None:
        self._file = file
        self._text = text

    def is_on(self) -> bool:
        """Whether it is there."""
        return self._file.exists()

    def set_on(self, *, on: bool) -> None:
        """Write it, or take it away.

        Raises:
            StoreError: That cannot be done.
        """
        try:
            if on:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._file, self._text)
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(f"{self._file}: {error.strerror}.") from error


def _refused(why: str) -> StoreError:
    return StoreError("Starting at login cannot be changed", why, "Give yourself write access to it.")


class RunKey:
    """A value of the registry (Windows)."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    if sys.platform == "win32":

        def is_on(self) -> bool:
            """Whether it is there."""
            import winreg  # noqa: PLC0415 - Windows only

            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
                    winreg.QueryValueEx(key, _NAME)
            except FileNotFoundError:
                return False
            return True

        def set_on(self, *, on: bool) -> None:
            """Write it, or take it away.

            Raises:
                StoreError: That cannot be done.
            """
            import subprocess  # noqa: PLC0415 - to quote a command line as Windows reads it
            import winreg  # noqa: PLC0415 - Windows only

            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY, access=winreg.KEY_SET_VALUE) as key:
                    if on:
                        winreg.SetValueEx(key, _NAME, 0, winreg.REG_SZ, subprocess.list2cmdline(self._command))
                    elif self.is_on():
                        winreg.DeleteValue(key, _NAME)
            except OSError as error:
                raise _refused(f"{error}.") from error

    else:

        def is_on(self) -> bool:
            """Only Windows has one."""
            return False

        def set_on(self, *, on: bool) -> None:
            """Only Windows has one.

            Raises:
                StoreError: Always.
            """
            raise _refused(f"There is no registry to set it {'on' if on else 'off'} in.")
