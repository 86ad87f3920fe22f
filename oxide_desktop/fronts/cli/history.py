"""`oxide history`: look up, search, delete, export, import."""

from __future__ import annotations

import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oxide_desktop.core.model import parse_task_type
from oxide_desktop.core.ports import TaskFilter, TaskPage
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.cli.app import ask_again
from oxide_desktop.fronts.cli.asking import complete_service, require_service
from oxide_desktop.fronts.cli.corrections import correct, corrections
from oxide_desktop.fronts.cli.follow import follow, say_notices
from oxide_desktop.fronts.cli.groups import DefaultGroup
from oxide_desktop.fronts.cli.output import age, is_terminal, mark, out, out_json, say, seconds, short_id, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.recorder import say_comparison, show_record
from oxide_desktop.fronts.cli.rules import TYPE
from oxide_desktop.fronts.cli.text import one_line

if TYPE_CHECKING:
    from oxide_desktop.core.record import TaskRecord
    from oxide_desktop.engine import Orchestrator
    from oxide_desktop.fronts.cli.app_task import FollowedTask, TaskOwner

STATUS = click.Choice([item.value for item in TaskStatus])
_limit = click.option("-n", "--limit", type=click.IntRange(1), default=10, show_default=True, help="How many.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print it for a program.")


@click.group(cls=DefaultGroup)
def history() -> None:
    """Look up, search, delete, export what was asked. An ID may be shortened to any start that is unique."""


@history.command("list")
@_limit
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many of the newest.")
@click.option("--status", type=STATUS, help="Only those.")
@click.option("--service", help="Only those it answered.")
@click.option("--type", "task_type", type=TYPE, help="Only those.")
@_as_json
@pass_program
def list_tasks(
    program: Program,
    *,
    limit: int,
    offset: int,
    status: str | None,
    service: str | None,
    task_type: str | None,
    as_json: bool,
) -> None:
    """Show the newest tasks."""
    wanted = TaskFilter(
        status=TaskStatus(status) if status else None,
        service=service,
        task_type=parse_task_type(task_type) if task_type else None,
    )
    _show_page(_page(program, wanted, limit, offset), as_json=as_json)


@history.command()
@click.argument("text")
@_limit
@_as_json
@pass_program
def search(program: Program, *, text: str, limit: int, as_json: bool) -> None:
    """Find tasks whose prompt or answer holds the words of TEXT."""
    _show_page(_page(program, TaskFilter(text=text), limit, 0), as_json=as_json)


@history.command()
@click.argument("task_id", metavar="ID")
@_as_json
@pass_program
def show(program: Program, *, task_id: str, as_json: bool) -> None:
    """Show one task in full: the answer, and how it came about."""
    record = program.run(lambda engine: _get(engine, task_id))
    if as_json:
        out_json(record.to_dict())
    else:
        show_record(record)


@history.command()
@click.argument("task_id", metavar="ID")
@click.option(
    "-s", "--service", metavar="NAME", shell_complete=complete_service, help="Ask this one and no other this time."
)
@click.option("--json", "as_json", is_flag=True, help="Print the new task's record when it has ended.")
@pass_program
def replay(program: Program, *, task_id: str, service: str | None, as_json: bool) -> int:
    """Ask again what a task asked, and compare: the answer as from `oxide run`, then both in a line each.

    Its files are read as they are now. Exit codes are those of `oxide run`.
    """
    if service is not None:
        require_service(program.settings, service)

    async def show(owner: TaskOwner, before: TaskRecord, task: FollowedTask) -> int:
        say_notices(owner)
        code = await follow(owner, task, as_json=as_json, quiet=False)
        say_comparison(before, task.record)
        return code

    return ask_again(program, task_id, service, show)


@history.command()
@click.argument("task_id", metavar="ID")
@pass_program
def delete(program: Program, *, task_id: str) -> None:
    """Delete one task that has ended."""

    async def forget(engine: Orchestrator) -> str:
        await _open(engine)
        record = await engine.history.get(task_id)
        await engine.forget(record.id)
        return record.id

    say(f"Deleted {program.run(forget)}.")


