"""Ollama, on this machine or another, through its own API: there the context window is the request's business."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from oxide_desktop.adapters import checks
from oxide_desktop.adapters.about import info_of
from oxide_desktop.adapters.counts import positive
from oxide_desktop.adapters.exchange import Exchange, drain
from oxide_desktop.adapters.http_errors import Refused
from oxide_desktop.adapters.models import Choice, ModelChoice, runs_elsewhere
from oxide_desktop.adapters.ollama_dialect import Chat
from oxide_desktop.adapters.ollama_server import PERHAPS_DEAD, STALL_LIMIT_S, STARTING, OllamaServer, remote_host
from oxide_desktop.adapters.pulse import Pulse
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Health, ServiceInfo, Tier
from oxide_desktop.core.model import Locality
from oxide_desktop.core.ports import AdapterTools, Alive, Call, Note, Output, Started
from oxide_desktop.core.servers import ModelInfo, PullProgress, ServerStart
from oxide_desktop.core.settings import ServiceSettings
from oxide_desktop.core.tokens import estimate_tokens

ANSWER_TOKENS = 2048
SMALLEST_WINDOW = 4096
SUGGESTED_MODEL = "qwen2.5-coder:7b"
_CLIENT_ERRORS = range(400, 500)


class OllamaAdapter:
    """Asks through `POST /api/chat`. Implements `core.ports.Adapter`."""

    def __init__(self, settings: ServiceSettings, tools: AdapterTools, *, stall_limit_s: float = STALL_LIMIT_S) -> None:
        self.settings = settings
        self._server = OllamaServer(settings, tools, stall_limit_s=stall_limit_s)
        self._http = self._server.http
        self._models = ModelChoice(settings, self._ask_models, lambda name: name in self._remote, can_pull=True)
        self._remote: set[str] = set()
        self._longest: dict[str, int | None] = {}

    @property
    def info(self) -> ServiceInfo:
        """What the service is, without asking it."""
        learned = [tokens for tokens in self._longest.values() if tokens]
        window = min(learned) if learned else None
        return info_of(self.settings, f"Ollama at {self._http.peer.url}", window_tokens=window)

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask once and stream the answer. A server that Oxide may start is started, and once more if it dies too soon.

        Raises:
            ServiceError: The attempt failed.
        """
        started = visible = False
        down, first = await self._server.is_down(), True
        while True:
            async with aclosing(self._starting(needed=down)) as notes:
                async for note in notes:
                    yield note
            try:
                async with aclosing(self._ask(call)) as outputs:
                    async for output in outputs:
                        if not (started and isinstance(output, Started)):
                            yield output
                        started = started or isinstance(output, Started)
                        visible = visible or isinstance(output, str)
            except ServiceError as error:
                down = first and not visible and error.kind in PERHAPS_DEAD and await self._server.has_died()
                if not down:
                    raise
                first = False
            else:
                return

    async def _starting(self, *, needed: bool) -> AsyncGenerator[Note, None]:
        """Start the server if that is needed, and say so first: it takes a while."""
        if not needed:
            return
        yield Note(STARTING)
        if note := (await self._server.start()).note:
            yield Note(note)

    async def _ask(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask in a window large enough for the prompt."""
        with self._server.using():
            async with aclosing(self._exchange(call)) as outputs:
                async for output in outputs:
                    yield output

    async def _exchange(self, call: Call) -> AsyncGenerator[Output, None]:
        choice = await self._choose(call.model)
        prompt_tokens = call.input_tokens or estimate_tokens(call.prompt)
        need = prompt_tokens + (call.max_output_tokens or ANSWER_TOKENS)
        window = await self._window(choice.model, need)
        async with self._http.exchange("POST", "api/chat", _body(call, choice.model, window)) as exchange:
            await exchange.sent()
            for output in choice.told():
                yield output
            if need > window:
                yield Note(f"{choice.model} takes {window} tokens; the prompt and its answer may need {need}.")
                prompt_tokens = 0  # that it may be cut is said
            try:
                async with aclosing(self._answer(exchange, prompt_tokens)) as outputs:
                    async for output in outputs:
                        yield output
            except Refused as error:
                raise await self._with_models(error, choice.model, insisted=bool(call.model)) from error

    async def _choose(self, insisted: str | None) -> Choice:
        """The model for one call, and no other than one that runs where the service counts as being."""
        choice = await self._models.choose(insisted)
        if self.settings.locality is Locality.LOCAL:
            told = await self._shown(choice.model)  # each time: what a name means may have changed
            if host := remote_host(choice.model, told):
                raise runs_elsewhere(self.settings, choice.model, host, insisted=bool(insisted))
        return choice

    async def _answer(self, exchange: Exchange, expected: int) -> AsyncGenerator[Output, None]:
        answer, pulse = Chat(self._http.peer), Pulse()
        try:
            async with aclosing(exchange.lines()) as batches:
                async for lines in batches:
                    if text := answer.read(lines):
                        yield text
                    elif pulse.is_due(came=any(lines)):
                        yield Alive()
                    if answer.done:
                        await drain(batches)
                        break
            for output in answer.conclude(expected):
                yield output
        except ServiceError:
            if answer.usage:  # it may cost something even so
                yield answer.usage
            raise

    async def _window(self, model: str, need: int) -> int:
        """How large a window to ask for: the need, in steps, so that the model is not loaded anew for each prompt."""
        limits = [limit for limit in (await self._longest_window(model), self.settings.max_context_tokens) if limit]
        most = min(limits) if limits else None
        loaded = await self._loaded_window(model)
        if loaded and need <= loaded:
            return loaded
        window = SMALLEST_WINDOW
        while window < need:
            window *= 2
        return min(window, most) if most else window

    async def _loaded_window(self, model: str) -> int | None:
        """The window that the model is loaded with now, if it is and the server tells."""
        try:
            running = (await self._http.get_json("api/ps")).get("models")
        except Refused:  # older servers do not have the question
            return None
        for entry in running if isinstance(running, list) else ():
            if isinstance(entry, Mapping) and entry.get("name") == model:
                return positive(entry.get("context_length"))
        return None

    async def _longest_window(self, model: str) -> int | None:
        """The largest window that the model was made for, if the server tells."""
        if model not in self._longest:
            await self._shown(model)
        return self._longest.get(model)

    async def _shown(self, model: str) -> Mapping[str, Any]:
        """What the server tells of a model; nothing if it is missing, which the question itself will show."""
        try:
            told = await self._http.post_json("api/show", {"model": model})
        except Refused as error:
            if error.http_status not in _CLIENT_ERRORS:
                raise
            return {}
        facts = told.get("model_info")
        lengths = facts.items() if isinstance(facts, Mapping) else ()
        found = (positive(value) for key, value in lengths if key.endswith(".context_length"))
        self._longest[model] = next(found, None)
        return told

    async def _with_models(self, error: Refused, model: str, *, insisted: bool) -> ServiceError:
        """The error; where the model is what is missing, with those that there are."""
        if not error.about_model:
            return await self._server.explained(error)
        return await self._models.refused(error, model, insisted=insisted)

    async def _ask_models(self) -> Sequence[str]:
        models = await self._server.models()
        self._remote = {model.name for model in models if model.remote_host}
        return [model.name for model in models]

    async def list_models(self) -> Sequence[str]:
        """Names of the models that are pulled.

        Raises:
            ServiceError: It could not be asked.
        """
        return await self._models.names()

    async def check(self, depth: Depth) -> Health:
        """Connect; then ask for version and models; then ask a question. Never raises."""
        health = await checks.step(checks.found(self.settings.name, None, ""), self._glance, Tier.STARTS)
        if not health.healthy:
            health = self._server.not_there(health)
            if depth is not Depth.PROVE or not health.healthy:
                return health
            health = await checks.step(health, self._started, Tier.STARTS)
        if health.healthy and depth is not Depth.GLANCE:
            health = await checks.step(health, lambda: self._probe(health), Tier.ANSWERS)
        if health.healthy and depth is Depth.PROVE:
            health = await checks.prove(self, health)
        return health

    async def _glance(self) -> Health:
        await self._http.reachable(checks.CONNECT_LIMIT_S)
        return checks.found(self.settings.name, Tier.STARTS, f"Something listens at {self._http.peer.url}.")

    async def _started(self) -> Health:
        await self._server.start()
        return await self._glance()

    async def _probe(self, health: Health) -> Health:
        try:
            version = (await self._http.get_json("api/version")).get("version")
        except Refused as error:
            raise await self._server.explained(error) from error
        self._models.forget()
        names = await self._models.names()
        if not names:
            raise ServiceError(
                FailureKind.MISSING,
                f"{self.settings.name} has no models",
                "It runs, but nothing has been pulled.",
                f"Pull one: `oxide services pull {self.settings.name} {SUGGESTED_MODEL}`.",
            )
        choice = await self._choose(None)
        return dataclasses.replace(
            health,
            tier=Tier.AUTHENTICATED,
            message=choice.note or f"It would answer with {choice.model}.",
            version=str(version) if version else None,
            models=tuple(names),
            recommended_model=choice.model,
        )

    # -- the server --------------------------------------------------------------------------------

    @property
    def startable(self) -> bool:
        """Whether the server is one of this machine that Oxide knows how to start."""
        return self._server.startable

    async def start(self, *, insist: bool = False) -> ServerStart:
        """Start it unless it answers.

        Raises:
            ServiceError: It cannot be started.
        """
        return await self._server.start(insist=insist)

    async def recover(self) -> bool:
        """Start it again if Oxide had started it and it has died; whether that was done.

        Raises:
            ServiceError: It cannot be started.
        """
        return await self._server.recover()

    async def models(self) -> Sequence[ModelInfo]:
        """What has been pulled, with sizes; the server is started for it if Oxide may do so.

        Raises:
            ServiceError: It could not be asked.
        """
        if await self._server.is_down():
            await self._server.start()
        return await self._server.models()

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model; the server is started for it if Oxide may do so. A pull that broke off goes on.

        Raises:
            ServiceError: It could not be fetched.
        """
        if await self._server.is_down():
            yield PullProgress(STARTING)
            await self._server.start()
        with self._server.using():
            async with aclosing(self._server.pull(model)) as steps:
                async for progress in steps:
                    yield progress
        self._models.forget()

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._server.aclose()


def _body(call: Call, model: str, window: int) -> dict[str, Any]:
    options: dict[str, Any] = {"num_ctx": window}
    if call.max_output_tokens is not None:
        options["num_predict"] = call.max_output_tokens
    messages = [{"role": "user", "content": call.prompt}]
    return {"model": model, "messages": messages, "stream": True, "options": options}
