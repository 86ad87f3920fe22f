"""The pages for people: the web view with its files, and what the HTTP API offers. Nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from oxide_desktop.fronts.web.assets import assets

STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8886; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
"""


def pages_router() -> APIRouter:
    """The web view, which is one page, and the files that it is made of."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def view() -> Response:
        return _file("index.html")

    @router.get("/web/{name:path}")
    async def file(name: str) -> Response:
        return _file(name)

    @router.get("/oxide.css")
    async def style() -> Response:
        return Response(STYLE, media_type="text/css")

    return router


def _file(name: str) -> Response:
    found = assets().get(name)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(found.body, media_type=found.media_type)


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


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><link rel='stylesheet' href='/oxide.css'></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
