"""A server in the dialect of Gemini's API, as far as its command-line program speaks it."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.http_server import Received, Reply, ScriptedServer

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
PER_DAY = "You exceeded your current quota, please check your plan and billing details."
PER_MINUTE = "You exceeded your current quota (per minute)."
WRONG_KEY = "API key not valid. Please pass a valid API key."


class GeminiServer(ScriptedServer):
    """Knows `…:streamGenerateContent`, which answers, and `…:countTokens`."""

    content_type = "text/event-stream"

    def is_question(self, method: str, path: str) -> bool:
        return method == "POST" and ":streamGenerateContent" in path

    def look_up(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        return (200, {"totalTokens": 5}) if ":countTokens" in path else None

    def next_reply(self, request: Received) -> Reply:
        sent = {name.lower(): value for name, value in request.headers.items()}.get("x-goog-api-key")
        if self.api_key and sent != self.api_key:
            return Reply(status=400, error=WRONG_KEY)
        return self._script.popleft() if self._script else self.usual

    def error(self, status: int, text: str) -> Any:
        error = {"code": status, "message": text, "status": STATUSES.get(status, "UNKNOWN"), "details": _details(text)}
        return {"error": error}

    def error_event(self, reply: Reply) -> bytes:
        return _event(self.error(500, reply.error))

    def events(self, reply: Reply, request: Any) -> list[bytes]:
        pieces = list(reply.pieces) or [""]
        made = [_event(_chunk([{"text": text, "thought": True}])) for text in reply.thinking]
        made += [_event(_chunk([{"text": text}])) for text in pieces[:-1]]
        return [*made, _event(_chunk([{"text": pieces[-1]}], reply.finish.upper(), reply.usage))]

    def whole(self, reply: Reply, request: Any) -> Any:
        return _chunk([{"text": "".join(reply.pieces)}], reply.finish.upper(), reply.usage)


def _details(text: str) -> list[dict[str, Any]]:
    if text == PER_DAY:
        return [_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")]
    if text == PER_MINUTE:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}
        return [_quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), retry]
    if text == WRONG_KEY:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        return [{**info, "domain": "googleapis.com"}]
    return []


def _quota(name: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


def _chunk(
    parts: list[dict[str, Any]], finish: str | None = None, usage: tuple[int, int] | None = None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    chunk: dict[str, Any] = {"candidates": [candidate], "modelVersion": "fake"}
    if usage:
        read, written = usage
        counts = {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}
        chunk["usageMetadata"] = counts
    return chunk


def _event(data: Any) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\r\n\r\n"
