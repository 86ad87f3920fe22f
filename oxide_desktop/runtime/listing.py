"""The children of all runs on a home, as the lists on the disk tell of them: for those who ask from another process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
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


def children_on(run_dir: Path) -> Sequence[ChildInfo]:
    """The programs that Oxide's processes have started and that still run, oldest first."""
    found = [_inform(entry) for listed in _lists(run_dir) for entry in listed if _runs(entry)]
    return sorted(found, key=lambda child: child.started_at)


def end_child(run_dir: Path, pid: int) -> ChildInfo | None:
    """End one of them with its whole tree, by its guard, of which its owner takes note; `None` if it is not there."""
    from oxide_desktop.runtime.trees import end_guarded  # noqa: PLC0415 - psutil

    for listed in _lists(run_dir):
        births = {entry["pid"]: entry["birth"] for entry in listed}
        for entry in listed:
            if entry["pid"] == pid and _runs(entry):
                child, guard = _inform(entry), entry["guards"][0]
                end_guarded((guard, births.get(guard, "")), (pid, entry["birth"]))
                return child
    return None


def _lists(run_dir: Path) -> Iterator[list[dict[str, Any]]]:
    for path in run_dir.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # its run has just ended
            yield listed_in(path)


def _runs(entry: dict[str, Any]) -> bool:
    """Whether it is a program, not a guard, and still the one that was written down."""
    return {"app", "purpose"} <= entry.keys() and birth_of(entry["pid"]) == entry["birth"]


def _inform(entry: dict[str, Any]) -> ChildInfo:
    from oxide_desktop.runtime.trees import command_of, describe_tree  # noqa: PLC0415 - psutil

    guard, keeper = entry["guards"]
    memory, tree = describe_tree(guard, keeper)
    return ChildInfo(
        pid=entry["pid"],
        owner_pid=entry["app"],
        purpose=entry["purpose"],
        argv=command_of(entry["pid"]),
        task_id=entry["task"],
        started_at=entry["since"],
        memory_bytes=memory,
        tree=tree,
    )
