"""A fleet behind one service: a real LiteLLM proxy in front of two real llama.cpp servers. `make test-fleet`."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
import yaml

from oxide_desktop import Orchestrator, load_config
from oxide_desktop.adapters import builtin_server
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import AttemptStatus, TaskRecord, TaskStatus
from tests.fakes.http_server import free_port
from tests.fronts.cli_program import only

pytestmark = [pytest.mark.fleet, pytest.mark.model]

START_LIMIT_S = 60
WORDS = 40
TASKS = 20  # at random: the odds that all go to one server are one in 500,000


class Fleet:
    """Servers by name. Each can say nothing but its name, again and again, so that an answer tells whose it is."""

    def __init__(self, url: str, key: str, servers: dict[str, subprocess.Popen[str]]) -> None:
        self.url = url
        self.key = key
        self._servers = servers

    def lives(self, name: str) -> bool:
        return self._servers[name].poll() is None

    def kill(self, name: str) -> None:
        self._servers[name].kill()
        self._servers[name].wait()


def answer_of(name: str) -> str:
    return f"{name} " * WORDS


@contextmanager
def llama_server(model: Path, key: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The built-in model's server with the tiny model; answers where it listens."""
    job = {"packages": find_spec("xllamacpp").submodule_search_locations[0] + "/..", "model": str(model)}
    job |= {"name": "tiny", "api_key": key, "window": 32768, "threads": 1, "sleep_after_s": 600}
    argv = [sys.executable, "-I", "-S", builtin_server.__file__]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        try:
            program.stdin.write(json.dumps(job))
            program.stdin.close()
            yield program, json.loads(program.stdout.readline().removeprefix(builtin_server.MARK))["url"]
        finally:
            program.kill()


def proxy_settings(urls: dict[str, str], key: str, grammars: dict[str, str]) -> str:
    """As the recipe has them, beside a grammar for each server."""
    models = [
        {
            "model_name": "fleet",
            "litellm_params": {
                "model": "openai/tiny",
                "api_base": f"{url}/v1",
                "api_key": key,
                "extra_body": {"grammar": f"root ::= {grammars[name]}"},
            },
        }
        for name, url in urls.items()
    ]
    router = {"routing_strategy": "simple-shuffle", "num_retries": 2, "allowed_fails": 1, "cooldown_time": 30}
    return yaml.safe_dump({"model_list": models, "router_settings": router})


@contextmanager
def litellm(settings: Path, key: str) -> Iterator[str]:
    """The proxy, once it answers."""
    port = free_port()
    # Its price list is a download, and a test asks nobody outside.
    env = {**os.environ, "LITELLM_MASTER_KEY": key, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    argv = [os.environ["OXIDE_TEST_LITELLM"], "--config", str(settings), "--host", "127.0.0.1", "--port", str(port)]
    with (settings.parent / "litellm.log").open("wb") as log:
        program = subprocess.Popen(argv, env=env, cwd=settings.parent, stdout=log, stderr=log, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        until_it_answers(program, url)
        yield url
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def until_it_answers(program: subprocess.Popen[bytes], url: str) -> None:
    """It tells nobody when it is ready, so it is asked until it is."""
    for _ in range(START_LIMIT_S * 5):
        try:
            assert httpx.get(f"{url}/health/liveliness").is_success
        except httpx.TransportError:
            with pytest.raises(subprocess.TimeoutExpired):  # it has not ended
                program.wait(0.2)
        else:
            return
    raise TimeoutError("the proxy does not answer")


@pytest.fixture
def grammars() -> dict[str, str]:
    """What each can say."""
    return {name: f'("{name} "){{{WORDS}}}' for name in ("one", "two")}


@pytest.fixture
def fleet(tiny_model: Path, tmp_path: Path, grammars: dict[str, str]) -> Iterator[Fleet]:
    key = f"sk-{secrets.token_hex(16)}"
    with llama_server(tiny_model, key) as (one, first), llama_server(tiny_model, key) as (two, second):
        settings = tmp_path / "litellm.yaml"
        settings.write_text(proxy_settings({"one": first, "two": second}, key, grammars), encoding="utf-8")
        with litellm(settings, key) as url:
            yield Fleet(url, key, {"one": one, "two": two})


@pytest.fixture
async def oxide(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Orchestrator]:
    home = tmp_path / "home"
    home.mkdir()
    service = {"base_url": fleet.url, "api_key": fleet.key, "locality": "local", "max_concurrency": 4, "max_retries": 2}
    (home / "config.yaml").write_text(only(fleet=service), encoding="utf-8")
    monkeypatch.setenv("OXIDE_HOME", str(home))
    async with asyncio.timeout(100), Orchestrator(load_config()) as made:
        yield made


async def ask(oxide: Orchestrator) -> list[str]:
    async with aclosing(oxide.execute_task("Which server are you?")) as pieces:
        return [piece async for piece in pieces]


async def records(oxide: Orchestrator) -> list[TaskRecord]:
    return (await oxide.history.list(TaskFilter(), limit=100)).tasks


def completed(record: TaskRecord) -> bool:
    """By its last attempt. Before it, all of the proxy's own tries may have met the dead server: that one failed."""
    *failed, last = [attempt.status for attempt in record.attempts]
    return set(failed) <= {AttemptStatus.FAILED} and last is AttemptStatus.COMPLETED


async def test_both_servers_work_and_one_goes_on_alone_when_the_other_dies(fleet: Fleet, oxide: Orchestrator) -> None:
    answers = await asyncio.gather(*(ask(oxide) for _ in range(TASKS)))
    assert {"".join(pieces) for pieces in answers} == {answer_of("one"), answer_of("two")}
    assert all(len(pieces) > 1 for pieces in answers)

    fleet.kill("one")
    answers = await asyncio.gather(*(ask(oxide) for _ in range(TASKS)))
    assert {"".join(pieces) for pieces in answers} == {answer_of("two")}

    kept = await records(oxide)
    assert len(kept) == 2 * TASKS
    for record in kept:
        assert completed(record)
        assert record.attempts[-1].model == "fleet"


@pytest.mark.parametrize("grammars", [{"one": '"one " root', "two": f'("two "){{{WORDS}}}'}])  # the first has no end
async def test_an_answer_whose_server_dies_is_a_failure_that_keeps_its_text_and_the_next_comes_from_the_other(
    fleet: Fleet, oxide: Orchestrator
) -> None:
    with pytest.raises(ServiceError) as failure:
        for _ in range(TASKS):  # until it is the first one's turn
            await ask_and_kill_the_first(fleet, oxide)
    assert failure.value.kind is FailureKind.TRANSIENT

    assert "".join(await ask(oxide)) == answer_of("two")

    after, broken, *_ = await records(oxide)
    (attempt,) = broken.attempts
    assert (attempt.service, attempt.status) == ("fleet", AttemptStatus.PARTIAL)
    assert broken.status is TaskStatus.FAILED
    assert set(broken.result.split(" ")) <= {"one", "on", "o", ""}
    assert attempt.chars == len(broken.result) > 0
    assert completed(after)


async def ask_and_kill_the_first(fleet: Fleet, oxide: Orchestrator) -> None:
    async with aclosing(oxide.execute_task("Which server are you?")) as answer:
        async for piece in answer:
            if piece.startswith("o") and fleet.lives("one"):
                fleet.kill("one")
