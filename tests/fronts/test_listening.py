"""Beyond this machine: only where it is said, with a token of the person's own, under names that are allowed."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.settings import Listen, Settings, WebSettings
from oxide_desktop.fronts.web import server
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.cli_program import Oxide, end, only, read_until
from tests.fronts.front_house import FrontHouse, front_house

TOKEN = "0123456789abcdef" * 4
HEALTH = "/api/monitoring/health"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def own_address() -> str | None:
    """One of this machine that is not the loopback's."""
    for addresses in psutil.net_if_addrs().values():
        for item in addresses:
            if item.family is socket.AF_INET and not item.address.startswith("127."):
                return item.address
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o444)
    return file


def settings_of(house: FrontHouse, **web: object) -> Settings:
    return replace(house.settings, web=WebSettings(port=0, **web))  # type: ignore[arg-type]


async def test_it_does_not_listen_everywhere_without_a_token_of_the_persons(tmp_path: Path):
    async with front_house(tmp_path, ScriptedAdapter(service("stub"))) as house:
        with pytest.raises(UsageError, match="without a token of yours"):
            async with server.serve(house, house.paths, settings_of(house, listen=Listen.ALL)):
                pass
        assert not house.paths.web_file.exists()


@pytest.mark.parametrize("content", ["", "short", "x" * 42, "has a space " * 8, "ä" * 50])
async def test_what_is_no_token_is_refused_and_left_alone(tmp_path: Path, content: str):
    file = tmp_path / "secret"
    file.write_text(content)
    async with front_house(tmp_path / "home", ScriptedAdapter(service("stub"))) as house:
        with pytest.raises(UsageError, match="must hold 43 or more") as caught:
            async with server.serve(house, house.paths, settings_of(house, token_file=str(file))):
                pass
    assert content.strip() == "" or content not in str(caught.value)
    assert file.read_text() == content


@pytest.mark.parametrize("is_folder", [False, True])
async def test_a_token_file_that_cannot_be_read_is_named_with_how_to_make_one(tmp_path: Path, is_folder: bool):
    file = tmp_path / "secret"
    if is_folder:
        file.mkdir()
    async with front_house(tmp_path / "home", ScriptedAdapter(service("stub"))) as house:
        with pytest.raises(UsageError, match="OXIDE_TOKEN_FILE") as caught:
            async with server.serve(house, house.paths, settings_of(house, token_file=str(file))):
                pass
    assert str(file) in caught.value.message
    assert caught.value.hint == f"Make one: openssl rand -hex 32 > {file}"
    assert caught.value.exit_code == 2


async def test_a_token_of_the_persons_is_the_one_that_counts_and_oxides_programs_find_it(
    tmp_path: Path, token_file: Path
):
    async with (
        front_house(tmp_path / "home", ScriptedAdapter(service("stub"))) as house,
        server.serve(house, house.paths, settings_of(house, token_file=str(token_file))) as front,
        httpx.AsyncClient(base_url=front.url, timeout=60) as client,
    ):
        assert (await client.get(HEALTH, headers=BEARER)).status_code == 200
        assert (await client.get(HEALTH, headers={"Authorization": f"Bearer {TOKEN[:-1]}0"})).status_code == 401
        assert house.paths.token_file.read_text() == TOKEN
        assert stat.S_IMODE(house.paths.token_file.stat().st_mode) == 0o600


async def test_other_names_are_refused_until_they_are_allowed_and_origins_with_them(tmp_path: Path, token_file: Path):
    allowed = ("Oxide.lan:8000", "oxide.example.org")
    async with (
        front_house(tmp_path / "home", ScriptedAdapter(service("stub"))) as house,
        server.serve(
            house, house.paths, settings_of(house, token_file=str(token_file), allowed_hosts=allowed)
        ) as front,
        httpx.AsyncClient(base_url=front.url, headers=BEARER, timeout=60) as client,
    ):

        async def status(host: str, **headers: str) -> int:
            return (await client.get(HEALTH, headers={"Host": host, **headers})).status_code

        assert await status("oxide.lan:8000") == 200
        assert await status("OXIDE.example.org") == 200
        for host in ("oxide.lan", "oxide.lan:9000", "evil.org", "oxide.lan:8000.evil.org", "0.0.0.0:8000", ""):
            assert await status(host) == 421, host
        assert await status("oxide.lan:8000", Origin="https://oxide.lan:8000") == 200
        assert await status("oxide.lan:8000", Origin="https://evil.org") == 403
        assert await status(f"127.0.0.1:{front.port}", Origin=f"https://127.0.0.1:{front.port}") == 403
        link = (await client.post("/api/launch-link", headers={"Host": "oxide.lan:8000"})).json()["link"]
        assert link.startswith("http://oxide.lan:8000/launch?code=")


async def test_everywhere_means_this_port_or_none(tmp_path: Path, token_file: Path):
    async with front_house(tmp_path / "home", ScriptedAdapter(service("stub"))) as house:
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", 0))
            taken.listen()
            port = taken.getsockname()[1]
            web = WebSettings(port=port, listen=Listen.ALL, token_file=str(token_file))
            with pytest.raises(UsageError, match=f"Port {port} is not free"):
                async with server.serve(house, house.paths, replace(house.settings, web=web)):
                    pass


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only() + f"web: {{port: {free_port()}}}\n")
        yield program


def test_serve_takes_it_from_the_environment_as_containers_give_it(oxide: Oxide, token_file: Path):
    address = own_address()
    assert oxide("status", "--alive").returncode == 1
    refused = oxide.process("serve", env={"OXIDE_LISTEN": "all"})
    assert refused.returncode == 2
    assert "without a token of yours" in refused.stderr
    given = {"OXIDE_LISTEN": "all", "OXIDE_TOKEN_FILE": str(token_file), "OXIDE_ALLOWED_HOSTS": "oxide.lan:8000 box:1"}
    process = oxide.start("serve", env=given)
    said = read_until(process, "Services:", "stderr")
    assert "from everywhere, with the token" in said
    assert oxide("status", "--alive").returncode == 0
    port = oxide.json("status")["port"]
    if address:
        url = f"http://{address}:{port}{HEALTH}"
        assert httpx.get(url, headers=BEARER, trust_env=False, timeout=60).status_code == 421
        assert httpx.get(url, headers={**BEARER, "Host": "box:1"}, trust_env=False, timeout=60).status_code == 200
        assert httpx.get(url, headers={"Host": "box:1"}, trust_env=False, timeout=60).status_code == 401
    end(process)


@pytest.mark.parametrize("name", ["http://ex.org", "café:80"])
def test_a_name_that_nobody_could_call_it_by_is_refused_as_in_the_file(oxide: Oxide, name: str):
    by_option = oxide.process("serve", "--allow-host", name)
    by_variable = oxide.process("serve", env={"OXIDE_ALLOWED_HOSTS": name})
    for refused in (by_option, by_variable):
        assert refused.returncode == 2
        assert "NAME or NAME:PORT, as it stands in an address" in refused.stderr


def test_by_itself_it_cannot_be_reached_from_elsewhere(oxide: Oxide):
    process = oxide.start("serve")
    read_until(process, "Services:", "stderr")
    port = oxide.json("status")["port"]
    if address := own_address():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=30).close()
    end(process)
