"""`oxide config`: where the settings are, what they come to, whether they can be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence, Sized
from typing import Any

import click
import yaml

from oxide_desktop.config.inspection import Inspection, inspect
from oxide_desktop.config.projects import ProjectFiles
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.config.settings import to_plain
from oxide_desktop.core.errors import ConfigError, ConfigProblem, UsageError
from oxide_desktop.core.project import ProjectSettings
from oxide_desktop.fronts.cli.asking import current_folder
from oxide_desktop.fronts.cli.groups import ShowGroup
from oxide_desktop.fronts.cli.interrupt import run_interruptible
from oxide_desktop.fronts.cli.output import mark, out, out_json, say
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line


class ConfigGroup(ShowGroup):
    """Without a command it shows the settings."""

    default_takes_words = False


@click.group(cls=ConfigGroup)
def config() -> None:
    """Show and check the settings: the person's file over the shipped defaults."""


@config.command()
@pass_program
def path(program: Program) -> None:
    """Print where the person's own settings belong; the file need not exist."""
    out(str(program.paths.config_file))


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
@pass_program
def show(program: Program, *, as_json: bool) -> None:
    """Show the settings that are in force. Keys and passwords are not shown."""
    data = to_plain(program.settings)
    if as_json:
        out_json(data)
    else:
        out(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip())


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print the problems for a program.")
@pass_program
def check(program: Program, *, as_json: bool) -> int:
    """Say whether the settings, and those of the project around this folder, can be used; exit code 2 if not.

    It is 2 as well where an environment variable or a stored key (keyring:NAME) is missing that a service needs which
    is switched on. What does no harm is remarked, with exit code 0: the same of a service that is switched off, a
    keyring that cannot be looked into, an api_type that had to be guessed.
    """
    try:
        found = run_interruptible(inspect(KeyStore(program.paths)))
        projects = ProjectFiles(tuple(found.settings.services)).above(current_folder())
    except ConfigError as error:
        if not as_json:
            raise
        out_json({"ok": False, "problems": _plain(error.problems), "remarks": []})
        return error.exit_code
    if as_json:
        out_json({"ok": not found.problems, "problems": _plain(found.problems), "remarks": _plain(found.remarks)})
        return UsageError.exit_code if found.problems else 0
    _show(found, projects)
    return 0


def _show(found: Inspection, projects: Sequence[ProjectSettings]) -> None:
    """What was found, for people.

    Raises:
        UsageError: Something keeps a service from answering.
    """
    for remark in found.remarks:
        say(str(remark))
    if found.problems:
        raise UsageError(
            "Services that are switched on cannot answer",
            "\n".join(map(str, found.problems)),
            "Mend that, or switch them off with `enabled: false`.",
        )
    services = found.settings.services
    count = sum(service.enabled for service in services.values())
    out(f"{mark('completed')} The settings can be used: {len(services)} services, {count} of them enabled.")
    for project in projects:
        holds = f"{_counted(project.rules, 'rule')}, {_counted(project.local_only, 'glob')} of files that stay here"
        out(f"{mark('completed')} {one_line(str(project.file))}: {holds}.")


def _plain(problems: Sequence[ConfigProblem]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(problem) for problem in problems]


def _counted(found: Sized, noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"
