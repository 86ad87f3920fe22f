"""What children see of our environment."""

import os
import sys

import pytest

from oxide_desktop.runtime.environment import child_environment


def test_what_programs_need_is_passed_on():
    base = {
        "HOME": "/home/a",
        "PATH": "/bin",
        "LC_ALL": "de_DE.UTF-8",
        "HTTPS_PROXY": "http://p:1",
        "XDG_CONFIG_HOME": "/c",
    }
    env = child_environment({}, base)
    assert {name: env[name] for name in base if name != "PATH"} == {name: base[name] for name in base if name != "PATH"}
    assert env["PATH"].split(os.pathsep)[0] == "/bin"


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "OLLAMA_API_KEY",
        "XDG_SESSION_TOKEN",
        "LD_PRELOAD",
        "PYTHONPATH",
        "NODE_OPTIONS",
    ],
)
def test_secrets_and_switches_are_not(name):
    assert name not in child_environment({}, {name: "x"})


def test_what_a_service_needs_is_added_and_wins():
    env = child_environment({"GEMINI_API_KEY": "k", "TERM": "xterm"}, {"HOME": "/h"})
    assert (env["GEMINI_API_KEY"], env["TERM"], env["HOME"]) == ("k", "xterm", "/h")


def test_programs_are_told_that_nobody_looks():
    env = child_environment({}, {})
    assert (env["TERM"], env["NO_COLOR"]) == ("dumb", "1")


def test_a_users_library_path_is_kept_where_it_is_the_users():
    assert child_environment({}, {"LD_LIBRARY_PATH": "/cuda"})["LD_LIBRARY_PATH"] == "/cuda"


@pytest.mark.parametrize(("original", "expected"), [("/cuda", "/cuda"), (None, None)])
def test_a_frozen_bundles_library_path_is_taken_back(monkeypatch, original, expected):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    base = {"LD_LIBRARY_PATH": "/bundle/_internal"}
    if original:
        base["LD_LIBRARY_PATH_ORIG"] = original
    env = child_environment({}, base)
    assert env.get("LD_LIBRARY_PATH") == expected
    assert "LD_LIBRARY_PATH_ORIG" not in env


def test_our_own_environment_is_the_base(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/d")
    monkeypatch.setenv("SOME_TOKEN", "t")
    env = child_environment({})
    assert env["XDG_DATA_HOME"] == "/d"
    assert "SOME_TOKEN" not in env
