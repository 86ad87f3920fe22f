"""What is spoken at an address, for a service whose settings name the wrong dialect."""

from __future__ import annotations

import re

from oxide_desktop.adapters.http import HttpService
from oxide_desktop.adapters.http_errors import Refused
from oxide_desktop.core.errors import FailureKind, ServiceError

_NOT_FOUND = 404
_UNKNOWN_PATH = re.compile(r"unexpected endpoint", re.IGNORECASE)  # LM Studio says so with a 200


def may_be_another(error: Refused) -> bool:
    """Whether a refusal is that of a server that does not know the path."""
    if error.about_model:
        return False
    return error.http_status == _NOT_FOUND or bool(_UNKNOWN_PATH.search(error.text))


async def not_an_ollama(http: HttpService) -> ServiceError | None:
    """The mistake, if OpenAI's dialect is spoken where `http` leads."""
    if not await _lists(http, "v1/models", "data"):
        return None
    service, url = http.peer.service, http.peer.url
    return ServiceError(
        FailureKind.MISSING,
        f"{service} is not an Ollama",
        f"What answers at {url} speaks OpenAI's dialect and not Ollama's.",
        f"Set `services.{service}.api_type: openai_compatible` and `services.{service}.base_url: {url}/v1`.",
    )


async def only_an_ollama(http: HttpService) -> ServiceError | None:
    """The mistake, if only Ollama's own dialect is spoken where `http` leads."""
    if not await _lists(http, "api/tags", "models"):
        return None
    service, url = http.peer.service, http.peer.url
    return ServiceError(
        FailureKind.MISSING,
        f"{service} is an Ollama",
        f"What answers at {url} speaks Ollama's dialect, and OpenAI's not at this address.",
        f"Set `services.{service}.api_type: ollama` and `services.{service}.base_url: {url}`.",
    )


def root_of(base_url: str) -> str:
    """Where a server begins, whichever dialect's path its address names."""
    return base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")


async def _lists(http: HttpService, path: str, key: str) -> bool:
    try:
        return isinstance((await http.get_json(path)).get(key), list)
    except ServiceError:  # then it does not; what failed before is the failure to tell
        return False
