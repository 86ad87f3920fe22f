"""The server behind an Ollama service: whether it runs, how it is started, which models it has and gets."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any
from urllib.parse import urlsplit

from oxide_desktop.adapters import checks
from oxide_desktop.adapters.dialects import may_be_another, not_an_ollama, root_of
from oxide_desktop.adapters.http import HttpService
from oxide_desktop.adapters.http_errors import Peer, Refused, ended_early, garbage, refused_in_stream
from oxide_desktop.adapters.models import OLLAMA_CLOUD, is_named_for_cloud
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.places import is_loopback
from oxide_desktop.core.ports import AdapterTools
from oxide_desktop.core.servers import ModelInfo, PullProgress, ServerStart
from oxide_desktop.core.settings import ServiceSettings, without_userinfo

DEFAULT_URL = "http://localhost:11434"
STARTING = "Ollama was not running: starting it…"
NOT_RUNNING = "It is not running and will be started when it is needed."
LIBRARY = "https://ollama.com/library"
STALL_LIMIT_S = 120.0
"""For new bytes to come. Ollama tries again by itself for most of this time."""
QUIET_LIMIT_S = 900.0
"""For what brings no bytes: a large model takes minutes to be verified."""
PERHAPS_DEAD = (FailureKind.TRANSIENT, FailureKind.MISSING)


class OllamaServer:
    """One server, on this machine or another.

    Attributes:
        http: The way to it.
    """

    def __init__(self, settings: ServiceSettings, tools: AdapterTools, *, stall_limit_s: float = STALL_LIMIT_S) -> None:
        url = root_of(settings.base_url or DEFAULT_URL)
        self._stall_limit_s = stall_limit_s
        self._settings = settings
        self._local = is_loopback(url)
        self._starter = tools.starter
        fix = (
            "Start Ollama: `ollama serve`."
            if self._local
            else f"Start Ollama on that machine, or mend {without_userinfo(url)}."
        )
        self.http = HttpService(settings, tools.secrets, base_url=url, fix=fix)

    # -- running -----------------------------------------------------------------------------------

    @property
    def startable(self) -> bool:
        """Whether its address is one that an Ollama of this machine can listen on. Never one of another machine."""
        parts = urlsplit(self.http.peer.url)
        return self._starter is not None and self._local and parts.scheme == "http" and parts.path in ("", "/")

    @property
    def _may_start(self) -> bool:
        return self.startable and self._settings.auto_start

    async def is_down(self) -> bool:
        """Whether nothing listens where Oxide may start something."""
        if not self._may_start:
            return False
        try:
            await self.http.reachable(checks.CONNECT_LIMIT_S)
        except ServiceError:
            return True
        return False

    async def has_died(self) -> bool:
        """Whether one that Oxide may start is gone. One that is just dying can still be connected to, and no more."""
        if not self._may_start:
            return False
        try:
            await self.http.get_json("api/version")
        except Refused:
            return False
        except ServiceError as error:
            return error.kind in PERHAPS_DEAD
        return False

    async def ready(self) -> bool:
        """Whether it takes requests."""
        try:
            await self.http.get_json("api/version")
        except ServiceError:
            return False
        return True

    async def start(self, *, insist: bool = False) -> ServerStart:
        """Start it unless it answers.

        Raises:
            ServiceError: It cannot be started.
        """
        if self._starter is None or not self.startable:
            url, name = self.http.peer.url, self._settings.name
            hint = "Start it there." if not self._local else f"Check services.{name}.base_url in the settings."
            raise ServiceError(
                FailureKind.MISSING, f"{name} cannot be started", f"Oxide cannot start what listens at {url}.", hint
            )
        return await self._starter.ensure(self.http.peer.url, self.ready, insist=insist)

    def using(self) -> AbstractContextManager[None]:
        """Inside the block no other Oxide of this machine ends it."""
        if self._starter is None or not self.startable:
            return nullcontext()
        return self._starter.using(self.http.peer.url)

    async def recover(self) -> bool:
        """Start it again if Oxide had started it and it has died.

        Raises:
            ServiceError: It cannot be started.
        """
        if self._starter is None or not self._may_start:
            return False
        return await self._starter.recover(self.http.peer.url, self.ready)

    def not_there(self, health: Health) -> Health:
        """What it means that nothing listens: on this machine it may not be installed, or only wait to be started."""
        if not self._local:
            return health
        if not self._installed():
            fix = "Install Ollama from https://ollama.com, or set services.{}.base_url to where it runs."
            return dataclasses.replace(health, tier=None, failing=Tier.INSTALLED, fix=fix.format(self._settings.name))
        health = dataclasses.replace(health, tier=Tier.INSTALLED)
        if self._starter is None or not self._may_start:
            return health
        if refusal := self._starter.refusal(self.http.peer.url):
            return checks.failed(health, refusal, Tier.STARTS, Tier.INSTALLED)
        return dataclasses.replace(health, failing=None, message=NOT_RUNNING, fix="")

    def _installed(self) -> bool:
        return self._starter.installed() if self._starter else shutil.which("ollama") is not None

    async def explained(self, error: Refused) -> ServiceError:
        """A refusal; where something else than Ollama answers, what it is and which setting to change."""
        return (await not_an_ollama(self.http) if may_be_another(error) else None) or error

    # -- models ------------------------------------------------------------------------------------

    async def models(self) -> Sequence[ModelInfo]:
        """What has been pulled.

        Raises:
            ServiceError: It could not be asked.
        """
        try:
            told = await self.http.get_json("api/tags")
        except Refused as error:
            raise await self.explained(error) from error
        if "models" not in told and (mistake := await not_an_ollama(self.http)):
            raise mistake  # LM Studio answers what it does not know with a 200
        entries = told.get("models")
        found = entries if isinstance(entries, list) else ()
        return [_model(entry) for entry in found if isinstance(entry, Mapping) and entry.get("name")]

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model. Ollama keeps what has come, so a pull that broke off goes on where it stopped.

        Raises:
            ServiceError: It could not be fetched.
        """
        pull = _Pull(self.http.peer)
        try:
            async with (
                self.http.exchange("POST", "api/pull", {"model": model, "stream": True}) as exchange,
                aclosing(exchange.lines()) as batches,
            ):
                while not pull.done:
                    for progress in pull.read(await self._next(batches, pull)):
                        yield progress
        except Refused as error:
            raise await self._not_pulled(error, model) from error

    async def _next(self, batches: AsyncGenerator[list[str], None], pull: _Pull) -> list[str]:
        limit_s = self._stall_limit_s if pull.is_loading else QUIET_LIMIT_S
        left_s = pull.changed_at + limit_s - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                return await anext(batches)
        except StopAsyncIteration:
            raise ended_early(self.http.peer) from None
        except TimeoutError as error:
            raise ServiceError(
                FailureKind.TIMEOUT,
                "The pull stands still",
                f"Nothing has come for {limit_s:g} s.",
                "Pull it again: it goes on where it stopped.",
            ) from error

    async def _not_pulled(self, error: Refused, model: str) -> ServiceError:
        if "file does not exist" in error.text:
            hint = f"Look its name up at {LIBRARY}."
            return ServiceError(
                FailureKind.MISSING, f"{model} cannot be pulled", f"Ollama's library has no {model}.", hint
            )
        return await self.explained(error)

    async def aclose(self) -> None:
        """Let go of the connections. Who started it ends it."""
        await self.http.aclose()


