"""A server in OpenAI's dialect, as LM Studio and llama.cpp speak it.

`python -m tests.fakes.openai_server [PIECES]` serves until standard input ends.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.fakes.http_server import Received, Reply, ScriptedServer, serve_until_told


class OpenAIServer(ScriptedServer):
    """Knows `/v1/models` and `/v1/chat/completions`.

    Attributes:
        strict: Refuse requests for models that are not on offer.
        refuses: Parts of a request that this server does not know, such as `stream_options`.
        has_list: Whether there is a list of models.
    """

    content_type = "text/event-stream"
    strict = True
    refuses: tuple[str, ...] = ()
    has_list = True

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def is_question(self, method: str, path: str) -> bool:
        return method == "POST" and path == "/v1/chat/completions"

    def look_up(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        if path != "/v1/models" or not self.has_list:
            return None
        return 200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}

    def refusal(self, request: Received) -> Reply | None:
        if refused := [key for key in self.refuses if key in request.body]:
            instead = " Use 'max_completion_tokens' instead." if "max_tokens" in refused else ""
            return Reply(status=400, error=f"Unsupported parameter: '{refused[0]}'.{instead}")
        if self.strict and request.body["model"] not in self.models:
            return Reply(status=404, error=f"The model '{request.body['model']}' does not exist.")
        return None

    def error(self, status: int, text: str) -> Any:
        return {"error": {"message": text, "type": "server_error", "code": status}}

    def error_event(self, reply: Reply) -> bytes:
        return _event({"error": {"message": reply.error, "code": reply.status if reply.status != 200 else 500}})

    def events(self, reply: Reply, request: Any) -> list[bytes]:
        made = [_event(_chunk({"reasoning_content": text})) for text in reply.thinking]
        made += [_event(_chunk({"content": text})) for text in reply.pieces]
        made.append(_event(_chunk({}, reply.finish)))
        if reply.usage and request.get("stream_options", {}).get("include_usage"):
            made.append(_event({"choices": [], "usage": _usage(reply.usage)}))
        return [*made, b"data: [DONE]\n\n"]

    def whole(self, reply: Reply, request: Any) -> Any:
        message = {"role": "assistant", "content": "".join(reply.pieces)}
        answer = {"choices": [{"index": 0, "message": message, "finish_reason": reply.finish}]}
        return {**answer, "usage": _usage(reply.usage)} if reply.usage else answer


def _usage(tokens: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _event(data: Any) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


if __name__ == "__main__":
    program = OpenAIServer()
    if len(sys.argv) > 1:
        program.usual = Reply(pieces=[f"word{number} " for number in range(int(sys.argv[1]))])
    serve_until_told(program)
