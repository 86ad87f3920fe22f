"""The changelog's section for a release, by the script as the release runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oxide_desktop import __version__

SCRIPT = Path(__file__).parents[2] / "installers" / "release_notes.py"
CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [1.2.0] - 2026-11-28

### Added

- A thing, with a [link](docs/x.md).

## [1.1.0]

- An older one.

[1.2.0]: https://example.org/1.2.0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "installers").mkdir()
    shutil.copy(SCRIPT, tmp_path / "installers")
    (tmp_path / "oxide_desktop").mkdir()
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def notes(root: Path, version: str, *arguments: str) -> tuple[int, str, str]:
    (root / "oxide_desktop" / "__init__.py").write_text(f'"""It."""\n\n__version__ = "{version}"\n')
    script = root / "installers" / SCRIPT.name
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_notes_are_the_versions_own_section(root: Path):
    assert notes(root, "1.2.0", "v1.2.0") == (0, "### Added\n\n- A thing, with a [link](docs/x.md).\n", "")
    assert notes(root, "1.1.0", "v1.1.0") == (0, "- An older one.\n", "")


@pytest.mark.parametrize(
    ("version", "arguments", "told"),
    [
        ("1.3.0", ["v1.2.0"], "the tag must be v1.3.0"),
        ("1.2.0", ["1.2.0"], "the tag must be v1.2.0"),
        ("1.3.0", ["v1.3.0"], "says nothing of 1.3.0"),
        ("1.2.0", [], "vX.Y.Z"),
    ],
)
def test_a_release_that_nobody_described_is_not_made(root: Path, version: str, arguments: list[str], told: str):
    code, out, errors = notes(root, version, *arguments)
    assert (code, out) == (1, "")
    assert told in errors


def test_the_program_itself_could_be_released():
    done = subprocess.run(
        [sys.executable, SCRIPT, f"v{__version__}"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
