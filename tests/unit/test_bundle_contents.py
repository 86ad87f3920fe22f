"""What a bundle lacks, seen before a user sees it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "installers"))
import contents  # noqa: E402 - beside the scripts that use it


def test_modules_that_were_not_frozen_are_named(tmp_path: Path):
    package = tmp_path / "oxide_desktop"
    package.mkdir()
    (package / "__init__.py").write_text("import json, click\n")
    (package / "late.py").write_text(
        "def f():\n    import httpx.client\n    from PySide6.QtSvg import QSvgRenderer\n    import apsw\n"
        "    from PySide6.QtWebEngineCore import X\n"
    )
    viewer = tmp_path / "viewer"
    viewer.write_text("#!/bin/sh\necho 'oxide_desktop'; echo ' click'; echo \"'httpx',\"\n")
    viewer.chmod(0o755)
    lacks = contents.not_frozen(package, tmp_path / "oxide", viewer, [Path("_internal/apsw/apsw.abi3.so")])
    assert lacks == ["PySide6.QtSvg", "oxide_desktop.late"]


def test_the_program_itself_imports_what_the_check_would_look_for(tmp_path: Path):
    viewer = tmp_path / "viewer"
    viewer.write_text("#!/bin/sh\n")
    viewer.chmod(0o755)
    wanted = set(contents.not_frozen(ROOT / "oxide_desktop", tmp_path / "oxide", viewer, []))
    assert {"oxide_desktop.main", "xllamacpp", "httpx", "mcp", "apsw", "qasync", "PySide6.QtWidgets"} <= wanted
