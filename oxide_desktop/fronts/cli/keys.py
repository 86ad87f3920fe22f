"""`oxide keys`: API keys, in the keyring of the system or in a file that only the person can read."""

from __future__ import annotations

import getpass
import sys

import click

from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.core.errors import UsageError
from oxide_desktop.fronts.cli.groups import DefaultGroup
from oxide_desktop.fronts.cli.output import is_terminal, out, out_json, say
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line


@click.group(cls=DefaultGroup)
def keys() -> None:
    """Keep API keys out of the settings: there, write `keyring:NAME` in their place."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the names for a program.")
@pass_program
def list_keys(program: Program, *, as_json: bool) -> None:
    """Show the names of the keys that are kept; never the keys."""
    store = _store(program)
    names = store.names()
    if as_json:
        out_json({"names": list(names), "place": store.place})
        return
    for name in names:
        out(one_line(name))
    say(f"{len(names)} kept in {store.place}.")


@keys.command("set")
@click.argument("name")
@pass_program
def set_key(program: Program, *, name: str) -> None:
    """Keep a key under NAME.

    The key is asked for without showing it, or read from standard input. It is never an argument: other programs can
    see those, and the shell keeps them.
    """
    value = _read_key(name)
    store = _store(program)
    store.set(name, value)
    say(f"Kept in {store.place}. In the settings write: api_key: keyring:{name}")


@keys.command("remove")
@click.argument("name")
@pass_program
def remove_key(program: Program, *, name: str) -> None:
    """Forget the key of NAME."""
    _store(program).remove(name)
    say(f"{name} is forgotten.")


def _store(program: Program) -> KeyStore:
    return KeyStore(program.paths)


def _read_key(name: str) -> str:
    """The key, typed unseen or piped in, without the line's end.

    Raises:
        UsageError: There is none.
    """
    if sys.stdin is not None and is_terminal(sys.stdin):
        value = getpass.getpass(f"Key for {name}: ", stream=sys.stderr)
    else:
        value = sys.stdin.readline() if sys.stdin is not None else ""
    value = value.strip()
    if not value:
        raise UsageError("No key was given", "Nothing was typed or piped in.", "Type it, or pipe it in.")
    return value
