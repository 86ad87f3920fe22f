"""The child program of the built-in model: llama.cpp's server on a free loopback port.

Run as a script, or by a frozen bundle's own executable with `--oxide-model-server`. Its job is a JSON object on
standard input: `packages` (the directory that `xllamacpp` is in), and to serve a model also `model` (a GGUF file),
`name`, `api_key`, `window` (tokens), `threads` and `sleep_after_s`. It answers with a line on standard output, `oxide:`
and a JSON object: `version` when it can serve, with `url` once it does, or `failed` with `message`. It runs until it
is killed.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

MARK = "oxide:"
SERVER_FLAG = "--oxide-model-server"
"""The argument that turns a frozen bundle's own executable into this program."""

BATCH_TOKENS = 512


def tell(**what: str) -> None:
    """Say one thing to whoever started this program."""
    sys.stdout.write(f"{MARK}{json.dumps(what)}\n")
    sys.stdout.flush()


def parameters(xllamacpp: Any, job: dict[str, Any]) -> Any:  # noqa: ANN401 - the package has no types
    """How the server is to run: for one person on one machine, without surprises in memory."""
    made = xllamacpp.CommonParams()
    made.model.path = job["model"]
    made.model_alias = {job["name"]}
    made.hostnames = ["127.0.0.1"]
    made.port = 0  # the system picks a free one, so nothing can take it meanwhile
    made.api_keys = [job["api_key"]]
    made.cors_origins = ""
    made.ui = False
    made.endpoint_slots = False
    made.n_ctx = job["window"]
    made.n_parallel = 1
    # It tells of its progress after each of these, and of nothing in between: what it says is a proof that it works.
    made.n_batch = BATCH_TOKENS
    made.sse_ping_interval = -1
    made.cpuparams.n_threads = made.cpuparams_batch.n_threads = job["threads"]
    # Half the memory of the default, and faster; the model cannot tell.
    made.cache_type_k = made.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    made.cache_ram_mib = 0  # the default keeps up to 8 GB of old prompts
    made.sleep_idle_seconds = job["sleep_after_s"]
    made.verbosity = 1  # errors only: prompts are nobody's business
    return made


def main() -> int:
    """Serve until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is meant for Oxide, which ends its children
    job = json.load(sys.stdin)
    sys.path.append(job["packages"])
    try:
        import xllamacpp  # noqa: PLC0415 - its place is known only now
    except ImportError as error:
        tell(failed="import", message=str(error))
        return 3
    if "model" not in job:
        tell(version=xllamacpp.__version__)
        return 0
    try:
        server = xllamacpp.Server(parameters(xllamacpp, job))
    except RuntimeError as error:
        tell(failed="load", message=str(error))
        return 3
    tell(version=xllamacpp.__version__, url=server.listening_address)
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