class _Pull:
    """Reads one pull: the layers of a model come one after the other, each with a size of its own."""

    def __init__(self, peer: Peer) -> None:
        self.done = False
        self.is_loading = False
        self.changed_at = time.monotonic()
        self._peer = peer
        self._layers: dict[str, tuple[int, int]] = {}
        self._last = PullProgress("")

    def read(self, lines: Sequence[str]) -> list[PullProgress]:
        """What has changed with some lines: of many in a batch, one for each status."""
        news: dict[str, PullProgress] = {}
        for line in filter(None, lines):
            progress = self._progress(line)
            if progress != self._last:
                self._last, self.changed_at = progress, time.monotonic()
                news[progress.status] = progress
        return list(news.values())

    def _progress(self, line: str) -> PullProgress:
        try:
            data = json.loads(line)
            if error := data.get("error"):
                raise refused_in_stream(self._peer, error)
            status = str(data.get("status") or "")
            self._count(data)
        except (ValueError, TypeError, AttributeError) as error:
            raise garbage(self._peer, "Its stream is not what Ollama sends.") from error
        self.done = status == "success"
        here, whole = (sum(sizes) for sizes in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
        return PullProgress(status, here, whole)

    def _count(self, data: Mapping[str, Any]) -> None:
        digest, total = data.get("digest"), data.get("total")
        self.is_loading = bool(digest and total)
        if digest and total:
            self._layers[str(digest)] = (int(data.get("completed") or 0), int(total))


def _model(entry: Mapping[str, Any]) -> ModelInfo:
    size = entry.get("size")
    name = str(entry["name"])
    return ModelInfo(name, size if isinstance(size, int) and size > 0 else None, remote_host(name, entry))


def remote_host(model: str, told: Mapping[str, Any]) -> str | None:
    """Where a model runs whose prompts Ollama passes on, by what it tells of it or else by its name."""
    if url := told.get("remote_host"):
        return urlsplit(str(url)).hostname or str(url)
    return OLLAMA_CLOUD if is_named_for_cloud(model) else None
