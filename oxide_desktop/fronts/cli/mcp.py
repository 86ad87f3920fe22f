"""`oxide mcp`: connects MCP clients such as Claude Code to Oxide, disconnects them, and proves that it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.fronts.cli.groups import DefaultGroup
from oxide_desktop.fronts.cli.output import mark, out, out_json, paint, say, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line

if TYPE_CHECKING:
    from oxide_desktop.config.clients import Client, Scope
    from oxide_desktop.config.connecting import Change

CLIENTS = ("claude-code", "claude-desktop", "cursor", "vscode", "gemini", "codex")
SCOPES = ("user", "project")
Command = Callable[..., Any]


class _StatusGroup(DefaultGroup):
    default = "status"


_HELP = """Connect Claude Code and other MCP clients to Oxide, and see whether they are.

\b
oxide mcp install                       Claude Code, in all projects
oxide mcp install --scope project       Claude Code, in this folder's project
oxide mcp install --client cursor       another client
oxide mcp                               what is connected, proved by a handshake
"""


@click.group(cls=_StatusGroup, help=_HELP)
def mcp() -> None:  # noqa: D103 - its help stands above
    pass


def _options(command: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print it for a program."),
        click.option("--dry-run", is_flag=True, help="Show what would be changed; change nothing."),
        click.option(
            "--scope", type=click.Choice(SCOPES), default="user", show_default=True, help="For which projects."
        ),
        click.option(
            "--client",
            "name",
            type=click.Choice(CLIENTS),
            default="claude-code",
            show_default=True,
            help="Which client.",
        ),
    ):
        command = option(command)
    return command


@mcp.command()
@_options
@pass_program
def install(program: Program, *, name: str, scope: str, dry_run: bool, as_json: bool) -> None:
    """Put Oxide among a client's servers.

    What else stands in the client's file stays as it is; a copy from before is kept beside it.
    """
    from oxide_desktop.config import connecting, own_entry  # noqa: PLC0415 - not needed for --help

    client, where = _client(name), _scope(scope)
    entry, lock = own_entry.own_entry(client, where), own_entry.lock_of(program.paths)
    change = connecting.install(client, where, _folder(scope), entry, lock, dry_run=dry_run)
    _tell(client, change, "install", dry_run=dry_run, as_json=as_json)
    if not as_json and not dry_run:
        say(f"  {client.after}")
        _tell_what_is_not_tried(client, where, change)


@mcp.command()
@_options
@pass_program
def uninstall(program: Program, *, name: str, scope: str, dry_run: bool, as_json: bool) -> None:
    """Take Oxide out of a client's servers again, and nothing else."""
    from oxide_desktop.config import connecting, own_entry  # noqa: PLC0415 - not needed for --help

    client, lock = _client(name), own_entry.lock_of(program.paths)
    change = connecting.uninstall(client, _scope(scope), _folder(scope), lock, dry_run=dry_run)
    _tell(client, change, "uninstall", dry_run=dry_run, as_json=as_json)


