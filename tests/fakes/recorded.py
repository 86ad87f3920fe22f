"""Programs that play recordings of the real ones, installed as npm would."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from oxide_desktop.adapters.gemini import GeminiAdapter
from oxide_desktop.adapters.qwen import QwenAdapter

FIXTURES = Path(__file__).parents[1] / "fixtures"
REPLAYED = Path(__file__).with_name("replayed_cli.py")
TESTED = {"gemini": GeminiAdapter.tested_version, "qwen": QwenAdapter.tested_version}


def recordings(kind: str) -> list[str]:
    """The names of all that were made of a program."""
    return sorted(path.stem for path in (FIXTURES / kind).glob("*.json"))


class RecordedProgram:
    """One such program.

    Attributes:
        executable: Where it is.
    """

    def __init__(
        self, place: Path, kind: str, recording: str | dict[str, Any] = "answer", *, version: str = ""
    ) -> None:
        version = version or TESTED[kind]
        package = place / f"{kind}-package"
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"name": kind, "version": version}))
        self._seen = package / "seen.json"
        self.asked = package / "asked"
        self.executable = package / kind
        file = FIXTURES / kind / f"{recording}.json" if isinstance(recording, str) else package / "recording.json"
        if not isinstance(recording, str):
            file.write_text(json.dumps({"stderr": "", "code": 0, "goes_on": False, **recording}))
        command = shlex.join([sys.executable, "-I", "-S", str(REPLAYED), str(file), str(self._seen)])
        asked, helped = shlex.quote(str(self.asked)), shlex.quote(str(package / "help"))
        self._help = package / "help"
        self.knows("")
        self.executable.write_text(
            "#!/bin/sh\n"
            f'case "$1" in --version) echo "$1" >> {asked}; echo {version}; exit;; '
            f'--help) echo "$1" >> {asked}; cat {helped}; exit;; esac\n'
            f'exec {command} "$@"\n'
        )
        self.executable.chmod(0o755)

    def knows(self, options: str) -> None:
        """What it says of its options."""
        self._help.write_text(options)

    @property
    def seen(self) -> dict[str, Any]:
        """What it was given when it was last run."""
        return json.loads(self._seen.read_text())

    @property
    def was_run(self) -> bool:
        return self._seen.exists()
