"""Ollama as the system runs it: a systemd unit, or the app on macOS. Such a one is the system's and outlives Oxide.

Nobody is ever asked for a password: what cannot be started without one counts as not there.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from oxide_desktop.core.children import ChildSpec, Spawner
from oxide_desktop.core.errors import ServiceError

DEFAULT_PORT = 11434
COMMAND_LIMIT_S = 15.0
UNIT = "ollama.service"
_SCOPES: tuple[tuple[str, ...], ...] = ((), ("--user",))
_QUOTED_CHARS = 200

Find = Callable[[str], Path | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking the system.

    Attributes:
        started: It is starting, or runs already.
        note: Why not, where that is worth telling.
    """

    started: bool
    note: str = ""


def app_folders() -> tuple[Path, ...]:
    """Where macOS keeps applications."""
    return Path("/Applications"), Path.home() / "Applications"


@dataclass(frozen=True, slots=True)
class SystemOllama:
    """Asks the system for its Ollama, if it has one that listens on the wanted port."""

    spawner: Spawner
    platform: str
    find: Find
    folders: Sequence[Path]

    async def start(self, port: int) -> Asked:
        """Have the system start it, without waiting until it is ready."""
        if self.platform == "darwin":
            return await self._by_app(port)
        if self.platform == "linux":
            return await self._by_systemd(port)
        return Asked(started=False)

    @property
    def app(self) -> Path | None:
        """The app on macOS."""
        if self.platform != "darwin":
            return None
        return next((app for folder in self.folders if (app := folder / "Ollama.app").is_dir()), None)

    async def _by_app(self, port: int) -> Asked:
        """The app listens on the default port. It is opened hidden, in the background, as its own command does."""
        opener = self.find("open")
        if self.app is None or opener is None or port != DEFAULT_PORT:
            return Asked(started=False)
        code, said = await self._run([str(opener), "-g", "-j", "-a", str(self.app)])
        return Asked(started=code == 0, note="" if code == 0 else f"Ollama.app could not be opened ({said}).")

    async def _by_systemd(self, port: int) -> Asked:
        systemctl = self.find("systemctl")
        refused = Asked(started=False)
        for scope in _SCOPES if systemctl else ():
            command = [str(systemctl), *scope, "--no-ask-password"]
            code, said = await self._run([*command, "show", "--property=LoadState,Environment", UNIT])
            if code != 0 or not has_unit(said, port):
                continue
            code, said = await self._run([*command, "start", UNIT])
            if code == 0:
                return Asked(started=True)
            refused = Asked(started=False, note=_refused(scope, said))
        return refused

    async def _run(self, argv: Sequence[str]) -> tuple[int, str]:
        """Run a small command to its end; its exit code and what it said. A failure to run is one of its failures."""
        try:
            async with (
                asyncio.timeout(COMMAND_LIMIT_S),
                await self.spawner.spawn(ChildSpec(argv=argv, purpose=Path(argv[0]).name)) as child,
            ):
                text = "".join([part async for part in child.text()])
                ended = await child.wait()
        except TimeoutError:
            return 1, f"no answer within {COMMAND_LIMIT_S:g} s"
        except ServiceError as error:
            return 1, error.message
        return ended.code, text if ended.code == 0 else (ended.stderr.strip() or text.strip())[:_QUOTED_CHARS]


def _refused(scope: Sequence[str], said: str) -> str:
    command = " ".join(["systemctl", *scope, "start", "ollama"] if scope else ["sudo systemctl start ollama"])
    return (
        f"The system's own Ollama could not be started ({said}), so Oxide started another one, which has models of "
        f"its own. `{command}` starts the system's."
    )


def has_unit(shown: str, port: int) -> bool:
    """Whether `systemctl show` speaks of a unit that is there and listens on that port."""
    facts = dict(line.partition("=")[::2] for line in shown.splitlines())
    return facts.get("LoadState") == "loaded" and _port_of(_variables(facts.get("Environment", ""))) == port


def _variables(environment: str) -> Mapping[str, str]:
    try:
        parts = shlex.split(environment)
    except ValueError:  # a quote without its other half: nothing can be said about it
        return {}
    return dict(part.partition("=")[::2] for part in parts)


def _port_of(variables: Mapping[str, str]) -> int | None:
    """The port that OLLAMA_HOST names, in one of the forms that Ollama takes; the default one where it names none."""
    host = variables.get("OLLAMA_HOST", "")
    try:
        port = urlsplit(host if "://" in host else f"//{host}").port
    except ValueError:
        return None
    return port or DEFAULT_PORT
