"""Whether new tasks begin: a pause lets them wait, winding down refuses them."""

from __future__ import annotations

import asyncio

from oxide_desktop.core.attempt import note
from oxide_desktop.core.errors import CancelledTaskError
from oxide_desktop.core.events import EventBus
from oxide_desktop.core.running import RunningTask


class Pausing:
    """What every task passes before it begins; those that have begun are not concerned."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._going = asyncio.Event()
        self._going.set()
        self._waiting: set[RunningTask] = set()
        self._winding_down = False

    @property
    def is_paused(self) -> bool:
        """Whether new tasks wait."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Let new tasks wait, until `resume`."""
        self._going.clear()

    def resume(self) -> None:
        """Let those that wait begin."""
        self._going.set()

    def wind_down(self) -> None:
        """Refuse what is new and cancel what waits, until `call_off` or the end."""
        self._winding_down = True
        for task in self._waiting:
            task.cancel(_winding_down())

    def call_off(self) -> None:
        """Take new tasks again after all. A pause stays."""
        self._winding_down = False

    def refuse_new(self) -> None:
        """Refuse a new task, if none is taken now.

        Raises:
            CancelledTaskError: None is.
        """
        if self._winding_down:
            raise _winding_down()

    async def wait(self, task: RunningTask) -> None:
        """Until the task may begin; while it waits its record says why."""
        if not self.is_paused:
            return
        note(task, "Oxide was paused: the task begins when that is over.", self._bus)
        self._waiting.add(task)
        if self._winding_down:  # it was taken before that began
            task.cancel(_winding_down())
        try:
            await self._going.wait()
        finally:
            self._waiting.discard(task)


def _winding_down() -> CancelledTaskError:
    what = "It finishes the tasks that run and takes no new ones."
    return CancelledTaskError("Oxide is about to quit", what, "Start it again, then ask again.")


def closed() -> CancelledTaskError:
    """What a task is told that Oxide's own end has stopped."""
    return CancelledTaskError("Oxide was closed", "The task was still running when Oxide ended.")
