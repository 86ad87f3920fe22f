"""What must be refused, over real sockets: each hostile request gets exactly the answer it deserves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.server import WebFront
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.front_house import front_house

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one server for all who only ask

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
HEALTH = "/api/monitoring/health"


@asynccontextmanager
async def gated(home: Path, limits: Limits | None = None) -> AsyncIterator[WebFront]:
    stub = ScriptedAdapter(service("stub"))
    async with front_house(home, stub) as house, server.serve(house, house.paths, house.settings, limits) as front:
        yield front


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebFront]:
    async with gated(tmp_path_factory.mktemp("home")) as front:
        yield front


async def exchange(port: int, data: bytes) -> bytes:
    """Send raw bytes and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            writer.write(data)
            await writer.drain()
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


class Answer:
    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def error(self) -> dict[str, str]:
        return json.loads(self.body)["error"]


async def ask(
    web: WebFront,
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = HEALTH,
    body: bytes = b"",
    token: bool = True,
    host: str | None = "",
) -> Answer:
    """One request, exactly as written: `host` empty is the right one, `None` is none."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host or f'127.0.0.1:{web.port}'}")
    if token:
        lines.append(f"Authorization: Bearer {web.token}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: Upgrade" if ("Upgrade", "websocket") in headers else "Connection: close")
    return Answer(await exchange(web.port, "\r\n".join([*lines, "", ""]).encode("latin-1") + body))


def own(web: WebFront, name: str = "127.0.0.1") -> tuple[str, str]:
    return ("Origin", f"http://{name}:{web.port}")


# -- where a request comes from ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
async def test_a_good_request_gets_through(web: WebFront, name: str) -> None:
    answer = await ask(web, own(web, name.lower()), ("Sec-Fetch-Site", "same-origin"), host=f"{name}:{web.port}")
    assert answer.status == 200
    assert json.loads(answer.body)["healthy"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.com:{port}",
        "127.0.0.1.evil.com:{port}",
        "0.0.0.0:{port}",
        "a/api/health?x=",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:{port}",
        "127.0.0.1:{port}@evil.com",
        "localhost.:{port}",
    ],
)
async def test_a_request_to_another_name_is_misdirected(web: WebFront, host: str) -> None:
    answer = await ask(web, host=host.format(port=web.port))
    assert answer.status == 421
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "http://localhost:3000", "https://127.0.0.1:{port}", ""])
async def test_a_page_of_another_site_is_forbidden(web: WebFront, origin: str) -> None:
    answer = await ask(web, ("Origin", origin.format(port=web.port)))
    assert answer.status == 403
    assert "another site" in answer.error["message"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
async def test_a_browser_that_says_it_comes_from_elsewhere_is_forbidden(web: WebFront, site: str) -> None:
    assert (await ask(web, ("Sec-Fetch-Site", site))).status == 403


async def test_a_request_without_a_host_is_refused(web: WebFront) -> None:
    assert (await ask(web, host=None)).status == 400
    data = f"GET {HEALTH} HTTP/1.0\r\nAuthorization: Bearer {web.token}\r\n\r\n"
    assert Answer(await exchange(web.port, data.encode())).status == 421


@pytest.mark.parametrize("name", ["Host", "Origin", "Authorization", "Content-Type"])
async def test_two_headers_that_decide_something_are_refused(web: WebFront, name: str) -> None:
    value = {"Host": f"127.0.0.1:{web.port}", "Origin": own(web)[1], "Authorization": f"Bearer {web.token}"}
    twice = [(name, value.get(name, "application/json"))] * 2
    answer = await ask(web, *twice, host=None if name == "Host" else "", token=name != "Authorization")
    assert answer.status == 400


async def test_a_length_beside_a_transfer_encoding_is_refused_and_ends_the_connection(web: WebFront) -> None:
    head = ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"), ("Content-Length", "2")
    answer = await ask(web, *head, method="POST", path="/api/explain")
    assert (answer.status, answer.headers["connection"]) == (400, "close")


@pytest.mark.parametrize("path", ["/", "/docs", "/web/js/main.js", HEALTH, "/nowhere"])
async def test_head_is_answered_as_get_without_the_body(web: WebFront, path: str) -> None:
    head, whole = await ask(web, method="HEAD", path=path), await ask(web, path=path)
    assert (head.status, head.headers["content-type"]) == (whole.status, whole.headers["content-type"])
    assert (head.body, bool(whole.body)) == (b"", True)


async def test_a_method_that_an_address_does_not_take_is_told_as_that(web: WebFront) -> None:
    answer = await ask(web, method="DELETE", path="/api/routing/rules")
    assert (answer.status, answer.error["message"]) == (405, "DELETE is nothing that can be done here.")
    assert "GET, POST" in answer.error["hint"]


@pytest.mark.parametrize("path", ["http://evil.com/api/services", "*"])
async def test_an_address_that_is_no_path_is_misdirected(web: WebFront, path: str) -> None:
    assert (await ask(web, path=path)).status == 421


async def test_it_does_not_listen_on_other_interfaces(web: WebFront) -> None:
    for other in ("127.0.0.2", "::1"):
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(other, web.port)


# -- who asks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/oxide.css", HEALTH, "/api/tasks/", "/api/tasks/execute", "/nothing/here"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
async def test_without_a_token_there_is_nothing(web: WebFront, method: str, path: str) -> None:
    answer = await ask(web, method=method, path=path, token=False)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "credential", ["Bearer wrong", "Bearer", "Basic {token}", "{token}", "Bearer {token}x", "Bearer ä"]
)
async def test_a_wrong_token_is_refused(web: WebFront, credential: str) -> None:
    answer = await ask(web, ("Authorization", credential.format(token=web.token)), token=False)
    assert answer.status == 401
    assert "oxide status --token" in answer.error["hint"]


async def test_the_address_that_counts_is_the_one_that_is_routed(web: WebFront) -> None:
    for path in (
        "/launch/../api/services",
        "/launch%2f..%2fapi/services",
        "//api/services",
        "/launch/",
        "/%6caunch?code=x",
    ):
        assert (await ask(web, path=path, token=False)).status == 401


async def test_a_launch_link_lets_one_browser_in_once(web: WebFront) -> None:
    _, _, path = web.launch_link().partition(f":{web.port}")
    answer = await ask(web, ("Sec-Fetch-Site", "none"), path=path, token=False)
    where, _, key = answer.headers["location"].partition("#key=")
    assert (answer.status, where) == (303, "/")
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith(f"oxide_{web.port}=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert web.token not in cookie
    assert key not in cookie

    assert (await ask(web, ("Cookie", f"theme=dark; {cookie}"), path="/", token=False)).status == 200
    assert (await ask(web, ("Cookie", f"{cookie}x"), path="/", token=False)).status == 401
    assert (await ask(web, ("Cookie", cookie), ("Origin", "http://evil.com"), token=False)).status == 403
    assert (await ask(web, ("Cookie", cookie), ("Authorization", "Bearer wrong"), token=False)).status == 401
    assert (await ask(web, path=path, token=False)).status == 401
    again = await ask(web, ("Cookie", cookie), path=path, token=False)
    assert (again.status, again.headers["location"], "set-cookie" in again.headers) == (303, "/", False)


async def let_in(web: WebFront) -> tuple[tuple[str, str], tuple[str, str]]:
    """What a browser shows that was let in: its cookie, and its page's key."""
    _, _, path = web.launch_link().partition(f":{web.port}")
    headers = (await ask(web, path=path, token=False)).headers
    cookie = headers["set-cookie"].partition(";")[0]
    return ("Cookie", cookie), ("Oxide-Key", headers["location"].partition("#key=")[2])


