"""Stands in for uv in tests of the setup: writes down how it was called and makes the few files that setup looks at.

Its calls go to the file that FAKE_UV_LOG names; a call that holds the word in FAKE_UV_FAILS fails.
"""

import json
import os
import sys
from pathlib import Path

ARGUMENTS = sys.argv[1:]

if ARGUMENTS == ["--version"]:
    print("uv 9.9.9 (a fake)")
    sys.exit(0)
with Path(os.environ["FAKE_UV_LOG"]).open("a", encoding="utf-8") as log:
    print(json.dumps(ARGUMENTS), file=log)
if os.environ.get("FAKE_UV_FAILS") in ARGUMENTS:
    sys.exit("no route to the registry")
if ARGUMENTS[0] == "venv":
    environment = Path(ARGUMENTS[-1])
    (environment / "bin").mkdir(parents=True, exist_ok=True)
    (environment / "bin" / "python").touch()
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="utf-8")
elif "--editable" in ARGUMENTS:
    python = Path(ARGUMENTS[ARGUMENTS.index("--python") + 1])
    (python.parent / "oxide").write_text(f"#!{python}\n", encoding="utf-8")
