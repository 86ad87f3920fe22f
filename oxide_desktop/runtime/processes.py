"""The one place that starts programs: each under a guard of its own, none with anything of ours but what it is given.

The loop's child watcher is not used: a guard tells over a pipe how its program ended, and pipes work the same under
asyncio's own loops and under Qt's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path

from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.children import ChildInfo, ChildSpec
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.runtime.child import GuardedChild
from oxide_desktop.runtime.environment import MARK, child_environment
from oxide_desktop.runtime.guard_protocol import Job
from oxide_desktop.runtime.listing import describe
from oxide_desktop.runtime.pipes import Guard, start_guard
from oxide_desktop.runtime.registry import ChildRegistry

log = logging.getLogger(__name__)

CLOSE_GRACE_S = 1.5
REAP_LIMIT_S = 5.0
ARGUMENT_BYTES = 131_071  # one argument, on Linux
COMMAND_LINE_CHARS = 32_000  # all of it, on Windows, with room for quotes


class GuardedSpawner:
    """Starts programs under guard, lists them, and ends them. Belongs to one event loop.

    Args:
        run_dir: Where the list of children is kept.
        run_id: This run's name there; another Oxide beside this one has another.
    """

    def __init__(self, run_dir: Path, run_id: str) -> None:
        self._run_id = run_id
        self._registry = ChildRegistry(run_dir, run_id)
        self._background = BackgroundTasks()
        self._children: dict[int, GuardedChild] = {}  # by the guard's pid
        self._guards: dict[int, Guard] = {}
        self._count = 0
        self._closed = False
        # Whatever way the interpreter ends without `aclose`, nothing is alive when it has.
        self._last_net = weakref.finalize(self, end_guards, self._guards)

    def sweep(self) -> int:
        """End what runs that died have left; answers how many processes that were. Blocks: call it in a thread."""
        return self._registry.sweep()

    async def spawn(self, spec: ChildSpec) -> GuardedChild:
        """Start a program under guard.

        Raises:
            ServiceError: Kind `missing` if there is no such program, `invalid` if its arguments cannot be passed.
        """
        check(spec)
        if self._closed:
            title = f"{spec.purpose} cannot be started"
            raise ServiceError(FailureKind.TRANSIENT, title, "Oxide is closing.", "Start Oxide again.")
        self._count += 1
        mark = f"{self._run_id}/{self._count}"
        env = child_environment({**spec.env, MARK: mark})
        try:
            plumbing = start_guard(spec.purpose, guard_environment(env), feeds=bool(spec.stdin))
        except OSError as error:
            raise ServiceError(
                FailureKind.TRANSIENT,
                f"{spec.purpose} cannot be started",
                f"The system gives no more processes or files: {error.strerror}.",
                "Close something and try again.",
            ) from error
        child = GuardedChild(spec, plumbing, self._background, lambda ended: self._guard_ended(ended, mark))
        self._children[plumbing.guard.pid] = child
        self._guards[plumbing.guard.pid] = plumbing.guard
        try:
            self._registry.started(plumbing.guard.pid, is_guard=True)
            await child.start(encode(spec, env))
        except BaseException:  # cancelled, or it failed: nobody will ever hold this child
            await child.stop_within(0)
            raise
        if not child.gone.done():
            self._registry.started(child.pid, is_guard=False, about=describe(child))
        return child

    def _guard_ended(self, child: GuardedChild, mark: str) -> None:
        self._background.start(self._bury(child, mark), f"bury {child.spec.purpose}")

    async def _bury(self, child: GuardedChild, mark: str) -> None:
        """Take the guard's exit status; if it was killed, end what it may have left."""
        try:
            if child.pid and child.was_killed:
                log.warning("the guard of %s (%d) was killed", child.spec.purpose, child.pid)
                await asyncio.to_thread(end_tree, child.pid, self._registry.birth_of(child.pid), mark)
            await asyncio.to_thread(child.guard.wait, REAP_LIMIT_S)
        finally:
            self._children.pop(child.guard.pid, None)
            self._guards.pop(child.guard.pid, None)
            self._registry.ended(*filter(None, (child.guard.pid, child.pid)))
            child.end()

    def children(self) -> Sequence[ChildInfo]:
        """What runs now. Measuring takes a while, so other threads may ask as well."""
        return tuple(inform(child) for child in tuple(self._children.values()) if child.pid)

    async def kill(self, pid: int) -> bool:
        """Kill a listed child's tree; `False` if there is none with that pid."""
        for child in self._children.values():
            if child.pid == pid:
                log.info("%s (%d) is killed on request", child.spec.purpose, pid)
                await child.stop_within(0)
                return True
        return False

    async def aclose(self) -> None:
        """End all children, wait until they are gone, and close the list."""
        self._closed = True
        running = [child.stop_within(min(child.spec.stop_grace_s, CLOSE_GRACE_S)) for child in self._children.values()]
        await asyncio.gather(*running)
        await self._background.close()
        self._registry.close()
        self._last_net()


