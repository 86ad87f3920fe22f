"""Tasks that somebody owns: referenced until they end, named, and ended with their owner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundTasks:
    """Starts coroutines, keeps them referenced, reports what fails, and ends them all on close."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run `work` beside the caller.

        Raises:
            RuntimeError: The owner has been closed.
        """
        if self._closed:
            work.close()
            raise RuntimeError(f"{name} was started after its owner had closed")
        task = asyncio.create_task(work, name=name)  # noqa: TID251 - the one home of it
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background task %s failed", task.get_name(), exc_info=error)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Cancel what runs and wait for it, at most `timeout_s` seconds."""
        self._closed = True
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        if running:
            _, left = await asyncio.wait(running, timeout=timeout_s)
            for task in left:
                log.error("background task %s did not end in %s s", task.get_name(), timeout_s)


async def in_own_thread(work: Callable[[], T], name: str) -> T:
    """Run blocking work beside the loop. If it hangs (a dead drive), it holds up neither a cancel nor the exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # there is a result where there is no error

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the caller
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


class SharedTime:
    """One span for all that wait at an end: it begins with the first who asks."""

    def __init__(self) -> None:
        self._until: float | None = None

    def left_s(self, limit_s: float) -> float:
        """What is left of `limit_s` seconds."""
        now = asyncio.get_running_loop().time()
        if self._until is None:
            self._until = now + limit_s
        return max(0.0, self._until - now)


class Closable(Protocol):
    """What has to be let go of."""

    async def aclose(self) -> None:
        """Let go."""
        ...


async def close_all(parts: Mapping[str, Closable], limit_s: float) -> None:
    """Close each, within `limit_s` seconds each; one that fails or hangs is named in the log and stops no other."""
    for name, part in parts.items():
        try:
            async with asyncio.timeout(limit_s):
                await part.aclose()
        except Exception:  # another's adapter may raise anything, and the rest must be closed all the same
            log.exception("%s could not be closed", name)
