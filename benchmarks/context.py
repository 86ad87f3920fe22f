"""What looking at text costs, by its size: the secret scan, the profile, and fitting a file into a window.

Goal: each under 1 s at 8 MB, whatever the text is made of, and no more than about twice the time for twice the text.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from oxide_desktop.core.classify import classify
from oxide_desktop.core.context import Context, ContextFile
from oxide_desktop.core.fitting import fit
from oxide_desktop.core.model import Locality
from oxide_desktop.core.secret_scan import scan_secrets
from oxide_desktop.core.settings import PrivacySettings
from oxide_desktop.core.tokens import estimate_tokens

GOAL_MS = 1000.0
SIZES_MB = (1, 4, 8)
WINDOW_TOKENS = 128_000
PIECES = {
    "JSON on one line": '{"id":123456,"token_url":"https://example.org/v1","ok":true,"v":[1,2,3]},',
    "passwords on one line": '{"password":"x9Kf2-pQz7w"},',
    "password=": "password=",
    "sk-": "sk-",
    "one character": "x",
    "quotes": '"',
    "backticks": "` ",
    "log": "2026-01-02 03:04:05 INFO something happened in module 17\n",
}


def fit_one(text: str) -> None:
    """As for a cloud service; the scan was done when the file was read."""
    path = Path("/x/text.txt")
    file = ContextFile(
        path="text.txt",
        named=path,
        real=path,
        text=text,
        size=len(text),
        tokens=estimate_tokens(text),
        findings=(),
    )
    context = Context(prompt="Why?", files=(file,))
    fit(context, window_tokens=WINDOW_TOKENS, locality=Locality.CLOUD, privacy=PrivacySettings())


def timed_ms(work: Callable[[str], object], text: str, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work(text)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    slowest = 0.0
    for name, work in (("scan", scan_secrets), ("classify", classify), ("fit", fit_one)):
        for kind, piece in PIECES.items():
            texts = [piece * (size * 1024**2 // len(piece)) for size in SIZES_MB]
            times = [timed_ms(work, text, rounds) for text in texts]
            slowest = max(slowest, *times)
            shown = "  ".join(f"{size} MB {taken:6.1f} ms" for size, taken in zip(SIZES_MB, times, strict=True))
            print(f"{name:8}  {kind:21}  {shown}")
    print(f"slowest {slowest:.0f} ms, goal {GOAL_MS:.0f} ms: {'met' if slowest < GOAL_MS else 'MISSED'}")


if __name__ == "__main__":
    main()
