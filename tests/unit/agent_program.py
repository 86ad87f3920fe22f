"""What the tests of Gemini's and Qwen's adapters share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oxide_desktop.adapters.agent_cli import AgentCli
from oxide_desktop.core.ports import Call
from tests.fakes import asking
from tests.fakes.asking import Heard

LISTENED_TO = (
    *("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GEMINI_BASE_URL", "GEMINI_CLI_HOME"),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "QWEN_HOME"),
)


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
