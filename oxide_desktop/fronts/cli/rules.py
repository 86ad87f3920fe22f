"""`oxide rules`: the person's own assignments of task types to services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from oxide_desktop.core.model import TaskType, parse_task_type
from oxide_desktop.fronts.cli.asking import complete_service
from oxide_desktop.fronts.cli.groups import DefaultGroup
from oxide_desktop.fronts.cli.output import out, out_json, paint, say, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line

if TYPE_CHECKING:
    from oxide_desktop.core.orchestrator import Orchestrator

TYPE = click.Choice([item.value for item in TaskType])


@click.group(cls=DefaultGroup)
def rules() -> None:
    """Say which service takes which type of task. A type without a rule is routed automatically."""


@rules.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
@pass_program
def list_rules(program: Program, *, as_json: bool) -> None:
    """Show every type and where it goes."""
    found = program.run(_read)
    if as_json:
        out_json(_to_dict(found))
        return
    rows = [
        [item.value, one_line(found[item]) if item in found else paint("automatic", dim=True), item.description]
        for item in TaskType
    ]
    for line in table(["TYPE", "SERVICE", "WHAT IT IS"], rows):
        out(line)


@rules.command("set")
@click.argument("task_type", metavar="TYPE", type=TYPE)
@click.argument("service", shell_complete=complete_service)
@pass_program
def set_rule(program: Program, *, task_type: str, service: str) -> None:
    """Send every task of TYPE to SERVICE."""
    program.run(lambda engine: engine.set_rule(parse_task_type(task_type), service))
    say(f"{task_type} goes to {service} now.")


@rules.command("remove")
@click.argument("task_type", metavar="TYPE", type=TYPE)
@pass_program
def remove_rule(program: Program, *, task_type: str) -> None:
    """Route TYPE automatically again."""
    program.run(lambda engine: engine.remove_rule(parse_task_type(task_type)))
    say(f"{task_type} is routed automatically again.")


@rules.command("clear")
@pass_program
def clear_rules(program: Program) -> None:
    """Route every type automatically again."""
    count = program.run(lambda engine: engine.clear_rules())
    say(f"{count} rule{'' if count == 1 else 's'} removed.")


async def _read(engine: Orchestrator) -> Mapping[TaskType, str]:
    return engine.rules.all()


def _to_dict(found: Mapping[TaskType, str]) -> dict[str, object]:
    return {
        "rules": [{"task_type": item.value, "service": service} for item, service in found.items()],
        "stats": {
            "total_rules": len(found),
            "rules_by_service": dict(Counter(found.values())),
            "task_types": [item.value for item in found],
        },
    }
