"""Whether there is a newer version: asked of a real server, once a day, and only by who wants it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop import __version__
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.updates import ANSWER_LIMIT_BYTES, ASK_EVERY_S, keep_looking, known, look
from oxide_desktop.core.settings import UpdateSettings
from oxide_desktop.core.versions import Release
from tests.fakes.http_server import Fault, Reply, closed_port
from tests.fakes.release_server import ReleaseServer

NEWER = {"tag_name": "v99.1.0", "html_url": "https://example.org/99.1.0"}


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as running:
        running.names(NEWER)
        yield running


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "home")
    made.prepare()
    return made


def wanted(server: ReleaseServer) -> UpdateSettings:
    return UpdateSettings(check=True, url=server.address)


def a_day_passes(paths: Paths) -> None:
    told = json.loads(paths.updates_file.read_text())
    paths.updates_file.write_text(json.dumps({**told, "asked_at": told["asked_at"] - ASK_EVERY_S}))


async def test_nobody_is_asked_unless_it_is_wanted(paths: Paths, server: ReleaseServer):
    assert await look(paths, UpdateSettings(url=server.address)) is None
    assert await look(paths, UpdateSettings(check=True)) is None
    assert server.connections == 0
    assert not paths.updates_file.exists()
    assert UpdateSettings().url is None


async def test_a_newer_version_is_found_and_remembered(paths: Paths, server: ReleaseServer):
    found = await look(paths, wanted(server))
    assert found is not None
    assert found.newer == Release("99.1.0", "https://example.org/99.1.0")
    assert known(paths, wanted(server)) == found
    assert known(paths, UpdateSettings(url=server.address)) is None
    assert known(paths, UpdateSettings(check=True, url="https://example.org/other")) is None


async def test_the_request_tells_nothing_but_the_programs_name(paths: Paths, server: ReleaseServer):
    await look(paths, wanted(server))
    (request,) = server.received
    assert (request.method, request.path, request.body) == ("GET", "/latest", None)
    assert request.headers["User-Agent"] == "oxide-desktop"
    assert not {"Cookie", "Authorization", "Referer"} & request.headers.keys()
    assert __version__ not in json.dumps(dict(request.headers)).replace("127.0.0.1", "")


async def test_it_is_asked_once_a_day_whatever_was_answered(paths: Paths, server: ReleaseServer):
    server.play(Reply(status=500))
    for _ in range(3):
        assert await look(paths, wanted(server)) is not None
    assert len(server.received) == 1
    a_day_passes(paths)
    found = await look(paths, wanted(server))
    assert found is not None
    assert found.newer is not None
    assert len(server.received) == 2


async def test_the_same_and_older_versions_are_not_newer(paths: Paths, server: ReleaseServer):
    for version in (__version__, "0.0.1"):
        server.names({"info": {"version": version}})
        found = await look(paths, wanted(server))
        assert found is not None
        assert (found.version, found.newer, found.failure) == (version, None, "")
        a_day_passes(paths)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(status=404), "status 404"),
        (Reply(status=302, headers={"Location": "/elsewhere"}), "status 302"),
        (Reply(body=b"<html>"), "no JSON"),
        (Reply(body=b"\xff\xfe"), "no JSON"),
        (Reply(body=b"[1]"), "no version"),
        (Reply(body=b" " * (ANSWER_LIMIT_BYTES + 1)), "too long"),
        (Reply(fault=Fault.RESET, before_headers=True), "cannot be reached"),
        (Reply(fault=Fault.STALL, before_headers=True), "did not answer within 0.5 s"),
    ],
)
async def test_what_goes_wrong_is_a_sentence_and_no_error(
    paths: Paths, server: ReleaseServer, caplog: pytest.LogCaptureFixture, reply: Reply, told: str
):
    server.play(reply)
    with caplog.at_level(logging.INFO):
        found = await look(paths, wanted(server), limit_s=0.5 if reply.fault is Fault.STALL else 30.0)
    assert found is not None
    assert found.newer is None
    assert told in found.failure
    assert [record.levelname for record in caplog.records if "newer version" in record.message] == ["INFO"]
    assert {request.path for request in server.received} <= {"/latest"}  # and nobody was asked elsewhere


async def test_a_server_that_is_not_there_is_no_error(paths: Paths):
    found = await look(paths, UpdateSettings(check=True, url=f"http://127.0.0.1:{closed_port()}/latest"))
    assert found is not None
    assert "cannot be reached" in found.failure


async def test_a_program_that_dies_while_it_asks_does_not_ask_at_each_start(paths: Paths, server: ReleaseServer):
    server.play(Reply(fault=Fault.STALL, before_headers=True))
    asking = asyncio.create_task(look(paths, wanted(server)))
    async with asyncio.timeout(30):
        while not server.received:  # noqa: ASYNC110 - a thread's list
            await asyncio.sleep(0.005)
    asking.cancel()
    await asyncio.wait([asking])
    assert await look(paths, wanted(server)) is not None
    assert len(server.received) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1, "asked_at": "soon"}'])
async def test_a_file_that_is_not_ours_is_replaced(paths: Paths, server: ReleaseServer, text: str):
    paths.updates_file.write_text(text)
    assert known(paths, wanted(server)) is None
    found = await look(paths, wanted(server))
    assert found is not None
    assert found.newer is not None


async def test_an_answer_from_the_future_is_not_waited_for(paths: Paths, server: ReleaseServer):
    await look(paths, wanted(server))
    told = json.loads(paths.updates_file.read_text())
    paths.updates_file.write_text(json.dumps({**told, "asked_at": time.time() + 10 * ASK_EVERY_S}))
    await look(paths, wanted(server))
    assert len(server.received) == 2


async def test_where_nothing_can_be_kept_nobody_is_asked(tmp_path: Path, server: ReleaseServer):
    assert await look(Paths(tmp_path / "not there"), wanted(server)) is None
    assert server.connections == 0


async def test_a_program_that_stays_looks_at_once(paths: Paths, server: ReleaseServer):
    looking = asyncio.create_task(keep_looking(paths, wanted(server)))
    async with asyncio.timeout(30):
        while (found := known(paths, wanted(server))) is None or not found.version:  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.005)
    looking.cancel()
    await asyncio.wait([looking])
