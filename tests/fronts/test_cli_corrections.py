"""`oxide history correct` and `corrections`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, only

PROMPT = "check whether the login page does what the ticket says"


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with OpenAIServer(models=["model-a"]) as server, Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(one=server.base_url))
        yield program


def test_a_correction_is_kept_shown_obeyed_and_forgotten(oxide: Oxide):
    asked = json.loads(oxide("run", PROMPT, "--json").stdout)
    done = oxide("history", "correct", asked["id"][:6], "refactoring")
    assert done.stderr == f"Kept: {asked['id'][:8]} was refactoring, not {asked['task_type']}.\n"
    shown = oxide("history", "corrections").stdout
    assert f"{asked['task_type']}  refactoring  check whether" in shown
    listed = json.loads(oxide("history", "corrections", "--json").stdout)["corrections"]
    assert [(item["task_id"], item["said"]) for item in listed] == [(asked["id"], "refactoring")]
    profile = json.loads(oxide("explain", PROMPT, "--json").stdout)["profile"]
    assert profile["task_type"] == "refactoring"
    assert profile["reasons"][0].startswith("you said so of “check whether")
    assert oxide("history", "corrections", "--forget", asked["id"][:6]).stderr == "Forgotten.\n"
    assert json.loads(oxide("explain", PROMPT, "--json").stdout)["profile"]["task_type"] == asked["task_type"]


def test_all_are_forgotten_at_once(oxide: Oxide):
    assert oxide("history", "corrections").stderr.startswith("None yet.")
    oxide("run", PROMPT)
    listed = json.loads(oxide("history", "list", "--json").stdout)["tasks"]
    oxide("history", "correct", listed[0]["id"], "coding")
    assert oxide("history", "corrections", "--clear").stderr == "1 correction forgotten.\n"
    assert json.loads(oxide("history", "corrections", "--json").stdout) == {"corrections": []}


def test_what_cannot_be_corrected_is_said(oxide: Oxide):
    assert oxide("history", "correct", "0000", "coding").returncode == 2
    assert oxide("history", "correct", "0000", "poetry").returncode == 2
    assert oxide("history", "corrections", "--forget", "0000").returncode == 2


def test_forgetting_one_and_forgetting_all_exclude_one_another(oxide: Oxide):
    done = oxide("history", "corrections", "--forget", "2e3e", "--clear")
    assert done.returncode == 2
    assert "--forget and --clear exclude one another." in done.stderr
