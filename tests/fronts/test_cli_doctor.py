"""`oxide doctor`: tiers that were proven, the fix for what was not, and the house itself."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.config.paths import Paths
from oxide_desktop.fronts.cli import instance
from oxide_desktop.fronts.cli.text import width
from tests.fakes.http_server import Reply, closed_port
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import LIMIT_S, Oxide, install_broken_adapter, only

TIERS = ["installed", "starts", "authenticated", "answers"]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(models=["model-a"]) as running:
        yield running


@pytest.fixture
def cloud() -> Iterator[OpenAIServer]:
    with OpenAIServer(models=["model-c"]) as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: OpenAIServer, cloud: OpenAIServer) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(fake=server.base_url, far={"base_url": cloud.base_url, "locality": "cloud"}))
        yield program


def checks(data: Any) -> Any:
    return {check["name"]: check for check in data["checks"]}


def test_each_service_is_proven_tier_by_tier(oxide: Oxide, server: OpenAIServer, cloud: OpenAIServer) -> None:
    done = oxide("doctor")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert all(width(line) <= 80 or str(oxide.home) in line for line in lines)
    block = lines[lines.index(next(line for line in lines if line.startswith("fake"))) :]
    assert block[1].split() == [part for tier in TIERS for part in ("✓", tier)]
    assert len(server.asked) == len(cloud.asked) == 1


def test_no_ask_leaves_cloud_services_at_what_is_free(oxide: Oxide, server: OpenAIServer, cloud: OpenAIServer) -> None:
    data = oxide.json("doctor", "--no-ask")
    assert data["ok"] is True
    assert data["services"]["fake"]["tiers"] == dict.fromkeys(TIERS, True)
    assert data["services"]["far"]["tiers"]["answers"] is None
    assert (len(server.asked), len(cloud.asked)) == (1, 0)


def test_a_failing_tier_names_its_fix_last(oxide: Oxide, server: OpenAIServer) -> None:
    server.api_key = "wanted"
    done = oxide("doctor", "--no-ask")
    lines = done.stdout.splitlines()
    start = lines.index(next(line for line in lines if line.startswith("fake")))
    block = lines[start : start + next(n for n, line in enumerate([*lines[start:], ""]) if not line)]
    assert "✕ authenticated" in block[1]
    assert any(line.startswith("  Fix: ") for line in block)
    data = json.loads(oxide("doctor", "--no-ask", "--json").stdout)["services"]["fake"]
    assert (data["failing"], data["tiers"]["authenticated"]) == ("authenticated", False)


def test_a_service_that_breaks_when_it_is_asked_has_not_been_proven(oxide: Oxide, server: OpenAIServer) -> None:
    server.usual = Reply(status=500, error="out of memory")
    data = json.loads(oxide("doctor", "--no-ask", "--json").stdout)
    assert data["services"]["fake"]["failing"] == "answers"


def test_where_no_service_can_be_used_the_exit_code_is_3(tmp_path: Path) -> None:
    oxide = Oxide(tmp_path / "home", tmp_path)
    oxide.configure(only(down=f"http://127.0.0.1:{closed_port()}/v1"))
    done = oxide("doctor")
    assert done.returncode == 3
    assert "✕ starts" in done.stdout or "✕ installed" in done.stdout


def test_the_house_is_looked_at(oxide: Oxide) -> None:
    found = checks(oxide.json("doctor", "--no-ask"))
    assert {"python", "home", "disk", "settings", "keys", "history", "rules", "app"} <= set(found)
    assert all(check["ok"] for name, check in found.items() if name != "app")


def test_settings_that_cannot_be_used_end_with_2_and_the_rest_is_told_all_the_same(oxide: Oxide) -> None:
    oxide.configure("execution:\n  max_retries: many\n")
    done = oxide("doctor")
    assert done.returncode == 2
    assert "execution.max_retries" in done.stdout
    assert "python" in done.stdout
    assert json.loads(oxide("doctor", "--json").stdout)["ok"] is False


def test_a_history_that_cannot_be_opened_is_broken(oxide: Oxide) -> None:
    (oxide.home / "oxide.db").mkdir()
    data = json.loads(oxide("doctor", "--no-ask", "--json").stdout)
    assert checks(data)["history"]["ok"] is False
    assert oxide("doctor", "--no-ask").returncode == 1


def test_rules_that_make_no_sense_and_a_taken_port_cost_comfort_only(oxide: Oxide) -> None:
    (oxide.home / "routing_rules.json").write_text('{"coding": "nobody"}', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with (oxide.home / "config.yaml").open("a", encoding="utf-8") as file:
            file.write(f"web: {{port: {taken.getsockname()[1]}}}\n")
        data = oxide.json("doctor", "--no-ask")
    problems = [check for check in data["checks"] if not check["ok"]]
    assert {check["name"] for check in problems} == {"rules", "app"}
    assert all(check["minor"] for check in problems)


def test_damaged_rules_are_broken(oxide: Oxide) -> None:
    (oxide.home / "routing_rules.json").write_text("{", encoding="utf-8")
    done = oxide("doctor", "--no-ask")
    assert done.returncode == 1
    assert "routing_rules.json" in done.stdout


def test_on_a_terminal_it_shows_what_it_is_waiting_for(oxide: Oxide) -> None:
    shown = oxide.on_terminal("doctor", "--no-ask", stdout_too=False)
    assert shown.returncode == 0
    assert "looking at" in shown.screen
    assert "looking at" not in shown.piped


def test_a_service_without_an_adapter_is_told_in_its_own_block(oxide: Oxide) -> None:
    install_broken_adapter(oxide)
    oxide.configure(only(foreign={"api_type": "from_mars", "base_url": "http://127.0.0.1:9"}))
    done = oxide.process("doctor")
    block = done.stdout.split("\nforeign  ", maxsplit=1)[1]
    assert done.returncode == 3
    assert block.splitlines()[1].startswith("  ✕ ")
    assert "no air here" in block
    assert "  Fix: " in block
    data = json.loads(oxide.process("doctor", "--json").stdout)["services"]["foreign"]
    assert "no air here" in data["message"]
    assert data["fix"]


def test_a_running_oxide_is_named_and_http_that_is_switched_off_is_no_problem(oxide: Oxide) -> None:
    paths = Paths(oxide.home)
    paths.prepare()
    with instance.held(paths):
        assert f"running, process {os.getpid()}" in checks(oxide.json("doctor", "--no-ask"))["app"]["found"]
    oxide.configure(only() + "web: {enabled: false}\n")
    assert "switched off" in checks(json.loads(oxide("doctor", "--json").stdout))["app"]["found"]


def test_a_full_disk_is_found_by_writing(oxide: Oxide) -> None:
    script = 'ulimit -f 8; exec "$0" -m oxide_desktop doctor --no-ask --json'
    process = oxide.start(command=("sh", "-c", script, sys.executable))
    out, _ = process.communicate(timeout=LIMIT_S)
    home = checks(json.loads(out))["home"]
    assert (process.returncode, home["ok"]) == (1, False)
    assert home["problem"].startswith("The disk is full: ")
    assert home["fix"].startswith("Free some space")
