"""A run's children as its list on the disk tells of them: for those who ask from another process."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxide_desktop.core.children import ChildInfo
from oxide_desktop.runtime.births import birth_of
from oxide_desktop.runtime.registry import PREFIX, SUFFIX, listed_in

if TYPE_CHECKING:
    from oxide_desktop.runtime.child import GuardedChild


def describe(child: GuardedChild) -> dict[str, Any]:
    """What is written down about a program beside its number. Not its arguments: a prompt may stand among them."""
    return {
        "purpose": child.spec.purpose,
        "task": child.spec.task_id,
        "since": child.started_at,
        "guards": [child.guard.pid, child.keeper_pid],
    }


def children_of(run_dir: Path, app_pid: int) -> Sequence[ChildInfo]:
    """The programs that a running Oxide has started and that still run, oldest first."""
    found = []
    for path in run_dir.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # its run has just ended
            found += [_inform(entry) for entry in listed_in(path) if _is_child_of(entry, app_pid)]
    return sorted(found, key=lambda child: child.started_at)


def _is_child_of(entry: dict[str, Any], app_pid: int) -> bool:
    return entry.get("app") == app_pid and "purpose" in entry and birth_of(entry["pid"]) == entry["birth"]


def _inform(entry: dict[str, Any]) -> ChildInfo:
    from oxide_desktop.runtime.trees import command_of, describe_tree  # noqa: PLC0415 - psutil

    guard, keeper = entry["guards"]
    memory, tree = describe_tree(guard, keeper)
    return ChildInfo(
        pid=entry["pid"],
        purpose=entry["purpose"],
        argv=command_of(entry["pid"]),
        task_id=entry["task"],
        started_at=entry["since"],
        memory_bytes=memory,
        tree=tree,
    )
