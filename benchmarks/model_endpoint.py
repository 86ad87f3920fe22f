"""2,000 chunks through `/v1/chat/completions`, beside the stub alone and a LiteLLM proxy, in alternating runs.

Goals: a fifth of the proxy's added time to the first chunk or less, five times its chunks per second or more. Without a
proxy (`make test-fleet` installs one apart; OXIDE_TEST_LITELLM names another) only the first two are measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

CHUNKS = 2000
KEY = "sk-benchmark"
START_LIMIT_S = 120
ROOT = Path(__file__).parents[1]
QUESTION = b'{"model": "stub", "stream": true, "messages": [{"role": "user", "content": "go"}]}'


@dataclass
class Target:
    """Something that speaks OpenAI's dialect; `process` is measured."""

    name: str
    port: int
    key: str
    process: subprocess.Popen[str]
    start_s: float

    def memory_mb(self) -> float:
        import psutil

        process = psutil.Process(self.process.pid)
        return sum(item.memory_info().rss for item in (process, *process.children(recursive=True))) / 2**20


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Its whole group ends with the block."""
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def start(argv: list[str], log: Path, **env: str) -> subprocess.Popen[str]:
    with log.open("w") as errors:
        return subprocess.Popen(
            argv, env={**os.environ, **env}, cwd=log.parent, stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip


@contextmanager
def stub(home: Path) -> Iterator[Target]:
    """The stub of the streaming benchmark, in a process of its own."""
    argv = [sys.executable, str(ROOT / "benchmarks" / "streaming.py"), "--serve"]
    with ending(start(argv, home / "stub.log")) as process:
        yield Target("stub", int(process.stdout.readline()), "", process, 0.0)


@contextmanager
def oxide(home: Path, url: str) -> Iterator[Target]:
    """`oxide serve`, with the stub as its one service."""
    import yaml

    shipped = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["services"]
    services = {name: {"enabled": False} for name in shipped}
    services["stub"] = {"type": "http", "base_url": url, "model": "stub"}
    house = home / "oxide"
    house.mkdir()
    (house / "config.yaml").write_text(yaml.safe_dump({"services": services, "web": {"port": free_port()}}))
    began = time.perf_counter()
    argv = [sys.executable, "-m", "oxide_desktop", "serve"]
    with ending(start(argv, home / "oxide.log", OXIDE_HOME=str(house), PYTHONPATH=str(ROOT))) as process:
        import json

        word = house / "run" / "web.json"
        until(word.exists, process)
        port = json.loads(word.read_text())["port"]
        until(lambda: answers(port, "/api/monitoring/health"), process)
        took = time.perf_counter() - began
        yield Target("oxide", port, (house / "run" / "token").read_text().strip(), process, took)


@contextmanager
def proxy(program: str, home: Path, url: str) -> Iterator[Target]:
    """A LiteLLM proxy, with the stub as its one model."""
    import yaml

    settings = home / "litellm.yaml"
    params = {"model": "openai/stub", "api_base": url, "api_key": "x"}
    settings.write_text(yaml.safe_dump({"model_list": [{"model_name": "stub", "litellm_params": params}]}))
    port, began = free_port(), time.perf_counter()
    argv = [program, "--config", str(settings), "--host", "127.0.0.1", "--port", str(port)]
    own = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with ending(start(argv, home / "proxy.log", **own)) as process:
        until(lambda: answers(port, "/health/liveliness"), process)
        yield Target("proxy", port, KEY, process, time.perf_counter() - began)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int, path: str) -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def until(is_up: object, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args} does not start")
        time.sleep(0.05)


async def ask(target: Target) -> tuple[float, float]:
    """Seconds to the first text, and to the last."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {target.key}\r\nContent-Length: {len(QUESTION)}\r\n\r\n"
    )
    seen, first, began = bytearray(), 0.0, time.perf_counter()
    writer.write(head.encode() + QUESTION)
    while b"[DONE]" not in seen[-100:]:
        piece = await asyncio.wait_for(reader.read(65536), 60)
        if not piece:
            raise SystemExit(f"{target.name}: {bytes(seen[-500:])!r}")
        seen += piece
        if not first and b"word0" in seen:
            first = time.perf_counter() - began
    took = time.perf_counter() - began
    writer.close()
    assert seen.count(b'"word') == CHUNKS, f"{target.name}: {seen.count(b'word')} chunks"
    return first, took


async def measure(targets: list[Target], rounds: int) -> None:
    times: dict[str, list[tuple[float, float]]] = {target.name: [] for target in targets}
    for target in targets * 3:
        await ask(target)  # warm
    for _ in range(rounds):
        for target in targets:
            times[target.name].append(await ask(target))
    firsts = {name: statistics.median(first for first, _ in found) for name, found in times.items()}
    rates = {name: CHUNKS / statistics.median(took for _, took in found) for name, found in times.items()}
    for target in targets:
        print(
            f"{target.name:>6}: first chunk {firsts[target.name] * 1000:6.1f} ms   {rates[target.name]:8,.0f} chunks/s"
            f"   {target.memory_mb():4.0f} MB   started in {target.start_s:.1f} s"
        )
    if "proxy" in firsts:
        added = (firsts["oxide"] - firsts["stub"]) / (firsts["proxy"] - firsts["stub"])
        faster = rates["oxide"] / rates["proxy"]
        print(
            f" added time to the first chunk: {added:.2f} of the proxy's (goal: 0.2 or less) {_verdict(added <= 0.2)}"
        )
        print(f" chunks/s: {faster:.1f} times the proxy's (goal: 5 or more) {_verdict(faster >= 5)}")


def _verdict(met: bool) -> str:  # noqa: FBT001 - a little program
    return "met" if met else "MISSED"


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 5 if arguments.parse_args().quick else 25
    program = os.environ.get("OXIDE_TEST_LITELLM", str(Path.home() / ".cache/oxide-test-fleet/bin/litellm"))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        targets = [stack.enter_context(stub(home))]
        url = f"http://127.0.0.1:{targets[0].port}/v1"
        targets.append(stack.enter_context(oxide(home, url)))
        if Path(program).exists():
            targets.append(stack.enter_context(proxy(program, home, url)))
        else:
            print("No LiteLLM proxy is installed (make test-fleet installs one): measured without it.")
        asyncio.run(measure(targets, rounds))


if __name__ == "__main__":
    main()
