"""The page for a browser without a key: it says how to get in, and nothing else. It needs no other file."""

from __future__ import annotations

import base64
import hashlib
from html import escape

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}code{font:.95em ui-monospace,monospace;overflow-wrap:anywhere}li{margin:.5rem 0}"
)
STYLE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"


def entrance(message: str) -> str:
    """The page; `message` is why the door is shut."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Oxide: not let in</title><style>{STYLE}</style></head><body><main>"
        f"<h1>This browser has not been let in</h1><p>{escape(message)} Oxide runs here and answers only to you, so a"
        " browser comes in by a link that works once:</p><ul>"
        "<li>in a terminal, <code>oxide status --link</code> prints one: open it here;</li>"
        "<li>with Oxide in the tray, choose <b>Dashboard</b> in its menu.</li></ul>"
        "<p>Programs send the header <code>Authorization: Bearer TOKEN</code>;"
        " <code>oxide status --token</code> prints the token.</p></main></body></html>"
    )
