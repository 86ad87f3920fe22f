"""Tries a bundle as its users will, in a home of its own: `smoke.py FOLDER`, with the folder that holds the programs.

It asks the built-in model, classifies, connects as an MCP client through `oxide-mcp`, looks at the web view, and ends
what it has started. The standard library is enough: it runs where the bundle was made and where it was installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT_S = 300.0
ENDING = ".exe" if sys.platform == "win32" else ""
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "smoke", "version": "1"}}
TOOLS = {"route_task", "analyze_parallel", "list_services", "get_task_result"}


class SmokeError(Exception):
    """Something does not work."""


class Bundle:
    """The programs of one folder, on a home of their own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OXIDE_", "PYTHON"))}
        self._environment = {**kept, "OXIDE_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

    def program(self, name: str) -> str:
        """The path of one of them."""
        return str(self._folder / f"{name}{ENDING}")

    def __call__(self, *arguments: str) -> str:
        """What `oxide` prints with these arguments."""
        done = subprocess.run(
            [self.program("oxide"), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environment,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            raise SmokeError(f"oxide {' '.join(arguments)} ended with {done.returncode}: {said}")
        return done.stdout.decode("utf-8")

    def tools(self) -> set[str]:
        """The tools that an MCP client sees; Oxide is started for it where it does not run."""
        shim = subprocess.Popen(
            [self.program("oxide-mcp")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
        )
        if shim.stdin is None or shim.stdout is None:
            raise SmokeError("There are no pipes.")
        for message in (
            {"id": 1, "method": "initialize", "params": HELLO},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/list"},
        ):
            shim.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        shim.stdin.close()
        answers: list[dict[str, Any]] = [json.loads(line) for line in shim.stdout]
        shim.wait(LIMIT_S)
        listed: list[dict[str, Any]] = next((item["result"]["tools"] for item in answers if item.get("id") == 2), [])  # noqa: PLR2004
        return {tool["name"] for tool in listed}

    def page(self, path: str) -> str:
        """A page of the running Oxide."""
        port, token = json.loads(self("status", "--json"))["port"], self("status", "--token").strip()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310 - as above
            return str(answer.read().decode("utf-8"))


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is tried, and how long it took."""
    began = time.monotonic()
    yield
    print(f"ok  {time.monotonic() - began:6.2f} s  {name}", flush=True)


def expect(holds: object, problem: str) -> None:
    """Raise the problem if it is one.

    Raises:
        SmokeError: It is.
    """
    if not holds:
        raise SmokeError(problem)


def smoke(bundle: Bundle, version: str) -> None:
    """Try everything.

    Raises:
        SmokeError: Something does not work.
    """
    with step("oxide --version"):
        expect(bundle("--version").split() == ["oxide,", "version", version], f"This is not {version}.")
    with step("oxide explain: the classifier's weights, the shipped settings"):
        told = json.loads(bundle("explain", "Review this function for bugs", "--json"))
        expect(told["profile"]["task_type"] == "code_review", f"It was taken for {told['profile']}.")
    with step("oxide run: the guard, and the built-in model's server"):
        answer = bundle("run", "-s", "builtin", "What is 2+2?")
        expect("4" in answer, f"The built-in model answered {answer!r}.")
    with step("oxide history: the database and its search"):
        expect(json.loads(bundle("history", "search", "2+2", "--json"))["total"] == 1, "The task is not found.")
    with step("oxide-mcp: the app is started, and lists its tools"):
        expect((tools := bundle.tools()) == TOOLS, f"The tools are {sorted(tools)}.")
    try:
        with step("oxide-mcp again, with the app running"):
            expect(bundle.tools() == TOOLS, "The tools are others now.")
        with step("the web view and the API's page"):
            expect("<html" in bundle.page("/") and "/v1/chat/completions" in bundle.page("/docs"), "A page is missing.")
        with step("oxide doctor"):
            expect(json.loads(bundle("doctor", "--no-ask", "--json"))["ok"], "Something is wrong with the house.")
    finally:
        end(bundle)


def end(bundle: Bundle) -> None:
    """End the app; on Windows it takes no signal, so that it is killed there."""
    with step("oxide stop"):
        if sys.platform == "win32":
            pid = str(json.loads(bundle("status", "--json"))["pid"])
            subprocess.run(["taskkill", "/F", "/T", "/PID", pid], check=True, capture_output=True)
        else:
            bundle("stop")
            expect(not json.loads(bundle("status", "--json"))["running"], "It still runs.")


def main() -> int:
    """Try the programs of the folder that is named."""
    folder = Path(sys.argv[1]).resolve()
    text = (Path(__file__).resolve().parent.parent / "oxide_desktop" / "__init__.py").read_text(encoding="utf-8")
    version = text.partition('__version__ = "')[2].partition('"')[0]
    with tempfile.TemporaryDirectory(prefix="oxide-smoke-", ignore_cleanup_errors=True) as home:
        try:
            smoke(Bundle(folder, Path(home)), version)
        except (SmokeError, subprocess.SubprocessError, OSError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
