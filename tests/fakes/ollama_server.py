"""A stand-in for Ollama, which no package registry has: its API as its documentation and its Python client have it.

Like the real one it cuts a prompt that is over the window without a word, and only its count tells.
`python -m tests.fakes.ollama_server` serves until standard input ends.
"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.http_server import Received, Reply, ScriptedServer, serve_until_told

CHARS_PER_TOKEN = 4
SIZE = 4_700_000_000
STUB_SIZE = 384
TICKS = 4
CONFIG_BYTES = 500


class OllamaServer(ScriptedServer):
    """Knows `/api/chat`, `/api/tags`, `/api/version`, `/api/show`, `/api/ps` and `/api/pull`.

    A pull sends what the real one does: a line for each tick of a download, however little has come. One that is cut
    off by a fault goes on at the next pull where it stopped.

    Attributes:
        longest: The window that the models were made for; `None` does not tell.
        most_window: What the machine has memory for, whatever is asked for.
        loaded: Model -> window it is loaded with.
        remote: Model that only looks as if it were here -> what it is called at ollama.com.
        old: Know nothing of `/api/ps` and `/api/show`.
        library: Model -> bytes, for what can be pulled.
        pulled: Model -> bytes of it that are here.
    """

    content_type = "application/x-ndjson"
    version = "0.13.1"
    longest: int | None = 32768
    most_window = 131072
    old = False

    def __init__(self, *script: Reply, models: tuple[str, ...] = ("qwen2.5-coder:7b", "llama3:latest"), **more: Any):
        super().__init__(*script, models=models, **more)
        self.loaded: dict[str, int] = {}
        self.remote: dict[str, str] = {}
        self.library = {"mistral:7b": 4_000_000_000}
        self.pulled: dict[str, int] = {}

    def is_question(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/api/chat", "/api/pull")

    def look_up(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        if path == "/api/version":
            return 200, {"version": self.version}
        if path == "/api/tags":
            return 200, {"models": [self._entry(name) for name in self.models]}
        if self.old:
            return None
        if path == "/api/ps":
            return 200, {
                "models": [{"name": name, "model": name, "context_length": size} for name, size in self.loaded.items()]
            }
        if path == "/api/show":
            return self._show(body["model"])
        return None

    def _show(self, model: str) -> tuple[int, Any]:
        if not {model, f"{model}:latest"} & {*self.models}:
            return 404, self.error(404, f"model '{model}' not found")
        known = {"llama.context_length": self.longest} if self.longest else {}
        return 200, {"model_info": {"general.architecture": "llama", **known}, **self._elsewhere(model)}

    def _entry(self, model: str) -> dict[str, Any]:
        size = SIZE if model not in self.remote else STUB_SIZE
        return {"name": model, "model": model, "size": size, **self._elsewhere(model)}

    def _elsewhere(self, model: str) -> dict[str, str]:
        if model not in self.remote:
            return {}
        return {"remote_model": self.remote[model], "remote_host": "https://ollama.com:443"}

    def refusal(self, request: Received) -> Reply | None:
        if request.path == "/api/pull":
            return None
        model = request.body["model"]
        if model not in self.models:
            return Reply(status=404, error=f"model '{model}' not found")
        self.loaded = {model: self._window(request.body)}
        return None

    def _window(self, request: Any) -> int:
        wanted = request.get("options", {}).get("num_ctx", 4096)
        return min(wanted, self.most_window, self.longest or wanted)

    def error(self, status: int, text: str) -> Any:
        return {"error": text}

    def error_event(self, reply: Reply) -> bytes:
        return _line({"error": reply.error})

    def events(self, reply: Reply, request: Any) -> list[bytes]:
        if "model" in request and "messages" not in request:
            return [_line(step) for step in self._pull(reply, request["model"])]
        made = [_line(_message("", thinking=text)) for text in reply.thinking]
        made += [_line(_message(text)) for text in reply.pieces]
        return [*made, _line(self._last(reply, request))]

    def _pull(self, reply: Reply, model: str) -> list[dict[str, Any]]:
        size = self.library.get(model)
        if size is None:
            return [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
        here, last = self.pulled.get(model, 0), reply.after - 2 if reply.fault else TICKS
        ticks = [here + (size - here) * tick // TICKS for tick in range(TICKS + 1)]
        self.pulled[model] = ticks[max(last, 0)]
        if last == TICKS:
            self.models.append(model)
        return [
            {"status": "pulling manifest"},
            *(_layer("sha256:aaaaaaaaaaaa", size, done) for done in ticks),
            _layer("sha256:bbbbbbbbbbbb", CONFIG_BYTES, CONFIG_BYTES),
            *({"status": status} for status in ("verifying sha256 digest", "writing manifest", "success")),
        ]

    def _last(self, reply: Reply, request: Any) -> dict[str, Any]:
        end = {**_message(""), "done": True, "done_reason": reply.finish}
        if reply.usage is None or "messages" not in request:
            return end
        prompt = sum(len(message["content"]) for message in request["messages"]) // CHARS_PER_TOKEN
        return {**end, "prompt_eval_count": min(prompt, self._window(request)) or 1, "eval_count": reply.usage[1]}

    def whole(self, reply: Reply, request: Any) -> Any:
        return {**self._last(reply, request), **_message("".join(reply.pieces)), "done": True}


def _message(text: str, **more: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text, **more}, "done": False}


def _layer(digest: str, total: int, completed: int) -> dict[str, Any]:
    """As the real one leaves a zero out."""
    done = {"completed": completed} if completed else {}
    return {"status": f"pulling {digest[7:]}", "digest": digest, "total": total, **done}


def _line(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    serve_until_told(OllamaServer())
