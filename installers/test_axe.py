"""Fetches axe-core, which `make test-axe` looks at the web view with, at one version and with one checksum.

Run with any Python: `python installers/test_axe.py DIRECTORY`. It wants npm. Nothing is done twice.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "axe-core@4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
SCRIPT = "axe.min.js"


def main() -> int:
    """Fetch it if it is missing; answers the exit code."""
    place = Path(sys.argv[1]).resolve()
    stamp = place / "installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == INTEGRITY:
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is needed to fetch axe-core: apt-get install npm", file=sys.stderr)
        return 1
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--pack-destination", folder, "--silent"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        (package,) = Path(folder).glob("*.tgz")
        if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != INTEGRITY:
            print(f"{PACKAGE} is not what it was: its checksum differs.", file=sys.stderr)
            return 1
        (place / SCRIPT).write_bytes(script_in(package))
    stamp.write_text(INTEGRITY, encoding="utf-8")
    return 0


def script_in(package: Path) -> bytes:
    """The one file of the package that is wanted."""
    with tarfile.open(package) as opened:
        found = opened.extractfile(f"package/{SCRIPT}")
        if found is None:
            raise FileNotFoundError(SCRIPT)
        return found.read()


if __name__ == "__main__":
    sys.exit(main())
