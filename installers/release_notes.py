"""What the changelog says of a version, for the release's page: `release_notes.py vX.Y.Z`.

It fails where the tag is not the version that the program tells (`oxide_desktop/__init__.py`, the one place for it), or
the changelog has no section for it: a release that nobody described is not made.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_SECTION = re.compile(
    r"^## \[(?P<version>[^\]]+)\][^\n]*\n(?P<text>.*?)(?=^## \[|^\[[^\]]+\]: |\Z)", re.MULTILINE | re.DOTALL
)


class ReleaseError(Exception):
    """The release cannot be made; the text says why."""


def program_version(root: Path) -> str:
    """The version that the program tells.

    Raises:
        ReleaseError: It tells none.
    """
    found = _VERSION.search((root / "oxide_desktop" / "__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise ReleaseError("oxide_desktop/__init__.py names no version.")
    return found[1]


def notes(tag: str, root: Path) -> str:
    """The changelog's section of the version that a tag stands for.

    Raises:
        ReleaseError: The tag is not the program's version, or nothing is said of it.
    """
    version = program_version(root)
    if tag != f"v{version}":
        raise ReleaseError(f"The tag is {tag}, and the program is {version}: the tag must be v{version}.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    text = next((item["text"].strip() for item in _SECTION.finditer(changelog) if item["version"] == version), "")
    if not text:
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}: give it a section `## [{version}] - DATE`.")
    return text


def main() -> int:
    """Print the notes, or say why there are none."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the script and the tag
        print(__doc__, file=sys.stderr)
        return 1
    try:
        print(notes(sys.argv[1], ROOT))
    except ReleaseError as error:
        print(f"release_notes.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
