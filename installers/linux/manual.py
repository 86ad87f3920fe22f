"""Writes a manual page from the programs' own help: `manual.py oxide|oxide-mcp VERSION DATE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from oxide_desktop.fronts.cli.commands import oxide
from oxide_desktop.fronts.mcp.shim import USAGE


def quoted(text: str) -> str:
    """Text as troff takes it: no command at the start of a line, hyphens that can be copied, dots of every terminal."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return "\n".join(f"\\&{line}" if line[:1] in {".", "'"} else line for line in safe.splitlines())


def commands(
    group: click.Group, context: click.Context, before: str = ""
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command below a group with its full name."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        yield f"{before}{name}", command, inner
        if isinstance(command, click.Group):
            yield from commands(command, inner, f"{before}{name} ")


def page(program: str, title: str, release: tuple[str, str], body: list[str]) -> str:
    """The whole page."""
    version, date = release
    head = [f'.TH {program.upper()} 1 "{date}" "Oxide Desktop {version}"', ".SH NAME", f"{program} \\- {title}"]
    see = [".SH FILES", "~/.oxide, or OXIDE_HOME: settings, history, rules, keys, log.", ".SH SEE ALSO"]
    return "\n".join([*head, *body, *see, "oxide(1), oxide\\-mcp(1)", ""])


def oxide_page(release: tuple[str, str]) -> str:
    """Of the command line."""
    context = click.Context(oxide, info_name="oxide")
    body = [".SH SYNOPSIS", ".B oxide", "[COMMAND] [OPTIONS]", ".SH DESCRIPTION", quoted((oxide.help or "").strip())]
    body.append(".SH COMMANDS")
    for name, command, inner in commands(oxide, context):
        usage = " ".join(command.collect_usage_pieces(inner))
        body += [".SS " + quoted(f"{name} {usage}"), quoted(" ".join((command.help or "").replace("\b", "").split()))]
        for option in command.get_params(inner):
            # The usage names arguments already, and every command has `--help`.
            if (record := option.get_help_record(inner)) and record[1] and record[0] != "--help":
                body += [".TP", f".B {quoted(record[0])}", quoted(record[1])]
    codes = "0 done, 1 the task failed, 2 wrong usage or settings, 3 no service could take it, 130 cancelled."
    return page("oxide", "get each prompt to the right LLM", release, [*body, ".SH EXIT STATUS", codes])


def shim_page(release: tuple[str, str]) -> str:
    """Of what MCP clients start."""
    body = [".SH SYNOPSIS", ".B oxide\\-mcp", ".SH DESCRIPTION", ".nf", quoted(USAGE), ".fi"]
    return page("oxide-mcp", "connect an MCP client to Oxide", release, body)


if __name__ == "__main__":
    sys.stdout.write((oxide_page if sys.argv[1] == "oxide" else shim_page)((sys.argv[2], sys.argv[3])))
