"""The local socket: who may use it, what is said on it, and what no client can do to the others."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from oxide_desktop.ipc import channel
from oxide_desktop.ipc.channel import FRAME_LIMIT, ChannelError, address_of, connect, peer_uid, socket_path
from oxide_desktop.ipc.server import AlreadyServedError, Hello, serve

HELLO = {"wish": "echo", "cwd": "/project", "client": "test", "version": "1", "pid": 1}
heard: list[Hello] = []


async def echo(hello: Hello, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    heard.append(hello)
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    heard.clear()
    return Path(socket_path(str(tmp_path)))


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)


def ask(place: Path, line: bytes = b"hi\n", **changes: object) -> bytes:
    connection = connect(str(place), {**HELLO, **changes})
    connection.write(line)
    answer = connection.read_line()
    connection.close()
    return answer


async def test_a_client_says_hello_and_is_handed_to_the_handler_it_wishes_for(place: Path) -> None:
    async with asyncio.timeout(60), serve(place, {"echo": echo}):
        assert await asyncio.to_thread(ask, place) == b"hi\n"
    assert heard == [Hello(wish="echo", cwd=Path("/project"), client="test", version="1", pid=1)]


async def test_the_welcome_tells_who_serves(place: Path) -> None:
    async with asyncio.timeout(60), serve(place, {"echo": echo}):
        connection = await asyncio.to_thread(connect, str(place), HELLO)
        assert connection.welcome["pid"] == os.getpid()
        connection.close()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"wish": "dance"}, "does not offer 'dance'"),
        ({"oxide": 99}, "speaks protocol 1"),
        ({"pid": "many"}, "invalid literal"),
        ({"cwd": None}, "no hello"),
    ],
)
async def test_a_hello_that_cannot_be_met_is_answered_with_the_reason(
    place: Path, changes: dict[str, object], complaint: str
) -> None:
    async with asyncio.timeout(60), serve(place, {"echo": echo}):
        with pytest.raises(ChannelError, match=complaint):
            await asyncio.to_thread(connect, str(place), {**HELLO, **changes})


async def test_nobody_but_the_user_can_reach_the_socket(place: Path) -> None:
    place.parent.chmod(0o755)
    async with serve(place, {"echo": echo}):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_a_run_folder_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ChannelError, match="not a folder of this user"):
        channel.private_folder(str(tmp_path / "link"))


async def test_both_ends_learn_the_true_user_of_the_other(place: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(ours) == os.geteuid()
        raw = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        assert struct.unpack("3i", raw)[0] == os.getpid()


async def test_a_socket_whose_server_died_is_taken_over(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(place))
    assert place.exists()
    async with asyncio.timeout(60), serve(place, {"echo": echo}):
        assert await asyncio.to_thread(ask, place) == b"hi\n"


async def test_a_socket_that_somebody_serves_is_left_alone(place: Path) -> None:
    async with asyncio.timeout(60), serve(place, {"echo": echo}):
        with pytest.raises(AlreadyServedError, match="running already"):
            async with serve(place, {"echo": echo}):
                pass
        assert await asyncio.to_thread(ask, place) == b"hi\n"


async def test_the_socket_is_gone_when_its_server_ends(place: Path) -> None:
    async with serve(place, {"echo": echo}):
        assert place.exists()
    assert not place.exists()
    with pytest.raises(FileNotFoundError):
        connect(str(place), HELLO)


async def test_a_server_that_ends_does_not_remove_its_successor(place: Path) -> None:
    async with serve(place, {"echo": echo}):
        place.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as successor:
            successor.bind(str(place))
    assert place.exists()


async def test_a_home_too_deep_for_a_socket_still_has_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    place = Path(socket_path(str(deep)))
    assert len(address_of(str(place))) < 100
    async with asyncio.timeout(60), serve(place, {"echo": echo}):
        assert await asyncio.to_thread(ask, place) == b"hi\n"
    Path(address_of(str(place))).parent.rmdir()


async def test_silent_clients_and_a_giant_line_cost_the_others_nothing(place: Path) -> None:
    async with asyncio.timeout(30), serve(place, {"echo": echo}):
        silent = [await asyncio.open_unix_connection(str(place)) for _ in range(50)]
        giant = await asyncio.to_thread(connect, str(place), HELLO)
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            for _ in range(64):
                await asyncio.to_thread(giant.write, b"x" * (FRAME_LIMIT // 16))
        giant.close()
        assert await asyncio.to_thread(ask, place) == b"hi\n"
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()


async def test_one_client_too_many_is_told_so_and_the_others_stay(place: Path) -> None:
    async with asyncio.timeout(60), serve(place, {"echo": echo}, clients_limit=1):
        first = await asyncio.to_thread(connect, str(place), HELLO)
        with pytest.raises(ChannelError, match="serves 1 clients already"):
            await asyncio.to_thread(connect, str(place), HELLO)
        first.write(b"still here\n")
        assert await asyncio.to_thread(first.read_line) == b"still here\n"
        first.close()


async def test_a_hello_without_end_is_refused(place: Path) -> None:
    async with asyncio.timeout(20), serve(place, {"echo": echo}):
        reader, writer = await asyncio.open_unix_connection(str(place))
        writer.write(b"x" * (FRAME_LIMIT + 1))
        assert "exceed" in json.loads(await reader.readline())["error"]
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_client_that_never_says_hello_is_sent_away(place: Path) -> None:
    async with asyncio.timeout(60), serve(place, {"echo": echo}, hello_limit_s=0.05):
        reader, writer = await asyncio.open_unix_connection(str(place))
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_ending_sends_even_a_client_away_that_does_not_read(place: Path) -> None:
    async def flood(hello: Hello, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with asyncio.timeout(60):
        async with serve(place, {"flood": flood}):
            deaf = await asyncio.to_thread(connect, str(place), {**HELLO, "wish": "flood"})
        deaf.close()


def test_whoever_listens_but_is_not_oxide_is_not_trusted(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(place))
        other.listen()
        with pytest.raises(OSError, match="timed out"):
            connect(str(place), HELLO, timeout_s=0.05)


@pytest.mark.parametrize("line", [b"", b"[1]", b"{}", json.dumps({**HELLO, "oxide": 2}).encode()])
def test_what_is_no_hello_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Hello.parse(line)
