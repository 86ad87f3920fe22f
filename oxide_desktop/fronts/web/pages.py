"""Two small pages for people: that Oxide runs, and what its API offers. No scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from oxide_desktop import __version__
from oxide_desktop.core.health import ServiceStatus

STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8886; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
"""


def home(services: Iterable[ServiceStatus]) -> str:
    """That Oxide runs, and its services."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(status.settings.name)}</th><td>{escape(_state(status))}</td>"
        f"<td>{escape(status.info.description if status.info else '')}</td></tr>"
        for status in services
    )
    return _page(
        "Oxide is running",
        f"<p>Version {escape(__version__)}. Programs use it over HTTP: <a href='/docs'>what there is</a>.</p>"
        "<table><caption>Services</caption><thead><tr><th scope='col'>Name</th><th scope='col'>State</th>"
        f"<th scope='col'>What it is</th></tr></thead><tbody>{rows}</tbody></table>",
    )


def docs(openapi: Mapping[str, Any]) -> str:
    """What the API offers, from its own description."""
    rows = "".join(
        f"<tr><th scope='row'><code>{method.upper()} {escape(path)}</code></th><td>{escape(summary)}</td></tr>"
        for path, method, summary in _routes(openapi)
    )
    return _page(
        "Oxide's HTTP API",
        f"<p>{escape(openapi['info']['description'])}</p>"
        "<p>Requests and answers in full: <a href='/openapi.json'>openapi.json</a>.</p>"
        f"<table><thead><tr><th scope='col'>Request</th><th scope='col'>What it does</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>",
    )


def _routes(openapi: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation["description"]


def _state(status: ServiceStatus) -> str:
    if not status.settings.enabled:
        return "switched off"
    if status.health is None:
        return "not looked at yet"
    return "ready" if status.health.healthy else status.health.message


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><link rel='stylesheet' href='/oxide.css'></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
