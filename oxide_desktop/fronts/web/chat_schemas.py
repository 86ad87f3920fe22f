"""What `/v1` takes and gives: OpenAI's shapes, and which of their wishes Oxide cannot carry through."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from oxide_desktop.core.model import Preferences
from oxide_desktop.core.settings import ServiceSettings
from oxide_desktop.fronts.web.schemas import Text

IGNORED = (
    "frequency_penalty", "max_completion_tokens", "max_tokens", "metadata", "parallel_tool_calls", "prediction",
    "presence_penalty", "prompt_cache_key", "reasoning_effort", "safety_identifier", "seed", "service_tier", "store",
    "temperature", "top_k", "top_p", "user", "verbosity",
)  # fmt: skip
"""Wishes about how a model works. Services have their own settings for that; what is answered does not depend on it."""

_PLAIN: dict[str, tuple[object, ...]] = {
    "audio": (None,),
    "function_call": (None, "none", "auto"),
    "functions": (None, []),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "n": (None, 1),
    "response_format": (None, {"type": "text"}),
    "stop": (None, [], ""),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
    "top_logprobs": (None, 0),
    "web_search_options": (None,),
}
"""Wishes that would change what is answered, with the values that wish for nothing."""

AUTO = "auto"


class RefusedError(Exception):
    """A request that cannot be carried through: a sentence, where it stands, and OpenAI's word for it."""

    def __init__(self, message: str, param: str | None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.param, self.code, self.status = message, param, code, status


class Part(BaseModel):
    """A part of a message. Only texts can be carried through."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: Text | None = None


class Message(BaseModel):
    """One message of the conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None
    name: Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\s]*$")] | None = None


class StreamOptions(BaseModel):
    """What a stream is to hold besides the answer."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatBody(BaseModel):
    """A conversation, and who is to go on with it."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"additionalProperties": {}},
    )

    model: str = Field(description="`auto`, a service's name, or `service/model`")
    messages: list[Message] = Field(min_length=1, description="System, user and assistant messages with texts")
    stream: bool | None = False
    stream_options: StreamOptions | None = None

    def refuse_what_cannot_be_done(self) -> None:
        """Say what this request wishes for that no answer of Oxide's could have.

        Raises:
            RefusedError: There is something.
        """
        for name, value in (self.model_extra or {}).items():
            if name in IGNORED:
                continue
            if name not in _PLAIN:
                raise RefusedError(f"Unrecognized request argument supplied: {name}", name, "unknown_parameter")
            if value not in _PLAIN[name]:
                raise RefusedError(f"Oxide cannot carry out {name!r}: leave it out.", name, "unsupported_parameter")


def wishes(model: str, services: dict[str, ServiceSettings]) -> Preferences:
    """The service and the model that a model's name stands for.

    Raises:
        RefusedError: There is no such service.
    """
    if model == AUTO:
        return Preferences()
    name, _, inner = model.partition("/")
    found = services.get(model) or services.get(name)
    if found is None or not found.enabled:
        known = ", ".join([AUTO, *(item for item, settings in services.items() if settings.enabled)])
        message = f"The model {model!r} does not exist. There are: {known}; and service/model for any of these."
        raise RefusedError(message, "model", "model_not_found", 404)
    return Preferences(preferred_service=found.name, model=None if found.name == model else inner or None)


class Model(BaseModel):
    """Something that can be asked."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """Everything that can be asked."""

    object: Literal["list"]
    data: list[Model]


class Usage(BaseModel):
    """Tokens, as the service counted them or as they were estimated."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str
    refusal: None


class Choice(BaseModel):
    """The one answer that there is."""

    index: int
    message: AnswerMessage
    logprobs: None
    finish_reason: Literal["stop", "length"]


class Completion(BaseModel):
    """A whole answer. `model` names the service that gave it, and its model."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None


class OpenAIErrorText(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """Every error below `/v1`."""

    error: OpenAIErrorText


OPENAI_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": OpenAIError, "description": "It asks for something that Oxide cannot carry through"},
    401: {"model": OpenAIError, "description": "The token is missing or wrong"},
    404: {"model": OpenAIError, "description": "There is no such model"},
    "default": {"model": OpenAIError, "description": "Any other failure"},
}