@history.command()
@click.option("--status", type=STATUS, help="Only those.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first (without a terminal it never asks).")
@pass_program
def clear(program: Program, *, status: str | None, yes: bool) -> None:
    """Delete every task that has ended."""
    which = f"every {status} task" if status else "the whole history"
    if not yes and sys.stdin is not None and is_terminal(sys.stdin):
        click.confirm(f"Delete {which}?", abort=True, err=True)
    count = program.run(lambda engine: engine.clear_history(TaskStatus(status) if status else None))
    say(f"{_tasks(count)} deleted.")


@history.command()
@pass_program
def export(program: Program) -> None:
    """Print everything kept, in the shape of a tasks.json."""

    async def write(engine: Orchestrator) -> None:
        await _look(engine)
        async with aclosing(engine.history.export()) as pieces:
            async for piece in pieces:
                out(piece, ends_line=False)

    program.run(write)


@history.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_as_json
@pass_program
def import_tasks(program: Program, *, file: Path, as_json: bool) -> int:
    """Add the tasks of FILE, a tasks.json; the file is not changed. Exit code 1 if some were set aside."""
    result = program.run(lambda engine: engine.import_history(file))
    if as_json:
        refused = [{"id": name, "reason": reason} for name, reason in result.refused]
        out_json({"imported": result.imported, "already_there": result.already_there, "refused": refused})
    else:
        say(f"{_tasks(result.imported)} imported, {result.already_there} already there.")
    for name, reason in result.refused:
        say(f"{mark('attention')} set aside {one_line(name)}: {one_line(reason)}")
    return 1 if result.refused else 0


history.add_command(correct)
history.add_command(corrections)


def _page(program: Program, wanted: TaskFilter, limit: int, offset: int) -> TaskPage:
    async def read(engine: Orchestrator) -> TaskPage:
        await _look(engine)
        return await engine.history.list(wanted, limit=limit, offset=offset)

    return program.run(read)


async def _open(engine: Orchestrator) -> None:
    """Open the history, and tell what has become of it: imported, replaced, set aside."""
    await engine.start()
    for notice in engine.history.notices:
        say(f"{mark('attention')} {one_line(notice)}")


async def _look(engine: Orchestrator) -> None:
    """The same for who only reads, which a full disk does not prevent."""
    if not await engine.start_to_look():
        say(f"{mark('attention')} The disk is full: what is there can be looked at, nothing can be asked.")
    for notice in engine.history.notices:
        say(f"{mark('attention')} {one_line(notice)}")


async def _get(engine: Orchestrator, task_id: str) -> TaskRecord:
    await _look(engine)
    return await engine.history.get(task_id)


def _show_page(page: TaskPage, *, as_json: bool) -> None:
    if as_json:
        tasks = [record.to_dict() for record in page.tasks]
        out_json({"tasks": tasks, "total": page.total, "filtered": page.filtered})
        return
    if not page.total:
        say('Nothing yet. Ask something: oxide run "What is 2+2?"')
        return
    if not page.filtered:
        say("No task is like that.")
        return
    for line in table(["  ID", "WHEN", "TYPE", "SERVICE", "TOOK", "PROMPT"], [_row(record) for record in page.tasks]):
        out(line)
    if len(page.tasks) < page.filtered:
        say(f"{len(page.tasks)} of {page.filtered:,}; more with --limit.")


def _row(record: TaskRecord) -> list[str]:
    return [
        f"{mark(record.status.value)} {short_id(record.id)}",
        age(record.created_at),
        record.task_type or "",
        one_line(record.service or ""),
        seconds(record.duration),
        one_line(record.prompt),
    ]


def _tasks(count: int) -> str:
    return f"{count:,} task{'' if count == 1 else 's'}"
