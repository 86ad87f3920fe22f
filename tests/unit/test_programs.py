"""Finding other people's programs."""

import os
from pathlib import Path

import pytest

from oxide_desktop.config.programs import find_executable, launch_command, search_path


def program(path: Path, content: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and the short PATH that a desktop gives."""
    for name in ("NVM_DIR", "VOLTA_HOME", "BUN_INSTALL", "ASDF_DATA_DIR", "MISE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path


def test_a_program_on_the_path_is_found(home, monkeypatch):
    there = program(home / "elsewhere/gemini")
    monkeypatch.setenv("PATH", f"{home / 'elsewhere'}:/usr/bin")
    assert find_executable("gemini") == there


@pytest.mark.parametrize(
    "place",
    [
        ".local/bin",
        "bin",
        ".npm-global/bin",
        ".volta/bin",
        ".bun/bin",
        ".nvm/versions/node/v22.1.0/bin",
        ".local/share/fnm/node-versions/v22.1.0/installation/bin",
        ".asdf/shims",
        ".claude/local",
    ],
)
def test_the_usual_places_are_looked_at_when_the_path_is_short(home, place):
    there = program(home / place / "oxide-test-program")
    assert find_executable("oxide-test-program") == there


def test_a_version_managers_own_place_is_respected(home, monkeypatch):
    monkeypatch.setenv("VOLTA_HOME", str(home / "tools"))
    there = program(home / "tools/bin/oxide-test-program")
    assert find_executable("oxide-test-program") == there


def test_the_newest_node_goes_first_by_number_and_not_by_letter(home):
    for version in ("v9.11.2", "v22.1.0", "v22.10.0"):
        program(home / f".nvm/versions/node/{version}/bin/oxide-test-program")
    assert find_executable("oxide-test-program") == home / ".nvm/versions/node/v22.10.0/bin/oxide-test-program"


def test_the_path_goes_before_the_usual_places(home, monkeypatch):
    program(home / ".local/bin/gemini")
    first = program(home / "first/gemini")
    monkeypatch.setenv("PATH", str(home / "first"))
    assert find_executable("gemini") == first


def test_nothing_is_found_where_nothing_is(home):
    assert find_executable("oxide-no-such-program") is None
    assert find_executable("gemini", home / "gone/gemini") is None


def test_a_file_that_may_not_be_run_is_no_program(home):
    program(home / ".local/bin/oxide-test-program").chmod(0o644)
    (home / "bin/oxide-test-program").mkdir(parents=True)
    assert find_executable("oxide-test-program") is None


def test_a_hint_is_taken_at_its_word(home):
    program(home / ".local/bin/gemini")
    other = program(home / "other/gemini")
    assert find_executable("gemini", str(other)) == other
    assert find_executable("gemini", "~/other/gemini") == other


def test_a_hint_without_a_directory_is_another_name(home):
    there = program(home / ".local/bin/gemini-preview")
    assert find_executable("gemini", "gemini-preview") == there


def test_a_relative_path_becomes_absolute(home, monkeypatch):
    program(home / "tools/gemini")
    monkeypatch.chdir(home)
    assert find_executable("tools/gemini") == home / "tools/gemini"


def test_each_place_stands_in_the_path_once(home, monkeypatch):
    (home / ".local/bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{home / '.local/bin'}::/usr/bin:{home / '.local/bin'}")
    places = search_path().split(os.pathsep)
    assert len(places) == len(set(places))
    assert places[0] == str(home / ".local/bin")
    assert "" not in places


def test_a_plain_program_is_started_as_it_is(home):
    there = program(home / "gemini")
    assert launch_command(there) == [str(there)]


@pytest.mark.parametrize(
    ("first_line", "options"),
    [
        ("#!/usr/bin/env node", []),
        ("#!/usr/bin/env -S node --no-warnings=DEP0040", ["--no-warnings=DEP0040"]),
        ("#! /usr/local/bin/node", []),
    ],
)
def test_a_script_for_node_is_started_by_the_node_beside_it(home, first_line, options):
    node = program(home / ".nvm/versions/node/v22.1.0/bin/node")
    script = program(node.with_name("gemini"), f"{first_line}\nconsole.log(1)\n")
    assert launch_command(script) == [str(node), *options, str(script)]


def test_a_script_for_node_elsewhere_is_started_by_the_node_that_is_found(home, monkeypatch):
    node = program(home / "node/node")
    monkeypatch.setenv("PATH", str(home / "node"))
    script = program(home / "scripts/gemini", "#!/usr/bin/env node\n")
    assert launch_command(script) == [str(node), str(script)]


NPM_SHIM = r"""@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0
IF EXIST "%dp0%\node.exe" (
  SET "_prog=%dp0%\node.exe"
) ELSE (
  SET "_prog=node"
)
endLocal & goto #_undefined_# 2>NUL & "%_prog%"  "%dp0%\node_modules\@google\gemini-cli\dist\index.js" %*
"""


def test_an_npm_batch_file_is_seen_through(home, monkeypatch):
    node = program(home / "node/node")
    monkeypatch.setenv("PATH", str(home / "node"))
    entry = program(home / "npm/node_modules/@google/gemini-cli/dist/index.js", "")
    shim = program(home / "npm/gemini.cmd", NPM_SHIM)
    assert launch_command(shim) == [str(node), str(entry)]


@pytest.mark.parametrize("content", ["@echo off\r\nsomething %*\r\n", NPM_SHIM])
def test_a_batch_file_that_cannot_be_seen_through_is_not_started(home, content):
    program(home / "node/node")
    assert launch_command(program(home / "npm/gemini.cmd", content)) is None
    assert launch_command(home / "npm/gone.cmd") is None
