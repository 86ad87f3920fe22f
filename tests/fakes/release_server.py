"""A server that names the newest version, in whatever form the test says."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.http_server import Reply, ScriptedServer


class ReleaseServer(ScriptedServer):
    """Answers every GET by the script, then with `names`."""

    content_type = "application/json"

    @property
    def address(self) -> str:
        return f"{self.url}/latest"

    def names(self, answer: object) -> None:
        self.usual = Reply(body=json.dumps(answer).encode())

    def is_question(self, method: str, path: str) -> bool:
        return method == "GET"

    def look_up(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        return None

    def error(self, status: int, text: str) -> Any:
        return {"message": text}

    def error_event(self, reply: Reply) -> bytes:
        return b""

    def events(self, reply: Reply, request: Any) -> list[bytes]:
        return []

    def whole(self, reply: Reply, request: Any) -> Any:
        return {}
