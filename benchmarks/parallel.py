"""An analysis of 200 files on three services, one of which answers 500 to everything, beside the ideal for the others.

The stubs take a fixed time for each request and one for each 1,000 characters. The ideal is what the two that work need
for the same requests, as the stubs counted them, if neither ever waits. Goal: at most 1.3 times that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

GOAL = 1.3
FILES = 200


@dataclass
class Stub:
    """A server in OpenAI's dialect; `busy_s` sums the time that its requests were made to take."""

    broken: bool
    request_s: float
    thousand_chars_s: float
    busy_s: float = 0.0
    last_s: float = 0.0
    requests: int = 0
    url: str = ""
    server: asyncio.Server | None = field(default=None, repr=False)

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                writer.write(await self._answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET"):
            return _response(200, "application/json", json.dumps({"data": [{"id": "stub"}]}).encode())
        self.requests += 1
        if self.broken:
            return _response(500, "application/json", b'{"error": {"message": "broken"}}')
        took_s = self.request_s + self.thousand_chars_s * len(body) / 1000
        self.busy_s += took_s
        self.last_s = took_s
        await asyncio.sleep(took_s)
        event = json.dumps(
            {"choices": [{"index": 0, "delta": {"content": "Nothing to say."}, "finish_reason": "stop"}]}
        )
        return _response(200, "text/event-stream", f"data: {event}\n\ndata: [DONE]\n\n".encode())


def _response(status: int, kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def make_tree(root: Path) -> None:
    """200 files of very different sizes in ten folders."""
    for number in range(FILES):
        file = root / f"part{number % 10}" / f"mod{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# module {number}\n" + "value = compute(value)\n" * (10 + number * 37 % 150))


def write_settings(place: Path, stubs: list[Stub], workers: int = 3) -> Path:
    services = "".join(
        f"  stub{number}:\n    type: http\n    api_type: openai_compatible\n    base_url: {stub.url}\n"
        f"    max_context_tokens: 128000\n    max_concurrency: 1\n"
        for number, stub in enumerate(stubs)
    )
    text = f"services:\n  builtin:\n    enabled: false\n{services}execution:\n  max_parallel_workers: {workers}\n"
    file = place / "config.yaml"
    file.write_text(text)
    return file


async def measure(request_s: float, thousand_chars_s: float) -> float:
    stubs = [Stub(broken=number == 1, request_s=request_s, thousand_chars_s=thousand_chars_s) for number in range(3)]
    for stub in stubs:
        await stub.start()
    with tempfile.TemporaryDirectory() as place:
        os.environ["OXIDE_HOME"] = str(Path(place, "home"))
        root = Path(place, "tree")
        make_tree(root)
        from oxide_desktop import Orchestrator, ParallelExecutor, load_config

        async with Orchestrator(load_config(write_settings(Path(place), stubs))) as oxide:
            os.chdir(root)
            await ParallelExecutor(3, orchestrator=oxide).execute_parallel("Hello?", ["part0/mod0.py"], ["stub0"])
            for stub in stubs:
                stub.busy_s, stub.requests = 0.0, 0
            started = time.perf_counter()
            result = await ParallelExecutor(3, orchestrator=oxide).execute_parallel("Anything wrong?", ["."])
            took_s = time.perf_counter() - started
        os.chdir("/")
    ideal_s = (sum(stub.busy_s for stub in stubs) - stubs[0].last_s) / 2 + stubs[0].last_s  # the last request merges
    read = sum(item.status.value == "read" for item in result.receipt)
    print(
        f"{request_s * 1000:4.0f} ms a request + {thousand_chars_s * 1000:4.0f} ms/1,000 chars: {read} of {FILES}, "
        f"{stubs[0].requests} + {stubs[2].requests} requests, {stubs[1].requests} to the broken one, "
        f"{took_s:.2f} s, ideal {ideal_s:.2f} s: {took_s / ideal_s:.2f} times"
    )
    for stub in stubs:
        if stub.server:
            stub.server.close()
    if read != FILES:
        raise SystemExit(f"{FILES - read} files were not read")
    return took_s / ideal_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    cases = ((0.25, 0.0), (0.1, 0.01), (0.0, 0.02))
    worst = max(asyncio.run(measure(*case)) for case in cases)
    print(f"worst: {worst:.2f} times the ideal, goal {GOAL}: {'met' if worst <= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
