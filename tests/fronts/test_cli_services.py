"""`oxide services`: what is there, how far it is usable, a test of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.fronts.cli.text import width
from tests.fakes.http_server import Reply, closed_port
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, install_broken_adapter, only

KEYS = {"name", "enabled", "healthy", "type", "api_type", "locality", "tier", "failing", "message", "fix", "models"}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(models=["model-a", "model-b"]) as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: OpenAIServer) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        down = f"http://127.0.0.1:{closed_port()}/v1"
        program.configure(only(fake=server.base_url, down=down))
        yield program


def test_all_services_in_a_table_that_fits_with_what_to_do(oxide: Oxide) -> None:
    done = oxide("services")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert all(width(line) <= 80 for line in lines)
    fake = next(line for line in lines if "fake" in line)
    assert fake.startswith("✓ fake")
    assert "model-a" in fake
    assert "local" in fake
    place = next(number for number, line in enumerate(lines) if line.startswith("⚠ down"))
    assert "not running" in lines[place]
    assert lines[place + 1].startswith("    ")
    assert any(line.startswith("· builtin") and "switched off" in line for line in lines)


def test_programs_get_the_shape_of_the_http_api(oxide: Oxide) -> None:
    data = oxide.json("services")
    assert set(data) == {"services", "total", "enabled"}
    assert data["enabled"] == 2
    assert data["total"] == len(data["services"])
    assert set(data["services"]["fake"]) >= KEYS
    assert data["services"]["fake"]["healthy"] is True
    assert data["services"]["down"]["healthy"] is False
    assert data["services"]["down"]["fix"]


def test_one_service_is_shown_in_full(oxide: Oxide, server: OpenAIServer) -> None:
    shown = oxide("services", "fake").stdout
    assert all(part in shown for part in ("fake", server.base_url, "model-a, model-b", "local"))
    assert oxide.json("services", "fake")["name"] == "fake"
    assert oxide("services", "show", "down").returncode == 0
    assert "switched off" in oxide("services", "builtin").stdout


def test_a_service_that_has_said_until_when_it_takes_nothing_is_left_alone_by_later_commands_too(
    oxide: Oxide, server: OpenAIServer
) -> None:
    oxide.configure(only(fake=server.base_url))
    server.usual = Reply(status=429, error="quota exceeded", headers={"Retry-After": "3600"})
    first = oxide("run", "Hello?")
    assert (first.returncode != 0, "fake is free again at " in first.stderr) == (True, True)
    asked = len(server.asked)
    explained = oxide("explain", "Hello?")
    assert (
        explained.returncode,
        "used up, as the service says, free again at" in " ".join(explained.stdout.split()),
    ) == (3, True)
    assert "  quota    used up, free again at " in oxide("services", "fake").stdout
    assert oxide("run", "Hello?").returncode == 3
    assert len(server.asked) == asked


def test_one_service_tells_its_use_of_today_and_what_its_quota_leaves(oxide: Oxide, server: OpenAIServer) -> None:
    own = {
        "base_url": server.base_url,
        "quota": {"per_minute": 5, "per_day": 2},
        "price": {"input": 100_000, "output": 100_000},
    }
    oxide.configure(only(fake=own))
    server.usual = Reply(pieces=["4"], usage=(12, 3))
    assert "today    0 requests\n  quota    2 today and 5 in this minute left" in oxide("services", "fake").stdout
    assert oxide("run", "What is 2+2?").returncode == 0
    assert "today    1 request, 12 tokens in, 3 out, cost 1.5" in oxide("services", "fake").stdout
    assert oxide.json("services", "fake")["today"] == {
        "requests": 1,
        "input_tokens": 12,
        "output_tokens": 3,
        "cost": 1.5,
        "requests_left_today": 1,
        "requests_left_this_minute": 4,
        "free_at": None,
    }
    assert oxide("run", "What is 3+3?").returncode == 0
    for done in (oxide("run", "What is 4+4?"), oxide("run", "What is 4+4?", "-s", "fake")):
        assert done.returncode == 3
        assert "quota: 2 of 2 requests today, free again at 00:00" in done.stderr
        assert "fake is free again at 00:00." in done.stderr
    assert len(server.asked) == 2


@pytest.mark.parametrize("args", [["nobody"], ["test", "nobody"], ["models", "nobody"]])
def test_a_service_that_is_not_configured_ends_with_2(oxide: Oxide, args: list[str]) -> None:
    done = oxide("services", *args)
    assert done.returncode == 2
    assert "fake" in done.stderr


def test_a_test_asks_one_question_and_is_kept(oxide: Oxide, server: OpenAIServer) -> None:
    server.usual = Reply(pieces=["4"])
    done = oxide("services", "test", "fake")
    assert (done.returncode, done.stdout) == (0, "4\n")
    record = oxide.json("services", "test", "fake", "--prompt", "Hello")
    assert (record["prompt"], record["service"], record["status"]) == ("Hello", "fake", "completed")
    assert len(server.asked) == 2


def test_a_test_of_a_service_that_is_down_fails_with_3(oxide: Oxide) -> None:
    done = oxide("services", "test", "down")
    assert (done.returncode, done.stdout) == (3, "")


def test_models_are_listed_with_the_one_that_would_be_used(oxide: Oxide) -> None:
    assert oxide("services", "models", "fake").stdout == "✓ model-a\n  model-b\n"
    assert oxide.json("services", "models", "fake") == {
        "service": "fake",
        "models": ["model-a", "model-b"],
        "recommended_model": "model-a",
        "sizes": {},
    }
    assert oxide("services", "models", "down").returncode == 1


def test_an_adapter_that_is_not_installed_costs_its_service_alone(oxide: Oxide, server: OpenAIServer) -> None:
    install_broken_adapter(oxide)
    oxide.configure(only(fake=server.base_url, foreign={"api_type": "from_mars", "base_url": "http://127.0.0.1:9"}))
    assert "no adapter" in oxide.process("services").stdout
    assert "from_mars" in oxide.process("services", "foreign").stdout
    data = json.loads(oxide.process("services", "--json").stdout)["services"]
    assert (data["foreign"]["healthy"], data["fake"]["healthy"]) == (False, True)


def test_a_service_that_is_switched_off_is_not_asked_for_models(oxide: Oxide) -> None:
    done = oxide("services", "models", "builtin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not configured, or switched off" in done.stderr


def test_a_server_without_a_list_of_models_says_so(oxide: Oxide, server: OpenAIServer) -> None:
    server.has_list = False
    oxide.configure(only(fake={"base_url": server.base_url, "model": "model-a"}))
    done = oxide("services", "models", "fake")
    assert (done.returncode, done.stdout) == (0, "")
    assert "does not tell" in done.stderr
