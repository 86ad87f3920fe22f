"""The one running Oxide: who holds the lock, and how others find out."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxide_desktop import __version__
from oxide_desktop.config.private_files import unwritable, write_atomically
from oxide_desktop.core.errors import OxideError
from oxide_desktop.ipc.channel import address_of, connect

if TYPE_CHECKING:
    from oxide_desktop.config.paths import Paths
    from oxide_desktop.core.children import ChildInfo

# A look by `oxide status` holds the lock for an instant; who wants to keep it waits that out.
ACQUIRE_LIMIT_S = 1.0
# Creation times of processes are computed from the boot time, and may be off by a clock tick or two.
CLOCK_SLACK_S = 2.0
OTHER_ENDS_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Instance:
    """A running Oxide; `pid` is `None` in the instant before it has told, `port` where it serves no HTTP."""

    pid: int | None
    port: int | None
    socket: str | None
    version: str | None


class AlreadyRunningError(OxideError):
    """Another process of this person serves already."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        where = f", port {instance.port}" if instance.port else ""
        super().__init__("Oxide runs already", f"Process {instance.pid}{where}.", "End it with `oxide stop`.")


@contextlib.contextmanager
def held(paths: Paths) -> Iterator[None]:
    """Be the one instance while the context is open.

    Raises:
        AlreadyRunningError: Another process is.
        StoreError: The home cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to import, and few commands need it

    lock = FileLock(paths.lock)
    try:
        lock.acquire(timeout=ACQUIRE_LIMIT_S)
    except Timeout:
        raise AlreadyRunningError(find(paths) or Instance(None, None, None, None)) from None
    except OSError as error:
        raise unwritable(error, paths.lock) from error
    file = _file(paths)
    try:
        _announce(file)
        _tell_installer()
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def find(paths: Paths) -> Instance | None:
    """The running Oxide, or `None`. What a dead one left behind is not believed."""
    if not _is_held(paths.lock):
        return None
    told = _read(_file(paths))
    web = _read(paths.web_file)
    same = told.get("pid") == web.get("pid")
    socket = address_of(str(paths.socket))
    return Instance(
        pid=told.get("pid"),
        port=web.get("port") if same else None,
        socket=socket if Path(socket).exists() else None,
        version=told.get("version"),
    )


def show(paths: Paths) -> bool:
    """Have the running Oxide show its window; `False` where it has none, or is only just starting or ending."""
    return _is_granted(paths, "show")


def _is_granted(paths: Paths, wish: str) -> bool:
    hello = {"wish": wish, "cwd": str(paths.home), "client": "oxide", "version": __version__, "pid": os.getpid()}
    try:
        connect(str(paths.socket), hello).close()
    except OSError:
        return False
    return True


def children(paths: Paths) -> Sequence[ChildInfo]:
    """The programs that Oxide runs on this home: the app, and each command that runs an engine of its own."""
    from oxide_desktop.runtime.listing import children_on  # noqa: PLC0415 - slow to import

    return children_on(paths.run_dir)


def end_child(paths: Paths, pid: int) -> ChildInfo | None:
    """End one of those programs with all that came of it; `None` if it is none of them."""
    from oxide_desktop.runtime.listing import end_child as end_listed  # noqa: PLC0415 - slow to import

    return end_listed(paths.run_dir, pid)


def end(paths: Paths, instance: Instance, limit_s: float = OTHER_ENDS_LIMIT_S) -> None:
    """Ask the running Oxide to end, and wait until it has.

    Raises:
        OxideError: It cannot be asked, or it does not end.
    """
    if os.name == "nt":  # not sys.platform: mypy would call the rest unreachable there
        leave(paths)  # there is no signal that would let it finish what it does
    else:
        _signal(paths, instance)
    if _is_held(paths.lock, limit_s):
        raise OxideError(
            "Oxide does not stop",
            f"Process {instance.pid} still runs after {limit_s:g} s.",
            f"Kill it (kill -9 {instance.pid}); tasks that run will be marked as interrupted.",
        )


def leave(paths: Paths) -> None:
    """Ask the running Oxide over its socket to end.

    Raises:
        OxideError: It does not take the wish.
    """
    if not _is_granted(paths, "leave"):
        message = "It does not answer on its socket: it may be just starting, ending, or of another version."
        raise OxideError("Oxide cannot be stopped from here", message, "Choose Quit in its menu.")


def _signal(paths: Paths, instance: Instance) -> None:
    import psutil  # noqa: PLC0415 - slow to import

    try:
        process = psutil.Process(instance.pid)
        if process.create_time() > _file(paths).stat().st_mtime + CLOCK_SLACK_S:
            raise OxideError("Oxide is just starting", f"Process {instance.pid} is not it.", "Try again in a moment.")
        process.terminate()
    except (psutil.NoSuchProcess, FileNotFoundError):  # it has ended just now
        pass


def _file(paths: Paths) -> Path:
    return paths.run_dir / "instance.json"


def _announce(file: Path) -> None:
    try:
        write_atomically(file, json.dumps({"pid": os.getpid(), "version": __version__}).encode())
    except OSError as error:
        raise unwritable(error, file) from error


def _tell_installer() -> None:
    """On Windows, hold the named mutex by which Setup and Uninstall see that Oxide runs (`AppMutex` in oxide.iss)."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - needed there only

        ctypes.windll.kernel32.CreateMutexW(None, 0, "oxide-desktop")  # held until this process ends


def _is_held(lock_file: Path, limit_s: float = 0.0) -> bool:
    """Whether an instance holds the lock, and still does after `limit_s` seconds."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to import

    if not lock_file.exists():
        return False
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=limit_s)
    except Timeout:
        return True
    except OSError:  # the home is read-only, and nobody can serve from such a one
        return False
    lock.release()
    return False


def _read(file: Path) -> dict[str, Any]:
    """What stands in it; nothing, if it is not there or half written."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
