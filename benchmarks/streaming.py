"""2,000 chunks from a stub through the whole engine, beside httpx and json alone, in alternating runs.

Goal: the engine takes at most 1.3 times as long. Its time runs from `submit` to the final record, with routing, a real
SQLite history and a listener on the task.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHUNKS = 2000
GOAL = 1.3


async def serve() -> None:
    """A stub in a process of its own: answers every POST with the same stream, every GET with one model."""
    events = [
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": f"word{n} "}}]}).encode() + b"\n\n"
        for n in range(CHUNKS)
    ]
    end = [
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2000}}\n\n',
        b"data: [DONE]\n\n",
    ]
    pieces = [b"%x\r\n%s\r\n" % (len(event), event) for event in (*events, *end)]
    models = json.dumps({"object": "list", "data": [{"id": "stub", "object": "model"}]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    size = b"%d" % len(models)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + size)
                    writer.write(b"\r\n\r\n" + models)
                    await writer.drain()
                    continue
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def bare(client: object, url: str) -> int:
    """What anybody would write with httpx and json."""
    body = {"model": "stub", "stream": True, "messages": [{"role": "user", "content": "go"}]}
    texts = []
    async with client.stream("POST", f"{url}/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                choices = json.loads(line[6:])["choices"]
                if choices and (text := choices[0]["delta"].get("content")):
                    texts.append(text)
    return len("".join(texts))


async def whole(oxide: object, request: object) -> int:
    """The same through Oxide."""
    task = await oxide.submit(request)
    count = 0
    async for chunk in task.chunks():
        count += len(chunk.text)
    record = await task.finished()
    assert record.status == "completed", record.error
    assert len(record.result) == count
    return count


async def measure(url: str, rounds: int) -> None:
    """Alternate the two and print medians and their ratio."""
    import httpx

    from oxide_desktop import Orchestrator, load_config
    from oxide_desktop.core.model import Preferences, Request, Source

    request = Request(
        prompt="go", preferences=Preferences(preferred_service="stub"), source=Source.PYTHON, cwd=Path.cwd()
    )
    times: dict[str, list[float]] = {"bare": [], "oxide": []}
    async with httpx.AsyncClient(timeout=None) as client, Orchestrator(load_config()) as oxide:
        assert await bare(client, url) == await whole(oxide, request)
        for _ in range(rounds):
            for name, run in (("bare", bare(client, url)), ("oxide", whole(oxide, request))):
                began = time.perf_counter()
                await run
                times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = statistics.median(b / a for a, b in zip(times["bare"], times["oxide"], strict=True))
    for name, seconds in medians.items():
        print(f"{name:>6}: {seconds * 1000:7.1f} ms   {CHUNKS / seconds:8,.0f} chunks/s")
    print(f" ratio: {ratio:.2f} (goal: {GOAL} or less) {'met' if ratio <= GOAL else 'MISSED'}")


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds")
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.serve:
        asyncio.run(serve())
        return
    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server,
    ):
        os.environ["OXIDE_HOME"] = home
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
            config = f"services:\n  stub: {{type: http, base_url: '{url}', model: stub}}\n"
            Path(home, "config.yaml").write_text(config)
            asyncio.run(measure(url, rounds=5 if chosen.quick else 25))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
