"""What connecting a client has left beside its entry: a file, folders, a backup. Only that may be taken away again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oxide_desktop.config.private_files import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What `install` has made for one of a client's files.

    Attributes:
        folders: Innermost first.
        backup: Where the text from before is kept.
    """

    made_file: bool = False
    folders: tuple[str, ...] = ()
    backup: str | None = None


NO_TRACES = Traces()


class TraceBook:
    """Those of all files, in one file that need not be there: without it nothing is known, and nothing taken away."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, client_file: Path) -> Traces:
        """What was made for that file."""
        found = self._all().get(str(client_file.absolute()))
        if not isinstance(found, dict):
            return NO_TRACES
        folders = found.get("folders")
        backup = found.get("backup")
        return Traces(
            made_file=found.get("made_file") is True,
            folders=tuple(map(str, folders)) if isinstance(folders, list) else (),
            backup=backup if isinstance(backup, str) else None,
        )

    def note(self, client_file: Path, traces: Traces) -> None:
        """Write it down.

        Raises:
            OSError: It could not be written.
        """
        known, key = self._all(), str(client_file.absolute())
        noted = {name: value for name, value in known.items() if name != key}
        if traces != NO_TRACES:
            noted[key] = asdict(traces)
        if noted != known:
            write_atomically(self._file, json.dumps(noted, indent=1).encode())

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):  # what cannot be read says nothing
            return {}
        return found if isinstance(found, dict) else {}
