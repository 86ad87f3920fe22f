"""Where a newer version is told of: `oxide doctor`, `oxide status`, a served Oxide, and the app's settings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from oxide_desktop import __version__
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.settings import UpdateSettings
from oxide_desktop.fronts.desktop.pages.settings import SettingsPage
from oxide_desktop.fronts.desktop.version_line import version_line
from tests.fakes.http_server import Reply
from tests.fakes.release_server import ReleaseServer
from tests.fronts.cli_program import LIMIT_S, Oxide, end, only, read_until
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub

NEWER = {"version": "99.1.0", "page": "https://example.org/99.1.0"}


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as running:
        running.names(NEWER)
        yield running


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only() + "web: {port: 0}\n")
        yield program


def looking(server: ReleaseServer) -> str:
    return f"{only()}web: {{port: 0}}\nupdates: {{check: true, url: '{server.address}'}}\n"


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def version_in(done: str) -> str:
    (line,) = (line for line in done.splitlines() if line[2:].startswith("version"))
    return line


def test_the_program_tells_its_version(oxide: Oxide) -> None:
    assert oxide("--version").stdout == f"oxide, version {__version__}\n"


def test_doctor_says_that_it_does_not_look_unless_it_is_asked_to(oxide: Oxide) -> None:
    assert version_in(oxide("doctor").stdout).endswith(f"{__version__}; newer ones are not looked for (updates.check)")
    oxide.configure(f"{only()}updates: {{check: true}}\n")
    assert "looked for nowhere" in version_in(oxide("doctor").stdout)


def test_doctor_asks_and_names_the_page_and_status_repeats_it_without_asking(
    oxide: Oxide, server: ReleaseServer
) -> None:
    oxide.configure(looking(server))
    assert oxide.json("status")["newer_version"] is None
    assert server.received == []
    done = oxide("doctor")
    assert version_in(done.stdout) == f"⚠ version   99.1.0 is out, and this is {__version__}"
    assert "Fix: Get it from https://example.org/99.1.0." in done.stdout
    assert oxide.json("status")["newer_version"] == "99.1.0"
    assert "  newer   99.1.0 is out: https://example.org/99.1.0" in oxide("status").stdout.splitlines()
    assert len(server.received) == 1
    oxide.configure(only())
    assert oxide.json("status")["newer_version"] is None
    oxide.configure("web: 7\n")
    assert oxide.json("status")["newer_version"] is None


def test_the_newest_version_and_a_failure_are_no_problem_of_doctors(oxide: Oxide, server: ReleaseServer) -> None:
    oxide.configure(looking(server))
    server.names({"version": __version__})
    assert version_in(oxide("doctor").stdout) == f"✓ version   {__version__} is the newest (asked just now)"
    (oxide.home / "updates.json").unlink()
    server.play(Reply(status=503))
    data = json.loads(oxide("doctor", "--json").stdout)
    (finding,) = (check for check in data["checks"] if check["name"] == "version")
    assert finding["ok"]
    assert "status 503" in finding["found"]


def test_an_oxide_that_is_served_looks_by_itself_and_only_if_it_is_to(oxide: Oxide, server: ReleaseServer) -> None:
    process = oxide.start("serve")
    read_until(process, "Services:", "stderr")
    end(process)
    assert server.connections == 0
    oxide.configure(looking(server))
    process = oxide.start("serve")
    read_until(process, "Services:", "stderr")
    until(lambda: oxide.json("status")["newer_version"] == "99.1.0")
    end(process)
    assert len(server.received) == 1


def test_the_settings_page_has_the_switch_and_the_line(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ReleaseServer
):
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "config.yaml"
    file.write_text(f"updates: {{url: '{server.address}'}}\n")

    async def person(house: PagesHouse) -> None:
        page = house.go_to("settings")
        assert isinstance(page, SettingsPage)
        await house.until(lambda: page.version.text() == f"This is Oxide {__version__}.")
        page.rows["updates.check"].control.click()
        await house.until(lambda: "check: true" in file.read_text())
        page.came_up()
        await house.until(lambda: "not known yet" in page.version.text())

    with running_loop(qapp) as loop:
        with_pages(loop, qapp, tmp_path, person, stub())
    assert server.connections == 0


def test_the_line_of_the_settings_tells_what_is_known(tmp_path: Path):
    paths, wanted = Paths(tmp_path), UpdateSettings(check=True, url="https://example.org/latest")

    def line(**found: object) -> str:
        told = {"url": wanted.url, "asked_at": 1.0, "version": "", "page": "", "failure": "", **found}
        paths.updates_file.write_text(json.dumps(told))
        return version_line(paths, wanted).removeprefix(f"This is Oxide {__version__}. ")

    assert line(version="99.1.0", page="https://example.org/99") == "99.1.0 is out: https://example.org/99"
    assert line(version=__version__).startswith("It is the newest (asked ")
    assert line(failure="It cannot be reached.").endswith("could not be found out. It cannot be reached.")
    assert "updates.url" in version_line(paths, UpdateSettings(check=True))
