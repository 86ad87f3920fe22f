"""`oxide rules`: the person's own assignments of task types to services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from oxide_desktop.core.errors import OxideError, StoreError
from oxide_desktop.core.model import TaskType, parse_task_type
from oxide_desktop.core.simulate import LAST_TASKS, MOST_TASKS
from oxide_desktop.fronts.cli.asking import complete_service
from oxide_desktop.fronts.cli.groups import DefaultGroup
from oxide_desktop.fronts.cli.output import mark, out, out_json, paint, say, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line
from oxide_desktop.fronts.cli.trial import show_trial

if TYPE_CHECKING:
    from oxide_desktop.engine import Orchestrator

TYPE = click.Choice([item.value for item in TaskType])


@click.group(cls=DefaultGroup)
def rules() -> None:
    """Say which service takes which type of task. A type without a rule is routed automatically."""


@rules.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
@pass_program
def list_rules(program: Program, *, as_json: bool) -> None:
    """Show every type and where it goes."""
    found, problems = program.run(_read)
    for problem in problems:
        say(f"{mark('attention')} {one_line(str(problem))}")
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

    async def assign(engine: Orchestrator) -> str:
        await engine.set_rule(parse_task_type(task_type), service)
        return _doubt(engine, service)

    doubt = program.run(assign)
    say(f"{task_type} goes to {service} now.")
    if doubt:
        say(f"{mark('attention')} {one_line(doubt)}")


@rules.command("try")
@click.argument("task_type", metavar="TYPE", type=TYPE)
@click.argument("service", shell_complete=complete_service)
@click.option(
    "--last", type=click.IntRange(1, MOST_TASKS), default=LAST_TASKS, show_default=True, help="How many tasks."
)
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
@pass_program
def try_rule(program: Program, *, task_type: str, service: str, last: int, as_json: bool) -> None:
    """Show which of the last tasks would have gone elsewhere with TYPE going to SERVICE.

    It is worked out from the records alone: nothing is set, asked or sent.
    """
    trial = program.run(lambda engine: engine.try_rule(parse_task_type(task_type), service, last))
    if as_json:
        out_json(trial.to_dict())
    else:
        show_trial(trial)


@rules.command("remove")
@click.argument("task_type", metavar="TYPE", shell_complete=TYPE.shell_complete)
@pass_program
def remove_rule(program: Program, *, task_type: str) -> None:
    """Route TYPE automatically again. Whatever stands in the file can be removed, a mistyped TYPE too."""
    program.run(lambda engine: engine.remove_rule(task_type))
    say(f"{task_type} is routed automatically again.")


@rules.command("clear")
@pass_program
def clear_rules(program: Program) -> None:
    """Route every type automatically again. A damaged file is set aside, not deleted."""

    async def clear(engine: Orchestrator) -> tuple[int, bool]:
        was_damaged = any(isinstance(problem, StoreError) for problem in engine.rules.problems())
        return await engine.clear_rules(), was_damaged

    count, was_damaged = program.run(clear)
    if was_damaged:
        say(f"The rules could not be read, so they were set aside in {program.paths.quarantine}.")
    else:
        say(f"{count} rule{'' if count == 1 else 's'} removed.")


async def _read(engine: Orchestrator) -> tuple[Mapping[TaskType, str], tuple[OxideError, ...]]:
    return engine.rules.all(), engine.rules.problems()


def _doubt(engine: Orchestrator, service: str) -> str:
    """Why a rule for that service will be passed over as things are now, empty if it will not."""
    if not engine.settings.services[service].enabled:
        return f"{service} is switched off in the settings; until it is switched on, the rule is passed over."
    if error := engine.adapter_problems.get(service):
        return f"{service} cannot be used, so the rule is passed over: {error.message} {error.hint}"
    return ""


def _to_dict(found: Mapping[TaskType, str]) -> dict[str, object]:
    return {
        "rules": [{"task_type": item.value, "service": service} for item, service in found.items()],
        "stats": {
            "total_rules": len(found),
            "rules_by_service": dict(Counter(found.values())),
            "task_types": [item.value for item in found],
        },
    }
