"""`oxide history correct` and `corrections`: what a task really was, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from oxide_desktop.core.corrections import Correction
from oxide_desktop.core.model import parse_task_type
from oxide_desktop.fronts.cli.output import age, out, out_json, say, short_id, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.rules import TYPE
from oxide_desktop.fronts.cli.text import one_line


@click.command()
@click.argument("task_id", metavar="ID")
@click.argument("task_type", metavar="TYPE", type=TYPE)
@pass_program
def correct(program: Program, *, task_id: str, task_type: str) -> None:
    """Say that a task was really of TYPE. Prompts like it are taken for that from now on; your rules stand above it.

    How alike they must be grows with how sure Oxide is: where it is sure, only the same words do.
    """
    made = program.run(lambda engine: engine.correct(task_id, parse_task_type(task_type)))
    other = ", as Oxide found" if made.said is made.was else f", not {made.was.value}"
    say(f"Kept: {short_id(made.task_id)} was {made.said.value}{other}.")


@click.command()
@click.option("--forget", metavar="ID", help="Forget the one of that task.")
@click.option("--clear", is_flag=True, help="Forget them all.")
@click.option("--json", "as_json", is_flag=True, help="Print them for a program, whole.")
@pass_program
def corrections(program: Program, *, forget: str | None, clear: bool, as_json: bool) -> None:
    """Show what you said that tasks really were; these move how prompts like them are taken.

    Each keeps its prompt until it is forgotten here, also when its task is deleted.
    """
    if clear and forget is not None:
        raise click.UsageError("--forget and --clear exclude one another.")
    if clear:
        count = program.run(lambda engine: engine.clear_corrections())
        say(f"{count:,} correction{'' if count == 1 else 's'} forgotten.")
    elif forget is not None:
        program.run(lambda engine: engine.forget_correction(forget))
        say("Forgotten.")
    else:
        _show(program.run(lambda engine: engine.corrections()), as_json=as_json)


def _show(made: Sequence[Correction], *, as_json: bool) -> None:
    if as_json:
        out_json({"corrections": [item.to_dict() for item in made]})
    elif not made:
        say("None yet. If a task was taken for the wrong type: oxide history correct ID TYPE")
    else:
        rows = [
            [short_id(item.task_id), age(item.made_at), item.was.value, item.said.value, one_line(item.prompt)]
            for item in made
        ]
        for line in table(["ID", "WHEN", "WAS", "YOU SAID", "PROMPT"], rows):
            out(line)
