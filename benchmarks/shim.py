"""The shim as its clients meet it: how long until the tools are listed, and what restarts of the app cost a session.

Goals: with the app up, at most 3 times a bare Python that speaks JSON (alternating runs, medians); with it down, its
start included, 5 s; of 20 shims that start at once with the app down, all are answered by one app; over 20 restarts
(half of them SIGKILL) under one session with calls in flight, every call gets an answer or a clear error, and none runs
twice; of 8 apps that start at once, one stays.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml

UP_GOAL, DOWN_GOAL_S = 3.0, 5.0
SHIM = [str(Path(sys.executable).parent / "oxide-mcp")]
APP = [sys.executable, "-m", "oxide_desktop", "serve"]
SPEAKER = """
import sys, json
for line in sys.stdin:
    message = json.loads(line)
    if 'id' in message:
        print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'result': {'tools': []}}), flush=True)
"""
BARE = [sys.executable, "-c", SPEAKER]
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
# A service that notes each time it is run, takes its time, and says back what it was asked.
SCRIPT = 'prompt=$(cat); echo "$prompt" >> "$RUNS"; sleep 0.3; echo "$prompt"'


class Session:
    """A client of one MCP server."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self._last = 0

    def send(self, method: str, **params: Any) -> int:
        self._last += 1
        self._write({"id": self._last, "method": method, "params": params})
        return self._last

    def _write(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        assert line, "the session has ended"
        message = json.loads(line)
        return self.receive() if "method" in message else message

    def open(self) -> dict[str, Any]:
        self.send("initialize", **HELLO)
        answer = self.receive()
        self._write({"method": "notifications/initialized"})
        return answer

    def tools(self) -> dict[str, Any]:
        self.send("tools/list")
        return self.receive()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def until_tools(command: list[str], env: dict[str, str]) -> float:
    """Seconds from the start of a server until it has listed its tools."""
    began = time.perf_counter()
    session = Session(command, env)
    session.open()
    answer = session.tools()
    took = time.perf_counter() - began
    session.close()
    assert "result" in answer, answer
    return took


@contextlib.contextmanager
def home() -> Iterator[dict[str, str]]:
    """An environment with a home of its own, whose only service is the script; no app of it is left behind."""
    with tempfile.TemporaryDirectory() as place:
        shipped = yaml.safe_load((Path(__file__).parents[1] / "config/default.yaml").read_text())["services"]
        services: dict[str, Any] = {name: {"enabled": False} for name in shipped}
        runs = str(Path(place) / "runs")
        services["script"] = {
            "type": "cli",
            "api_type": "command",
            "executable": "sh",
            "args": ["-c", SCRIPT],
            "env": {"RUNS": runs},
            "version_args": [],
            "max_retries": 0,
        }
        settings = {"services": services, "web": {"port": 0}}
        (Path(place) / "config.yaml").write_text(yaml.safe_dump(settings))
        env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        try:
            yield {**env, "OXIDE_HOME": place, "RUNS": runs}
        finally:
            for app in apps(place):
                with contextlib.suppress(psutil.NoSuchProcess):
                    app.kill()
                    app.wait(10)


def apps(place: str) -> list[psutil.Process]:
    """The apps that run on a home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            is_app = (process.info["cmdline"] or [])[1:3] == ["-m", "oxide_desktop"]
            if is_app and process.environ().get("OXIDE_HOME") == place:
                found.append(process)
    return found


def start_app(env: dict[str, str]) -> subprocess.Popen[bytes]:
    """`oxide serve`, until it listens; what it says afterwards is read by nobody and fits in the pipe."""
    app = subprocess.Popen(APP, env=env, stderr=subprocess.PIPE)
    while b"is running" not in (line := app.stderr.readline()):
        assert line, f"the app did not start: exit code {app.wait()}"
    return app


def measure_up(runs: int) -> None:
    with home() as env:
        app = start_app(env)
        until_tools(SHIM, env)
        pairs = [(until_tools(BARE, env), until_tools(SHIM, env)) for _ in range(runs)]
        app.terminate()
        app.communicate()
    bare, shim = (statistics.median(times) for times in zip(*pairs, strict=True))
    verdict = "ok" if shim <= UP_GOAL * bare else "MISSED"
    print(
        f"up: bare {bare * 1000:.0f} ms, shim {shim * 1000:.0f} ms, {shim / bare:.2f} times (goal {UP_GOAL}) {verdict}"
    )


def measure_down(runs: int) -> None:
    times = []
    for _ in range(runs):
        with home() as env:
            times.append(until_tools(SHIM, env))
    shown = ", ".join(f"{took:.2f}" for took in times)
    print(f"down: {shown} s (goal {DOWN_GOAL_S}) {'ok' if statistics.median(times) <= DOWN_GOAL_S else 'MISSED'}")


def measure_crowd(count: int) -> None:
    with home() as env:
        times: list[float] = []
        threads = [threading.Thread(target=lambda: times.append(until_tools(SHIM, env))) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deadline = time.monotonic() + 20  # those that found another one first are still on their way out
        while len(left := apps(env["OXIDE_HOME"])) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        alone = len(left) == 1
    verdict = "ok" if alone and len(times) == count else "MISSED"
    print(f"crowd: {len(times)} of {count} answered, the last after {max(times):.2f} s, one app: {alone} {verdict}")


def measure_starts(rounds: int, at_once: int = 8) -> None:
    """Several `oxide serve` at the same instant: one stays, the others say so and end with 0."""
    wrong = 0
    for _ in range(rounds):
        with home() as env:
            started = [
                subprocess.Popen(APP, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                for _ in range(at_once)
            ]
            deadline = time.monotonic() + 60
            while sum(app.poll() is None for app in started) > 1 and time.monotonic() < deadline:
                time.sleep(0.05)
            left = [app for app in started if app.poll() is None]
            session = Session(SHIM, env)
            answers = "result" in session.open()
            session.close()
            others_fine = all(app.poll() == 0 for app in started if app not in left)
            wrong += not (len(left) == 1 and others_fine and answers)
            for app in left:
                app.kill()
                app.wait()
    print(f"starts: {rounds} rounds of {at_once} at once, {wrong} without exactly one {'MISSED' if wrong else 'ok'}")


def measure_restarts(count: int) -> None:
    with home() as env:
        app = start_app(env)
        session = Session(SHIM, env)
        session.open()
        asked: list[str] = []
        answered = refused = 0
        for number in range(count):
            waiting = set()
            for prompt in (f"call {number} a", f"call {number} b"):
                asked.append(prompt)
                waiting.add(session.send("tools/call", name="route_task", arguments={"prompt": prompt}))
            time.sleep(0.15 * (number % 4))
            app.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            app.communicate()
            app = start_app(env)
            while waiting:
                answer = session.receive()
                waiting.remove(answer["id"])
                fine = "result" in answer and not answer["result"].get("isError")
                answered, refused = answered + fine, refused + (not fine)
            assert "result" in session.tools()
        ran = Path(env["RUNS"]).read_text().splitlines() if Path(env["RUNS"]).exists() else []
        session.close()
        app.terminate()
        app.communicate()
    twice = [prompt for prompt in asked if sum(prompt in line for line in ran) > 1]
    verdict = "ok" if not twice and answered + refused == len(asked) else "MISSED"
    print(
        f"restarts: {count}, {len(asked)} calls: {answered} answered, {refused} told, {len(twice)} ran twice {verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--crowd", type=int, default=20)
    parser.add_argument("--starts", type=int, default=5, help="rounds of 8 apps started at once")
    given = parser.parse_args()
    measure_up(given.runs)
    measure_down(max(given.runs // 5, 1))
    measure_crowd(given.crowd)
    measure_restarts(given.restarts)
    measure_starts(given.starts)


if __name__ == "__main__":
    main()
