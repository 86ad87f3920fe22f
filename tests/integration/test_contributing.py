"""The adapter package that CONTRIBUTING.md shows, built from the page, installed beside Oxide and asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def code_after(heading: str, language: str) -> str:
    """The first code block of a language after a line of CONTRIBUTING.md."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"{re.escape(heading)}.*?```{language}\n(.*?)```", page, re.DOTALL)
    assert found, f"CONTRIBUTING.md shows no {language} after {heading!r}"
    return found[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example installed, as pip would lay it out."""
    place = tmp_path_factory.mktemp("shout")
    (place / "pyproject.toml").write_text(code_after("`pyproject.toml`:", "toml"), encoding="utf-8")
    (place / "oxide_shout.py").write_text(code_after("`oxide_shout.py`:", "python"), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=place, check=True, timeout=60)
    (wheel,) = (place / "dist").glob("*.whl")
    installed = place / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    return installed


@pytest.fixture
def oxide(site, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text(code_after("`~/.oxide/config.yaml`:", "yaml"), encoding="utf-8")
    path = os.pathsep.join([str(site), str(ROOT)])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "oxide_desktop", *arguments],
            env={**os.environ, "OXIDE_HOME": str(home), "PYTHONPATH": path},
            cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run


def test_the_adapter_of_the_guide_answers(oxide):
    done = oxide("run", "-s", "megaphone", "hello there")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["HELLO", "THERE"]


def test_its_task_is_recorded_with_its_model_and_tokens(oxide):
    done = oxide("run", "-s", "megaphone", "--json", "hello there")
    record = json.loads(done.stdout)
    assert (record["status"], record["service"], record["model"]) == ("completed", "megaphone", "capitals")
    assert record["source"] == "cli"


def test_it_is_shown_among_the_services(oxide):
    status = json.loads(oxide("services", "megaphone", "--json").stdout)
    assert (status["api_type"], status["tier"], status["locality"]) == ("shout", "answers", "local")
