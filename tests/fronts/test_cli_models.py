"""`oxide services models`, `pull` and `start` on an Ollama that runs already, and on what is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.core.servers import PullProgress
from oxide_desktop.fronts.cli.models import PullBar, size
from tests.fakes.http_server import Fault, Reply
from tests.fakes.ollama_server import OllamaServer
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, end, only, read_until

GB = 1_000_000_000


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: OllamaServer) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as command:
        command.configure(only(home={"api_type": "ollama", "base_url": server.url}))
        yield command


def test_models_are_listed_with_their_sizes_and_the_one_that_would_be_used(oxide: Oxide) -> None:
    assert oxide("services", "models", "home").stdout.splitlines() == [
        "  MODEL             SIZE",
        "✓ qwen2.5-coder:7b  4.7 GB",
        "  llama3:latest     4.7 GB",
    ]


def test_a_model_that_runs_elsewhere_says_so_in_place_of_its_size(oxide: Oxide, server: OllamaServer) -> None:
    server.models.append("gpt-oss:120b-cloud")
    server.remote = {"gpt-oss:120b-cloud": "gpt-oss:120b"}
    assert oxide("services", "models", "home").stdout.endswith("  gpt-oss:120b-cloud  at ollama.com\n")


def test_a_pull_draws_a_bar_on_a_terminal(oxide: Oxide, server: OllamaServer) -> None:
    server.play(Reply(pause_s=0.05))
    shown = oxide.on_terminal("services", "pull", "home", "mistral:7b", env={"NO_COLOR": "1"})
    assert shown.returncode == 0
    assert "● mistral:7b: pulling manifest" in shown.screen
    assert f"● mistral:7b {'█' * 12}{'░' * 12} 50% of 4.0 GB" in shown.screen
    assert "● mistral:7b: verifying sha256 digest" in shown.screen
    assert shown.screen.endswith("\r\x1b[2K✓ home has mistral:7b.\n")


def test_ctrl_c_stops_a_pull_and_the_next_one_goes_on(oxide: Oxide, server: OllamaServer) -> None:
    server.play(Reply(fault=Fault.STALL, after=4))
    command = oxide.start("services", "pull", "home", "mistral:7b")
    read_until(command, "pulling mistral:7b, 4.0 GB", "stderr")
    code, _, errors = end(command)
    assert code == 130
    assert "Stopped. What has come is kept: pull it again to go on." in errors
    assert server.gone.wait(60)
    assert oxide("services", "pull", "home", "mistral:7b").returncode == 0
    assert "mistral:7b" in oxide.json("services", "models", "home")["models"]


def test_a_model_that_cannot_be_pulled_ends_with_1_and_says_why(oxide: Oxide) -> None:
    done = oxide("services", "pull", "home", "no-such")
    assert done.returncode == 1
    assert "Ollama's library has no no-such." in done.stderr


def test_what_runs_already_is_not_started(oxide: Oxide) -> None:
    done = oxide("services", "start", "home")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "home runs already.\n")


@pytest.mark.parametrize("command", [("start", "fake"), ("pull", "fake", "x")])
def test_services_that_cannot_do_it_say_so_with_2(command: tuple[str, ...], tmp_path: Path) -> None:
    with OpenAIServer() as server:
        oxide = Oxide(tmp_path / "home", tmp_path)
        oxide.configure(only(fake=server.base_url))
        done = oxide("services", *command)
    assert done.returncode == 2
    assert "fake cannot" in done.stderr


@pytest.mark.parametrize("command", [("start", "nobody"), ("pull", "nobody", "x")])
def test_a_service_that_is_not_configured_ends_with_2(oxide: Oxide, command: tuple[str, ...]) -> None:
    done = oxide("services", *command)
    assert done.returncode == 2
    assert "home" in done.stderr


def test_the_bar_tells_pace_and_time_once_they_are_known() -> None:
    bar = PullBar("m")
    assert bar.text(PullProgress("pulling a", GB, 4 * GB), 100.0) == f"m {'█' * 6}{'░' * 18} 25% of 4.0 GB"
    assert bar.text(PullProgress("pulling a", GB, 4 * GB), 110.0).endswith("of 4.0 GB")
    assert bar.text(PullProgress("pulling a", 2 * GB, 4 * GB), 110.0).endswith("50% of 4.0 GB, 100.0 MB/s, 20 s left")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e6, "2.0 MB"), (4.7e9, "4.7 GB")]
)
def test_sizes_are_told_as_people_say_them(count: float, text: str) -> None:
    assert size(count) == text
