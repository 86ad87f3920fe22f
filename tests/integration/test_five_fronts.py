"""The same question through every front: five records that differ in `source` alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from oxide_desktop import Orchestrator, load_config
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.fronts.desktop.app import App
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.main import serve_fronts
from tests.fakes.http_server import Reply
from tests.fakes.openai_server import OpenAIServer

PROMPT = "What is the capital of France?"
# Each task has its own id and its own times.
OWN = {"id", "source", "created_at", "started_at", "completed_at", "duration"}
OWN_OF_ATTEMPTS = {"started_at", "first_chunk_at", "ended_at"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    made = Loop(qapp)
    asyncio.set_event_loop(made)
    yield made
    made.close()
    asyncio.set_event_loop(None)


@asynccontextmanager
async def nothing(_stop: object) -> Any:
    yield


def shape(task: dict[str, Any]) -> dict[str, Any]:
    """A record without what is its own."""
    kept = {key: value for key, value in task.items() if key not in OWN}
    attempts = [{k: v for k, v in item.items() if k not in OWN_OF_ATTEMPTS} for item in task["attempts"]]
    return {**kept, "attempts": attempts}


async def by_python() -> None:
    async with Orchestrator(load_config()) as oxide:
        assert "".join([piece async for piece in oxide.execute_task(PROMPT)]) == "Paris."


async def by_command_line() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oxide_desktop", "run", PROMPT),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()
    assert answer.decode().strip() == "Paris."


async def by_http(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        started = await client.post("/api/tasks/execute", json={"prompt": PROMPT})
        assert started.status_code == 200, started.text


async def by_mcp() -> None:
    shim = StdioServerParameters(
        command=sys.executable,
        args=["-m", "oxide_desktop.fronts.mcp.shim"],
        env={"OXIDE_HOME": str(load_home()), "PYTHONPATH": str(ROOT)},
        cwd=str(Path.cwd()),
    )
    async with stdio_client(shim) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await session.call_tool("route_task", {"prompt": PROMPT})
        assert not result.is_error, result
        assert "Paris." in str(result.content)


def load_home() -> Path:
    from oxide_desktop.config.paths import Paths

    return Paths.from_environment().home


async def by_window(app: App) -> None:
    panel = app.window.page("ask").panel
    panel.prompt.setPlainText(PROMPT)
    QTest.keyClick(panel.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_five_fronts_leave_the_same_record(
    loop: Loop, openai_server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text(
        f"services:\n  fake: {{type: http, base_url: '{openai_server.base_url}'}}\n"
        + "".join(f"  {name}: {{enabled: false}}\n" for name in ("gemini", "qwen", "ollama_local", "lmstudio"))
        + "  builtin: {enabled: false}\nweb: {port: 8411}\n"
    )
    monkeypatch.setenv("OXIDE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    openai_server.usual = Reply(pieces=["Pa", "ris."], usage=(7, 2))

    async def person(orchestrator: Orchestrator, url: str, app: App) -> list[dict[str, Any]]:
        await by_window(app)
        while (await orchestrator.history.list(TaskFilter())).total == 0:  # noqa: ASYNC110 - the window has no events
            await asyncio.sleep(0.01)
        token = orchestrator.paths.token_file.read_text().strip()
        await by_http(url, token)
        for task in orchestrator.running():
            await task.finished()
        await by_mcp()
        await by_command_line()
        await by_python()
        page = await orchestrator.history.list(TaskFilter())
        return [record.to_dict() for record in page.tasks]

    found: list[dict[str, Any]] = []

    @asynccontextmanager
    async def fronts(orchestrator: Orchestrator, show: Callable[[], None], leave: Callable[[], None]) -> Any:
        async with serve_fronts(orchestrator, orchestrator.paths, orchestrator.settings, leave, show) as listening:
            served.set_result((orchestrator, listening.url))
            yield listening

    async def main() -> int:
        app = App(lambda: Orchestrator(load_config()), fronts, nothing, home / "desktop.ini")
        async with asyncio.timeout(100), asyncio.TaskGroup() as group:
            running = group.create_task(app.main())
            orchestrator, url = await served
            while not app.window.page("ask").panel.is_ready:  # noqa: ASYNC110 - the window has no events
                await asyncio.sleep(0.01)
            found.extend(await person(orchestrator, url, app))
            app.leaving.now()
        return running.result()

    served: asyncio.Future[Any] = loop.create_future()
    assert loop.run_until_complete(main()) == 0

    assert sorted(task["source"] for task in found) == ["cli", "desktop", "http", "mcp", "python"]
    shapes = [shape(task) for task in found]
    assert shapes[0]["result"] == "Paris."
    assert shapes[0]["status"] == "completed"
    for item in shapes[1:]:
        assert item == shapes[0]
