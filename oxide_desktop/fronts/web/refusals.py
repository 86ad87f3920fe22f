"""How the gate says no: as JSON, in OpenAI's shape below `/v1`, and as a page to a browser that has no key yet."""

from __future__ import annotations

import json
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from oxide_desktop.fronts.web.entrance import entrance
from oxide_desktop.fronts.web.errors import body_for, error_body

_Headers = list[tuple[bytes, bytes]]
_RETRY_AFTER = b"1"
_UPGRADES = (HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)


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
    """Answer an upgrade with 403 (400 where it is ambiguous, 503 past the limit), so that no socket ever opens."""
    await receive()  # "websocket.connect"
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})  # which servers turn into a 403, too
        return
    headers, body = _as_response(scope, refusal)
    status = refusal.status if refusal.status in _UPGRADES else HTTPStatus.FORBIDDEN
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def _as_response(scope: Scope, refusal: Refusal) -> tuple[_Headers, bytes]:
    headers: _Headers = [(b"connection", b"close")]
    if refusal.status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
        if _is_browser(scope):
            return [*headers, (b"content-type", b"text/html; charset=utf-8")], entrance(refusal.message).encode()
    if refusal.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", _RETRY_AFTER))
    body = body_for(scope["path"], refusal.status, refusal.status.phrase, refusal.message, refusal.hint)
    return [*headers, (b"content-type", b"application/json")], json.dumps(body).encode()


def unreadable(status: int, reason: str) -> bytes:
    """The whole answer to what is no request, or one whose head is too long; it has not come as far as the gate."""
    named = HTTPStatus(status)
    hint = "Send a request of HTTP/1.1, and a shorter one if it is too long."
    body = json.dumps(error_body(named.phrase, f"{reason.rstrip('.')}.", hint)).encode()
    lines = (
        f"HTTP/1.1 {status} {named.phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


def _is_browser(scope: Scope) -> bool:
    """Whether a person is likely to read the answer."""
    accepted = [value for name, value in scope["headers"] if name == b"accept"]
    return scope.get("method") == "GET" and any(b"text/html" in value for value in accepted)
