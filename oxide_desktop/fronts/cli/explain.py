"""`oxide explain`: the route a prompt would take, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from oxide_desktop.core.telling import route_sentence
from oxide_desktop.fronts.cli.asking import asking_options, make_request
from oxide_desktop.fronts.cli.output import columns, mark, out, out_json, paint, say, text_table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line, wrap

if TYPE_CHECKING:
    from oxide_desktop.core.errors import OxideError
    from oxide_desktop.core.model import Explanation, Route
    from oxide_desktop.core.orchestrator import Orchestrator
    from oxide_desktop.core.record import TaskRecord


@click.command()
@asking_options
@click.option("--task", "task_id", metavar="ID", help="Tell of a task that was asked instead: its route, its attempts.")
@click.option("--json", "as_json", is_flag=True, help="Print profile and route for a program.")
@pass_program
def explain(
    program: Program,
    *,
    prompt: str | None,
    files: tuple[str, ...],
    service: str | None,
    task_type: str | None,
    model: str | None,
    task_id: str | None,
    as_json: bool,
) -> int:
    """Show where PROMPT would go and why, or with --task where one did go. Nothing is sent and nothing is kept.

    Exit code 3 where no service could take it.
    """
    if task_id is not None:
        if prompt or files or service or task_type or model:
            raise click.UsageError("--task tells of a task that was asked; it takes nothing beside it but --json.")
        return _tell_task(program, task_id, as_json=as_json)
    request = make_request(
        program.settings, prompt=prompt, files=files, service=service, task_type=task_type, model=model
    )

    async def look(engine: Orchestrator) -> tuple[Explanation, tuple[OxideError, ...]]:
        return await engine.explain(request), engine.rules.problems()

    explanation, problems = program.run(look)
    for problem in problems:
        say(f"{mark('attention')} {one_line(str(problem))}")
    if as_json:
        out_json(explanation.to_dict())
    else:
        _show(explanation)
    return 0 if explanation.route.candidates else NO_SERVICE


NO_SERVICE = 3


def _tell_task(program: Program, task_id: str, *, as_json: bool) -> int:
    from oxide_desktop.fronts.cli.recorder import show_record  # noqa: PLC0415 - which shows routes as they are shown here

    async def read(engine: Orchestrator) -> TaskRecord:
        await engine.start()
        return await engine.history.get(task_id)

    record = program.run(read)
    if as_json:
        out_json(record.to_dict())
    else:
        show_record(record, answer=False)
    return 0


def _show(explanation: Explanation) -> None:
    profile = explanation.profile
    for line in wrap(one_line(route_sentence(profile.task_type, explanation.route)), columns()):
        out(paint(line, bold=True))
    out()
    second = f", then {profile.second.label.lower()}" if profile.second else ""
    out(f"type        {profile.task_type.label} ({profile.confidence:.0%} sure{second})")
    for reason in profile.reasons:
        out(f"            {reason}")
    out(f"complexity  {profile.complexity:.0%}")
    out(f"size        about {explanation.tokens:,} tokens")
    out()
    for line in route_lines(explanation.route):
        out(line)
    for note in explanation.notes:
        for line in wrap(one_line(f"note: {note}"), columns()):
            out(line)


def route_lines(route: Route) -> list[str]:
    """The candidates in order with their reasons, then who was passed over; all reasons in full."""
    rows = [
        (f"{position}", one_line(item.service), f"{item.score:.2f}", one_line("; ".join(item.reasons)))
        for position, item in enumerate(route.candidates, start=1)
    ]
    rows += [
        (mark("off"), one_line(item.service), "", one_line(f"skipped: {item.reason}")) for item in route.passed_over
    ]
    return text_table(["", "SERVICE", "SCORE", "WHY"], rows) if rows else ["No service is configured."]
