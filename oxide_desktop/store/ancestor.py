"""What the history remembers of an ancestor's `tasks.json`, so that it is imported once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw

from oxide_desktop.core.ports import Imported
from oxide_desktop.store.database import transaction

_NAME = "ancestor"
_SHOWN = 3


def is_due(connection: apsw.Connection, path: Path, notices: list[str]) -> bool:
    """Whether the file is to be imported: not if that was done, and not if it was refused and is still the same."""
    found = connection.execute("SELECT value FROM meta WHERE name = ?", (_NAME,)).get
    if found is None:
        return path.exists()
    known = json.loads(found)
    if known["done"] or not path.exists():
        return False
    if known["identity"] != _identity(path):
        return True
    notices.append(known["sentence"])
    return False


def remember(connection: apsw.Connection, path: Path, sentence: str, *, done: bool) -> None:
    """Note how the import went."""
    known: dict[str, Any] = {"path": str(path), "identity": _identity(path), "sentence": sentence, "done": done}
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_NAME, json.dumps(known)))


def sentence(path: Path, outcome: Imported) -> str:
    """What a person should know of the import."""
    tasks = "1 task was" if outcome.imported == 1 else f"{outcome.imported:,} tasks were"
    text = f"{tasks} imported from {path}, which stays as it is."
    if not outcome.refused:
        return text
    shown = "; ".join(f"{task_id}: {reason}" for task_id, reason in outcome.refused[:_SHOWN])
    more = ", …" if len(outcome.refused) > _SHOWN else ""
    return f"{text} {len(outcome.refused)} records were set aside ({shown}{more})."


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns]
