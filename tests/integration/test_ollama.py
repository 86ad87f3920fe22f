"""The command `oxide` with a program `ollama` on PATH that does not run yet: from a fresh home to nothing left.

No package registry has an Ollama, so the program is a stand-in (`tests/fakes/ollama_program.py`).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.fakes.http_server import free_port
from tests.fakes.ollama_program import OllamaProgram
from tests.fronts.cli_program import LIMIT_S, Oxide, end, read_until

GONE_LIMIT_S = 60.0


@pytest.fixture
def program(tmp_path: Path) -> OllamaProgram:
    return OllamaProgram(tmp_path / "bin")


@pytest.fixture
def oxide(tmp_path: Path, program: OllamaProgram) -> Iterator[Oxide]:
    """As shipped, but for the port: a real Ollama may have the usual one."""
    path = f"{program.folder}{os.pathsep}{os.environ['PATH']}"
    with Oxide(tmp_path / "home", tmp_path, extra={"PATH": path}) as command:
        url = f"http://localhost:{free_port()}"
        command.configure(yaml.safe_dump({"services": {"ollama_local": {"base_url": url}}, "web": {"port": 0}}))
        yield command
    assert program.alive() == []


def assert_gone(program: OllamaProgram) -> None:
    deadline = time.monotonic() + GONE_LIMIT_S
    while program.alive() and time.monotonic() < deadline:
        time.sleep(0.01)  # other people's children: nothing tells when they are gone
    assert program.alive() == []


def test_the_first_question_starts_it_and_nothing_is_left(oxide: Oxide, program: OllamaProgram) -> None:
    done = oxide.process("run", "hi")
    assert (done.returncode, done.stdout) == (0, "It is 4.\n"), done.stderr
    assert "Ollama was not running: starting it…" in done.stderr
    assert "ollama_local" in done.stderr
    assert len(program.starts) == 1
    assert program.alive() == []


def test_a_person_sees_what_is_being_waited_for(oxide: Oxide, program: OllamaProgram) -> None:
    program.behave(slow_s=1.0)
    shown = oxide.on_terminal("run", "hi", stdout_too=False)
    assert (shown.returncode, shown.piped) == (0, "It is 4.\n")
    plain = re.sub(r"\x1b\[\d+m", "", shown.screen)
    assert re.search(r"● ollama_local Ollama was not running: starting it… \d s", plain)


def test_two_commands_at_once_are_both_answered(oxide: Oxide, program: OllamaProgram) -> None:
    program.behave(slow_s=0.3)
    first, second = oxide.start("run", "hi"), oxide.start("run", "hi")
    for command in (first, second):
        out, errors = command.communicate(timeout=LIMIT_S)
        assert (command.returncode, out) == (0, b"It is 4.\n"), errors
        assert b"ollama_local" in errors
    assert 1 <= len(program.starts) <= 2


def test_where_it_does_not_start_the_next_service_answers_and_the_reason_is_told(
    oxide: Oxide, program: OllamaProgram
) -> None:
    program.behave(dies="no such GPU")
    done = oxide.process("run", "hi")
    assert done.returncode == 0, done.stderr
    assert "It ended with code 1. Error: no such GPU" in done.stderr
    assert done.stdout


def test_an_oxide_that_is_killed_takes_it_along(oxide: Oxide, program: OllamaProgram) -> None:
    program.behave(stalls=True)
    command = oxide.start("run", "hi")
    read_until(command, "It is ")
    assert len(program.alive()) == 2  # the tree is there
    command.send_signal(signal.SIGKILL)
    command.communicate(timeout=LIMIT_S)
    assert_gone(program)


def test_a_cancelled_question_ends_it_as_well(oxide: Oxide, program: OllamaProgram) -> None:
    program.behave(stalls=True)
    command = oxide.start("run", "hi")
    read_until(command, "It is ")
    assert end(command)[0] == 130
    assert program.alive() == []


def test_a_serving_oxide_starts_it_again_when_it_dies(oxide: Oxide, program: OllamaProgram) -> None:
    serving = oxide.start("services", "start", "ollama_local")
    read_until(serving, "until this command ends", "stderr")
    (first,) = program.starts
    os.kill(first["pid"], signal.SIGKILL)
    deadline = time.monotonic() + LIMIT_S
    while len(program.starts) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)  # likewise
    assert len(program.starts) == 2
    assert oxide.process("services", "start", "ollama_local").stderr == "ollama_local runs already.\n"
    code, out, _ = end(serving)
    assert (code, out) == (0, "")
    assert program.alive() == []


def test_models_are_listed_from_one_that_did_not_run(oxide: Oxide, program: OllamaProgram) -> None:
    done = oxide("services", "models", "ollama_local")
    assert done.stdout == "  MODEL             SIZE\n✓ qwen2.5-coder:7b  4.7 GB\n"
    assert oxide.json("services", "models", "ollama_local")["sizes"] == {"qwen2.5-coder:7b": 4_700_000_000}
    assert program.alive() == []


def test_a_model_is_pulled_by_one_that_did_not_run(oxide: Oxide, program: OllamaProgram) -> None:
    done = oxide("services", "pull", "ollama_local", "mistral:7b")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "Ollama was not running: starting it…",
        "pulling manifest",
        "pulling mistral:7b, 4.0 GB",
        "verifying sha256 digest",
        "writing manifest",
        "success",
        "✓ ollama_local has mistral:7b.",
    ]


def test_a_service_that_waits_to_be_started_is_shown_as_well(oxide: Oxide, program: OllamaProgram) -> None:
    shown = oxide.json("services", "ollama_local")
    assert (shown["healthy"], shown["tier"], shown["failing"]) == (True, "installed", None)
    assert "✓ ollama_local" in oxide("services").stdout
    assert program.starts == []


def test_python_scripts_have_the_calls_that_the_ancestor_had(oxide: Oxide, program: OllamaProgram) -> None:
    script = """
import asyncio
from oxide_desktop import Orchestrator, load_config

async def main():
    async with Orchestrator(load_config()) as oxide:
        url = oxide.settings.services["ollama_local"].base_url
        health = await oxide.ensure_service_healthy(
            service_name="ollama_local", base_url=url, api_type="ollama", auto_start=True, auto_detect_model=True
        )
        print(health["healthy"], health["models"], health["recommended_model"])
        await oxide.start_health_monitoring(
            service_name="ollama_local", base_url=url, interval=60, auto_recovery=True
        )
        async for chunk in oxide.execute_task("What is 2+2?"):
            print(chunk, end="")

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=oxide.environment(),
        cwd=oxide.cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert done.stdout == "True ['qwen2.5-coder:7b'] qwen2.5-coder:7b\nIt is 4."
    assert len(program.starts) == 1