async def test_the_cookie_that_every_server_here_is_shown_opens_the_pages_files_and_nothing_else(web: WebFront) -> None:
    cookie, key = await let_in(web)
    for path in ("/", "/web/js/main.js", "/docs", "/openapi.json", "/oxide.css"):
        assert (await ask(web, cookie, path=path, token=False)).status == 200, path
    everything = ("/api/tasks", "/api/tasks/export", "/api/view/settings", "/v1/models", "/mcp")
    for path in everything:
        assert (await ask(web, cookie, path=path, token=False)).status == 401, path
        assert (await ask(web, key, path=path, token=False)).status == 401, path
    same_origin = ("Sec-Fetch-Site", "same-origin")  # which whoever has the cookie can say as well
    assert (await ask(web, cookie, same_origin, method="POST", path="/api/tasks/clear", token=False)).status == 401
    assert (await ask(web, cookie, key, path="/api/tasks", token=False)).status == 200
    other, _ = await let_in(web)
    assert (await ask(web, other, key, path="/api/tasks", token=False)).status == 401


async def test_a_browser_that_was_let_in_lets_no_other_in(web: WebFront) -> None:
    cookie, key = await let_in(web)
    assert (await ask(web, cookie, key, method="POST", path="/api/launch-link", token=False)).status == 401


