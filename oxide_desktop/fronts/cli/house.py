"""What `oxide doctor` looks at besides services: Python, files, settings, keys, history, rules, port."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import platform
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_desktop import __version__
from oxide_desktop.config import updates
from oxide_desktop.config.private_files import unwritable
from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.fronts.cli import instance
from oxide_desktop.fronts.cli.output import age

if TYPE_CHECKING:
    from oxide_desktop.engine import Orchestrator
    from oxide_desktop.fronts.cli.program import Program

LOW_DISK_BYTES = 200 * 1024 * 1024
MEBIBYTE, GIBIBYTE = 1024**2, 1024**3
TRIED_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. With a `problem` it needs its `fix`; a minor one costs comfort only."""

    name: str
    found: str = ""
    problem: str = ""
    fix: str = ""
    minor: bool = False

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {"ok": not self.problem, **dataclasses.asdict(self)}


def look_at_house(program: Program) -> list[Finding]:
    """What can be seen without settings and without an engine.

    Raises:
        OxideError: There is no place for Oxide's files.
    """
    home = program.paths.home
    return [_python(), _home(home), _disk(home)]


async def look_at_engine(program: Program, engine: Orchestrator) -> list[Finding]:
    """What takes settings and an engine."""
    return [
        await _version(program),
        _settings(program),
        Finding("keys", f"kept in {await asyncio.to_thread(lambda: engine.keys.place)}"),
        *await _history(engine),
        *_rules(engine),
        _port(program),
    ]


def _python() -> Finding:
    return Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _home(home: Path) -> Finding:
    """Whether it can be written, by writing: a full disk still takes a file's name."""
    try:
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(os.urandom(TRIED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        problem = unwritable(error, home)
        return Finding("home", problem=f"{problem.title}: {problem.message}", fix=problem.hint)
    return Finding("home", f"{home} can be written")


def _disk(home: Path) -> Finding:
    free_bytes = shutil.disk_usage(home).free
    is_much = free_bytes >= GIBIBYTE
    amount = f"{free_bytes / GIBIBYTE:.1f} GB free" if is_much else f"{free_bytes / MEBIBYTE:.1f} MB free"
    if free_bytes < LOW_DISK_BYTES:
        return Finding("disk", problem=f"only {amount}", fix=f"Make room on the disk that holds {home}.")
    return Finding("disk", amount)


async def _version(program: Program) -> Finding:
    """Whether this is the newest; asked only by who wants that, and no failure of Oxide's if it is not known."""
    settings = program.settings.updates
    if not settings.check:
        return Finding("version", f"{__version__}; newer ones are not looked for (updates.check)")
    if settings.url is None:
        fix = "Set updates.url to the address that names the newest version, or updates.check to false."
        return Finding("version", problem="newer ones are looked for nowhere", fix=fix, minor=True)
    found = await updates.look(program.paths, settings)
    if found is None:
        return Finding("version", f"{__version__}; whether there is a newer one is not known")
    if newer := found.newer:
        problem = f"{newer.version} is out, and this is {__version__}"
        return Finding("version", problem=problem, fix=f"Get it from {newer.page or settings.url}.", minor=True)
    if found.failure:
        return Finding("version", f"{__version__}; {settings.url} told of no newer one: {found.failure}")
    return Finding("version", f"{__version__} is the newest (asked {age(found.asked_at)})")


def _settings(program: Program) -> Finding:
    file = program.paths.config_file
    return Finding("settings", str(file) if file.exists() else f"as shipped; yours would be in {file}")


async def _history(engine: Orchestrator) -> list[Finding]:
    try:
        await engine.start()
        page = await engine.history.list(TaskFilter(), limit=1)
    except OxideError as error:
        return [Finding("history", problem=f"{error.title}: {error.message}", fix=error.hint)]
    return [
        Finding("history", f"{page.total:,} task{'' if page.total == 1 else 's'}"),
        *(Finding("history", problem=notice, minor=True) for notice in engine.history.notices),
    ]


def _rules(engine: Orchestrator) -> list[Finding]:
    problems = [
        Finding("rules", problem=f"{error.title}: {error.message}", fix=error.hint, minor=isinstance(error, UsageError))
        for error in engine.rules.problems()
    ]
    damaged = any(not problem.minor for problem in problems)
    return problems if damaged else [Finding("rules", f"{len(engine.rules.all())} of your own"), *problems]


def _port(program: Program) -> Finding:
    if running := instance.find(program.paths):
        where = f", port {running.port}" if running.port else ""
        return Finding("app", f"running, process {running.pid}{where}")
    if not program.settings.web.enabled:
        return Finding("app", "not running; HTTP is switched off in the settings")
    port = program.settings.web.port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.platform != "win32"))
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            problem = f"port {port} is taken by another program"
            return Finding("app", problem=problem, fix="Oxide will use the next free one.", minor=True)
    return Finding("app", f"not running; port {port} is free")
