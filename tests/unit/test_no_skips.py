"""The plugin that lets nothing be skipped in CI, under a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=."]


def run_tests(folder: Path, *options: str, **files: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(f"import pytest\n{text}\n", encoding="utf-8")
    return subprocess.run(
        [*PYTEST, *options], cwd=folder, env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


SKIPS = {
    "marked": "@pytest.mark.skip(reason='no screen')\ndef test_marked():\n    pass",
    "called": "def test_called():\n    pytest.skip('no bus')",
    "missing": "pytest.importorskip('no_such_module')\ndef test_missing():\n    pass",
}


def test_every_kind_of_skip_fails_and_says_why(tmp_path):
    every = ("-p", "no_skips", "--continue-on-collection-errors")
    done = run_tests(tmp_path, *every, **SKIPS, fine="def test_fine():\n    pass")
    for reason in ("no screen", "no bus", "could not import 'no_such_module'"):
        assert f"Nothing may be skipped here. Skipped: {reason}" in done.stdout
    assert "1 failed, 1 passed, 2 errors" in done.stdout
    assert done.returncode == 1


def test_expected_failures_stay_what_they_are(tmp_path):
    done = run_tests(tmp_path, "-p", "no_skips", expected="@pytest.mark.xfail\ndef test_expected():\n    assert False")
    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout


def test_without_it_skips_are_skips(tmp_path):
    done = run_tests(tmp_path, **SKIPS)
    assert "3 skipped" in done.stdout
