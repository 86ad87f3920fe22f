"""Who uses what one Oxide has started and another one uses too: so that none ends it under the other's hands.

Whoever uses it holds a lock on a file of its own for as long; whoever ends it waits until nobody does. A lock ends with
its process, so nobody waits for the dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from oxide_desktop.runtime.registry import take_lock

log = logging.getLogger(__name__)

POLL_S = 0.1
_numbers = itertools.count(1)


class Sharing:
    """The users of one thing, in files `NAME-PROCESS-NUMBER.use`."""

    def __init__(self, run_dir: Path, name: str) -> None:
        self._dir = run_dir
        self._name = name

    @contextlib.contextmanager
    def using(self) -> Iterator[None]:
        """Count as a user inside the block. Where that cannot be written down, nobody waits for us."""
        path = self._dir / f"{self._name}-{os.getpid()}-{next(_numbers)}.use"
        try:
            fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error)
            yield
            return
        try:
            take_lock(fd, waits=False)
            yield
        finally:
            _remove(path)
            os.close(fd)
            _remove(path)  # Windows removes no file that is open

    def in_use(self) -> bool:
        """Whether somebody uses it. What the dead have left is removed."""
        return any([_is_held(path) for path in self._dir.glob(f"{self._name}-*.use")])  # noqa: C419 - look at them all

    async def until_unused(self, limit_s: float) -> None:
        """Wait until nobody uses it, at most so long. No system tells that, so it is looked at again and again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.in_use():  # noqa: ASYNC110 - it is other processes' doing
                    await asyncio.sleep(POLL_S)


def _is_held(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        held = not take_lock(fd, waits=False)
    finally:
        os.close(fd)
    if not held:
        _remove(path)
    return held


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
