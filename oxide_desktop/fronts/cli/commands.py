"""The command `oxide`. Only what `--help` needs is imported here."""

from __future__ import annotations

import click

from oxide_desktop import __version__
from oxide_desktop.fronts.cli.groups import LazyGroup
from oxide_desktop.fronts.cli.program import Program

_HERE = "oxide_desktop.fronts.cli"
COMMANDS = {
    "run": (f"{_HERE}.run:run", "Ask, and get the answer on standard output."),
    "explain": (f"{_HERE}.explain:explain", "Show where a prompt would go and why; nothing is sent."),
    "analyze": (f"{_HERE}.analyze:analyze", "Ask about many files, on several services at once."),
    "services": (f"{_HERE}.services:services", "Show the services, or test one."),
    "rules": (f"{_HERE}.rules:rules", "Say which service takes which type of task."),
    "history": (f"{_HERE}.history:history", "Look up, search, delete, export what was asked."),
    "keys": (f"{_HERE}.keys:keys", "Keep API keys out of the settings."),
    "config": (f"{_HERE}.config:config", "Show and check the settings."),
    "mcp": (f"{_HERE}.mcp:mcp", "Connect Claude Code and other MCP clients."),
    "doctor": (f"{_HERE}.doctor:doctor", "Prove what works and name the fix for what does not."),
    "serve": (f"{_HERE}.serve:serve", "Run without a screen, until stopped."),
    "status": (f"{_HERE}.status:status", "Tell whether Oxide runs, and where."),
    "stop": (f"{_HERE}.status:stop", "End the running Oxide."),
    "completion": (f"{_HERE}.completion:completion", "Print the completion script for a shell."),
}
_HELP = """Get each prompt to the right LLM, stream the answer, keep the record.

Without a command it starts the app in the tray; where there is no screen it serves without one.
"""
_EPILOG = """\b
Exit codes: 0 done, 1 the task failed, 2 wrong usage or settings,
3 no service could take it, 130 cancelled.
"""


def _start(context: click.Context) -> int | None:
    """Plain `oxide`: the app where there is a screen, else the same without one."""
    if context.invoked_subcommand is not None:
        return None
    from oxide_desktop.fronts.cli.serve import start  # noqa: PLC0415 - not needed for --help

    return start(context.ensure_object(Program))


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--tray", "in_tray", is_flag=True, help="Start in the tray, without a window (what login start does).")
@click.version_option(__version__, "-V", "--version", prog_name="oxide")
@click.pass_context
def oxide(context: click.Context, *, in_tray: bool) -> int | None:  # noqa: D103 - its help stands above
    if in_tray:
        context.ensure_object(Program).in_tray = True
    return _start(context)
