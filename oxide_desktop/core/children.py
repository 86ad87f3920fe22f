"""Programs that Oxide runs for a service: what is asked of whoever spawns them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A program to run under guard.

    Attributes:
        argv: Program and arguments; the program is an absolute path.
        purpose: What it is, for the list of children (`gemini`, `built-in model server`).
        task_id: The task it works for, if it works for one.
        stdin: Bytes to feed, then end of file; nothing is ever inherited.
        env: Added to the allow-listed environment.
        output_limit: Bytes of standard output after which the child is stopped.
        stop_grace_s: Seconds between asking it to end and killing its tree.
    """

    argv: Sequence[str]
    purpose: str
    task_id: str | None = None
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    output_limit: int = 64 * 1024 * 1024
    stop_grace_s: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildInfo:
    """A running child, for people. `started_at` is Unix seconds, `memory_bytes` its whole tree's resident set."""

    pid: int
    owner_pid: int  # the Oxide process that runs it
    purpose: str
    argv: Sequence[str]
    task_id: str | None
    started_at: float
    memory_bytes: int
    tree: Sequence[tuple[int, str]]

    def to_dict(self) -> dict[str, Any]:
        """The shape that children are shown with to programs."""
        return {
            "pid": self.pid,
            "owner_pid": self.owner_pid,
            "purpose": self.purpose,
            "task_id": self.task_id,
            "command": " ".join(self.argv),
            "started_at": self.started_at,
            "memory_bytes": self.memory_bytes,
            "tree": [{"pid": pid, "name": name} for pid, name in self.tree],
        }


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended. `stderr` is the last part of what it wrote there, decoded.

    Attributes:
        code: Exit code, or minus the signal.
        capped: It was stopped because it wrote too much.
    """

    code: int
    stderr: str
    capped: bool = False


class Child(Protocol):
    """A running child. Leave `async with` and its whole tree is gone."""

    @property
    def pid(self) -> int:
        """Process id of the program itself, not of its guard."""
        ...

    def text(self) -> AsyncIterator[str]:
        """Standard output as it comes, decoded across chunk borders, ANSI sequences stripped. Once only."""
        ...

    def stderr_tail(self) -> str:
        """The last 64 KiB of standard error so far, decoded."""
        ...

    async def wait(self) -> Exit:
        """Wait for the program itself to end."""
        ...

    async def stop(self) -> None:
        """Ask it to end, then kill the tree. Safe to call again."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...


class Spawner(Protocol):
    """The one place that starts programs."""

    async def spawn(self, spec: ChildSpec) -> Child:
        """Start a program under guard.

        Raises:
            ServiceError: Kind `missing` if it cannot be started.
        """
        ...

    def children(self) -> Sequence[ChildInfo]:
        """What runs now."""
        ...

    async def kill(self, pid: int) -> bool:
        """Kill a listed child's tree; `False` if there is none with that pid."""
        ...
