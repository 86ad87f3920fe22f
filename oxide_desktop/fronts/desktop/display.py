"""Whether a screen can be reached, found out before Qt is asked: where it cannot, Qt ends the whole process.

Linux only. Sources: xcb's manual (`xcb_connect` answers a connection whose error tells), and Wayland's
(`wl_display_connect`: a socket in XDG_RUNTIME_DIR unless the name is a path).
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from threading import Thread

assert sys.platform != "win32"  # noqa: S101 - tells mypy which system's names are known

_LIMIT_S = 5.0


def why_unreachable() -> str | None:
    """Why there is no screen to show anything on, as a sentence; `None` where there is one."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return None  # whoever sets that knows better
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if not wayland and not x11:
        return "There is no screen here."
    if wayland and _wayland_answers(wayland):
        return None
    if not x11:
        return f"The screen {wayland} cannot be reached."
    return _why_no_x11(x11)


def _wayland_answers(name: str) -> bool:
    path = os.path.join(os.environ.get("XDG_RUNTIME_DIR", "/nowhere"), name)  # noqa: PTH118 - an absolute name stays
    family = getattr(socket, "AF_UNIX")  # noqa: B009 - which Windows has not, where nobody asks
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(_LIMIT_S)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _why_no_x11(display: str) -> str | None:
    try:
        ctypes.CDLL("libxcb-cursor.so.0")
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return "The tray app needs the library libxcb-cursor0 (Debian: apt-get install libxcb-cursor0)."
    found: list[bool] = []
    # xcb waits for an answer without a bound; a thread that is given up waits on, and ends with the process.
    asking = Thread(target=lambda: found.append(_connects(xcb)), name="ask for the screen", daemon=True)
    asking.start()
    asking.join(_LIMIT_S)
    if not found:
        return f"The screen {display} does not answer."
    return None if found[0] else f"The screen {display} cannot be reached."


def _connects(xcb: ctypes.CDLL) -> bool:
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not failed
