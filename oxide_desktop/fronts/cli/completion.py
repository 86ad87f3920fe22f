"""`oxide completion`: the script that teaches a shell to complete commands, options and names of services."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from oxide_desktop.fronts.cli.output import out

VARIABLE = "_OXIDE_COMPLETE"
_HELP = """Print the completion script for SHELL.

\b
bash: oxide completion bash >> ~/.bashrc
zsh:  oxide completion zsh >> ~/.zshrc
fish: oxide completion fish > ~/.config/fish/completions/oxide.fish
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:  # noqa: D103 - its help stands above
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the three above are click's own
    out(kind(context.find_root().command, {}, "oxide", VARIABLE).source())
