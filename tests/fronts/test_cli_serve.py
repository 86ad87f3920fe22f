"""`oxide serve` and plain `oxide` where there is no screen: one process with every front but the desktop."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import OxideError
from oxide_desktop.fronts.cli import instance
from tests.fakes.http_server import Fault, Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import LIMIT_S, Oxide, end, only, read_until

READY = "Services:"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(models=["model-a"]) as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: OpenAIServer) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(serving(fake=server.base_url))
        yield program


def serving(**servers: Any) -> str:
    """Settings of a server that takes any free port, since other tests serve at the same time."""
    return only(**servers) + "web: {port: 0}\n"


def wait_for(process: subprocess.Popen[bytes], text: str) -> str:
    return read_until(process, text, "stderr")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_what_it_found_and_ends_with_0_on_a_signal(
    oxide: Oxide, server: OpenAIServer, number: int
) -> None:
    process = oxide.start("serve")
    said = wait_for(process, "✓ fake: ")
    assert re.search(r"web +http://127\.0\.0\.1:\d+ ", said)
    assert re.search(r"socket +\S+oxide\.sock", said)
    assert 'oxide run "…"' in said
    told = oxide.json("status")
    assert (told["running"], told["pid"]) == (True, process.pid)
    assert f":{told['port']} " in said
    code, out, errors = end(process, number)
    assert (code, out) == (0, "")
    assert errors.endswith("Stopping.\n")
    assert oxide.json("status")["running"] is False
    assert not server.asked


def test_whoever_may_use_its_socket_can_ask_it_to_leave_as_is_needed_where_there_are_no_signals(oxide: Oxide) -> None:
    process = oxide.start("serve")
    wait_for(process, "✓ fake: ")
    instance.leave(Paths(oxide.home))
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert errors.endswith(b"Stopping.\n")
    with pytest.raises(OxideError, match="does not answer on its socket"):
        instance.leave(Paths(oxide.home))


def test_a_service_that_cannot_be_used_is_named_with_what_to_do(oxide: Oxide, server: OpenAIServer) -> None:
    server.api_key = "wanted"
    process = oxide.start("serve")
    said = wait_for(process, "⚠ fake: ")
    assert "⚠ fake: signed out" in said
    end(process)


def test_what_a_person_should_know_of_the_history_is_said_at_the_start(oxide: Oxide) -> None:
    (oxide.home / "tasks.json").write_text("[", encoding="utf-8")
    process = oxide.start("serve")
    said = wait_for(process, "✓ fake: ")
    assert said.count("⚠ The file cannot be imported") == 1
    end(process)


def test_plain_oxide_without_a_screen_says_so_and_asks_a_first_question_once(
    oxide: Oxide, server: OpenAIServer
) -> None:
    server.usual = Reply(pieces=["2+2 is 4."])
    process = oxide.start()
    said = wait_for(process, "because: ")
    assert said.startswith("There is no screen here.")
    assert "What is 2+2?" in said
    assert end(process)[:2] == (0, "2+2 is 4.\n")
    assert oxide.json("history", "list")["total"] == 1
    process = oxide.start()
    wait_for(process, "✓ fake: ")
    end(process)
    assert len(server.asked) == 1


def test_the_first_question_stays_on_this_machine(oxide: Oxide, server: OpenAIServer) -> None:
    with OpenAIServer(models=["model-a"]) as cloud:
        oxide.configure(serving(cloud={"base_url": cloud.base_url, "locality": "cloud"}, fake=server.base_url))
        process = oxide.start()
        wait_for(process, "because: ")
        end(process)
        assert not cloud.asked
    assert len(server.asked) == 1


def test_a_signal_in_the_middle_of_the_first_question_ends_it_as_cancelled(oxide: Oxide, server: OpenAIServer) -> None:
    server.usual = Reply(pieces=["2+2"], fault=Fault.STALL, after=1)
    process = oxide.start()
    read_until(process, "2+2")
    assert end(process, signal.SIGTERM)[0] == 0
    assert server.gone.wait(LIMIT_S)
    assert oxide.json("history", "list")["tasks"][0]["status"] == "cancelled"


def test_a_second_one_says_which_runs_and_leaves_it_alone(oxide: Oxide) -> None:
    process = oxide.start("serve")
    wait_for(process, READY)
    for args in (["serve"], []):
        done = oxide(*args)
        assert (done.returncode, done.stdout) == (0, "")
        assert f"Process {process.pid}, port " in done.stderr
    assert process.poll() is None
    end(process)


def test_stop_ends_it(oxide: Oxide) -> None:
    process = oxide.start("serve")
    wait_for(process, READY)
    assert oxide("stop").returncode == 0
    assert process.wait(LIMIT_S) == 0
    process.communicate()


def test_without_http_it_serves_the_socket_alone(oxide: Oxide, server: OpenAIServer) -> None:
    oxide.configure(only(fake=server.base_url) + "web: {enabled: false}\n")
    process = oxide.start("serve")
    assert "http://" not in wait_for(process, READY).split("Services:", maxsplit=1)[0]
    assert oxide.json("status")["port"] is None
    end(process)


def test_settings_that_cannot_be_used_are_told_before_anything_starts(oxide: Oxide) -> None:
    oxide.configure("services: 3\n")
    done = oxide("serve")
    assert done.returncode == 2
    assert "config.yaml:1: services:" in done.stderr


def test_with_a_screen_the_app_runs_with_every_other_front_and_ends_on_a_signal(oxide: Oxide) -> None:
    process = oxide.start(env={"QT_QPA_PLATFORM": "offscreen"})
    deadline = time.monotonic() + LIMIT_S
    while not oxide.json("status")["socket"]:
        assert time.monotonic() < deadline
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"it ended with {process.wait(0.2)}")
    assert oxide.json("status")["pid"] == process.pid
    code, out, errors = end(process, signal.SIGTERM)
    assert (code, out) == (0, "")
    assert "Traceback" not in errors


def test_a_screen_that_does_not_work_is_not_the_end(oxide: Oxide) -> None:
    """Qt cannot be imported here: a folder of that name stands before it."""
    (oxide.cwd / "PySide6").mkdir()
    (oxide.cwd / "PySide6" / "__init__.py").write_text(
        "raise ImportError('libGL.so.1: no such file')", encoding="utf-8"
    )
    process = oxide.start(
        env={"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": f"{oxide.cwd}:{Path(__file__).parents[2]}"}
    )
    assert "libGL.so.1: no such file" in wait_for(process, READY)
    end(process)
