"""A program named `ollama` for PATH: `ollama serve` as the real one does it, and the ways in which that goes wrong.

`OllamaProgram` lays it out for a test and tells what has become of it. The program itself is the standard library
alone: it listens where OLLAMA_HOST says, and has a runner below it that does not end when it is asked to, in a session
of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.fakes.http_server import Fault, Received, Reply
from tests.fakes.ollama_server import OllamaServer

ROOT = Path(__file__).parents[2]
RUNNER = "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); threading.Event().wait()"
SCRIPT = """#!{python} -IS
import sys
sys.path.insert(0, {root!r})
from tests.fakes.ollama_program import main
sys.exit(main({folder!r}, sys.argv[1:]))
"""


class OllamaProgram:
    """The program in a folder that belongs on PATH. Its habits may change between starts.

    Args:
        habits: `slow_s` until it listens; `dies` with this on its standard error; `deaf` answers nothing but errors;
            `stalls` after the first word of an answer; `fragile`, so many starts die of their first question; `models`
            it has.
    """

    def __init__(self, folder: Path, **habits: Any) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        program = folder / "ollama"
        program.write_text(SCRIPT.format(python=sys.executable, root=str(ROOT), folder=str(folder)), encoding="utf-8")
        program.chmod(0o755)
        self.behave(**habits)

    def behave(self, **habits: Any) -> None:
        (self.folder / "habits.json").write_text(json.dumps(habits), encoding="utf-8")

    @property
    def starts(self) -> list[dict[str, Any]]:
        """Each start so far: its process, its runner's, and the address."""
        file = self.folder / "starts.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def alive(self) -> list[int]:
        """Processes of all its starts that are more than an exit status."""
        return [pid for start in self.starts for pid in (start["pid"], start["runner"]) if is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Deaf(OllamaServer):
    """Listens, and is never ready."""

    def look_up(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        return 503, {"error": "server is starting"}


class Fragile(OllamaServer):
    """Dies of the first question."""

    def refusal(self, request: Received) -> Reply | None:
        os._exit(7)


def main(folder: str, argv: list[str]) -> int:
    if argv != ["serve"]:
        sys.stderr.write(f"Error: unknown command {argv}\n")
        return 1
    habits = json.loads(Path(folder, "habits.json").read_text("utf-8"))
    address = os.environ.get("OLLAMA_HOST", "127.0.0.1:11434")
    runner = subprocess.Popen([sys.executable, "-IS", "-c", RUNNER], start_new_session=True)
    with Path(folder, "starts.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"pid": os.getpid(), "runner": runner.pid, "address": address}) + "\n")
    starts = len(Path(folder, "starts.jsonl").read_text("utf-8").splitlines())
    habits["fragile"] = starts <= habits.get("fragile", 0)
    threading.Event().wait(habits.get("slow_s", 0))
    if "dies" in habits:
        sys.stderr.write(f"time=now level=INFO msg=starting\nError: {habits['dies']}\n")
        return 1
    return serve(address, habits)


def serve(address: str, habits: dict[str, Any]) -> int:
    kind = Deaf if habits.get("deaf") else Fragile if habits["fragile"] else OllamaServer
    try:
        server = kind(models=habits.get("models", ["qwen2.5-coder:7b"]), port=int(address.rpartition(":")[2]))
    except OSError:
        sys.stderr.write(f"Error: listen tcp {address}: bind: address already in use\n")
        return 1
    server.usual = Reply(pieces=["It is ", "4."], **({"fault": Fault.STALL, "after": 1} if "stalls" in habits else {}))
    with server:
        threading.Event().wait()
    return 0
