"""A thread with a connection of its own, for work that would hold up the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from oxide_desktop.core.errors import StoreError
from oxide_desktop.store.database import is_damage, translated

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """Does one piece of work after the other, in the order in which they came."""

    def __init__(
        self, name: str, path: Path, connect: Callable[[], apsw.Connection], on_damage: Callable[[], None]
    ) -> None:
        self._path = path
        self._connect = connect
        self._on_damage = on_damage
        self._connection: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"oxide-history-{name}")
        self._closed = False
        self._hurried = False

    async def run(self, work: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` with the connection. Cancelling the wait does not cancel the work.

        Raises:
            StoreError: SQLite or the file system refused, or the desk is closed.
        """
        if self._closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._thread, lambda: self._do(work, *args, **kwargs))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            done.add_done_callback(_report)
            raise

    async def close(self, timeout_s: float, *, hurry: bool) -> None:
        """Let the work that has come be done, then close; with `hurry` what runs now is broken off."""
        if self._closed:
            return
        self._closed = True
        self._hurried = hurry
        if hurry and (connection := self._connection) is not None:
            connection.interrupt()
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._shut)
        self._thread.shutdown(wait=False)
        await asyncio.wait((done,), timeout=timeout_s)
        if done.done():
            _report(done)
        else:
            log.error("%s did not close in %s s", self._path, timeout_s)

    def _do(self, work: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with translated(self._path, self._connection):
            try:
                if self._hurried:
                    raise _closed()
                if self._connection is None:
                    self._connection = self._connect()
                return work(self._connection, *args, **kwargs)
            except apsw.InterruptError:
                raise _closed() from None
            except apsw.Error as error:
                if is_damage(error):
                    self._on_damage()
                raise

    def _shut(self) -> None:
        if self._connection is not None:
            with translated(self._path, self._connection):
                self._connection.close()


class _ClosedError(StoreError):
    """The work was not done, because the history is being closed."""


def _closed() -> StoreError:
    return _ClosedError("The history is closed", "Oxide is ending.", "Start it again.")


def _report(done: asyncio.Future[T]) -> None:
    """Nobody waits for it: a failure belongs in the log."""
    if (error := done.exception()) and not isinstance(error, _ClosedError):
        log.error("work on the history failed: %s", error, exc_info=error)
