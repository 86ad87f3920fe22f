"""Listening to a program: its text as it comes, with a look around whenever it is quiet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from oxide_desktop.core.background import BackgroundTasks

LOOK_EVERY_S = 0.5


async def with_looks(parts: AsyncIterator[str], every_s: float = LOOK_EVERY_S) -> AsyncGenerator[str | None, None]:
    """The parts as they come, and `None` whenever none has come for so long. Close it, for it keeps a task."""
    tasks = BackgroundTasks()

    async def following() -> str | None:
        return await anext(parts, None)

    try:
        while True:
            waiting = tasks.start(following(), "listen to a program")
            while not (await asyncio.wait([waiting], timeout=every_s))[0]:
                yield None
            part = waiting.result()
            if part is None:
                return
            yield part
    finally:
        await tasks.close()
