"""The HTTP application: routes, pages and errors. It stands behind the gate, and knows nothing of tokens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from oxide_desktop import __version__
from oxide_desktop.core.errors import Bug, OxideError
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.fronts.web import pages
from oxide_desktop.fronts.web.gate import error_body
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.monitoring import Metrics, monitoring_router
from oxide_desktop.fronts.web.records import records_router
from oxide_desktop.fronts.web.routing import rules_router
from oxide_desktop.fronts.web.services import services_router
from oxide_desktop.fronts.web.stream import follow
from oxide_desktop.fronts.web.tasks import asking_router

log = logging.getLogger(__name__)

DESCRIPTION = (
    "Everything under `/api` wants the header `Authorization: Bearer TOKEN`; `oxide status --token` prints it."
    " `/ws` sends what happens to tasks as JSON texts: `task_start`, `task_progress`, `task_complete`, and `missed`"
    " with a count where a client did not keep up; it answers the text `ping` with `pong`. `/mcp` is for MCP clients."
)


def build_app(oxide: Orchestrator, limits: Limits, beside: Mapping[str, ASGIApp] | None = None) -> ASGIApp:
    """The application of this engine; at some addresses other ones may stand `beside` it."""
    app = FastAPI(
        title="Oxide",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's own loads its parts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=_HANDLERS,
    )
    metrics = Metrics(oxide)
    app.include_router(records_router(oxide))
    app.include_router(asking_router(oxide))
    app.include_router(services_router(oxide))
    app.include_router(rules_router(oxide))
    app.include_router(monitoring_router(oxide, metrics))

    @app.get("/", include_in_schema=False)
    async def home() -> HTMLResponse:
        return HTMLResponse(pages.home(oxide.services()))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(pages.docs(app.openapi()))

    @app.get("/oxide.css", include_in_schema=False)
    async def style() -> Response:
        return Response(pages.STYLE, media_type="text/css")

    @app.websocket("/ws")
    async def stream(socket: WebSocket) -> None:
        await follow(socket, oxide.bus, metrics, limits)

    return _EitherSlash(app, beside or {})


class _EitherSlash:
    """Takes every address with and without a slash at its end, to the application that it belongs to."""

    def __init__(self, app: ASGIApp, beside: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/":
            scope = {**scope, "path": scope["path"].rstrip("/")}
        app = self._beside.get(scope["path"], self._app) if scope["type"] == "http" else self._app
        await app(scope, receive, send)


def _failure(error: OxideError) -> JSONResponse:
    return JSONResponse(error_body(error.title, error.message, error.hint), error.status)


async def _oxide_error(request: Request, error: OxideError) -> Response:
    if isinstance(error, Bug):
        log.error("a request met a bug", exc_info=error)
        return await _mistake(request, error)
    return _failure(error)


async def _http_error(_: Request, error: HTTPException) -> Response:
    """No such route, or not with this method."""
    status = HTTPStatus(error.status_code)
    message = "There is nothing here" if error.detail == status.phrase else str(error.detail)
    body = error_body(status.phrase, f"{message}.", "See /docs for what there is.")
    return JSONResponse(body, status, headers=error.headers)


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    problems = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    body = error_body("The request is not as it should be", "; ".join(problems) + ".", "See /docs for its shape.")
    return JSONResponse(body, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _mistake(_: Request, __: Exception) -> Response:
    """Whatever nobody expected. The server logs it; the client learns nothing of our insides."""
    return _failure(Bug("Oxide made a mistake", "The request could not be answered.", "The log has the details."))


_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    OxideError: _oxide_error,
    HTTPException: _http_error,
    RequestValidationError: _invalid,
    Exception: _mistake,
}
