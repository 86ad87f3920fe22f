"""What freezing costs: the bundle of `make package` beside the work tree's own programs, in the same run, by turns.

No goal: it tells the start of the app to its first window on a virtual screen, of `oxide --version`, and of `oxide-mcp`
to the list of tools with the app up; and how large everything is. Without a bundle there is nothing to measure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "installers"))
from virtual_screen import screen

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "build" / "package" / "dist" / "oxide"
FOLDERS = {"frozen": BUNDLE, "unfrozen": Path(sys.executable).parent}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
ASKED = (
    {"id": 1, "method": "initialize", "params": HELLO},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list"},
)
LIMIT_S = 60.0


@contextlib.contextmanager
def home() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="oxide-bench-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "config.yaml").write_text("web: {port: 0}\n")
        null = "keyring.backends.null.Keyring"
        yield {**os.environ, "OXIDE_HOME": folder, "HOME": folder, "PYTHON_KEYRING_BACKEND": null}


def version(folder: Path) -> float:
    with home() as env:
        began = time.perf_counter()
        subprocess.run([folder / "oxide", "--version"], check=True, env=env, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def tools(folder: Path, env: dict[str, str]) -> float:
    began = time.perf_counter()
    shim = subprocess.Popen([folder / "oxide-mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    for message in ASKED:
        shim.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    shim.stdin.flush()
    while json.loads(shim.stdout.readline()).get("id") != 2:
        pass
    took = time.perf_counter() - began
    shim.stdin.close()
    shim.wait(LIMIT_S)
    shim.stdout.close()
    return took


def window(folder: Path) -> float:
    """From the start of the app to a window on the screen."""
    with screen() as display, home() as env:
        began = time.perf_counter()
        app = subprocess.Popen([folder / "oxide"], env={**env, "DISPLAY": display}, stderr=subprocess.DEVNULL)
        try:
            subprocess.run(
                ["xdotool", "search", "--sync", "--onlyvisible", "--name", "Oxide"],
                check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S, env={**os.environ, "DISPLAY": display},
            )  # fmt: skip
            return time.perf_counter() - began
        finally:
            app.terminate()
            app.wait(LIMIT_S)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    with home() as env:
        app = subprocess.Popen([folder / "oxide", "serve"], env=env, stderr=subprocess.PIPE, text=True)
        try:
            next(line for line in app.stderr if line.startswith("Services"))
            yield env
        finally:
            app.terminate()
            app.communicate(timeout=LIMIT_S)


def by_turns(measure: Callable[[str], float], rounds: int, what: str) -> None:
    times: dict[str, list[float]] = {name: [] for name in FOLDERS}
    for turn in range(rounds + 1):
        for name in FOLDERS:
            took = measure(name)
            if turn:  # the first one reads from the disk
                times[name].append(took)
    medians = {name: statistics.median(values) * 1000 for name, values in times.items()}
    ratio = medians["frozen"] / medians["unfrozen"]
    print(f"{what:<44} frozen {medians['frozen']:6.0f} ms, unfrozen {medians['unfrozen']:6.0f} ms, {ratio:.2f} times")


def size_mb(path: Path) -> float:
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file() and not item.is_symlink()]
    return sum(item.stat().st_size for item in files) / 1e6


def sizes() -> None:
    weights = sum(item.stat().st_size for item in BUNDLE.rglob("*.gguf")) / 1e6
    print(f"bundle {size_mb(BUNDLE):.0f} MB, of which the built-in model's weights {weights:.0f} MB")
    for path in sorted((ROOT / "dist").glob("oxide-desktop*")):
        print(f"{path.name} {size_mb(path):.1f} MB")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    if not BUNDLE.is_dir():
        print("There is no bundle: make package")
        return 0
    sizes()
    by_turns(lambda name: version(FOLDERS[name]), rounds, "oxide --version")
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(serving(folder)) for name, folder in FOLDERS.items()}
        by_turns(lambda name: tools(FOLDERS[name], running[name]), rounds, "oxide-mcp to tools/list, the app up")
    if shutil.which("Xvfb") and shutil.which("xdotool"):
        by_turns(lambda name: window(FOLDERS[name]), rounds, "oxide to its window, a new home each time")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
