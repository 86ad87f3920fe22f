"""`oxide mcp`: connecting clients from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fronts.cli_program import COMMAND, Oxide, only

FAKE = Path(__file__).parents[1] / "fakes" / "mcp_program.py"


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    for name in ("person", "project"):
        (tmp_path / name).mkdir()
    given = {"HOME": str(tmp_path / "person"), "XDG_CONFIG_HOME": "", "CODEX_HOME": "", "CLAUDE_CONFIG_DIR": ""}
    with Oxide(tmp_path / "home", tmp_path / "project", given) as program:
        yield program


def servers(oxide: Oxide) -> dict[str, dict]:
    return json.loads((Path(oxide.extra["HOME"]) / ".claude.json").read_text())["mcpServers"]


def configure_fake(oxide: Oxide, manner: str) -> None:
    """A server of Claude Code's that is not Oxide's shim, but stands where it would."""
    programs = oxide.home.parent / "bin"
    program = fake_program(programs, manner)
    oxide.extra["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    entry = {"command": str(program), "args": []}
    (Path(oxide.extra["HOME"]) / ".claude.json").write_text(json.dumps({"mcpServers": {"oxide": entry}}))


def fake_program(folder: Path, manner: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "oxide-mcp"
    program.write_text(f"#!/bin/sh\necho >> {folder}/started\nexec {sys.executable} {FAKE} {manner}\n")
    program.chmod(0o755)
    return program


def test_claude_code_is_connected_once_and_disconnected(oxide: Oxide) -> None:
    first = oxide("mcp", "install")
    assert "✓ Claude Code is connected" in first.stdout
    assert "Start Claude Code again" in first.stderr
    entry = servers(oxide)["oxide"]
    assert Path(entry["command"]).name == "oxide-mcp"
    assert entry["env"] == {"OXIDE_HOME": str(oxide.home)}
    assert "is connected already" in oxide("mcp", "install").stdout
    assert "is no longer connected" in oxide("mcp", "uninstall").stdout
    assert "was not connected" in oxide("mcp", "uninstall").stdout


def test_a_file_that_was_there_is_kept_beside_it(oxide: Oxide) -> None:
    configure_fake(oxide, "good")
    file = Path(oxide.extra["HOME"]) / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text("{}")
    assert f"The file as it was: {file}.before-oxide" in oxide("mcp", "install", "--client", "cursor").stderr


def test_a_dry_run_shows_the_difference(oxide: Oxide) -> None:
    shown = oxide("mcp", "install", "--client", "codex", "--scope", "project", "--dry-run").stdout
    assert "+[mcp_servers.oxide]" in shown
    assert list(oxide.cwd.iterdir()) == []
    told = oxide.json("mcp", "install", "--dry-run")
    assert (told["changed"], told["would_change"], told["backup"]) == (False, True, None)


def test_a_dry_run_names_the_folders_that_are_made_and_go(oxide: Oxide) -> None:
    cursor = ("--client", "cursor", "--scope", "project")
    folder = oxide.cwd / ".cursor"
    assert f"The folder {folder} would be made." in oxide("mcp", "install", *cursor, "--dry-run").stdout
    assert oxide.json("mcp", "install", *cursor)["folders"] == [str(folder)]
    shown = oxide("mcp", "uninstall", *cursor, "--dry-run").stdout
    assert f"{folder / 'mcp.json'} would be deleted" in shown
    assert f"The folder {folder} would be deleted." in shown
    assert folder.is_dir()
    oxide("mcp", "uninstall", *cursor)
    assert list(oxide.cwd.iterdir()) == []


def test_a_file_that_only_a_person_can_change_is_refused_with_what_to_write(oxide: Oxide) -> None:
    file = oxide.cwd / ".vscode" / "mcp.json"
    file.parent.mkdir()
    file.write_text("{} // mine")
    done = oxide("mcp", "install", "--client", "vscode", "--scope", "project")
    assert done.returncode == 2
    assert "is left as it is" in done.stderr
    assert '"servers"' in done.stderr


def test_status_proves_what_is_connected(oxide: Oxide) -> None:
    configure_fake(oxide, "good")
    done = oxide("mcp")
    assert done.returncode == 0
    assert "Claude Code  user     ✓ connected, 2 tools" in done.stdout
    told = oxide.json("mcp", "status", "--client", "claude-code", "--scope", "user")["clients"]
    assert [(item["installed"], item["connected"], item["tools"]) for item in told] == [(True, True, ["one", "two"])]


def test_status_says_what_is_wrong_with_what_does_not_answer(oxide: Oxide) -> None:
    configure_fake(oxide, "dying")
    done = oxide("mcp", "status", "--client", "claude-code")
    assert done.returncode == 1
    assert "✕ does not work" in done.stdout
    assert "no module named oxide" in done.stderr


@pytest.mark.parametrize("scope", ["user", "project"])
@pytest.mark.parametrize(
    "change",
    [
        {"command": "./oxide-mcp"},
        {"command": "{foreign}/oxide-mcp"},
        {"command": "/nowhere/oxide-mcp"},
        {"command": ["oxide-mcp"]},
        {"args": ["--oxide"]},
        {"args": "x"},
        {"env": {"PYTHONPATH": "."}},
        {"env": {"OXIDE_HOME": 4}},
        {"env": {"OXIDE_HOME": "evil"}},
        {"env": ["OXIDE_HOME"]},
    ],
)
def test_what_else_is_named_oxide_is_not_started(oxide: Oxide, scope: str, change: dict) -> None:
    configure_fake(oxide, "good")
    fake_program(oxide.cwd, "good")
    text = json.dumps({"command": "oxide-mcp", **change}).replace("{foreign}", str(oxide.cwd))
    person, project = Path(oxide.extra["HOME"]) / ".claude.json", oxide.cwd / ".mcp.json"
    person.unlink()
    (person if scope == "user" else project).write_text(f'{{"mcpServers": {{"oxide": {text}}}}}')
    oxide.extra["PATH"] = f".{os.pathsep}{oxide.extra['PATH']}"
    done = oxide("mcp", "status", "--scope", scope, "--client", "claude-code")
    assert done.returncode == 1
    assert "✕ not tried" in done.stdout
    assert "The server named oxide is not tried" in done.stderr
    assert not (oxide.cwd / "started").exists()
    assert not (oxide.home.parent / "bin" / "started").exists()


def test_install_and_status_agree_on_an_entry_with_more_in_it(oxide: Oxide) -> None:
    configure_fake(oxide, "good")
    fake_program(oxide.cwd, "good")
    oxide("mcp", "install")
    file = Path(oxide.extra["HOME"]) / ".claude.json"
    tree = json.loads(file.read_text())
    tree["mcpServers"]["oxide"]["env"]["FOO"] = "1"
    file.write_text(json.dumps(tree))
    again, told = oxide("mcp", "install"), oxide("mcp", "status", "--client", "claude-code")
    assert "✓ Claude Code is connected already" in again.stdout
    for said in (again.stderr, told.stderr):
        assert "It sets FOO, as `oxide mcp install` does not write it. Take FOO out of it" in said
    assert "✕ not tried" in told.stdout
    assert json.loads(file.read_text()) == tree


@pytest.mark.parametrize(
    ("scope", "env", "proved"),
    [("user", "{elsewhere}", True), ("project", "{elsewhere}", False), ("project", "{own}", True)],
)
def test_a_project_cannot_say_in_which_home_oxide_starts(oxide: Oxide, scope: str, env: str, proved: bool) -> None:
    configure_fake(oxide, "good")
    person, project = Path(oxide.extra["HOME"]) / ".claude.json", oxide.cwd / ".mcp.json"
    home = env.format(elsewhere=oxide.cwd, own=oxide.home)
    entry = {"command": "oxide-mcp", "env": {"OXIDE_HOME": home}}
    (person if scope == "user" else project).write_text(json.dumps({"mcpServers": {"oxide": entry}}))
    done = oxide("mcp", "status", "--scope", scope, "--client", "claude-code")
    assert done.returncode == int(not proved)
    assert (oxide.home.parent / "bin" / "started").exists() == proved


def test_status_of_nothing_tells_how_to_connect(oxide: Oxide) -> None:
    done = oxide("mcp", "status")
    assert done.returncode == 0
    assert "oxide mcp install --client NAME" in done.stderr
    assert "Claude Desktop" not in done.stdout or sys.platform != "linux"


def test_in_a_folder_that_is_gone_a_person_s_files_are_found_and_a_project_s_are_not(oxide: Oxide) -> None:
    configure_fake(oxide, "good")
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'

    def there(*args: str) -> subprocess.CompletedProcess[str]:
        oxide.cwd.mkdir(exist_ok=True)
        command = ["sh", "-c", script, "sh", str(oxide.cwd), *COMMAND, "mcp", *args]
        env = oxide.environment()
        return subprocess.run(command, check=False, capture_output=True, text=True, env=env, timeout=60)

    for args in (["install", "--scope", "project"], ["uninstall", "--scope", "project"], ["status"]):
        refused = there(*args)
        assert refused.returncode == 2
        assert "The current folder is gone" in refused.stderr
    assert "✓ connected, 2 tools" in there("status", "--scope", "user").stdout
    assert "✓ Cursor is connected" in there("install", "--client", "cursor").stdout
    assert "✓ Cursor is no longer" in there("uninstall", "--client", "cursor").stdout


def test_an_oxide_that_was_started_for_the_proof_is_told_of(oxide: Oxide) -> None:
    oxide.configure(only(stub={"base_url": "http://127.0.0.1:9", "model": "a"}) + "web: {enabled: false}\n")
    oxide("mcp", "install")
    try:
        done = oxide.process("mcp", "status", "--scope", "user")
        assert done.returncode == 0, done.stderr
        assert "Oxide did not run and was started for this" in done.stderr
        assert "was started for this" not in oxide.process("mcp", "status", "--scope", "user").stderr
    finally:
        oxide.process("stop")


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(oxide: Oxide) -> None:
    (Path(oxide.extra["HOME"]) / ".claude.json").write_text("{")
    (told,) = oxide.json("mcp", "status", "--client", "claude-code", "--scope", "user")["clients"]
    assert (told["installed"], told["connected"]) == (False, False)
    assert "is left as it is" in told["problem"]
