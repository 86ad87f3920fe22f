"""The HTTP API: its routes, its shapes, its errors, where it listens, and what no client can do to it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import psutil
import pytest

from oxide_desktop import __version__
from oxide_desktop.config.paths import resource
from oxide_desktop.core.errors import Bug, FailureKind, OxideError, ServiceError
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.model import Source
from oxide_desktop.core.settings import WebSettings
from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.limits import Limits
from tests.fakes.scripted_adapter import STALL
from tests.fronts.front_house import FrontHouse, front_house
from tests.fronts.web_house import Web, served, stub

# -- tasks -------------------------------------------------------------------------------------------------------------


async def test_a_task_is_asked_listed_shown_and_deleted(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Four", "."])) as web:
        answer = await web.post("/api/tasks/execute", {"prompt": "What is 2+2?", "files": None, "preferences": None})
        assert answer.status_code == 200
        assert set(answer.json()) == {"task_id", "status", "message"}
        assert answer.json()["status"] in ("queued", "running")
        task_id = answer.json()["task_id"]

        task = await web.ended(task_id)
        assert (task["status"], task["result"], task["source"]) == ("completed", "Four.", "http")
        assert task == (await web.house.history.get(task_id)).to_dict()

        listed = (await web.get("/api/tasks/", params={"limit": 10, "status": "completed"})).json()
        assert listed == {"tasks": [task], "total": 1, "filtered": 1}
        assert (await web.get("/api/tasks/", params={"status": "failed"})).json()["filtered"] == 0

        assert (await web.client.delete(f"/api/tasks/{task_id}")).json()["task_id"] == task_id
        assert (await web.get(f"/api/tasks/{task_id}")).status_code == 404


async def test_what_a_task_replays_and_whose_rule_decided_is_told_where_there_is_something_to_tell(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, stub(["a"], ["b"])) as web:
        first = await web.ended(await web.ask("What is 2+2?"))
        again = await web.house.retry(first["id"], Source.HTTP)
        await again.finished()
        record = await web.house.history.get(again.id)
        record = replace(record, route=replace(record.route, rule_from="project .oxide.yaml"))
        await web.house.history.save(record)
        told = (await web.get(f"/api/tasks/{again.id}")).json()
        assert told == record.to_dict()
        assert (told["replay_of"], told["route"]["rule_from"]) == (first["id"], "project .oxide.yaml")
        assert not {"replay_of", "rule_from"} & {*first, *first["route"]}


async def test_the_list_is_paged_newest_first(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        ids = [await web.ask(f"question {count}") for count in range(5)]
        for task_id in ids:
            await web.ended(task_id)
        page = (await web.get("/api/tasks", params={"limit": 2, "offset": 1})).json()
    assert [task["id"] for task in page["tasks"]] == [ids[3], ids[2]]
    assert (page["total"], page["filtered"]) == (5, 5)


async def test_preferences_and_files_reach_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").write_text("the needle")
    monkeypatch.chdir(tmp_path)
    first, second = stub(name="first"), stub(name="second")
    async with served(tmp_path / "home", first, second) as web:
        wishes = {"preferred_service": "second", "task_type": "code_review", "model": "big"}
        task = await web.ended(await web.ask("Review.", files=["notes.txt"], preferences=wishes))
    assert (task["service"], task["task_type"], task["preferences"]) == ("second", "code_review", wishes)
    assert not first.calls
    assert second.calls[0].model == "big"
    assert "the needle" in second.calls[0].prompt


async def test_a_running_task_is_shown_as_it_is_and_can_be_cancelled(tmp_path: Path) -> None:
    adapter = stub(["so far", STALL])
    async with served(tmp_path, adapter) as web:
        task_id = await web.ask()
        await adapter.stalled.wait()
        assert (await web.get(f"/api/tasks/{task_id}")).json()["status"] == "running"
        assert (await web.client.delete(f"/api/tasks/{task_id}")).is_client_error

        cancelled = (await web.post(f"/api/tasks/{task_id}/cancel/")).json()
        assert (cancelled["status"], cancelled["result"]) == ("cancelled", "so far")
        assert (await web.post(f"/api/tasks/{task_id}/cancel")).status_code == 404


async def test_a_failed_task_tells_why_as_a_sentence(tmp_path: Path) -> None:
    broken = ServiceError(FailureKind.CRASHED, "stub broke", "It ended early.", "Start it again.")
    async with served(tmp_path, stub([broken])) as web:
        task = await web.ended(await web.ask())
    assert task["status"] == "failed"
    assert "stub broke" in task["error"]


async def test_explaining_executes_and_keeps_nothing(tmp_path: Path) -> None:
    adapter = stub()
    async with served(tmp_path, adapter) as web:
        told = (await web.post("/api/explain", {"prompt": "Fix the bug in this function."})).json()
        assert (await web.get("/api/tasks/")).json()["total"] == 0
    assert set(told) == {"profile", "route", "tokens", "notes"}
    assert told["route"]["candidates"][0]["service"] == "stub"
    assert not adapter.calls


# -- services and health -----------------------------------------------------------------------------------------------


async def test_services_are_listed_and_shown(tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="one"), stub(name="two", base_url="http://localhost:1")) as web:
        listed = (await web.get("/api/services/")).json()
        one = (await web.get("/api/services/one")).json()
        missing = await web.get("/api/services/three/")
    assert set(listed) == {"services", "total", "enabled"}
    assert (listed["total"], listed["enabled"], set(listed["services"])) == (2, 2, {"one", "two"})
    assert one == listed["services"]["one"]
    assert {"enabled", "healthy", "type", "base_url", "executable"} <= set(one)
    assert missing.status_code == 404
    assert missing.json()["error"]["hint"] == "Configured: one, two."


async def test_health_names_what_is_not_well(tmp_path: Path) -> None:
    good, bad = stub(name="good"), stub(name="bad")
    bad.health = Health(service="bad", tier=None, failing=Tier.INSTALLED, message="It is not there.")
    async with served(tmp_path, good, bad) as web:
        before = (await web.get("/api/monitoring/health")).json()
        await web.post("/api/explain", {"prompt": "look at the services"})
        after = (await web.get("/api/monitoring/health")).json()
    assert (before["status"], before["healthy"], before["issues"]) == ("healthy", True, [])
    assert (after["status"], after["healthy"], after["issues"]) == ("degraded", False, ["bad: It is not there."])
    assert 0 <= after["memory_percent"] <= 100
    assert after["cpu_percent"] >= 0


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "body.prompt"),
        ({"prompt": ""}, "The prompt is empty"),
        ({"prompt": 4}, "body.prompt"),
        ({"prompt": "x", "files": "a.py"}, "body.files"),
        ({"prompt": "x", "speed": 1}, "body.speed"),
        ({"prompt": "x", "preferences": {"task_type": "poetry"}}, "body.preferences.task_type"),
        ({"prompt": "x", "preferences": {"preferred_service": ""}}, "body.preferences.preferred_service"),
        ([], "body"),
    ],
)
async def test_a_request_of_the_wrong_shape_is_told_what_is_wrong(tmp_path: Path, body: object, part: str) -> None:
    async with served(tmp_path, stub()) as web:
        answer = await web.post("/api/tasks/execute", body)
    assert answer.status_code == 422
    assert part in answer.json()["error"]["message"]
    assert part in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=many", "offset=-1", "status=lost"])
async def test_a_page_that_cannot_be_is_refused(tmp_path: Path, query: str) -> None:
    async with served(tmp_path, stub()) as web:
        assert (await web.get(f"/api/tasks/?{query}")).status_code == 422


async def test_broken_json_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        answer = await web.client.post("/api/explain", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


async def test_every_error_has_the_same_shape(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        answers = [
            await web.get("/nothing"),
            await web.get("/api/tasks/nothing"),
            await web.client.put("/api/tasks"),
            await web.post("/api/explain", {}),
            await web.get("/", headers={"Authorization": "Bearer wrong"}),
        ]
    assert [answer.status_code for answer in answers] == [404, 404, 405, 422, 401]
    for answer in answers:
        body = answer.json()
        assert set(body) == {"error", "detail"}
        assert set(body["error"]) - {"exit_code"} == {"title", "message", "hint"}
        assert body["error"]["title"] in body["detail"]
        assert body["error"]["hint"] in body["detail"]
    assert [answer.json()["error"].get("exit_code") for answer in answers] == [None, 2, None, 2, None]


@pytest.mark.parametrize("mistake", [KeyError("the secret inside"), Bug("A bug", "the secret inside")])
async def test_a_mistake_of_ours_does_not_show_our_insides(
    tmp_path: Path, mistake: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = stub()
    async with served(tmp_path, adapter) as web:

        def services() -> None:
            raise mistake

        web.house.services = services
        answer = await web.get("/api/services")
    assert (answer.status_code, answer.headers["connection"]) == (500, "close")
    assert answer.json()["error"]["title"] == "Oxide made a mistake"
    assert "secret" not in answer.text
    assert "the secret inside" in caplog.text


# -- pages -------------------------------------------------------------------------------------------------------------


async def test_the_web_view_loads_its_own_files_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        page = await web.get("/")
        assert page.headers["content-type"].startswith("text/html")
        wanted = re.findall(r'(?:href|src)="(/[^"]+)"', page.text)
        assert {"/web/tokens.css", "/web/js/main.js", "/docs"} <= set(wanted)
        seen: dict[str, httpx.Response] = {}
        while wanted:
            address = wanted.pop()
            answer = seen[address] = await web.get(address)
            assert answer.status_code == 200, address
            imported = re.findall(r'(?:from|import) "([^"]+)"', answer.text) if address.endswith(".js") else []
            wanted += [place for it in imported if (place := urljoin(address, it)) not in seen]
    assert {"/web/tokens.js", "/web/js/pages/ask.js", "/web/js/markdown.js"} <= set(seen)
    types = {address.rsplit(".")[-1]: it.headers["content-type"].split(";")[0] for address, it in seen.items()}
    assert types == {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "/docs": "text/html"}
    for text in (page.text, *(it.text for it in seen.values())):
        assert "innerHTML" not in text
        assert not re.search(r"<script(?! type=\"module\" src=)|<style| style=| on[a-z]+=", text)
        assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}


@pytest.mark.parametrize(
    "path", ["/web/../app.py", "/web/%2e%2e/tokens.json", "/web/js", "/web/nothing.js", "/web//etc/passwd"]
)
async def test_the_web_view_has_no_files_but_its_own(tmp_path: Path, path: str) -> None:
    async with served(tmp_path, stub()) as web:
        assert (await web.client.get(f"{web.front.url}{path}")).status_code == 404


async def test_the_design_tokens_become_the_pages_properties_in_both_schemes(tmp_path: Path) -> None:
    tokens = json.loads(resource("resources", "tokens.json").read_text("utf-8"))
    async with served(tmp_path, stub()) as web:
        style = (await web.get("/web/tokens.css")).text
        icons = (await web.get("/web/icons.svg")).text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for scheme, part in (("light", light), ("dark", dark)):
        for name, colour in tokens["colours"][scheme].items():
            assert f"--colour-{name}: {colour};" in part
    assert "--radius-card: 10px;" in light
    names = {path.stem for path in resource("resources", "icons").glob("*.svg")}
    assert set(re.findall(r'<symbol id="([\w-]+)-icon" viewBox="0 0 \d+ \d+">', icons)) == names
    used = {
        name
        for path in resource("resources", "web").rglob("*.css")
        for name in re.findall(r"var\((--[\w-]+)\)", path.read_text("utf-8"))
    }
    given = set(re.findall(r"(--[\w-]+):", style)) | {"--from", "--width", "--waited", "--part"}
    assert used <= given


async def test_the_history_is_searched_as_people_type(tmp_path: Path) -> None:
    failing = ServiceError(FailureKind.CRASHED, "two broke", "It ended.", "Start it.")
    async with served(tmp_path, stub(["Paris."], name="one"), stub([failing], name="two")) as web:
        await web.ended(await web.ask("What is the capital of France?\nTell me."))
        await web.ended(await web.ask("What is 2+2?", preferences={"preferred_service": "two"}))

        async def found(**query: object) -> list[str]:
            answer = (await web.get("/api/view/history", params=query)).json()
            assert answer["total"] == 2
            return [task["prompt"] for task in answer["tasks"]]

        assert await found() == ["What is 2+2?", "What is the capital of France?"]
        assert await found(q="failed today") == ["What is 2+2?"]
        assert await found(q="service:one capital") == ["What is the capital of France?"]
        assert await found(q="capital", status="failed") == []
        assert await found(service="two", limit=1) == ["What is 2+2?"]
        assert await found(offset=1) == ["What is the capital of France?"]
        told = (await web.get("/api/view/history", params={"q": "type:poetry"})).json()
        assert "There is no type 'poetry'" in told["problems"][0]
        (line, _) = (await web.get("/api/view/history")).json()["tasks"]
    assert set(line) == {"id", "status", "prompt", "service", "task_type", "created_at", "duration", "source", "error"}
    assert "two broke" in line["error"]


async def test_how_quick_a_service_is_and_which_programs_run_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Four."])) as web:
        before = (await web.get("/api/view/speed/stub")).json()
        await web.ended(await web.ask())
        after = (await web.get("/api/view/speed/stub")).json()
        assert (await web.get("/api/view/speed/nobody")).status_code == 422
        assert (await web.get("/api/view/children")).json() == {"children": []}
    assert before == {"answers": 0, "first_text_s": None, "tokens_per_s": None}
    assert after["answers"] == 1
    assert after["first_text_s"] >= 0


async def test_the_settings_that_hold_are_told_without_any_key(tmp_path: Path) -> None:
    services = [
        stub(name="literal", api_key="sk-secret"),
        stub(name="kept", api_key="keyring:mine"),
        stub(name="unset", api_key="${NO_SUCH_VARIABLE}"),
    ]
    async with served(tmp_path, *services, stub(name="none")) as web:
        answer = await web.get("/api/view/settings")
    told = answer.json()
    assert told["config_file"] == str(web.house.paths.config_file)
    assert told["config_exists"] is False
    assert {item["service"]: item["state"] for item in told["keys"]} == {
        "literal": "there",
        "unset": "missing",
    }
    settings = {item["key"]: item["value"] for group in told["groups"] for item in group["settings"]}
    assert settings["privacy.scan_secrets"] == "on"
    assert settings["privacy.local_only"] == "none"
    assert settings["storage.retention_days"] == "for ever"
    assert "sk-secret" not in answer.text


async def test_the_docs_list_every_route_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        page = (await web.get("/docs")).text
        described = (await web.get("/openapi.json")).json()
        style = await web.get("/oxide.css")
    assert "POST /api/tasks/execute" in page
    assert all(path in page for path in described["paths"])
    assert "//" not in page.replace("<!doctype", "")
    assert style.headers["content-type"].startswith("text/css")


async def test_every_route_is_there_with_and_without_its_last_slash(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        for path in ("/api/tasks", "/api/services", "/api/services/stub", "/api/monitoring/health", "/docs"):
            assert (await web.get(path)).status_code == (await web.get(f"{path}/")).status_code == 200


# -- where it listens --------------------------------------------------------------------------------------------------


async def test_other_programs_find_the_server_by_its_file(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        place = web.house.paths.web_file
        word = json.loads(place.read_text())
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert word == {
            "pid": os.getpid(),
            "create_time": psutil.Process().create_time(),
            "port": web.front.port,
            "url": web.front.url,
            "version": __version__,
        }
    assert not place.exists()
    assert sorted(path.name for path in place.parent.glob("web*")) == []


def settings_with(house: FrontHouse, port: int) -> Any:
    return replace(house.settings, web=WebSettings(port=port))


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
async def test_the_next_free_port_is_taken_where_the_wanted_one_is_in_use(tmp_path: Path, address: str) -> None:
    with socket.socket() as other:
        other.bind((address, 0))
        other.listen()
        taken = other.getsockname()[1]
        async with (
            front_house(tmp_path, stub()) as house,
            server.serve(house, house.paths, settings_with(house, taken)) as front,
        ):
            assert taken < front.port <= taken + 100


async def test_the_wanted_port_is_free_again_right_after_the_end(tmp_path: Path) -> None:
    ports = []
    async with front_house(tmp_path, stub()) as house:
        wanted = 0
        for _ in range(2):
            async with server.serve(house, house.paths, settings_with(house, wanted)) as front:
                ports.append(front.port)
                async with httpx.AsyncClient() as client:
                    await client.get(front.url)
            wanted = front.port
    assert ports[0] == ports[1]


async def test_a_token_that_cannot_be_kept_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    async with front_house(tmp_path, stub()) as house:
        house.paths.token_file.mkdir()
        with pytest.raises(OxideError, match="cannot be written") as caught:
            async with server.serve(house, house.paths, house.settings):
                pass
    assert str(house.paths.token_file) in caught.value.message


async def test_word_that_cannot_be_left_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    async with front_house(tmp_path, stub()) as house:
        house.paths.web_file.mkdir()
        with pytest.raises(OxideError, match="cannot be written") as caught:
            async with server.serve(house, house.paths, house.settings):
                pass
        assert caught.value.hint
        assert "web.json" in caught.value.message
        assert "Errno" not in caught.value.message
    assert [path.name for path in house.paths.run_dir.glob("*web*")] == ["web.json"]


@contextmanager
def busy(port: int) -> Iterator[int]:
    """A port that takes connections, and then none any more: whoever looks at it has to wait."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_the_loop_goes_on_while_ports_that_do_not_answer_are_tried(tmp_path: Path) -> None:
    turns, serving = 0, True

    async def count() -> None:
        nonlocal turns
        while serving:
            await asyncio.sleep(0.01)
            turns += 1

    with ExitStack() as stack:
        first = stack.enter_context(busy(0))
        for port in range(first + 1, first + 5):
            with suppress(OSError):  # somebody else's, then
                stack.enter_context(busy(port))
        async with asyncio.timeout(30), asyncio.TaskGroup() as group, front_house(tmp_path, stub()) as house:
            async with server.serve(house, house.paths, house.settings):
                pass  # imports what is slow
            group.create_task(count())
            async with server.serve(house, house.paths, settings_with(house, first)) as front:
                serving = False
            assert front.port > first
    assert turns > 5  # and not once for each port


