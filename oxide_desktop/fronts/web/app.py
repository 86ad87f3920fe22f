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
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import Bug, OxideError, UsageError
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.fronts.web import pages
from oxide_desktop.fronts.web.chat import chat_router, refused
from oxide_desktop.fronts.web.chat_schemas import RefusedError
from oxide_desktop.fronts.web.corrections import corrections_router
from oxide_desktop.fronts.web.errors import body_for, error_body, is_for_openai, openai_body
from oxide_desktop.fronts.web.hints import expected_by, hint_for
from oxide_desktop.fronts.web.keys import keys_router
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.monitoring import Metrics, monitoring_router
from oxide_desktop.fronts.web.records import records_router
from oxide_desktop.fronts.web.routing import rules_router
from oxide_desktop.fronts.web.services import services_router
from oxide_desktop.fronts.web.stream import follow
from oxide_desktop.fronts.web.tasks import asking_router
from oxide_desktop.fronts.web.view import view_router

log = logging.getLogger(__name__)

DESCRIPTION = (
    "Everything wants the header `Authorization: Bearer TOKEN`; `oxide status --token` prints it, and `oxide status"
    " --link` lets a browser in. `/ws` sends what happens as JSON texts: `task_start`, `task_progress`,"
    " `task_complete`, `task_waiting`, `task_note`, `analysis_progress`, `service_status`, `metrics`, `rules_changed`,"
    " `history_changed`, and `missed` with a count where a client did not keep up; it answers the text `ping` with"
    " `pong`. `/v1` speaks OpenAI's dialect, with the token as the API key. `/mcp` is for MCP clients."
)


def build_app(
    oxide: Orchestrator, limits: Limits, beside: Mapping[str, ASGIApp] | None = None, paths: Paths | None = None
) -> ASGIApp:
    """The application of this engine, whose files are at `paths`; at some addresses others may stand `beside` it."""
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
    app.include_router(chat_router(oxide, limits))  # first: routes are tried in their order, and it is asked the most
    app.include_router(records_router(oxide))
    app.include_router(asking_router(oxide, limits))
    app.include_router(services_router(oxide))
    app.include_router(rules_router(oxide))
    app.include_router(corrections_router(oxide))
    app.include_router(monitoring_router(oxide, metrics))
    app.include_router(pages.pages_router())
    files = paths or Paths.from_environment()
    app.include_router(keys_router(oxide, files))
    app.include_router(view_router(oxide, files))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(pages.docs(app.openapi()))

    @app.websocket("/ws")
    async def stream(socket: WebSocket) -> None:
        await follow(socket, oxide.bus, metrics, limits)

    return _EitherSlash(app, beside or {})


class _EitherSlash:
    """Takes every address with and without a slash at its end, and for HEAD as for GET, to the application of it."""

    def __init__(self, app: ASGIApp, beside: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/":
            scope = {**scope, "path": scope["path"].rstrip("/")}
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server itself leaves the body out
        app = self._beside.get(scope["path"], self._app) if scope["type"] == "http" else self._app
        await app(scope, receive, send)


def _failure(request: Request, error: OxideError) -> JSONResponse:
    if is_for_openai(path := request.scope["path"]):
        return JSONResponse(body_for(path, error.status, error.title, error.message, error.hint), error.status)
    return JSONResponse(error_body(error.title, error.message, error.hint, error.exit_code), error.status)


async def _oxide_error(request: Request, error: OxideError) -> Response:
    if isinstance(error, Bug):
        log.error("a request met a bug", exc_info=error)
        return await _mistake(request, error)
    return _failure(request, error)


async def _http_error(request: Request, error: HTTPException) -> Response:
    """No such route, or not with this method."""
    status = HTTPStatus(error.status_code)
    message = str(error.detail)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"{request.method} is nothing that can be done here"
    elif message == status.phrase:
        message = "There is nothing here"
    hint = hint_for(request)
    body = body_for(request.scope["path"], status, status.phrase, f"{message.rstrip('.')}.", hint)
    return JSONResponse(body, status, headers=error.headers)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    problems = [(".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors()]
    told = "; ".join(f"{place}: {what}" for place, what in problems)
    if is_for_openai(request.scope["path"]):
        param = problems[0][0].removeprefix("body.") or None
        return JSONResponse(openai_body(HTTPStatus.BAD_REQUEST, f"{told}.", param=param), HTTPStatus.BAD_REQUEST)
    body = error_body("The request is not as it should be", f"{told}.", expected_by(request), UsageError.exit_code)
    return JSONResponse(body, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _refused(_: Request, error: RefusedError) -> Response:
    return refused(error)


async def _mistake(request: Request, _: Exception) -> Response:
    """Whatever nobody expected. The server logs it; the client learns nothing of our insides."""
    bug = Bug("Oxide made a mistake", "The request could not be answered.", "The log has the details.")
    answer = _failure(request, bug)
    answer.headers["connection"] = "close"  # the server ends it, and the client is to know that
    return answer


_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    OxideError: _oxide_error,
    HTTPException: _http_error,
    RequestValidationError: _invalid,
    RefusedError: _refused,
    Exception: _mistake,
}
