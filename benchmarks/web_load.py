"""200 tasks at once over HTTP with 50 WebSocket listeners, 10 of which stall; then 300 half-open clients.

Goals: every listener that keeps up sees every chunk of every task in order, memory stays within 150 MB of where it was,
and while the half-open clients are held the health route answers with p99 under 1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
TASKS, LISTENERS, STALLED, PIECES = 200, 50, 10, 20
HALF_OPEN = 300
GROWTH_MB = 150
P99_S = 1.0


class Server:
    """`oxide serve` with one service: a stub in OpenAI's dialect."""

    def __init__(self, home: Path) -> None:
        import yaml

        from tests.fakes.http_server import closed_port

        shipped = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["services"]
        self.stub = self._start([sys.executable, "-m", "tests.fakes.openai_server", str(PIECES)], home, stdin=True)
        url = self.stub.stdout.readline().strip()
        services: dict[str, object] = {name: {"enabled": False} for name in shipped}
        service = {
            "type": "http",
            "base_url": f"{url}/v1",
            "model": "model",
            "max_concurrency": 50,
            "locality": "local",
        }
        services["stub"] = service
        house = home / "oxide"
        house.mkdir()
        settings = {"services": services, "web": {"port": closed_port()}}
        (house / "config.yaml").write_text(yaml.safe_dump(settings))
        self.oxide = self._start([sys.executable, "-m", "oxide_desktop", "serve"], home, OXIDE_HOME=str(house))
        word = house / "run" / "web.json"
        deadline = time.monotonic() + 60
        while not word.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.port = json.loads(word.read_text())["port"]
        self.headers = {"Authorization": f"Bearer {(house / 'run' / 'token').read_text().strip()}"}

    @staticmethod
    def _start(argv: list[str], home: Path, *, stdin: bool = False, **env: str) -> subprocess.Popen[str]:
        with (home / "log").open("a") as log:
            return subprocess.Popen(
                argv, cwd=ROOT, env={**os.environ, **env, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=log,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, text=True, start_new_session=True,
            )  # fmt: skip

    def memory_mb(self) -> float:
        import psutil

        return psutil.Process(self.oxide.pid).memory_info().rss / 2**20

    def end(self) -> None:
        for process in (self.oxide, self.stub):
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


class Listener:
    """Reads what `/ws` sends, as quickly as it can."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.done: set[str] = set()
        self.missed = 0

    async def listen(self, socket: object, tasks: int) -> None:
        while len(self.done) < tasks:
            message = json.loads(await socket.recv())
            if message["type"] == "task_progress":
                self.texts[message["task_id"]].append(message["chunk"])
            elif message["type"] == "task_complete":
                self.done.add(message["task_id"])
            elif message["type"] == "missed":
                self.missed += message["count"]


async def crowd(server: Server, tasks: int, listeners: int, stalled: int) -> bool:
    """Ask everything at once while everybody listens; whether every one that kept up saw everything."""
    import httpx
    from websockets.asyncio.client import connect

    address = f"ws://127.0.0.1:{server.port}/ws"
    before, began = server.memory_mb(), time.perf_counter()
    async with contextlib.AsyncExitStack() as stack:
        open_one = lambda **options: stack.enter_async_context(  # noqa: E731 - twice, just below
            connect(
                address,
                additional_headers=server.headers,
                compression=None,
                ping_interval=None,
                close_timeout=1,
                **options,
            )
        )
        for _ in range(stalled):
            (await open_one(max_queue=1)).transport.pause_reading()
        readers = [(Listener(), await open_one(max_queue=None)) for _ in range(listeners - stalled)]
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{server.port}",
                headers=server.headers,
                timeout=120,
                limits=httpx.Limits(max_connections=20),
            )
        )
        asks = (client.post("/api/tasks/execute", json={"prompt": f"question {n}"}) for n in range(tasks))
        listening = asyncio.gather(*(reader.listen(socket, tasks) for reader, socket in readers))
        ids = [answer.raise_for_status().json()["task_id"] for answer in await asyncio.gather(*asks)]
        asked = time.perf_counter() - began
        await asyncio.wait_for(listening, 300)
        took, after = time.perf_counter() - began, server.memory_mb()
        records = {}
        for task_id in ids:
            records[task_id] = (await client.get(f"/api/tasks/{task_id}")).json()
    failed = [record["error"] for record in records.values() if record["status"] != "completed"]
    whole = sum(
        all("".join(reader.texts[task_id]) == (record["result"] or "") for task_id, record in records.items())
        for reader, _ in readers
    )
    missed = sum(reader.missed for reader, _ in readers)
    print(
        f"  {tasks} tasks asked in {asked:.1f} s, told to {listeners} listeners in {took:.1f} s; failed: {len(failed)}"
    )
    print(f"  {whole} of {len(readers)} who kept up saw every chunk in order; missed: {missed}; {stalled} stalled")
    print(f"  memory: {before:.0f} MB before, {after:.0f} MB after (goal: {GROWTH_MB} MB more or less)")
    return whole == len(readers) and not failed and missed == 0 and after - before <= GROWTH_MB


async def half_open(server: Server, count: int, hold_s: float) -> bool:
    """Hold connections that never finish a request, and try again a second after each is dropped; whether it helps."""
    import httpx

    async def hold() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(b"GET /api/monitoring/health HTTP/1.1\r\nHost:")
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    times: list[float] = []
    holding = [asyncio.ensure_future(hold()) for _ in range(count)]
    ends = time.monotonic() + hold_s
    while time.monotonic() < ends:
        began = time.perf_counter()
        async with httpx.AsyncClient(headers=server.headers, timeout=30) as client:
            for _ in range(5):
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(f"http://127.0.0.1:{server.port}/api/monitoring/health")
                    answer.raise_for_status()
                    break
            else:
                print("  health did not answer five times in a row")
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    for task in holding:
        task.cancel()
    await asyncio.wait(holding)
    p99 = statistics.quantiles(times, n=100)[98]
    middle = statistics.median(times) * 1000
    print(f"  health over {hold_s:.0f} s: {len(times)} answers, median {middle:.0f} ms, p99 {p99 * 1000:.0f} ms")
    return p99 < P99_S


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer tasks, a shorter time")
    quick = arguments.parse_args().quick
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            print("Many tasks, many listeners:")
            crowded = asyncio.run(crowd(server, *((40, 10, 3) if quick else (TASKS, LISTENERS, STALLED))))
            print(f"Half-open clients ({HALF_OPEN}):")
            open_still = asyncio.run(half_open(server, HALF_OPEN, 5 if quick else 60))
        finally:
            server.end()
    print(f" {'met' if crowded and open_still else 'MISSED'}")


if __name__ == "__main__":
    main()