async def test_a_launch_link_is_of_no_use_to_another_site(web: WebFront) -> None:
    _, _, path = web.launch_link().partition(f":{web.port}")
    assert (await ask(web, ("Sec-Fetch-Site", "cross-site"), path=path, token=False)).status == 403
    assert (await ask(web, path=path, token=False, host=f"evil.com:{web.port}")).status == 421
    assert (await ask(web, path=path, token=False, method="HEAD")).status == 401
    assert (await ask(web, path=path, token=False)).status == 303


BROWSER = ("Accept", "text/html,application/xhtml+xml;q=0.9")


async def test_a_browser_without_a_key_is_told_how_to_get_in(web: WebFront) -> None:
    for path in ("/", "/docs", "/launch?code=used"):
        answer = await ask(web, BROWSER, path=path, token=False)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        page = answer.body.decode()
        assert "oxide status --link" in page
        assert "Dashboard" in page
        assert "<script" not in page
    assert "too old" in page


async def test_the_page_for_browsers_is_shown_as_it_is_meant(web: WebFront) -> None:
    answer = await ask(web, BROWSER, path="/", token=False)
    style = answer.body.decode().partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_programs_are_answered_as_programs(web: WebFront, method: str) -> None:
    assert (await ask(web, BROWSER, method=method, token=False)).headers["content-type"] == "application/json"
    assert (await ask(web, ("Accept", "*/*"), token=False)).headers["content-type"] == "application/json"


async def test_whoever_has_the_token_can_let_a_browser_in(web: WebFront) -> None:
    assert (await ask(web, method="POST", path="/api/launch-link", token=False)).status == 401
    answer = await ask(web, method="POST", path="/api/launch-link/")
    told = json.loads(answer.body)
    assert (answer.status, told["good_for_s"]) == (200, 300.0)
    _, _, path = told["link"].partition(f"127.0.0.1:{web.port}")
    assert (await ask(web, path=path, token=False)).status == 303
    assert (await ask(web, path=path, token=False)).status == 401


async def test_a_page_of_ours_may_use_our_own_scripts_and_nothing_inline(web: WebFront) -> None:
    policy = (await ask(web)).headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "unsafe" not in policy


async def test_what_is_refused_below_v1_is_told_as_openais_clients_expect_it(web: WebFront) -> None:
    error = (await ask(web, path="/v1/models", token=False)).error
    assert (error["type"], set(error)) == ("authentication_error", {"message", "type", "param", "code"})
    assert "oxide status --token" in error["message"]


# -- what it brings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", None]
)
async def test_a_body_that_is_not_json_is_refused(web: WebFront, kind: str | None) -> None:
    headers = [("Content-Type", kind)] if kind else []
    answer = await ask(web, *headers, method="POST", path="/api/tasks/execute", body=b'{"prompt": "hi"}')
    assert answer.status == 415


async def test_json_may_name_its_charset_and_a_request_without_a_body_needs_no_type(web: WebFront) -> None:
    kind = ("Content-Type", "application/JSON; charset=utf-8")
    assert (await ask(web, kind, method="POST", path="/api/explain", body=b'{"prompt": "hi"}')).status == 200
    assert (await ask(web, method="POST", path="/api/tasks/nothing/cancel")).status == 404
    assert (await ask(web, ("Content-Type", "text/plain"), method="POST", path="/api/tasks/x/cancel")).status == 415


JSON = ("Content-Type", "application/json")


async def test_a_giant_body_is_refused_before_it_is_sent(web: WebFront) -> None:
    answer = await ask(web, JSON, ("Content-Length", str(33 * 2**20)), method="POST", path="/api/explain")
    assert answer.status == 413
    assert "32 MiB" in answer.error["message"]


