"""Runs a command's coroutine. The first Ctrl-C (or SIGTERM, SIGHUP) cancels it cleanly, the second ends the program."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from oxide_desktop.fronts.cli.failures import Interrupted
from oxide_desktop.runtime.signals import run_stoppable

T = TypeVar("T")


def run_interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end.

    Raises:
        Interrupted: A signal cancelled it, and it did not choose to end in its own way.
    """
    try:
        return run_stoppable(work)
    except asyncio.CancelledError:
        raise Interrupted from None
