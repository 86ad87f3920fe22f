"""Oxide as a model: `/v1/models` and `/v1/chat/completions` in OpenAI's dialect."""

from __future__ import annotations

import time

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from oxide_desktop.core.folders import working_folder
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.fronts.web.chat_answer import ChatAnswer
from oxide_desktop.fronts.web.chat_prompt import Turn, as_prompt
from oxide_desktop.fronts.web.chat_schemas import (
    AUTO,
    OPENAI_ERRORS,
    ChatBody,
    Completion,
    Message,
    Model,
    ModelList,
    RefusedError,
    wishes,
)
from oxide_desktop.fronts.web.errors import OPENAI_PREFIX, openai_body
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.schemas import Json

_STREAM = {
    "description": "The whole answer, or with `stream` server-sent events, the last of which is `[DONE]`",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
_SPEAKERS = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def chat_router(oxide: Orchestrator, limits: Limits) -> APIRouter:
    """The routes of this engine that speak OpenAI's dialect."""
    router = APIRouter(prefix=OPENAI_PREFIX, tags=["model"], responses=OPENAI_ERRORS)
    since = int(time.time())

    @router.get("/models", response_model=ModelList)
    async def list_models() -> Json:
        """What can be asked: `auto`, every enabled service, and the models that they are known to have."""
        return {"object": "list", "data": _models(oxide, since)}

    @router.get("/models/{model:path}", response_model=Model)
    async def get_model(model: str) -> Json:
        """One of them."""
        wishes(model, dict(oxide.settings.services))
        return _model(model, since)

    @router.post("/chat/completions", response_model=Completion, responses={200: _STREAM})
    async def complete(body: ChatBody) -> Response:
        """Go on with a conversation: one answer in text, from the service that the model names or the router picks.

        Earlier messages are carried through as a transcript. Images, tools, several answers, `stop`, log
        probabilities and other formats are refused. How long and how daring an answer is (`max_tokens`,
        `temperature` and their like) is the service's own setting here, and what is said of it is ignored.
        """
        task = await oxide.submit(_request(oxide, body))
        options = body.stream_options
        return ChatAnswer(task, limits, streams=bool(body.stream), tells_usage=bool(options and options.include_usage))

    return router


def refused(error: RefusedError) -> JSONResponse:
    """The answer to a request that cannot be carried through."""
    return JSONResponse(openai_body(error.status, error.message, param=error.param, code=error.code), error.status)


def _models(oxide: Orchestrator, since: int) -> list[Json]:
    found = [_model(AUTO, since)]
    for status in oxide.services():
        name = status.settings.name
        if status.settings.enabled:
            models = status.health.models if status.health else ()
            found += [_model(item, since) for item in (name, *(f"{name}/{model}" for model in models))]
    return found


def _model(name: str, since: int) -> Json:
    owner = "oxide" if name == AUTO else name.partition("/")[0]
    return {"id": name, "object": "model", "created": since, "owned_by": owner}


def _request(oxide: Orchestrator, body: ChatBody) -> Request:
    """The task that a conversation amounts to.

    Raises:
        RefusedError: It asks for something that cannot be carried through.
    """
    body.refuse_what_cannot_be_done()
    preferences = wishes(body.model, dict(oxide.settings.services))
    turns = [_turn(message, f"messages.{index}") for index, message in enumerate(body.messages)]
    last = turns[-1]
    if last.role != "user":
        raise RefusedError("The last message must be the user's: it is what is answered.", "messages")
    if not last.text.strip():
        raise RefusedError("The last message is empty: there is nothing to answer.", "messages")
    prompt = as_prompt(turns)
    return Request(prompt=prompt, asked=last.text, preferences=preferences, source=Source.HTTP, cwd=working_folder())


def _turn(message: Message, place: str) -> Turn:
    if message.role not in _SPEAKERS or (message.model_extra or {}).get("tool_calls"):
        raise RefusedError("Oxide cannot carry out tool calls: leave them out.", place, "unsupported_parameter")
    return Turn(_SPEAKERS[message.role], _text(message, place), message.name)


def _text(message: Message, place: str) -> str:
    if isinstance(message.content, str):
        return message.content
    for index, part in enumerate(message.content or ()):
        if part.type != "text" or part.text is None:
            where = f"{place}.content.{index}"
            what = f"Oxide carries texts only; this message has a part of the type {part.type!r}."
            raise RefusedError(what, where, "unsupported_content")
    return "\n".join(part.text or "" for part in message.content or ())