# -- what no client can do ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def raw(web: Web) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.front.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def dropped(reader: asyncio.StreamReader) -> bool:
    """Wait until the server has dropped the connection, without an answer."""
    with suppress(ConnectionResetError):
        return await reader.read() == b""
    return True


async def test_clients_that_never_finish_their_request_are_dropped(tmp_path: Path) -> None:
    async with served(tmp_path, stub(), limits=Limits(head_s=0.5)) as web:
        async with raw(web) as (reader, _):
            assert await dropped(reader)
        async with raw(web) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost:")
            assert await dropped(reader)
        assert (await web.get("/docs")).status_code == 200


async def test_a_second_request_on_a_connection_must_be_finished_as_well(tmp_path: Path) -> None:
    async with served(tmp_path, stub(), limits=Limits(head_s=1.0)) as web, raw(web) as (reader, writer):
        head = ("GET /docs HTTP/1.1", f"Host: 127.0.0.1:{web.front.port}", f"Authorization: Bearer {web.front.token}")
        writer.write("\r\n".join([*head, "", ""]).encode())
        assert b"200" in await reader.readline()
        await reader.readuntil(b"</html>")
        writer.write(b"GET / HTTP/1.1\r\nHo")
        assert await dropped(reader)


async def test_three_hundred_half_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    async with served(tmp_path, stub(), limits=Limits(connections=20, grace_s=0.05)) as web, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(raw(web)) for _ in range(300)]
        for _ in range(5):
            async with httpx.AsyncClient(headers=web.client.headers) as client:
                assert (await client.get(f"{web.front.url}/api/monitoring/health")).status_code == 200
        assert len([reader for reader, _ in idle if not reader.at_eof()]) <= 20


async def test_a_hundred_clients_that_come_at_once_are_all_answered(tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw(web)) for _ in range(100)]
        for _, writer in clients:
            writer.write(f"GET /docs HTTP/1.1\r\nHost: 127.0.0.1:{web.front.port}\r\n\r\n".encode())
        assert {(await reader.readline()).split()[1] for reader, _ in clients} == {b"401"}


async def test_it_ends_within_bounds_while_clients_hold_connections_open(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, served(tmp_path, stub(["x", STALL])) as web:
        _, writer = await stack.enter_async_context(raw(web))
        writer.write(b"POST /api/explain HTTP/1.1\r\n")
        await writer.drain()
        await web.ask()
