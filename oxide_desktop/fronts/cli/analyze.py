"""`oxide analyze`: one question over many files, read by several services at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Analysis, Preferences, Request, Source, Strategy, TaskType, parse_task_type
from oxide_desktop.fronts.cli.app import ask
from oxide_desktop.fronts.cli.asking import current_folder, printable, require_service
from oxide_desktop.fronts.cli.follow import follow, say_notices
from oxide_desktop.fronts.cli.program import Program, pass_program

if TYPE_CHECKING:
    from oxide_desktop.fronts.cli.app import Asked
    from oxide_desktop.fronts.cli.app_task import FollowedTask


@click.command()
@click.argument("prompt")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--services", metavar="A,B", help="Who takes part; without it, every service that can.")
@click.option(
    "--strategy",
    type=click.Choice([item.value for item in Strategy]),
    default=Strategy.SPLIT.value,
    show_default=True,
    help="Share the files out, or give every service all of them.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Requests in flight at most; without it, execution.max_parallel_workers.",
)
@click.option("-t", "--type", "task_type", type=click.Choice([item.value for item in TaskType]))
@click.option("--json", "as_json", is_flag=True, help="Print the answer and the receipt when it has ended.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on standard error unless it fails.")
@pass_program
def analyze(
    program: Program,
    *,
    prompt: str,
    paths: tuple[str, ...],
    services: str | None,
    strategy: str,
    workers: int | None,
    task_type: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Ask PROMPT about every file in PATH (folders, files, quoted globs), on several services at once.

    The files are shared out so that each share fits its service; what a service loses goes to another one, and the
    answers are merged into one. What `.gitignore` leaves out of a folder is left out here. The receipt names every file
    that was read, cut or skipped, why, and by whom. Ctrl-C cancels.

    Exit codes: 0 done, 1 nothing could be read, 2 wrong usage or settings, 3 no service could take it, 130 cancelled.
    """
    names = _names(services)
    for name in names:
        require_service(program.settings, name)
    request = Request(
        prompt=printable(prompt),
        files=paths,
        preferences=Preferences(task_type=parse_task_type(task_type) if task_type else None),
        source=Source.CLI,
        cwd=current_folder(),
        analysis=Analysis(services=names, strategy=Strategy(strategy), workers=workers),
    )

    async def show(owner: Asked, task: FollowedTask) -> int:
        if not quiet:
            say_notices(owner)
        return await follow(owner, task, as_json=as_json, quiet=quiet)

    return ask(program, request, show)


def _names(services: str | None) -> tuple[str, ...]:
    """The services that were named.

    Raises:
        UsageError: The option is there and names none, which must not mean all.
    """
    names = tuple(name.strip() for name in (services or "").split(",") if name.strip())
    if services is not None and not names:
        raise UsageError(
            "No service was named", f"--services {services!r} holds no name.", "Name some, or leave it out."
        )
    return names