@mcp.command()
@click.option("--client", "name", type=click.Choice(CLIENTS), help="This client alone.")
@click.option("--scope", type=click.Choice(SCOPES), help="This scope alone.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def status(*, name: str | None, scope: str | None, as_json: bool) -> int:
    """Tell which clients are connected, and prove it: each command is started, greeted and asked for its tools.

    Only what `install` writes is started; another server named oxide, or one with more variables, is told and left
    alone. The exit code is 1 if
    one that is connected does not answer. If Oxide does not run, it is started as by a client, and stays.
    """
    from oxide_desktop.config.paths import Paths  # noqa: PLC0415 - not needed for --help
    from oxide_desktop.fronts.cli import instance  # noqa: PLC0415 - as above

    paths = Paths.from_environment()
    ran = instance.find(paths) is not None
    found = [
        _look(_client(each), where)
        for each in ([name] if name else CLIENTS)
        for where in ([scope] if scope else SCOPES)
    ]
    shown = [item for item in found if item is not None]
    started = not ran and instance.find(paths) is not None
    if as_json:
        out_json({"clients": shown, "started": started})
    else:
        _show(shown)
        if started:
            say("Oxide did not run and was started for this, as a client does. `oxide stop` ends it.")
    return int(any(item["installed"] and not item["connected"] for item in shown))


def _client(name: str) -> Client:
    from oxide_desktop.config.clients import clients  # noqa: PLC0415 - not needed for --help

    return clients(Path.home())[name]


def _scope(name: str) -> Scope:
    from oxide_desktop.config.clients import Scope  # noqa: PLC0415 - not needed for --help

    return Scope(name)


def _folder(scope: str) -> Path:
    """Where a project's file is looked for; the files of a person need no current folder.

    Raises:
        UsageError: It is gone, and is needed.
    """
    from oxide_desktop.fronts.cli.asking import current_folder  # noqa: PLC0415 - not needed for --help

    try:
        return current_folder()
    except UsageError:
        if scope == "project":
            raise
        return Path.home()


def _tell(client: Client, change: Change, what: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        backup = str(change.backup) if change.backup else None
        out_json({
            "client": client.name, "file": str(change.file), "changed": not change.is_none and not dry_run,
            "would_change": not change.is_none, "backup": backup, "folders": [str(folder) for folder in change.folders],
        })  # fmt: skip
        return
    if change.is_none:
        state = "is connected already" if what == "install" else "was not connected"
        out(f"{mark('completed')} {client.title} {state} ({change.file}).")
    elif dry_run:
        from oxide_desktop.config.own_entry import difference  # noqa: PLC0415 - not needed for --help

        out(difference(change))
        if change.after is None:
            out(f"{change.file} would be deleted, since Oxide has made it.")
        for folder in change.folders:
            out(f"The folder {folder} would be {'deleted' if change.after is None else 'made'}.")
    else:
        verb = "is connected" if what == "install" else "is no longer connected"
        out(f"{mark('completed')} {client.title} {verb} ({change.file}).")
        if change.backup:
            say(f"  The file as it was: {change.backup}")


def _tell_what_is_not_tried(client: Client, scope: Scope, change: Change) -> None:
    """What a person has added to the entry may be more than `oxide mcp` will start: said now, as it is there."""
    from oxide_desktop.config import connecting, own_entry  # noqa: PLC0415 - not needed for --help

    try:
        own_entry.start_of(connecting.found_in(client, change.file) or {}, scope)
    except OxideError as error:
        say(f"{mark('attention')} `oxide mcp` cannot prove that it works. {one_line(str(error))}")


def _look(client: Client, scope: str) -> dict[str, Any] | None:
    """What there is to tell of one client in one scope; `None` if it has no such scope here."""
    from oxide_desktop.config import connecting  # noqa: PLC0415 - not needed for --help

    folder = _folder(scope)
    try:
        file = client.file(_scope(scope), folder)
    except UsageError:
        return None
    seen: dict[str, Any] = {
        "client": client.name, "title": client.title, "scope": scope, "file": str(file),
        "installed": False, "connected": False, "tried": False, "command": None, "tools": [], "seconds": None,
        "problem": "",
    }  # fmt: skip
    try:
        entry = connecting.found_in(client, file)
        if entry is not None:
            seen |= {"installed": True, **_proof(entry, _scope(scope))}
    except OxideError as error:
        seen["problem"] = str(error)
    return seen


def _proof(entry: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    from oxide_desktop.config.handshake import prove  # noqa: PLC0415 - not needed for --help
    from oxide_desktop.config.own_entry import start_of  # noqa: PLC0415 - as above

    args = entry.get("args")
    command = [str(entry.get("command", "")), *map(str, args if isinstance(args, list) else [])]
    tried = False
    try:
        start = start_of(entry, scope)
        tried = True
        proof = prove(*start, _folder(scope))
    except OxideError as error:
        return {"command": command, "tried": tried, "problem": str(error)}
    return {
        "command": command,
        "tried": True,
        "connected": True,
        "tools": list(proof.tools),
        "seconds": round(proof.duration_s, 2),
    }


def _show(found: list[dict[str, Any]]) -> None:
    rows = [[item["title"], item["scope"], _state(item)] for item in found]
    for line in table(("client", "scope", "state"), rows):
        out(line)
    for item in found:
        if item["problem"]:
            say(f"{mark('attention')} {item['title']} ({item['scope']}): {one_line(item['problem'])}")
    if not any(item["installed"] for item in found):
        say("Connect one: oxide mcp install --client NAME")


def _state(item: Mapping[str, Any]) -> str:
    if item["connected"]:
        return f"{mark('completed')} connected, {len(item['tools'])} tools, {item['seconds']:.1f} s"
    if item["problem"]:
        return f"{mark('failed')} {'does not work' if item['tried'] or not item['installed'] else 'not tried'}"
    return paint("not connected", dim=True)
