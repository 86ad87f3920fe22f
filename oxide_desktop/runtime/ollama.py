"""Ollama on this machine: started when it is needed, waited for, started again if it dies, ended if it was ours.

What the system itself runs (a systemd unit, the app on macOS) is asked for first and stays when Oxide ends: it is the
system's. Otherwise `ollama serve` runs as a guarded child, on Windows too, and ends with Oxide, however that ends.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from oxide_desktop.config.programs import find_executable
from oxide_desktop.core.background import BackgroundTasks
from oxide_desktop.core.children import Child, ChildSpec, Exit, Spawner
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.servers import Ready, ServerStart
from oxide_desktop.runtime.ollama_system import Find, SystemOllama, app_folders
from oxide_desktop.runtime.sharing import Sharing

log = logging.getLogger(__name__)

PURPOSE = "Ollama"
HTTP_PORT = 80
POLL_S = 0.1
_QUOTED_CHARS = 300
_TAKEN = "address already in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take, in seconds.

    Attributes:
        start_s: Until it is ready.
        rest_s: A start that failed is not tried again for so long.
        stable_s: Who has run this long did not die of how it was started.
        pause_s: Before the third start in a row; it doubles with each further one.
        longest_pause_s: But does not grow beyond this.
        others_s: Before one of ours is ended, for other Oxides that use it to be done.
    """

    start_s: float = 30.0
    rest_s: float = 60.0
    stable_s: float = 60.0
    pause_s: float = 5.0
    longest_pause_s: float = 300.0
    others_s: float = 300.0


@dataclass(frozen=True, slots=True)
class _Server:
    """An `ollama serve` of ours. `deaths` counts those before it that died young."""

    child: Child
    started_at: float
    deaths: int


@dataclass(frozen=True, slots=True)
class _Loss:
    """A server of ours that has died: how many did so in a row, and when the next start is due."""

    deaths: int
    due: float


@dataclass(frozen=True, slots=True)
class _Failure:
    """A start that failed."""

    error: ServiceError
    at: float


