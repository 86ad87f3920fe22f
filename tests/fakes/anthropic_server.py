"""A little server that speaks Anthropic's Messages, and has the model call the tools that a test asks for.

A user's message `CALL name {json}` is answered with that call; what the tool answered is said back. Everything else is
answered with a greeting.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_CALL = re.compile(r"CALL (\S+) (\{.*\})")


class AnthropicServer:
    """Listens on a free port of this machine.

    Attributes:
        received: The bodies of all questions, oldest first.
    """

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        fake = self

        class Handler(_Handler):
            fake_server = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def tools(self) -> set[str]:
        """Names of the tools that were ever offered to the model."""
        return {tool["name"] for body in self.received for tool in body.get("tools", ())}

    @property
    def answers(self) -> list[str]:
        """What tools have answered, as the model was told it."""
        return [_text(block.get("content")) for body in self.received for block in _tool_results(body)]

    def said(self) -> str:
        """Everything that the model was told by its user."""
        return "\n".join(_text(message["content"]) for body in self.received for message in body.get("messages", ()))


def _last(body: dict[str, Any]) -> Any:
    return body["messages"][-1]["content"] if body.get("messages") else ""


def _tool_results(body: dict[str, Any]) -> list[dict[str, Any]]:
    last = _last(body)
    return [block for block in last if block.get("type") == "tool_result"] if isinstance(last, list) else []


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text") or _text(block.get("content", "")) for block in content or ())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake_server: AnthropicServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(200, "application/json", b"")

    def do_GET(self) -> None:
        self._send(404, "application/json", b'{"type": "error", "error": {"type": "not_found_error", "message": "no"}}')

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if "count_tokens" in self.path:
            self._send(200, "application/json", b'{"input_tokens": 10}')
            return
        self.fake_server.received.append(body)
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 5},
        }
        block, reason = _answer(body)
        if not body.get("stream"):
            whole = {**message, "content": [block], "stop_reason": reason}
            self._send(200, "application/json", json.dumps(whole).encode())
            return
        events = b"".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            for event in _stream(message, block, reason)
        )
        self._send(200, "text/event-stream", events)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _answer(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What the model says: a call if it was told to make one and has not yet, else words."""
    if results := _tool_results(body):
        return {"type": "text", "text": f"The tool said: {_text(results[0].get('content'))[:2000]}"}, "end_turn"
    call = _CALL.search("\n".join(_text(message["content"]) for message in body["messages"]))
    if call and body.get("tools"):
        made = {"type": "tool_use", "id": f"toolu_{len(call[2])}", "name": call[1]}
        return {**made, "input": json.loads(call[2])}, "tool_use"
    return {"type": "text", "text": "Hello from the model."}, "end_turn"


def _stream(message: dict[str, Any], block: dict[str, Any], reason: str) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    if block["type"] == "tool_use":
        empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    else:
        empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": message["usage"]}
    yield {"type": "message_stop"}
