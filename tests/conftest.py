"""What many tests need: little servers, a tiny real model, and what adapters are given."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from oxide_desktop.adapters import builtin_server
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.ports import AdapterTools
from oxide_desktop.runtime.processes import GuardedSpawner
from tests.fakes.http_server import closed_port
from tests.fakes.ollama_server import OllamaServer
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.tiny_model import write_tiny_model

# Windows open nowhere, unless a test brings a screen of its own (marker `screen`).
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# No test touches the keyring of whoever runs it, nor one that another test made and keyring took for the best of all.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# How quick a machine is, is nothing that a test of a property could find out.
settings.register_profile("oxide", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("oxide")


LONGEST_TEST_S = 180.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever hangs, hangs for three minutes at most.

    A fixture cannot say so: it runs in a task of its own, and a timeout ends only the task that it began in.
    """
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.obj = bounded(item.obj)


def bounded(test: Callable[..., Awaitable[None]], limit_s: float = LONGEST_TEST_S) -> Callable[..., Awaitable[None]]:
    """The same test, ended when it takes too long."""

    @functools.wraps(test)
    async def run(*args: object, **kwargs: object) -> None:
        async with asyncio.timeout(limit_s):
            await test(*args, **kwargs)

    return run


class Keys:
    """Keys in memory. Literals are what they are."""

    def __init__(self, **stored: str) -> None:
        self.stored = stored

    async def resolve(self, reference: str) -> str:
        name = reference.removeprefix("keyring:")
        if name == reference:
            return reference
        if name not in self.stored:
            raise UsageError("No such key", f"No key named {name} is stored.", f"Run `oxide keys set {name}`.")
        return self.stored[name]


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def ollama_server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
def dead_url() -> str:
    """An address of this machine where nothing listens."""
    return f"http://127.0.0.1:{closed_port()}"


@pytest.fixture
async def adapter_tools(tmp_path: Path) -> AsyncIterator[AdapterTools]:
    """The real spawner, and keys in memory."""
    spawner = GuardedSpawner(tmp_path / "run", run_id=uuid.uuid4().hex)
    yield AdapterTools(spawner=spawner, secrets=Keys())
    await spawner.aclose()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file for the real server, of half a megabyte."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@dataclass(frozen=True)
class ModelServer:
    """A running server of a real model."""

    base_url: str
    api_key: str
    model: str


@pytest.fixture(scope="session")
def tiny_model_server(tiny_model: Path) -> Iterator[ModelServer]:
    """The real llama.cpp server with the tiny model, in a window of 512 tokens."""
    job = {
        "packages": find_spec("xllamacpp").submodule_search_locations[0] + "/..",
        "model": str(tiny_model),
        "name": "tiny",
        "api_key": "tiny-key",
        "window": 512,
        "threads": 1,
        "sleep_after_s": 600,
    }
    argv = [sys.executable, "-I", "-S", builtin_server.__file__]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        program.stdin.write(json.dumps(job))
        program.stdin.close()
        said = json.loads(program.stdout.readline().removeprefix(builtin_server.MARK))
        yield ModelServer(f"{said['url']}/v1", "tiny-key", "tiny")
        program.kill()
