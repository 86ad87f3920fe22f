"""A program that does again what a real one did: `python replayed_cli.py RECORDING SEEN ARGUMENTS…`.

What it was given goes to the file SEEN. Recordings are made by `tests/fixtures/record.py`.
"""

import json
import os
import signal
import sys

if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - starts in half the time
        recording = json.load(file)
    seen = {
        "argv": sys.argv[3:],
        "env": dict(os.environ),
        "cwd": os.getcwd(),  # noqa: PTH109 - likewise
        "around": os.listdir("."),  # noqa: PTH208 - likewise
        "stdin": sys.stdin.buffer.read().decode(),
        "home": {},
    }
    for name in ("GEMINI_CLI_HOME", "QWEN_HOME"):
        for directory, _, names in os.walk(os.environ.get(name, "")):
            for one in names:
                with open(os.path.join(directory, one), encoding="utf-8") as file:  # noqa: PTH118, PTH123 - likewise
                    seen["home"][one] = file.read()
    with open(sys.argv[2], "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
        json.dump(seen, file)
    if place := os.environ.get("TMPDIR"):
        for name, text in recording.get("files", {}).items():
            path = os.path.join(place, name)  # noqa: PTH118 - likewise
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - likewise
            with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
                file.write(text)
    sys.stderr.write(recording["stderr"])
    sys.stderr.flush()
    sys.stdout.write(recording["stdout"])
    sys.stdout.flush()
    if recording["goes_on"]:
        signal.pause()
    sys.exit(recording["code"])