def inform(child: GuardedChild) -> ChildInfo:
    """A child, for people."""
    from oxide_desktop.runtime.trees import describe_tree  # noqa: PLC0415 - psutil

    memory, tree = describe_tree(child.guard.pid, child.keeper_pid)
    return ChildInfo(
        pid=child.pid,
        owner_pid=os.getpid(),
        purpose=child.spec.purpose,
        argv=tuple(child.spec.argv),
        task_id=child.spec.task_id,
        started_at=child.started_at,
        memory_bytes=memory,
        tree=tree,
    )


def end_tree(pid: int, birth: str | None, mark: str) -> None:
    """End what a killed guard has left: the program, unless its number is another's by now, and all with the mark."""
    from oxide_desktop.runtime.trees import end_leftovers  # noqa: PLC0415 - psutil

    end_leftovers([], [(pid, birth)] if birth else [], mark)


def check(spec: ChildSpec) -> None:
    """Refuse what no system would take, before anything is started.

    Raises:
        ServiceError: Kind `invalid`.
    """
    refused = ""
    parts = [*spec.argv, *spec.env, *spec.env.values(), str(spec.cwd or "")]
    if any("\0" in part for part in parts):
        refused = "A NUL character stands in its arguments."
    elif sys.platform == "win32" and sum(len(part) + 3 for part in spec.argv) > COMMAND_LINE_CHARS:
        refused = f"Its command line is longer than the {COMMAND_LINE_CHARS:,} characters that Windows allows."
    elif sys.platform == "win32" and spec.argv[0].lower().endswith((".cmd", ".bat")):
        refused = "It is a batch file, whose arguments Windows would read as commands."
    elif any(len(os.fsencode(part)) > ARGUMENT_BYTES for part in spec.argv):
        refused = f"An argument is longer than {ARGUMENT_BYTES:,} bytes."
    if refused:
        hint = "Let the prompt go by standard input instead of an argument."
        raise ServiceError(FailureKind.INVALID, f"{spec.purpose} cannot be started", refused, hint)


def encode(spec: ChildSpec, env: dict[str, str]) -> bytes:
    """The job as the guard reads it."""
    return Job(
        [os.fsencode(part) for part in spec.argv],
        {os.fsencode(name): os.fsencode(value) for name, value in env.items()},
        os.fsencode(spec.cwd or ""),
    ).encode()


def guard_environment(env: dict[str, str]) -> dict[str, str]:
    """What a guard itself needs: nothing of the program's own, which may hold keys."""
    return {name: env[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP", "HOME") if name in env}


def end_guards(guards: dict[int, Guard]) -> None:
    """The last net, at exit: tell each guard to end its tree, and wait a little for it."""
    for guard in guards.values():
        guard.terminate()
    for guard in guards.values():
        try:
            guard.wait(CLOSE_GRACE_S)
        except subprocess.TimeoutExpired:
            guard.kill()
