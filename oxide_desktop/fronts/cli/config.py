"""`oxide config`: where the settings are, what they come to, whether they can be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Sized
from pathlib import Path

import click
import yaml

from oxide_desktop.config.projects import ProjectFiles
from oxide_desktop.config.settings import to_plain
from oxide_desktop.core.errors import ConfigError
from oxide_desktop.fronts.cli.groups import ShowGroup
from oxide_desktop.fronts.cli.output import mark, out, out_json
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
    """Say whether the settings, and those of the project around this folder, can be used; exit code 2 if not."""
    try:
        settings = program.settings
        projects = ProjectFiles(tuple(settings.services)).above(Path.cwd())
    except ConfigError as error:
        if not as_json:
            raise
        out_json({"ok": False, "problems": [dataclasses.asdict(problem) for problem in error.problems]})
        return error.exit_code
    if as_json:
        out_json({"ok": True, "problems": []})
    else:
        count = sum(service.enabled for service in settings.services.values())
        services = f"{len(settings.services)} services, {count} of them enabled"
        out(f"{mark('completed')} The settings can be used: {services}.")
        for project in projects:
            holds = f"{_counted(project.rules, 'rule')}, {_counted(project.local_only, 'glob')} of files that stay here"
            out(f"{mark('completed')} {one_line(str(project.file))}: {holds}.")
    return 0


def _counted(found: Sized, noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"
