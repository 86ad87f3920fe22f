"""The gate: one ASGI layer around everything. What it refuses, no route ever sees.

A page of another site, a name rebound to this machine, a client without the token: each is turned away before any of
Oxide's code looks at the request, a WebSocket before its upgrade. Bodies are read here, up to a limit.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oxide_desktop.fronts.web.access import LAUNCH_LIMIT_S, Access
from oxide_desktop.fronts.web.entrance import STYLE_HASH
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.refusals import Refusal, refuse, refuse_upgrade

_SINGLE = (b"host", b"origin", b"authorization", b"content-type", b"content-length")
LINK_ADDRESS = "/api/launch-link"
_PAGE_FILES = re.compile(r"/|/docs/?|/openapi\.json|/oxide\.css|/web/[\w/.-]+")
_KEY_PROTOCOL = b"oxide."
_READING = ("GET", "HEAD", "OPTIONS")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' '" + STYLE_HASH.encode() + b"'; img-src 'self';"
        b" font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)


class Gate:
    """Wraps the application that listens on `port`.

    It goes by the names of the loopback address, and by those that the settings allow besides. Whoever allows one may
    have put a proxy with TLS before it.
    """

    def __init__(
        self, app: ASGIApp, access: Access, port: int, limits: Limits, allowed_hosts: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._access = access
        self._cookie = f"oxide_{port}"
        own = frozenset(f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost"))
        others = frozenset(host.lower().encode() for host in allowed_hosts)
        self._hosts = own | others
        self._origins = frozenset(b"http://" + host for host in own | others) | {b"https://" + host for host in others}
        self._limits = limits
        self._busy = {"http": 0, "websocket": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or let it through."""
        guarded = _with_headers(send)
        try:
            self._check_head(scope)
            headers = _single_headers(scope["headers"])
            self._check_where_from(scope, headers)
            if _is_call_for(scope, "GET", "/launch"):
                await self._launch(scope, headers, guarded)
                return
            self._check_who(scope, headers)
            if _is_call_for(scope, "POST", LINK_ADDRESS):
                await self._make_link(headers[b"host"].decode("ascii"), guarded)
                return
            with self._place(scope["type"]):
                if scope["type"] == "http":
                    receive = await self._check_body(scope, headers, receive)
                await self._app(scope, receive, guarded if scope["type"] == "http" else send)
        except Refusal as refusal:
            if scope["type"] == "websocket":
                await refuse_upgrade(scope, receive, send, refusal)
            else:
                await refuse(scope, guarded, refusal)
        except _ClientLeftError:
            return

    @contextmanager
    def _place(self, kind: str) -> Iterator[None]:
        """Count who is being answered, or listens.

        Raises:
            Refusal: There are as many as there may be.
        """
        most = self._limits.requests if kind == "http" else self._limits.listeners
        if self._busy[kind] >= most:
            what = "requests are being answered" if kind == "http" else "WebSockets are open"
            told = f"{most} {what}, which is as many as there may be."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, told, "Try again in a moment.")
        self._busy[kind] += 1
        try:
            yield
        finally:
            self._busy[kind] -= 1

    def _check_head(self, scope: Scope) -> None:
        """Refuse a long head; the parser does so only where it comes in pieces."""
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size + len(scope["raw_path"]) + len(scope["query_string"]) > self._limits.head_bytes:
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The address and the headers are too long.")

    def _check_where_from(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what did not mean this server, or comes from another page than ours."""
        if headers.get(b"host", b"").lower() not in self._hosts or not scope["path"].startswith("/"):
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "This server has another name.", "Use http://127.0.0.1.")
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", b"none")
        if (origin is not None and origin.lower() not in self._origins) or site not in (b"none", b"same-origin"):
            raise Refusal(HTTPStatus.FORBIDDEN, "This request comes from a page of another site.")

    def _check_who(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        if b"authorization" in headers:
            scheme, _, credential = headers[b"authorization"].partition(b" ")
            if scheme.lower() == b"bearer" and self._access.is_token(credential.strip()):
                return
        elif self._is_let_in(scope, headers):
            return
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            "The token is missing or wrong.",
            "Send the one that `oxide status --token` prints, as `Authorization: Bearer TOKEN`.",
        )

    def _is_let_in(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a browser came by a link: the pages' files want its cookie, all else the page's key as well."""
        cookie = self._cookie_of(headers)
        if _is_call_for(scope, "POST", LINK_ADDRESS):
            return False  # who was let in lets nobody in
        if scope.get("method") in ("GET", "HEAD") and _PAGE_FILES.fullmatch(scope["path"]):
            return self._access.is_browser(cookie)
        return self._access.is_page(cookie, _page_key(headers))

    def _cookie_of(self, headers: Mapping[bytes, bytes]) -> bytes:
        return _cookie(headers.get(b"cookie", b""), self._cookie.encode())

    async def _check_body(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """Read the body, if there is one; answers a `receive` that has it."""
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        length = headers.get(b"content-length", b"0")
        has_body = length != b"0" or b"transfer-encoding" in headers
        if not has_body and (scope["method"] in _READING or not kind):
            return receive
        if kind != b"application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON.", "Send it as application/json.")
        self._check_size(int(length))  # digits: the parser has seen to it
        try:
            async with asyncio.timeout(self._limits.body_s):
                body = await self._read(receive)
        except TimeoutError:
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "The body did not come in time.") from None
        return _replaying(body, receive)

    async def _read(self, receive: Receive) -> bytes:
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientLeftError
            body += message.get("body", b"")
            self._check_size(len(body))
            more = message.get("more_body", False)
        return bytes(body)

    def _check_size(self, size: int) -> None:
        if size > self._limits.body_bytes:
            too_long = f"The body is over {self._limits.body_bytes / 2**20:g} MiB."
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_long, "Name files by their paths instead.")

    async def _launch(self, scope: Scope, headers: Mapping[bytes, bytes], send: Send) -> None:
        """Let a browser in that came by a one-time link; one that is in already may come by a used one."""
        code = parse_qs(scope["query_string"].decode("ascii", "replace")).get("code", [""])[0]
        answer = [(b"content-length", b"0")]
        if (session := self._access.redeem(code)) is not None:
            cookie = f"{self._cookie}={session.cookie}; Path=/; HttpOnly; SameSite=Strict"
            answer += [(b"location", f"/#key={session.key}".encode()), (b"set-cookie", cookie.encode())]
        elif self._access.is_browser(self._cookie_of(headers)):
            answer.append((b"location", b"/"))
        else:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "This link was used already, or is too old.", "Ask for another one.")
        await send({"type": "http.response.start", "status": HTTPStatus.SEE_OTHER, "headers": answer})
        await send({"type": "http.response.body"})

    async def _make_link(self, host: str, send: Send) -> None:
        """A launch link by the name that was called, for whoever has the token and wants to let a browser in."""
        link = f"http://{host}/launch?code={self._access.launch_code()}"
        body = json.dumps({"link": link, "good_for_s": LAUNCH_LIMIT_S}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _ClientLeftError(Exception):
    """The client went away while its body was read."""


def _is_call_for(scope: Scope, method: str, path: str) -> bool:
    return (scope["type"], scope.get("method"), scope["path"].rstrip("/")) == ("http", method, path)


def _single_headers(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """The headers by name.

    Raises:
        Refusal: One that decides something is there twice: proxies and programs disagree on which one counts.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found and name in _SINGLE:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"There are two {name.decode()} headers.")
        found[name] = value
    if b"content-length" in found and b"transfer-encoding" in found:
        raise Refusal(HTTPStatus.BAD_REQUEST, "A content-length and a transfer-encoding contradict each other.")
    return found


def _cookie(header: bytes, name: bytes) -> bytes:
    for item in header.split(b";"):
        key, _, value = item.strip().partition(b"=")
        if key == name:
            return value
    return b""


def _page_key(headers: Mapping[bytes, bytes]) -> bytes:
    """The page's key: a WebSocket, which cannot have headers of a page's own, names it among its protocols."""
    if b"upgrade" not in headers:
        return headers.get(b"oxide-key", b"")
    offered = [item.strip() for item in headers.get(b"sec-websocket-protocol", b"").split(b",")]
    return next((item.removeprefix(_KEY_PROTOCOL) for item in offered if item.startswith(_KEY_PROTOCOL)), b"")


def _replaying(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            date = (b"date", formatdate(usegmt=True).encode())
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS, date]}
        await send(message)

    return guarded