async def test_a_giant_body_in_pieces_is_refused_when_it_gets_too_long(tmp_path: Path) -> None:
    async with gated(tmp_path, Limits(body_bytes=1000)) as web:
        piece = b"200\r\n" + b" " * 0x200 + b"\r\n"
        head = ask_chunked(web)
        assert Answer(await exchange(web.port, head + piece * 2)).status == 413


async def test_a_body_in_pieces_is_put_together(web: WebFront) -> None:
    body = b'9\r\n{"prompt"\r\n7\r\n: "hi"}\r\n0\r\n\r\n'
    assert Answer(await exchange(web.port, ask_chunked(web, "Connection: close") + body)).status == 200


def ask_chunked(web: WebFront, *lines: str) -> bytes:
    head = [
        "POST /api/explain HTTP/1.1",
        f"Host: 127.0.0.1:{web.port}",
        f"Authorization: Bearer {web.token}",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode()


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with gated(tmp_path, Limits(body_s=0.05)) as web:
        answer = await ask(web, JSON, ("Content-Length", "10"), method="POST", path="/api/explain")
        assert answer.status == 408


async def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(web: WebFront) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(ask_chunked(web) + b'5\r\n{"pro')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await ask(web)).status == 200


async def test_a_giant_head_is_refused(web: WebFront) -> None:
    assert (await ask(web, ("X-Filler", "x" * 40_000))).status == 431
    assert (await ask(web, path=f"/api/tasks?{'x' * 40_000}")).status == 431


async def test_a_giant_head_is_refused_before_it_is_whole(web: WebFront) -> None:
    assert Answer(await exchange(web.port, b"GET / HTTP/1.1\r\nX-Filler: " + b"x" * 40_000)).status == 431


async def test_every_answer_forbids_what_pages_of_others_could_do_with_it(web: WebFront) -> None:
    for path, token in (("/", True), (HEALTH, True), ("/nothing", True), ("/", False)):
        headers = (await ask(web, path=path, token=token)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
        assert headers["date"].endswith("GMT")


# -- WebSockets --------------------------------------------------------------------------------------------------------


async def upgrade(web: WebFront, *headers: tuple[str, str], **options: object) -> Answer:
    upgrading = [item for item in UPGRADE.items() if item[0] != "Connection"]
    return await ask(web, *upgrading, *headers, path="/ws", **options)


async def test_a_websocket_of_a_hostile_page_is_refused_before_its_upgrade(web: WebFront) -> None:
    assert (await upgrade(web, ("Origin", "http://evil.com"))).status == 403
    assert (await upgrade(web, ("Origin", "null"))).status == 403
    assert (await upgrade(web, own(web), host=f"rebound.evil.com:{web.port}")).status == 403
    assert (await upgrade(web, ("Sec-Fetch-Site", "cross-site"))).status == 403


async def test_a_websocket_without_a_credential_is_refused_before_its_upgrade(web: WebFront) -> None:
    assert (await upgrade(web, token=False)).status == 403
    assert (await upgrade(web, own(web), token=False)).status == 403
    answer = await upgrade(web, ("Authorization", "Bearer wrong"), token=False)
    assert answer.status == 403
    assert answer.error["message"] == "The token is missing or wrong."


async def test_a_refused_websocket_is_no_error_of_ours(web: WebFront, caplog: pytest.LogCaptureFixture) -> None:
    for headers in ((("Origin", "http://evil.com"),), (own(web), own(web))):
        await upgrade(web, *headers)
    await upgrade(web, token=False)
    await upgrade(web, host="evil.com")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_ambiguous_upgrade_is_a_bad_request(web: WebFront) -> None:
    assert (await upgrade(web, own(web), own(web))).status == 400


async def test_there_is_a_websocket_at_one_address_only(web: WebFront) -> None:
    upgrading = [item for item in UPGRADE.items() if item[0] != "Connection"]
    assert (await ask(web, *upgrading, path="/api/tasks")).status == 403


# -- the token's file --------------------------------------------------------------------------------------------------


async def test_the_token_stays_the_same_from_start_to_start(tmp_path: Path) -> None:
    async with gated(tmp_path) as first:
        pass
    async with gated(tmp_path) as second:
        assert second.token == first.token
        assert len(second.token) >= 43
    assert second.token not in repr(second)
