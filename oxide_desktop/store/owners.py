"""Which processes still have the history open. Each holds a lock that the system lets go of when it ends, however."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from oxide_desktop.config.private_files import private_folder
from oxide_desktop.store.files import try_lock

_SUFFIX = ".owner"


class Owner:
    """This process's mark on the tasks that it works on.

    Attributes:
        id: What its tasks carry.
    """

    def __init__(self, folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self._file = folder / f"{self.id}{_SUFFIX}"
        self._held = contextlib.ExitStack()

    def take(self) -> None:
        """Be seen as living. The caller holds the lock of opening, so that nobody looks half-way."""
        private_folder(self._file.parent)
        try_lock(self._file, self._held)

    def release(self) -> None:
        """Be gone, without a trace that would look like a crash."""
        for _ in range(2):  # Windows removes no file that is open; elsewhere one still locked looks alive to the end
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
            self._held.close()


def look_around(folder: Path) -> tuple[set[str], bool]:
    """Ids of the living, and whether somebody died without closing; what the dead left is removed.

    The caller holds the lock of opening.
    """
    living = set()
    died = False
    for file in folder.glob(f"*{_SUFFIX}"):
        with contextlib.ExitStack() as held:
            if not try_lock(file, held):
                living.add(file.stem)
                continue
            died = True
        file.unlink(missing_ok=True)
    return living, died
