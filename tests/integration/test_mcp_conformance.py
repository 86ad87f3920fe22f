"""The official conformance suite and the Inspector's command line against Oxide: `make test-clis`.

Of the suite's scenarios those are run that any server can be put to. The others ask for tools, prompts and resources
of their own, or for what Oxide does not offer (completion, subscriptions, log levels, sampling, elicitation).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oxide_desktop.fronts.mcp.server import McpFront
from oxide_desktop.fronts.web.access import Access
from oxide_desktop.fronts.web.app import build_app
from oxide_desktop.fronts.web.gate import Gate
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.listener import bind, serve_app
from tests.fronts.front_house import front_house
from tests.fronts.mcp_house import ROOT, served, stub

pytestmark = pytest.mark.clis

SCENARIOS = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)
TOKEN = "t" * 40


async def run(name: str, *args: str, home: Path | None = None) -> tuple[int | None, str]:
    """Run one of the programs from npm; answers its exit code and what it said."""
    programs = os.environ["OXIDE_TEST_CLIS"]
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        str(Path(programs) / name),
        *args,
        env={**env, **({"OXIDE_HOME": str(home)} if home else {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """The address of `/mcp` behind the gate, for a client that cannot be told a token."""
    async with front_house(tmp_path, stub()) as house:
        mcp, limits, access = McpFront(house), Limits(), Access(TOKEN)
        with bind(0) as listener:
            port = listener.getsockname()[1]
            gate = Gate(build_app(house, limits, {"/mcp": mcp.http}), access, port, limits)

            async def with_token(scope, receive, send) -> None:
                header = (b"authorization", b"Bearer " + TOKEN.encode())
                await gate({**scope, "headers": [*scope["headers"], header]}, receive, send)

            async with serve_app(with_token, listener, limits), mcp.serve(house.paths):
                yield f"http://127.0.0.1:{port}/mcp"


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_scenario_of_the_conformance_suite_passes(url: str, scenario: str) -> None:
    code, said = await run("conformance", "server", "--url", url, "--scenario", scenario)
    assert code == 0, said


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--method", "tools/list"), "analyze_parallel"),
        (("--method", "tools/call", "--tool-name", "route_task", "--tool-arg", "prompt=Hello"), '"result": "answer"'),
        (("--method", "prompts/list"), "analyse"),
        (("--method", "resources/templates/list"), "oxide://tasks/{task_id}"),
    ],
)
async def test_the_inspector_is_answered(tmp_path: Path, args: tuple[str, ...], expected: str) -> None:
    async with served(tmp_path, stub()):
        command = ("--cli", sys.executable, "-m", "oxide_desktop.fronts.mcp.shim")
        code, said = await run("mcp-inspector", "-e", f"OXIDE_HOME={tmp_path}", *command, *args)
    assert code == 0, said
    assert expected in said
    json.loads(said)
