"""Servers that speak OpenAI's dialect: LM Studio, llama.cpp, vLLM, a LiteLLM proxy, OpenRouter and the like."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from oxide_desktop.adapters import checks
from oxide_desktop.adapters.about import info_of
from oxide_desktop.adapters.dialects import may_be_another, only_an_ollama, root_of
from oxide_desktop.adapters.exchange import Exchange, drain
from oxide_desktop.adapters.http import HttpService
from oxide_desktop.adapters.http_errors import Refused
from oxide_desktop.adapters.models import Choice, ModelChoice
from oxide_desktop.adapters.openai_dialect import Completion
from oxide_desktop.adapters.pulse import Pulse
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Health, ServiceInfo, Tier
from oxide_desktop.core.model import Locality
from oxide_desktop.core.places import is_loopback
from oxide_desktop.core.ports import AdapterTools, Alive, Call, Output
from oxide_desktop.core.settings import ServiceSettings

# Things that some servers refuse, and what to send instead; `None` leaves the key out.
_DIALECTS = {"stream_options": None, "max_tokens": "max_completion_tokens"}


class OpenAICompatibleAdapter:
    """Asks through `POST /chat/completions`, streaming. Implements `core.ports.Adapter`.

    Args:
        extra: Added to each request's body.
        advice: What to do when nothing answers there; without it what helps with a server of the person's own.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        tools: AdapterTools,
        *,
        extra: Mapping[str, Any] | None = None,
        advice: str | None = None,
    ) -> None:
        self.settings = settings
        self._secrets = tools.secrets
        url = versioned(settings.base_url or "")
        self._http = HttpService(settings, tools.secrets, base_url=url, fix=advice or _advice(settings, url))
        self._models = ModelChoice(settings, self._ask_models)
        self._extra = dict(extra or {})
        self._avoid: set[str] = set()

    @property
    def info(self) -> ServiceInfo:
        """What the service is, without asking it."""
        return info_of(self.settings, f"OpenAI-compatible server at {self._http.peer.url}")

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask once and stream the answer. Text that arrives together is handed on together.

        Raises:
            ServiceError: The attempt failed.
        """
        choice = await self._models.choose(call.model)
        started = False
        while True:
            body = self._body(call, choice)
            async with self._http.exchange("POST", "chat/completions", body) as exchange:
                if not started:
                    await exchange.sent()
                    for output in choice.told():
                        yield output
                    started = True
                try:
                    response = await exchange.response()
                except Refused as error:
                    if self._learns(error, body):
                        continue
                    raise await self._with_models(error, choice.model, insisted=bool(call.model)) from error
                streams = "json" not in response.headers.get("content-type", "")
                try:
                    async with aclosing(self._answer(exchange, streams=streams)) as outputs:
                        async for output in outputs:
                            yield output
                except Refused as error:
                    raise await self._with_models(error, choice.model, insisted=bool(call.model)) from error
            return

    def _body(self, call: Call, choice: Choice) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": choice.model,
            "messages": [{"role": "user", "content": call.prompt}],
            "stream": True,
            "stream_options": {"include_usage": True},
            **self._extra,
        }
        if call.max_output_tokens is not None:
            body["max_tokens"] = call.max_output_tokens
        for key in self._avoid & body.keys():
            value = body.pop(key)
            if instead := _DIALECTS[key]:
                body[instead] = value
        return body

    def _learns(self, error: Refused, sent: Mapping[str, Any]) -> bool:
        """Whether the refusal names a part of what was sent that can be said in another way; remembers it."""
        if error.kind is not FailureKind.INVALID:
            return False
        refused = {key for key in _DIALECTS if key in sent and key in error.text}
        self._avoid |= refused
        return bool(refused)

    async def _answer(self, exchange: Exchange, *, streams: bool) -> AsyncGenerator[Output, None]:
        answer = Completion(self._http.peer)
        try:
            async with aclosing(self._texts(exchange, answer, streams=streams)) as outputs:
                async for output in outputs:
                    yield output
            for output in answer.conclude():
                yield output
        except ServiceError:
            if answer.usage:  # it may cost something even so
                yield answer.usage
            raise

    async def _texts(self, exchange: Exchange, answer: Completion, *, streams: bool) -> AsyncGenerator[Output, None]:
        if not streams:
            if text := answer.take(await exchange.json()):
                yield text
            return
        pulse = Pulse()
        async with aclosing(exchange.lines()) as batches:
            async for lines in batches:
                if text := answer.read(lines):
                    yield text
                elif pulse.is_due(came=any(lines)):
                    yield Alive()
                if answer.done:
                    await drain(batches)
                    break

    async def _with_models(self, error: Refused, model: str, *, insisted: bool) -> ServiceError:
        """The error; where the model is what is missing, with those that there are."""
        if not error.about_model:
            return await self._explained(error)
        return await self._models.refused(error, model, insisted=insisted)

    async def _explained(self, error: Refused) -> ServiceError:
        """A refusal; where it is an Ollama that answers, which setting to change."""
        if not may_be_another(error):
            return error
        http = HttpService(self.settings, self._secrets, base_url=root_of(self.settings.base_url or ""), fix="")
        try:
            return await only_an_ollama(http) or error
        finally:
            await http.aclose()

    async def _ask_models(self) -> Sequence[str]:
        try:
            found = await self._http.get_json("models")
        except Refused as error:
            raise await self._explained(error) from error
        entries = found.get("data") or found.get("models") or ()
        names = (entry.get("id") or entry.get("name") for entry in entries if isinstance(entry, Mapping))
        return [str(name) for name in names if name]

    async def list_models(self) -> Sequence[str]:
        """Names of the models on offer.

        Raises:
            ServiceError: It could not be asked.
        """
        return await self._models.names()

    async def check(self, depth: Depth) -> Health:
        """Connect; then ask for the models; then ask a question. Never raises."""
        return await checks.in_steps(self, depth, self._glance, self._probe, lacking=(Tier.STARTS, Tier.ANSWERS))

    async def _glance(self) -> Health:
        await self._http.reachable(checks.CONNECT_LIMIT_S)
        return checks.found(self.settings.name, Tier.STARTS, f"Something listens at {self._http.peer.url}.")

    async def _probe(self, health: Health) -> Health:
        self._models.forget()
        names: Sequence[str] = ()
        try:
            names = await self._models.names()
        except Refused as error:
            if error.kind is not FailureKind.MISSING or not (self.settings.model or self.settings.default_model):
                raise
            # A server need not have a list to have the model that is configured.
        choice = await self._models.choose(None)
        return dataclasses.replace(
            health,
            tier=Tier.AUTHENTICATED,
            message=choice.note or f"It would answer with {choice.model}.",
            models=tuple(names),
            recommended_model=choice.model,
        )

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


def _advice(settings: ServiceSettings, url: str) -> str:
    """What to do when nothing answers there."""
    if is_loopback(url):
        first = "Load a model there and start its server (in LM Studio: Developer)"
    elif settings.locality is Locality.LOCAL:
        first = "See that the server runs on that machine"
    else:
        first = "See to this machine's connection to the network"
    return f"{first}, or mend services.{settings.name}.base_url."


def versioned(base_url: str) -> str:
    """The URL without a slash at its end, and with `/v1` where it names a machine and nothing else."""
    url = base_url.rstrip("/")
    return f"{url}/v1" if url and not urlsplit(url).path else url
