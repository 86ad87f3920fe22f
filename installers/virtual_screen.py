"""A virtual X screen for what tries the built package: `linux/prove.py` and `benchmarks/frozen.py`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_END_LIMIT_S = 60.0


@contextmanager
def screen() -> Iterator[str]:
    """One of its own, by its name; a bare root reaches it by its abstract socket."""
    end, ours = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(ours), "-ac", "-screen", "0", "1280x900x24"],
        pass_fds=[ours],
        stderr=subprocess.DEVNULL,
    )
    os.close(ours)
    with os.fdopen(end) as told:
        number = told.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(_END_LIMIT_S)