class OllamaStarter:
    """Implements `core.servers.ServerStarter`.

    Args:
        run_dir: Where the locks are that keep several Oxides from starting it at once.
        platform: Which system this is; each of its programs is looked up by `find`.
        folders: Where macOS keeps applications.

    Attributes:
        on_lost: Called when a server of ours has died, and again when its next start is due.
        on_wait: Called with a sentence when closing has to wait for others.
    """

    def __init__(
        self,
        spawner: Spawner,
        run_dir: Path,
        *,
        platform: str = sys.platform,
        find: Find = find_executable,
        folders: Sequence[Path] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.on_lost: Callable[[], None] | None = None
        self.on_wait: Callable[[str], None] | None = None
        self._spawner = spawner
        self._run_dir = run_dir
        self._find = find
        self._system = SystemOllama(spawner, platform, find, app_folders() if folders is None else folders)
        self._patience = patience or Patience()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._servers: dict[str, _Server] = {}
        self._losses: dict[str, _Loss] = {}
        self._failures: dict[str, _Failure] = {}
        self._background = BackgroundTasks()
        self._closing = False

    def installed(self) -> bool:
        """Whether the program or the app is there."""
        return self._system.app is not None or self._find("ollama") is not None

    def refusal(self, url: str) -> ServiceError | None:
        """The failure of a moment ago, if there was one."""
        failure = self._failures.get(address_of(url))
        if failure is None or (rest_s := failure.at + self._patience.rest_s - time.monotonic()) <= 0:
            return None
        message = f"{failure.error.message} It is tried again in {rest_s:.0f} s."
        return ServiceError(FailureKind.MISSING, failure.error.title, message, failure.error.hint)

    async def ensure(self, url: str, ready: Ready, *, insist: bool = False) -> ServerStart:
        """Return when it answers at `url`, and start it if it does not.

        Raises:
            ServiceError: It cannot be started, or was not ready in time.
        """
        address = address_of(url)
        async with self._turns[address]:
            if await ready():
                self._losses.pop(address, None)
                return ServerStart(ours=address in self._servers)
            if not insist and (refusal := self.refusal(url)):
                raise refusal
            try:
                start = await self._start_within_limit(address, ready)
            except ServiceError as error:
                self._failures[address] = _Failure(error, time.monotonic())
                raise
            self._failures.pop(address, None)
            self._losses.pop(address, None)
            return start

    async def _start_within_limit(self, address: str, ready: Ready) -> ServerStart:
        try:
            async with asyncio.timeout(self._patience.start_s), self._alone(address):
                if await ready():  # another Oxide has started it meanwhile
                    return ServerStart()
                return await self._start(address, ready)
        except TimeoutError as error:
            message = f"It was not ready at {address} within {self._patience.start_s:g} s."
            raise _no_start(FailureKind.TIMEOUT, message) from error

    @asynccontextmanager
    async def _alone(self, address: str) -> AsyncIterator[None]:
        """Hold the lock that other Oxides of this person respect."""
        from filelock import AsyncFileLock  # noqa: PLC0415 - slow to import, for starts only

        file = self._run_dir / f"ollama-{_port(address)}.lock"
        async with AsyncFileLock(file, run_in_executor=False):
            yield

    async def _start(self, address: str, ready: Ready) -> ServerStart:
        asked = await self._system.start(_port(address))
        if asked.started:
            await _until(ready, None)
            return ServerStart(started=True)
        return await self._serve(address, ready, asked.note)

    async def _serve(self, address: str, ready: Ready, note: str) -> ServerStart:
        """Run `ollama serve` under guard."""
        program = self._find("ollama")
        if program is None:
            hint = "Install it from https://ollama.com."
            raise ServiceError(FailureKind.MISSING, "Ollama is not installed", "There is no program `ollama`.", hint)
        log.info("starting Ollama at %s", address)
        spec = ChildSpec(
            argv=(str(program), "serve"),
            purpose=PURPOSE,
            env={"OLLAMA_HOST": address},
            output_limit=sys.maxsize,  # it writes a line for each request, for as long as Oxide runs
        )
        child = await self._spawner.spawn(spec)
        ended = self._background.start(child.wait(), "Ollama's end")
        try:
            await _until(ready, ended)
        except BaseException:  # cancelled, late or dead: nobody will use it
            await child.stop()
            raise
        if ended.done():
            await child.stop()
            return ServerStart()
        loss = self._losses.get(address)
        self._servers[address] = _Server(child, time.monotonic(), loss.deaths if loss else 0)
        ended.add_done_callback(lambda task: self._ended(address, task))
        return ServerStart(started=True, ours=True, note=note)

    def _ended(self, address: str, ended: asyncio.Task[Exit]) -> None:
        server = self._servers.pop(address, None)
        if server is None or self._closing or ended.cancelled():
            return
        young = time.monotonic() - server.started_at < self._patience.stable_s
        deaths = server.deaths + 1 if young else 1
        log.warning("the Ollama that Oxide had started has died: %s", _last_words(ended.result()))
        self._lose(address, deaths)
        self._call_lost()

    def _lose(self, address: str, deaths: int) -> None:
        """Plan the next start: at once the first time, then after longer and longer pauses."""
        longer_s = self._patience.pause_s * 2 ** max(deaths - 2, 0)
        pause_s = 0.0 if deaths == 1 else min(longer_s, self._patience.longest_pause_s)
        self._losses[address] = _Loss(deaths, time.monotonic() + pause_s)
        if pause_s:
            asyncio.get_running_loop().call_later(pause_s, self._call_lost)

    def _call_lost(self) -> None:
        if self.on_lost and not self._closing:
            self.on_lost()

    async def recover(self, url: str, ready: Ready) -> bool:
        """Start it again if one of ours has died and the next start is due.

        Raises:
            ServiceError: It cannot be started.
        """
        address = address_of(url)
        loss = self._losses.get(address)
        if loss is None or loss.due > time.monotonic():
            return False
        try:
            await self.ensure(url, ready, insist=True)
        except ServiceError:
            self._lose(address, loss.deaths + 1)
            raise
        return True

    def using(self, url: str) -> AbstractContextManager[None]:
        """Inside the block no other Oxide ends it, if it was that one's."""
        address = address_of(url)
        return nullcontext() if address in self._servers else self._sharing(address).using()

    def _sharing(self, address: str) -> Sharing:
        return Sharing(self._run_dir, f"ollama-{_port(address)}")

    async def aclose(self) -> None:
        """End what was started here and is ours, once no other Oxide uses it any more."""
        self._closing = True
        try:
            await asyncio.gather(*(self._left_alone(address) for address in self._servers))
        finally:
            await asyncio.gather(*(server.child.stop() for server in self._servers.values()))
            await self._background.close()

    async def _left_alone(self, address: str) -> None:
        sharing = self._sharing(address)
        if sharing.in_use():
            if self.on_wait:
                self.on_wait("Another Oxide still uses the Ollama that this one started: waiting for it to be done.")
            await sharing.until_unused(self._patience.others_s)


async def _until(ready: Ready, ended: asyncio.Task[Exit] | None) -> None:
    """Wait until it answers. Nothing tells when that is, so it is asked again and again; who calls sets the limit.

    Raises:
        ServiceError: It ended instead.
    """
    while not await ready():
        if ended is None:
            await asyncio.sleep(POLL_S)
            continue
        await asyncio.wait([ended], timeout=POLL_S)
        if ended.done() and not await ready():  # another one may have been quicker, and this one have made way
            raise _died(ended.result())


def _died(ended: Exit) -> ServiceError:
    said = _last_words(ended)
    if _TAKEN in said:
        hint = "End the other program that listens there, or set base_url of the service to another port."
        return _no_start(FailureKind.MISSING, said, hint)
    return _no_start(FailureKind.MISSING, said)


def _no_start(kind: FailureKind, message: str, hint: str = "") -> ServiceError:
    return ServiceError(kind, "Ollama does not start", message, hint or "Run `ollama serve` to see why.")


def _last_words(ended: Exit) -> str:
    """How it ended, with the last line that it wrote."""
    last = next((line.strip() for line in reversed(ended.stderr.splitlines()) if line.strip()), "")
    return f"It ended with code {ended.code}. {last[:_QUOTED_CHARS]}".strip()


def address_of(url: str) -> str:
    """Host and port for OLLAMA_HOST. A name stands for the address that Ollama itself takes by default."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host if host[:1].isdigit() else "127.0.0.1"
    return f"{shown}:{parts.port or HTTP_PORT}"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
