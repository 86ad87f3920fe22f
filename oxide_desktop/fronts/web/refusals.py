"""How the gate says no: as JSON, in OpenAI's shape below `/v1`, and as a page to a browser that has no key yet."""

from __future__ import annotations

import json
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from oxide_desktop.fronts.web.entrance import entrance
from oxide_desktop.fronts.web.errors import body_for

_Headers = list[tuple[bytes, bytes]]


class Refusal(Exception):
    """An answer that ends a request at the gate."""

    def __init__(self, status: HTTPStatus, message: str, hint: str = "") -> None:
        super().__init__(status, message, hint)
        self.status = status
        self.message = message
        self.hint = hint


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer a request with its refusal."""
    headers, body = _as_response(scope, refusal)
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse_upgrade(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer an upgrade with 403 (400 where it is ambiguous), so that no socket ever opens."""
    await receive()  # "websocket.connect"
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})  # which servers turn into a 403, too
        return
    malformed = refusal.status is HTTPStatus.BAD_REQUEST
    headers, body = _as_response(scope, refusal)
    status = refusal.status if malformed else HTTPStatus.FORBIDDEN
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def _as_response(scope: Scope, refusal: Refusal) -> tuple[_Headers, bytes]:
    headers: _Headers = [(b"connection", b"close")]
    if refusal.status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
        if _is_browser(scope):
            return [*headers, (b"content-type", b"text/html; charset=utf-8")], entrance(refusal.message).encode()
    body = body_for(scope["path"], refusal.status, refusal.status.phrase, refusal.message, refusal.hint)
    return [*headers, (b"content-type", b"application/json")], json.dumps(body).encode()


def _is_browser(scope: Scope) -> bool:
    """Whether a person is likely to read the answer."""
    accepted = [value for name, value in scope["headers"] if name == b"accept"]
    return scope.get("method") == "GET" and any(b"text/html" in value for value in accepted)
