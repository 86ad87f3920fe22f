"""`oxide status` and `oxide stop`: the Oxide that runs now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from oxide_desktop.core.errors import ConfigError, NotFoundError, OxideError
from oxide_desktop.fronts.cli import instance
from oxide_desktop.fronts.cli.app_calls import AppAddress
from oxide_desktop.fronts.cli.output import age, columns, mark, out, out_json, say, short_id
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import cut, one_line

if TYPE_CHECKING:
    from oxide_desktop.core.children import ChildInfo
    from oxide_desktop.core.versions import Release
    from oxide_desktop.fronts.cli.instance import Instance

MEBIBYTE = 1024**2


@click.command()
@click.option("--token", is_flag=True, help="Print the token for the HTTP API and nothing else.")
@click.option("--link", is_flag=True, help="Print a link that lets one browser in, once, within five minutes.")
@click.option("--alive", is_flag=True, help="Say nothing; the exit code is 0 if Oxide runs and answers, else 1.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program: running, pid, port, socket, version, …")
@pass_program
def status(program: Program, *, token: bool, link: bool, alive: bool, as_json: bool) -> int:
    """Tell whether Oxide runs, and where it can be reached.

    The exit code is 0 either way: what was asked has been answered. Scripts read `running` of --json, or ask --alive.
    """
    found = None if token else instance.find(program.paths)
    if token:
        out(_token(program))
    elif alive:
        return 0 if _answers(program, found) else 1
    elif link:
        out(_link(program, found))
    else:
        _tell(program, found, as_json=as_json)
    return 0


def _answers(program: Program, found: Instance | None) -> bool:
    """Whether HTTP answers, for health checks. Services that fail are not its failure."""
    if found is None or found.port is None:
        return False
    try:
        asyncio.run(AppAddress(found.port, _token(program)).call("GET", "/api/monitoring/health"))
    except OxideError:
        return False
    return True


def _tell(program: Program, found: Instance | None, *, as_json: bool) -> None:
    children = instance.children(program.paths)
    newer = _newer(program)
    if as_json:
        out_json({**_to_dict(found, children), "newer_version": newer.version if newer else None})
        return
    _show(found, children)
    if newer:
        out(f"  newer   {newer.version} is out: {newer.page or 'see `oxide doctor`'}")


@click.command()
@click.option(
    "--child", "child_pid", type=int, metavar="PID", help="End only this program that Oxide runs (see status)."
)
@pass_program
def stop(program: Program, *, child_pid: int | None) -> None:
    """End the running Oxide and wait until it has; its tasks are cancelled, its children ended."""
    if child_pid is not None:
        _stop_child(program, child_pid)
        return
    found = instance.find(program.paths)
    if found is None:
        say("Oxide is not running.")
        return
    if found.pid is None:
        raise OxideError("Oxide is just starting", "It has not told its process number yet.", "Try again in a moment.")
    instance.end(program.paths, found)
    say(f"Oxide has ended (it was process {found.pid}).")


def _stop_child(program: Program, pid: int) -> None:
    child = instance.end_child(program.paths, pid)
    if child is None:
        message = f"Oxide runs no program {pid}."
        raise NotFoundError("Nothing was ended", message, "`oxide status` lists those that it runs.")
    say(f"{one_line(child.purpose)} has ended (it was process {pid}).")


def _newer(program: Program) -> Release | None:
    """A newer version that is known of, where that is looked for; nobody is asked now."""
    if not program.paths.updates_file.exists():
        return None
    from oxide_desktop.config import updates  # noqa: PLC0415 - for those who look for newer versions

    try:
        found = updates.known(program.paths, program.settings.updates)
    except ConfigError:  # told by who needs the settings
        return None
    return found.newer if found else None


def _token(program: Program) -> str:
    try:
        return program.paths.token_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        message = "It is made when Oxide first runs."
        raise OxideError("There is no token yet", message, "Start it with `oxide serve`.") from None


def _link(program: Program, found: Instance | None) -> str:
    if found is None or found.port is None:
        what = "Oxide is not running" if found is None else "The web view is switched off"
        raise OxideError(
            "There is no page to open", f"{what}.", "Start it with `oxide serve`; web.enabled must be true."
        )
    asking = AppAddress(found.port, _token(program)).call("POST", "/api/launch-link")
    return str(asyncio.run(asking)["link"])


def _to_dict(found: Instance | None, children: Sequence[ChildInfo]) -> dict[str, object]:
    return {
        "running": found is not None,
        "pid": found.pid if found else None,
        "port": found.port if found else None,
        "socket": found.socket if found else None,
        "version": found.version if found else None,
        "children": [child.to_dict() for child in children],
    }


def _show(found: Instance | None, children: Sequence[ChildInfo]) -> None:
    if found is None:
        out(f"{mark('off')} Oxide is not running. Start it: `oxide`, or without a screen `oxide serve`.")
    else:
        out(f"{mark('running')} Oxide {found.version or ''} is running, process {found.pid}.")
        if found.port:
            out(f"  web     http://127.0.0.1:{found.port}/ (let a browser in: oxide status --link)")
        if found.socket:
            out(f"  socket  {found.socket}")
    for child in children:
        out(_child_line(child, of_app=found is not None and child.owner_pid == found.pid))


def _child_line(child: ChildInfo, *, of_app: bool) -> str:
    """What it is, for which task, and in brackets its process (of which other command), its age and size."""
    what = one_line(f"{child.purpose} for task {short_id(child.task_id)}" if child.task_id else child.purpose)
    below = f", {len(child.tree)} processes" if len(child.tree) > 1 else ""
    owner = "" if of_app else f" of process {child.owner_pid}"
    figures = f"{child.pid}{owner}, {age(child.started_at)}, {child.memory_bytes / MEBIBYTE:.0f} MB{below}"
    return cut(f"  child   {what}", columns() - len(figures) - 3) + f" ({figures})"
