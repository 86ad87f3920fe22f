"""Click groups of our own: one that imports a command when it is used, one that has a default command."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click


class LazyGroup(click.Group):
    """Knows its commands by module and one line of help, so that `--help` imports none of them."""

    def __init__(self, *, lazy: Mapping[str, tuple[str, str]], **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # click's own keywords, passed through
        self.lazy = lazy

    def list_commands(self, _context: click.Context) -> list[str]:
        """Names in the order in which people need them."""
        return list(self.lazy)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command itself, imported now."""
        if name not in self.lazy:
            return None
        module, attribute = self.lazy[name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in our own table
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_place, line) in self.lazy.items()])


class DefaultGroup(click.Group):
    """A group that takes its first word for a command's name, and otherwise runs its default command.

    Attributes:
        default: Name of the command that is meant when none is named.
        default_takes_words: Whether any other first word is meant for it too.
    """

    default = "list"
    default_takes_words = False

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put the default's name where it was left out."""
        first = args[0] if args else ""
        is_option = first.startswith("-") and first not in context.help_option_names
        is_word = bool(first) and not first.startswith("-") and first not in self.commands
        if not args or is_option or (is_word and self.default_takes_words):
            args = [self.default, *args]
        return super().parse_args(context, args)


class ShowGroup(DefaultGroup):
    """A group whose first word, unless it is a command, is what to show."""

    default = "show"
    default_takes_words = True
