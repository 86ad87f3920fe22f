"""The HTTP side of a service: one client, made when first needed, and its failures as `ServiceError`."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import oxide_desktop
from oxide_desktop.adapters.addresses import behind_proxy, host_and_port, may_use_proxy
from oxide_desktop.adapters.exchange import CLOSE_TIMEOUT_S, Exchange, http_failures, let_go
from oxide_desktop.adapters.http_errors import Peer, ended_early, reason, translated, unreachable
from oxide_desktop.config.masking import hide
from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.errors import FailureKind, ServiceError, UsageError
from oxide_desktop.core.health import UNSTICK
from oxide_desktop.core.ports import Secrets
from oxide_desktop.core.settings import ServiceSettings, without_userinfo

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 60.0
LOOK_UP_TIMEOUT_S = 5.0
KEYRING = "keyring:"

Body = Mapping[str, Any]


class HttpService:
    """Asks one service. Knows its address and key, and nothing of what is said.

    Attributes:
        peer: Whom errors are about.
    """

    def __init__(self, settings: ServiceSettings, secrets: Secrets, *, base_url: str, fix: str) -> None:
        url = without_userinfo(base_url)
        self.peer = Peer(
            service=settings.name, url=url, key_fix=_key_fix(settings), fix=fix, has_key=bool(settings.api_key)
        )
        self._base_url = base_url
        _hide_password(base_url)
        self._locality = settings.locality
        self._api_key = settings.api_key
        self._secrets = secrets
        self._idle_connections = settings.max_concurrency
        self._client: httpx.AsyncClient | None = None
        self._sending = BackgroundTasks()
        self._closed = False

    async def get_json(self, path: str) -> Mapping[str, Any]:
        """Ask for something small.

        Raises:
            ServiceError: It could not be had within `LOOK_UP_TIMEOUT_S` seconds.
        """
        return await self._look_up("GET", path, None)

    async def post_json(self, path: str, body: Body) -> Mapping[str, Any]:
        """Ask for something small that takes a question.

        Raises:
            ServiceError: It could not be had within `LOOK_UP_TIMEOUT_S` seconds.
        """
        return await self._look_up("POST", path, body)

    async def _look_up(self, method: str, path: str, body: Body | None) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT_S), self.exchange(method, path, body) as exchange:
                return await exchange.json()
        except TimeoutError as error:
            problem = f"{self.peer.url}/{path} did not answer within {LOOK_UP_TIMEOUT_S:g} s."
            raise ServiceError(FailureKind.TIMEOUT, f"{self.peer.service} timed out", problem, UNSTICK) from error

    @asynccontextmanager
    async def exchange(self, method: str, path: str, body: Body | None) -> AsyncIterator[Exchange]:
        """A request on its way. Leaving the block early ends the work at the service.

        Raises:
            ServiceError: The request cannot even be made.
        """
        client = await self._connect()
        headers = await self._headers()
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        sent = asyncio.Event()

        async def trace(name: str, _info: Mapping[str, Any]) -> None:
            if name == "http11.send_request_body.complete":
                sent.set()

        async def send() -> httpx.Response | ServiceError:
            try:
                request = client.build_request(
                    method, f"{self._base_url}/{path}", headers=headers, content=content, extensions={"trace": trace}
                )
                return await client.send(request, stream=True)
            except http_failures() as error:
                return translated(self.peer, error)
            finally:
                sent.set()

        if self._closed:  # while it was being prepared
            raise ended_early(self.peer)
        sending = self._sending.start(send(), f"request to {self.peer.service}")
        try:
            yield Exchange(self.peer, sent, sending)
        finally:
            await _end(sending)

    async def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": f"oxide-desktop/{oxide_desktop.__version__}", "Content-Type": "application/json"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {await self._key(self._api_key)}"
        return headers

    async def _key(self, reference: str) -> str:
        problem = "The stored key holds characters that no key has."
        try:
            key = (await self._secrets.resolve(reference)).strip()
            hide(key)  # a service may say it back when it refuses it
            if key.isascii() and key.isprintable():
                return key
        except UsageError as error:
            problem = error.message or error.title
        raise ServiceError(FailureKind.AUTH, f"{self.peer.service} needs its key", problem, self.peer.key_fix)

    async def _connect(self) -> httpx.AsyncClient:
        if self._client is None:
            try:
                host_and_port(self.peer.url)
            except ValueError as error:
                raise unreachable(self.peer, str(error)) from error
            secure = not self.peer.url.startswith("http://") or self._behind_proxy()
            make = await asyncio.to_thread(_prepared, secure=secure)  # the import alone takes 150 ms
            # Another call may have made it meanwhile.
            self._client = self._client or make(
                trust_env=may_use_proxy(self.peer.url, self._locality), idle_connections=self._idle_connections
            )
        return self._client

    def _behind_proxy(self) -> bool:
        return behind_proxy(self.peer.url, self._locality)

    async def reachable(self, within_s: float) -> None:
        """Connect, and no more: milliseconds, no request, no import.

        Raises:
            ServiceError: Nothing answers there.
        """
        if self._behind_proxy():
            return  # only the proxy could be connected to, which says nothing of the service
        try:
            async with asyncio.timeout(within_s):
                _, writer = await asyncio.open_connection(*host_and_port(self.peer.url))
        except (OSError, TimeoutError, ValueError) as error:
            raise unreachable(self.peer, reason(error)) from error
        writer.close()
        with suppress(OSError, TimeoutError):  # it has been reached; how the parting goes does not matter
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await writer.wait_closed()

    async def aclose(self) -> None:
        """End what is under way and let go of the connections."""
        self._closed = True
        await self._sending.close()
        if self._client:
            await self._client.aclose()


def _key_fix(settings: ServiceSettings) -> str:
    reference = settings.api_key or ""
    if reference.startswith(KEYRING):
        return f"Store a valid key: `oxide keys set {reference.removeprefix(KEYRING)}`."
    name = settings.name
    return f"Store a key with `oxide keys set {name}`, and set services.{name}.api_key to {KEYRING}{name}."


def _hide_password(url: str) -> None:
    """Let nobody be told the password of an address, should its service say it back."""
    userinfo, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    if at:
        password = userinfo.partition(":")[2] or userinfo
        hide(password)
        hide(unquote(password))


async def _end(sending: asyncio.Task[httpx.Response | ServiceError]) -> None:
    """Stop a request, or let go of its response; either closes a connection that is not done with."""
    sending.cancel()
    await asyncio.wait([sending], timeout=CLOSE_TIMEOUT_S)
    if sending.done() and not sending.cancelled() and not isinstance(response := sending.result(), ServiceError):
        await let_go(response)


def _prepared(*, secure: bool) -> Callable[..., httpx.AsyncClient]:
    """Do the slow part of making a client. Called in a thread."""
    import httpx  # noqa: PLC0415 - 150 ms, only when a request is to be made

    # Without roots no certificate is ever accepted: right for plain HTTP, and it saves 90 ms.
    context = _roots() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def make(*, trust_env: bool, idle_connections: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=context,
            trust_env=trust_env,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=idle_connections),
            # How long an answer may take is its caller's business, who ends the exchange.
            timeout=httpx.Timeout(CONNECT_TIMEOUT_S, read=None, write=WRITE_TIMEOUT_S),
        )

    return make


@functools.cache
def _roots() -> ssl.SSLContext:
    import httpx  # noqa: PLC0415 - as above

    return httpx.create_ssl_context()
