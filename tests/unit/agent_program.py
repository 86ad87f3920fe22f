"""What the tests of Gemini's and Qwen's adapters share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from oxide_desktop.adapters.agent_cli import AgentCli
from oxide_desktop.core.ports import AdapterTools, Call
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from tests.fakes import asking
from tests.fakes.asking import Heard
from tests.fakes.recorded import RecordedProgram

LISTENED_TO = (
    *("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GEMINI_BASE_URL", "GEMINI_CLI_HOME"),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "QWEN_HOME"),
)


Adapter = TypeVar("Adapter", bound=AgentCli)


def maker(adapter: type[Adapter], kind: str, tools: AdapterTools) -> Callable[..., Adapter]:
    """Makes adapters for programs, with a key and otherwise as a test wants them."""

    def make(program: RecordedProgram, tools: AdapterTools = tools, **values: object) -> Adapter:
        given = {"name": kind, "type": ServiceType.CLI, "kind": kind, "api_key": "k3y", **values}
        return adapter(ServiceSettings(executable=str(program.executable), **given), tools)

    return make


async def ask(adapter: AgentCli, call: Call | None = None) -> Heard:
    """Whatever hangs, hangs for a minute at most."""
    async with asyncio.timeout(60):
        return await asking.ask(adapter, call)


@contextmanager
def home_of_nobody(tmp_path: Path) -> Iterator[Path]:
    """A home without a sign-in, and an environment without keys."""
    with pytest.MonkeyPatch.context() as patch:
        for name in LISTENED_TO:
            patch.delenv(name, raising=False)
        home = tmp_path / "home"
        home.mkdir()
        patch.setenv("HOME", str(home))
        yield home
