"""The MCP front on a scripted engine, and the SDK's own client in front of it, through the real shim or by HTTP."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import StdioServerParameters, stdio_client
from mcp.client.client import Client

from oxide_desktop.core.settings import McpSettings
from oxide_desktop.fronts.mcp.server import McpFront
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.front_house import FrontHouse, front_house

ROOT = Path(__file__).parents[2]
ERAS = pytest.mark.parametrize("era", ["legacy", "auto"])


def stub(*scenes: Any, **values: Any) -> ScriptedAdapter:
    return ScriptedAdapter(service("stub", **values), *scenes)


@asynccontextmanager
async def served(home: Path, *adapters: ScriptedAdapter, patience_s: float | None = None) -> AsyncIterator[FrontHouse]:
    async with front_house(home, *adapters) as house:
        house.settings = replace(house.settings, mcp=McpSettings(answer_within_seconds=patience_s))
        async with McpFront(house, progress_every_s=0.02).serve(house.paths):
            yield house


def client(home: Path, era: str = "auto", cwd: Path | None = None, **options: Any) -> Client:
    """The SDK's client, with the shim as its child."""
    shim = StdioServerParameters(
        command=sys.executable,
        args=["-m", "oxide_desktop.fronts.mcp.shim"],
        env={"OXIDE_HOME": str(home), "PYTHONPATH": str(ROOT)},
        cwd=cwd or home,
    )
    return Client(stdio_client(shim), mode=era, **options)


def texts(result: types.CallToolResult) -> list[str]:
    return [item.text for item in result.content if isinstance(item, types.TextContent)]
