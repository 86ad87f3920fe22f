"""The embedded default: a small model run by llama.cpp's server as a child, so that a fresh machine answers too."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from oxide_desktop.adapters import builtin_child, checks
from oxide_desktop.adapters.about import info_of
from oxide_desktop.adapters.builtin_child import Parts, Server, find_parts
from oxide_desktop.adapters.models import fitting
from oxide_desktop.adapters.openai_compatible import OpenAICompatibleAdapter
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Health, ServiceInfo, Tier
from oxide_desktop.core.model import Locality, TaskType
from oxide_desktop.core.ports import AdapterTools, Call, Note, Output, Started
from oxide_desktop.core.settings import ServiceSettings

DESCRIPTION = "built-in model, for a first try: connect Ollama, Gemini or Qwen for real work"
AFTERWORD = "The built-in model answered, for a first try: connect Ollama, Gemini or Qwen for real work."
# Two busy cores read 45 tokens a second: all of this in a minute and a half, and it says meanwhile that it reads.
WINDOW = 4096
# What the model was made for. The rest is for texts that it reads in more tokens than estimated: each digit is one.
WHOLE_WINDOW = 8192
MOST_ANSWER_TOKENS = 512  # it can ramble
# No system message: the model's own template puts in the one it was trained with, which does best. A repeat penalty
# makes it forget that 2+2 is 4; DRY only ends loops, by what it costs to repeat more than four tokens in a row.
SAMPLING = {"temperature": 0, "dry_multiplier": 0.8, "dry_allowed_length": 4, "dry_penalty_last_n": 512}
PROGRESS = {"return_progress": True}
_PERHAPS_DEAD = (FailureKind.TRANSIENT, FailureKind.MISSING)
_ADVICE = "Its server has just ended, or this machine cannot reach itself (see `ip addr show lo`). Ask again."


class BuiltinAdapter:
    """Starts the server on first need and asks it in OpenAI's dialect. Implements `core.ports.Adapter`."""

    def __init__(self, settings: ServiceSettings, tools: AdapterTools) -> None:
        self.settings = settings
        self._tools = tools
        self._starting = asyncio.Lock()
        self._server: _Running | None = None
        self._version: str | None = None

    @property
    def info(self) -> ServiceInfo:
        """What the service is, without asking it."""
        return info_of(
            self.settings,
            DESCRIPTION,
            locality=Locality.LOCAL,
            window_tokens=WINDOW,
            capabilities=(TaskType.QUICK_QUERY, TaskType.GENERAL),
            last_resort=True,
        )

    @property
    def _window(self) -> int:
        return self.settings.max_context_tokens or WHOLE_WINDOW

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask once and stream the answer. A server that has died is started again, once, if nothing was shown yet.

        Raises:
            ServiceError: The attempt failed.
        """
        await self._refuse_other_models(call.model)
        most = min(call.max_output_tokens or MOST_ANSWER_TOKENS, MOST_ANSWER_TOKENS)
        call = dataclasses.replace(call, model=None, max_output_tokens=most)
        started = visible = False
        again = True
        while True:
            running = await self._running()
            try:
                async with aclosing(running.adapter.execute(call)) as outputs:
                    async for output in outputs:
                        if not (started and isinstance(output, Started)):
                            yield output
                        started = started or isinstance(output, Started)
                        visible = visible or isinstance(output, str)
            except ServiceError as error:
                await self._survive(running, error, again=again and not visible)
                again = False
            else:
                yield Note(AFTERWORD)
                return

    async def _refuse_other_models(self, wanted: str | None) -> None:
        if wanted and not fitting(wanted, there := await self.list_models()):
            hint = f"Leave the model open, or use another service than {self.settings.name}."
            title = f"{self.settings.name} does not have {wanted}"
            error = ServiceError(FailureKind.MISSING, title, f"It has {', '.join(there)} and no other.", hint)
            error.about_request = True
            raise error

    async def _survive(self, running: _Running, error: ServiceError, *, again: bool) -> None:
        """After a failure: return if the server had died and may be tried again.

        Raises:
            ServiceError: It lives, or it has died too often, or in the middle of an answer.
        """
        death = await running.server.death() if error.kind in _PERHAPS_DEAD else None
        if death is None:
            raise error
        await self._stop(running)
        if not again:
            raise builtin_child.crashed(self.settings.name, death) from error

    async def _running(self) -> _Running:
        async with self._starting:
            if self._server is None:
                parts = await asyncio.to_thread(find_parts, self.settings)
                name, spawner = self.settings.name, self._tools.spawner
                server = await builtin_child.start(name, spawner, parts, self._window)
                self._server = _Running(server, self._speaker(server, parts))
            return self._server

    def _speaker(self, server: Server, parts: Parts) -> OpenAICompatibleAdapter:
        settings = dataclasses.replace(
            self.settings,
            base_url=server.url,
            api_key=server.api_key,
            model=parts.model.stem,
            auto_detect_model=False,
        )
        return OpenAICompatibleAdapter(settings, self._tools, extra={**SAMPLING, **PROGRESS}, advice=_ADVICE)

    async def _stop(self, running: _Running) -> None:
        if self._server is running:
            self._server = None
        await running.adapter.aclose()
        await running.server.child.stop()

    async def list_models(self) -> Sequence[str]:
        """The one model's name.

        Raises:
            ServiceError: It is not installed.
        """
        return ((await self._parts()).model.stem,)

    async def _parts(self) -> Parts:
        return await asyncio.to_thread(find_parts, self.settings)

    async def check(self, depth: Depth) -> Health:
        """Look for its parts; then load the server's package in a child; then ask a question. Never raises."""
        return await checks.in_steps(self, depth, self._glance, self._probe, lacking=(Tier.INSTALLED, Tier.STARTS))

    async def _glance(self) -> Health:
        name = (await self._parts()).model.stem
        health = checks.found(self.settings.name, Tier.INSTALLED, f"{name} is there; it starts when it is needed.")
        return dataclasses.replace(health, models=(name,), recommended_model=name)

    async def _probe(self, health: Health) -> Health:
        if self._version is None:  # what could be loaded once can be loaded again
            parts = await self._parts()
            self._version = await builtin_child.import_check(self.settings.name, self._tools.spawner, parts)
        # It asks nobody to sign in.
        return dataclasses.replace(health, tier=Tier.AUTHENTICATED, version=self._version)

    async def aclose(self) -> None:
        """Stop the server, if it runs."""
        async with self._starting:
            if self._server:
                await self._stop(self._server)


@dataclasses.dataclass(frozen=True, slots=True)
class _Running:
    """A server and who speaks to it."""

    server: Server
    adapter: OpenAICompatibleAdapter
