"""`oxide config`: where the settings are, what they come to, whether they can be used."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import click

from oxide_desktop.core.errors import ConfigError
from oxide_desktop.core.settings import Settings
from oxide_desktop.fronts.cli.groups import ShowGroup
from oxide_desktop.fronts.cli.output import mark, out, out_json
from oxide_desktop.fronts.cli.program import Program, pass_program

HIDDEN = "(hidden)"
_SECRET_NAME = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(://[^/:@\s]*):[^/@\s]+@")


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
    data = to_dict(program.settings)
    if as_json:
        out_json(data)
        return
    import yaml  # noqa: PLC0415 - only here

    out(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip())


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print the problems for a program.")
@pass_program
def check(program: Program, *, as_json: bool) -> int:
    """Say whether the settings can be used; exit code 2 if they cannot."""
    try:
        settings = program.settings
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
    return 0


def to_dict(settings: Settings) -> dict[str, Any]:
    """The settings with the names that the file uses."""
    data = _plain(settings)
    for name, service in data["services"].items():
        service["api_type"] = service.pop("kind")
        del service["name"]
        data["services"][name] = {key: value for key, value in service.items() if value is not None}
    routing = data.pop("routing")
    routing.update(routing.pop("per_type"))
    return {"services": data.pop("services"), "routing_rules": routing, **data}


def _plain(value: Any, key: str = "") -> Any:  # noqa: ANN401 - any value of the settings
    """`value` in the types that JSON and YAML know, without secrets."""
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name), item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(item, str(name)) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item, key) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return _without_secret(key, value) if isinstance(value, str) else value


def _without_secret(key: str, value: str) -> str:
    if _SECRET_NAME.search(key) and not value.startswith("keyring:"):
        return HIDDEN
    return _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", value)
