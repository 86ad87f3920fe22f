"""`oxide run`: one task, its answer on standard output and everything else on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from oxide_desktop.fronts.cli.app import ask
from oxide_desktop.fronts.cli.asking import asking_options, make_request
from oxide_desktop.fronts.cli.follow import follow, say_notices
from oxide_desktop.fronts.cli.program import Program, pass_program

if TYPE_CHECKING:
    from oxide_desktop.fronts.cli.app import Asked
    from oxide_desktop.fronts.cli.app_task import FollowedTask


@click.command()
@asking_options
@click.option("--json", "as_json", is_flag=True, help="Print the task's record when it has ended.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on standard error unless it fails.")
@pass_program
def run(
    program: Program,
    *,
    prompt: str | None,
    files: tuple[str, ...],
    service: str | None,
    task_type: str | None,
    model: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Ask PROMPT and stream the answer to standard output.

    What is piped in is added to PROMPT, or is the prompt where there is none (or `-`). Everything but the answer goes
    to standard error. Ctrl-C cancels the task; a second one ends the program at once.

    Exit codes: 0 done, 1 the task failed, 2 wrong usage or settings, 3 no service could take it, 130 cancelled (by
    Ctrl-C, SIGTERM, or because whoever read the answer went away).
    """
    request = make_request(
        program.settings, prompt=prompt, files=files, service=service, task_type=task_type, model=model
    )

    async def show(owner: Asked, task: FollowedTask) -> int:
        if not quiet:
            say_notices(owner)
        return await follow(owner, task, as_json=as_json, quiet=quiet)

    return ask(program, request, show)
