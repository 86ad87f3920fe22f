"""A package `xllamacpp` whose server listens, and dies of the first question. Laid out by `write_package`."""

from __future__ import annotations

from pathlib import Path

SOURCE = """
import os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

__version__ = "0.0"
ggml_type = SimpleNamespace(GGML_TYPE_Q8_0=8)


class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())


class Server:
    def __init__(self, params):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sys.stderr.write("out of luck")
                sys.stderr.flush()
                os._exit(7)

        listener = HTTPServer(("127.0.0.1", 0), Handler)
        self.listening_address = f"http://127.0.0.1:{listener.server_port}"
        threading.Thread(target=listener.serve_forever, daemon=True).start()
"""


def write_package(place: Path, source: str = SOURCE) -> Path:
    """A package `xllamacpp` with that source."""
    package = place / "xllamacpp"
    package.mkdir()
    (package / "__init__.py").write_text(source, encoding="utf-8")
    return place
