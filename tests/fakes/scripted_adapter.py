"""An adapter without a network: each call plays the next scene of its script."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

from oxide_desktop.core.errors import ServiceError
from oxide_desktop.core.health import Depth, Health, ServiceInfo, Tier
from oxide_desktop.core.model import Locality, TaskType
from oxide_desktop.core.ports import Call, Output, Started
from oxide_desktop.core.settings import ServiceSettings, ServiceType

STALL = object()
"""In a scene: wait until cancelled."""

Scene = Sequence[object]


def service(name: str = "stub", **values: object) -> ServiceSettings:
    """Settings of a local HTTP service."""
    return ServiceSettings(
        **{
            "name": name,
            "type": ServiceType.HTTP,
            "kind": "scripted",
            "locality": Locality.LOCAL,
            "retry_delay": 0.0,
            **values,
        }
    )


class ScriptedAdapter:
    """Plays scenes: strings and other outputs are yielded, errors raised, `STALL` waits until cancelled."""

    def __init__(self, settings: ServiceSettings, *scenes: Scene, window: int | None = None) -> None:
        self.settings = settings
        self.scenes = list(scenes) or [["answer"]]
        self.calls: list[Call] = []
        self.depths: list[Depth] = []
        self.closed = 0
        self.let_go = False
        self.asked = asyncio.Event()
        self.stalled = asyncio.Event()
        self.health = Health(service=settings.name, tier=Tier.STARTS, checked_at=time.time())
        self._window = window

    @property
    def info(self) -> ServiceInfo:
        return ServiceInfo(
            name=self.settings.name,
            kind="scripted",
            description="plays what it is told",
            locality=self.settings.locality,
            max_context_tokens=self._window,
            capabilities=tuple(TaskType),
        )

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        self.calls.append(call)
        self.asked.set()
        scene = self.scenes[min(len(self.calls), len(self.scenes)) - 1]
        try:
            first = scene[0] if scene else None
            if first is not STALL and not isinstance(first, ServiceError | Started):
                yield Started("scripted-1")
            for item in scene:
                if item is STALL:
                    self.stalled.set()
                    await asyncio.Event().wait()
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield item
        finally:
            self.closed += 1

    async def check(self, depth: Depth) -> Health:
        self.depths.append(depth)
        return self.health

    async def list_models(self) -> Sequence[str]:
        return ("scripted-1",)

    async def aclose(self) -> None:
        self.let_go = True
