"""The guard: the tiny program between the app and each program that it runs, there to outlive nothing.

Run as `python -I -S -E guard.py CONTROL STATUS LABEL` (two descriptors, on Windows two handles, and a word for people
who look at a list of processes), or by a frozen bundle's own executable with `--oxide-guard` before them.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Started by its path, without site-packages. The package is announced by hand: its own `__init__` imports more
    # than a guard needs, and each child would wait for it.
    package = type(sys)("oxide_desktop")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]  # noqa: PTH100, PTH120 - pathlib costs 5 ms
    sys.modules["oxide_desktop"] = package

from oxide_desktop.runtime.guard_protocol import GUARD_FLAG


def guard_command() -> list[str]:
    """How a guard is started from here; CONTROL, STATUS and LABEL follow."""
    if getattr(sys, "frozen", False):
        return [sys.executable, GUARD_FLAG]
    # On Windows a virtual environment's python.exe is a launcher that starts the real one as a child of its own.
    python = getattr(sys, "_base_executable", sys.executable) if sys.platform == "win32" else sys.executable
    return [python, "-I", "-S", "-E", os.path.abspath(__file__)]  # noqa: PTH100 - see above


def main(arguments: list[str]) -> int:
    """Guard one program until it and all that came of it are gone."""
    control, status = int(arguments[0]), int(arguments[1])
    if sys.platform == "win32":
        from oxide_desktop.runtime.guard_windows import run  # noqa: PLC0415 - one system's
    elif sys.platform == "darwin":
        from oxide_desktop.runtime.guard_darwin import run  # noqa: PLC0415 - one system's
    else:
        from oxide_desktop.runtime.guard_linux import run  # noqa: PLC0415 - one system's
    return run(control, status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
