"""A command-line program on this machine: where it is, how it is started, which version it is."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from oxide_desktop.adapters.cli_errors import Teller, failure
from oxide_desktop.config.programs import find_executable, find_not_executable, launch_command
from oxide_desktop.core.children import ChildSpec
from oxide_desktop.core.errors import FailureKind, ServiceError, UsageError
from oxide_desktop.core.ports import AdapterTools
from oxide_desktop.core.settings import ServiceSettings

VERSION_LIMIT_S = 30.0
VERSION_OUTPUT_BYTES = 1024 * 1024
_VERSION = re.compile(r"\bv?(\d+\.\d+(?:\.\d+)?(?:[-+.]\w+)*)")

Identity = tuple[str, int, int]
"""A file at one point in its life: path, time of change, size."""


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A program that is there.

    Attributes:
        path: What was found, links followed.
        argv: How it is started.
        identity: Changes when it is updated.
    """

    path: Path
    argv: tuple[str, ...]
    identity: Identity


class Program:
    """The program of one service.

    Args:
        install: What to do when it is not there, as a sentence.
    """

    def __init__(self, settings: ServiceSettings, tools: AdapterTools, teller: Teller, install: str) -> None:
        self.name = settings.executable or settings.name
        self._teller = teller
        self._tools = tools
        self._install = install
        self._answers: dict[tuple[Identity, tuple[str, ...]], str] = {}

    async def find(self) -> Found:
        """Look for it, where installers put programs too.

        Raises:
            ServiceError: It is not there, or cannot be started.
        """
        return await asyncio.to_thread(self._find)

    def _find(self) -> Found:
        program = find_executable(self.name)
        if program is None and (there := find_not_executable(self.name)):
            hint = f"If it is the program, allow it to run: `chmod +x {shlex.quote(str(there))}`."
            raise self._teller.error(FailureKind.MISSING, "cannot be started", f"{there} is not executable.", hint)
        if program is None:
            message = f"There is no program {self.name}, neither on PATH nor where programs are usually installed."
            raise self._teller.error(FailureKind.MISSING, "is not installed", message, self._install)
        argv = launch_command(program)
        if argv is None:
            message = f"{program} is a script for Windows' shell, which would read the prompt as commands."
            hint = f"Set services.{self._teller.service}.executable to the program that it starts."
            raise self._teller.error(FailureKind.MISSING, "cannot be started safely", message, hint)
        real = program.resolve()
        stat = real.stat()
        return Found(real, tuple(argv), (str(real), stat.st_mtime_ns, stat.st_size))

    async def ask(self, found: Found, args: Sequence[str], env: Mapping[str, str]) -> str:
        """What it prints for `--version` and the like. Asked once, and again when it has been updated.

        Raises:
            ServiceError: It does not start, fails, or takes too long.
        """
        key = (found.identity, tuple(args))
        if key not in self._answers:
            self._answers[key] = await self._run([*found.argv, *args], env)
        return self._answers[key]

    async def _run(self, argv: Sequence[str], env: Mapping[str, str]) -> str:
        spec = ChildSpec(argv=argv, purpose=self._teller.service, env=env, output_limit=VERSION_OUTPUT_BYTES)
        try:
            async with asyncio.timeout(VERSION_LIMIT_S), await self._tools.spawner.spawn(spec) as child:
                said = "".join([part async for part in child.text()])
                ended = await child.wait()
        except TimeoutError:
            message = f"{argv[-1]} was not answered within {VERSION_LIMIT_S:g} s."
            hint = f"Try `{self.name} {argv[-1]}` in a terminal."
            raise self._teller.error(FailureKind.TIMEOUT, "does not start", message, hint) from None
        if ended.code:
            raise failure(self._teller, f"{said}\n{ended.stderr}", code=ended.code)
        return said or ended.stderr


def version_in(said: str) -> str | None:
    """The number of a version in what a program says of itself."""
    found = _VERSION.search(said)
    return found[1] if found else None


async def resolved_env(settings: ServiceSettings, tools: AdapterTools, teller: Teller) -> dict[str, str]:
    """The service's `env`, with keys looked up.

    Raises:
        ServiceError: A key is not stored.
    """
    return {name: await looked_up(value, tools, teller) for name, value in settings.env.items()}


async def looked_up(reference: str, tools: AdapterTools, teller: Teller) -> str:
    """A literal as it is, a stored key by its name.

    Raises:
        ServiceError: It is not stored.
    """
    try:
        return await tools.secrets.resolve(reference)
    except UsageError as error:
        message = error.message or error.title
        raise ServiceError(FailureKind.AUTH, f"{teller.service} needs its key", message, error.hint) from error
