"""Starting with the person's session: an entry of the system's own kind, there only if it was asked for."""

from __future__ import annotations

import contextlib
import os
import plistlib
import sys
from collections.abc import Sequence
from pathlib import Path

from oxide_desktop.config.private_files import unwritable, write_atomically

_NAME = "oxide-desktop"
_READABLE = 0o644
_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"


def starts_at_login() -> bool:
    """Whether the system starts Oxide when the person signs in."""
    return _registered() is not None if sys.platform == "win32" else _entry_file().exists()


def set_login_start(*, wanted: bool) -> None:
    """Have the system start Oxide in the tray at each login, or no longer. Blocks.

    Raises:
        StoreError: The system's list cannot be written.
    """
    try:
        if sys.platform == "win32":
            _register(wanted=wanted)
        elif wanted:
            file = _entry_file()
            file.parent.mkdir(parents=True, exist_ok=True)
            entry = _launch_agent if sys.platform == "darwin" else _desktop_entry
            write_atomically(file, entry(_command(), _home()), _READABLE)
        else:
            _entry_file().unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(error) from error


def _command() -> list[str]:
    """What starts this very Oxide."""
    ending = ".exe" if sys.platform == "win32" else ""
    beside = Path(sys.executable).parent / f"oxide{ending}"
    if getattr(sys, "frozen", False):
        return [sys.executable, "--tray"]
    return [str(beside), "--tray"] if beside.is_file() else [sys.executable, "-P", "-m", "oxide_desktop", "--tray"]


def _home() -> str | None:
    """Where Oxide's files are, if that is not the usual place; a relative one begins in a folder of this moment."""
    given = os.environ.get("OXIDE_HOME")
    return str(Path(given).expanduser().absolute()) if given else None


def _entry_file() -> Path:
    agents = Path.home() / "Library" / "LaunchAgents" / f"{_NAME}.plist"
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return agents if sys.platform == "darwin" else config / "autostart" / f"{_NAME}.desktop"


def _desktop_entry(command: Sequence[str], home: str | None) -> bytes:
    """As the freedesktop.org specifications of desktop entries and of autostart have it."""
    words = [*(["env", f"OXIDE_HOME={home}"] if home else []), *command]
    lines = (
        "[Desktop Entry]",
        "Type=Application",
        "Name=Oxide",
        "TryExec=" + command[0].replace("\\", "\\\\"),  # once Oxide is removed, nothing is tried
        f"Exec={' '.join(map(_quoted, words))}",
        f"Icon={_NAME}",
        "X-GNOME-Autostart-enabled=true",
    )
    return ("\n".join(lines) + "\n").encode()


def _quoted(word: str) -> str:
    """One argument of `Exec`: quoted, with what has a meaning in quotes escaped, once for the line and once more."""
    escaped = "".join(f"\\\\{sign}" if sign in '"`$\\' else sign for sign in word).replace("%", "%%")
    return f'"{escaped}"'


def _launch_agent(command: Sequence[str], home: str | None) -> bytes:
    """As launchd's manual page has it."""
    entry: dict[str, object] = {"Label": _NAME, "ProgramArguments": list(command), "RunAtLoad": True}
    if home:
        entry["EnvironmentVariables"] = {"OXIDE_HOME": home}
    return plistlib.dumps(entry)


def _registered() -> str | None:
    found: str | None = None
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists there only

        with contextlib.suppress(FileNotFoundError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
            found = str(winreg.QueryValueEx(key, _NAME)[0])
    return found


def _register(*, wanted: bool) -> None:
    if sys.platform == "win32":
        import subprocess  # noqa: PLC0415 - quotes a command line, starts nothing
        import winreg  # noqa: PLC0415 - exists there only

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
            if wanted:
                winreg.SetValueEx(key, _NAME, 0, winreg.REG_SZ, subprocess.list2cmdline(_command()))
            elif _registered() is not None:
                winreg.DeleteValue(key, _NAME)
