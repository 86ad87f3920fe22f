"""A served engine and a client that has the token, for tests of the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.server import WebFront
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.front_house import FrontHouse, front_house


class Web:
    """A served engine and a client that has the token."""

    def __init__(self, house: FrontHouse, front: WebFront, client: httpx.AsyncClient) -> None:
        self.house, self.front, self.client = house, front, client

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        return await self.client.post(path, **({"json": body} if body is not None else {}), **options)

    async def ask(self, prompt: str = "What is 2+2?", **body: object) -> str:
        answer = await self.post("/api/tasks/execute", {"prompt": prompt, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["task_id"])

    async def ended(self, task_id: str) -> dict[str, Any]:
        if task := self.house.find(task_id):
            await task.finished()
        return (await self.get(f"/api/tasks/{task_id}")).json()


@asynccontextmanager
async def served(home: Path, *adapters: ScriptedAdapter, limits: Limits | None = None) -> AsyncIterator[Web]:
    async with (
        asyncio.timeout(30),
        front_house(home, *adapters) as house,
        server.serve(house, house.paths, house.settings, limits) as front,
        httpx.AsyncClient(base_url=front.url, headers={"Authorization": f"Bearer {front.token}"}) as client,
    ):
        yield Web(house, front, client)


def stub(*scenes: Any, name: str = "stub", **values: Any) -> ScriptedAdapter:
    return ScriptedAdapter(service(name, **values), *scenes)
