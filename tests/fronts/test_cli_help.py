"""Help, usage errors, completion, and how little they import."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import click
import pytest

from oxide_desktop import __version__
from oxide_desktop.fronts.cli.commands import COMMANDS, oxide
from tests.fronts.cli_program import LIMIT_S, Oxide, imported_by


@pytest.fixture
def program(tmp_path: Path) -> Oxide:
    return Oxide(tmp_path / "home", tmp_path)


def every_command(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [words]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += every_command(below, (*words, name))
    return found


@pytest.mark.parametrize("words", every_command(oxide), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert oxide.main([*words, "--help"], standalone_mode=False) == 0
    assert capsys.readouterr().out.startswith("Usage: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    command = oxide.get_command(click.Context(oxide), name)
    assert command is not None
    assert command.help
    assert COMMANDS[name][1].endswith(".")


def test_help_lists_the_commands_and_the_exit_codes(program: Oxide) -> None:
    done = program.process("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    assert "130 cancelled" in done.stdout
    assert not program.home.exists()


def test_the_version_is_the_package_s(program: Oxide) -> None:
    assert program("--version").stdout == f"oxide, version {__version__}\n"


def test_help_imports_nothing_but_click_and_light_modules(program: Oxide) -> None:
    modules = imported_by(program, "--help")
    assert "click" in modules
    ours = {name for name in modules if name.startswith("oxide_desktop")}
    assert ours == {
        "oxide_desktop",
        "oxide_desktop.main",
        "oxide_desktop.fronts",
        "oxide_desktop.fronts.cli",
        "oxide_desktop.fronts.cli.commands",
        "oxide_desktop.fronts.cli.failures",
        "oxide_desktop.fronts.cli.groups",
        "oxide_desktop.fronts.cli.program",
        "oxide_desktop.core",
        "oxide_desktop.core.errors",
    }
    assert not {"asyncio", "yaml", "apsw", "httpx", "filelock", "psutil"} & modules


@pytest.mark.parametrize(
    "args", [["bogus"], ["run", "--bogus"], ["run", "one", "two"], ["rules", "set", "nonsense", "x"]]
)
def test_wrong_usage_ends_with_exit_code_2_and_nothing_on_stdout(program: Oxide, args: list[str]) -> None:
    done = program(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: oxide" in done.stderr


def test_wrong_usage_is_told_to_programs_as_json(program: Oxide) -> None:
    done = program("history", "show", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["message"] == "Missing argument 'ID'."


def test_a_bare_dash_dash_ends_the_options(program: Oxide) -> None:
    done = program("run", "--", "one", "--json")
    assert done.returncode == 2
    assert done.stdout == ""


@pytest.mark.parametrize(("shell", "sign"), [("bash", "complete -o"), ("zsh", "#compdef oxide"), ("fish", "complete ")])
def test_completion_prints_a_script_for_each_shell(program: Oxide, shell: str, sign: str) -> None:
    done = program("completion", shell)
    assert done.returncode == 0
    assert sign in done.stdout
    assert "_OXIDE_COMPLETE" in done.stdout


def test_the_shell_is_told_commands_and_services(program: Oxide) -> None:
    program.configure(
        "services:\n  my_own_llm: {type: http, api_type: openai_compatible, base_url: http://127.0.0.1:9}\n"
    )
    commands = program.process(env={"_OXIDE_COMPLETE": "bash_complete", "COMP_WORDS": "oxide ser", "COMP_CWORD": "1"})
    assert commands.stdout.split() == ["plain,services", "plain,serve"]
    words = "oxide run --service my_"
    services = program.process(env={"_OXIDE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "3"})
    assert services.stdout.split() == ["plain,my_own_llm"]


def test_settings_that_cannot_be_used_complete_to_nothing(program: Oxide) -> None:
    program.configure("services: 3\n")
    words = {"COMP_WORDS": "oxide run --service my_", "COMP_CWORD": "3"}
    done = program.process(env={"_OXIDE_COMPLETE": "bash_complete", **words})
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_the_bash_script_is_valid_bash(program: Oxide) -> None:
    script = program("completion", "bash").stdout
    checked = subprocess.run(["bash", "-n"], input=script, text=True, timeout=LIMIT_S, check=False)
    assert checked.returncode == 0


def test_the_ways_to_install_completion_stand_on_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    oxide.main(["completion", "--help"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "\\b" not in shown
    assert "\n  zsh:  oxide completion zsh >> ~/.zshrc\n" in shown
