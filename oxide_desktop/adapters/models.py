"""Which of a service's models to use: what is insisted on, what is configured, what is preferred, what there is."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from oxide_desktop.adapters.http_errors import Refused
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.settings import ServiceSettings

KEPT_S = 60.0
MOST_NAMES = 10_000
NAMED_IN_ERRORS = 8
# Models that cannot chat, which local servers list beside those that can.
_NO_CHAT = re.compile(r"embed|bge-|rerank|whisper|\btts\b|minilm", re.IGNORECASE)


def recommend(available: Sequence[str], preferred: Sequence[str] = ()) -> str | None:
    """The first preferred model that is there by its exact name, else by a part of it, else the first that can chat."""
    for wish in preferred:
        if wish in available:
            return wish
    chatty = [name for name in available if not _NO_CHAT.search(name)]
    for wish in preferred:
        for name in chatty:
            if wish.casefold() in name.casefold():
                return name
    return chatty[0] if chatty else None


def offered_as(name: str, available: Sequence[str]) -> str | None:
    """The name under which a model is on offer: its own, or Ollama's with the tag that goes without saying."""
    return next((item for item in (name, f"{name}:latest") if item in available), None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and what the person should know about how it was chosen."""

    model: str
    note: str = ""


class ModelChoice:
    """Chooses as a service's settings say, from a list that is asked for when needed and kept for a minute."""

    def __init__(self, settings: ServiceSettings, ask: Callable[[], Awaitable[Sequence[str]]]) -> None:
        self._settings = settings
        self._ask = ask
        self._names: tuple[str, ...] = ()
        self._asked_at = -KEPT_S

    async def names(self) -> tuple[str, ...]:
        """What is on offer.

        Raises:
            ServiceError: The service could not be asked.
        """
        if time.monotonic() - self._asked_at >= KEPT_S or not self._names:
            self._names = tuple(await self._ask())[:MOST_NAMES]
            self._asked_at = time.monotonic()
        return self._names

    def forget(self) -> None:
        """Ask again next time: what was known has turned out wrong."""
        self._asked_at = -KEPT_S

    async def choose(self, insisted: str | None) -> Choice:
        """The model for one call.

        Raises:
            ServiceError: There is none, or the service could not be asked.
        """
        configured = insisted or self._settings.model or self._settings.default_model
        if configured and (insisted or not self._settings.auto_detect_model):
            return Choice(configured)
        if configured:
            return await self._confirmed(configured)
        if not self._settings.auto_detect_model:
            raise self._none("No model is set, and auto_detect_model is off.")
        return Choice(self._recommended(await self.names()))

    async def _confirmed(self, configured: str) -> Choice:
        try:
            names = await self.names()
        except ServiceError as error:
            if _settles_it(error):
                raise
            return Choice(configured)  # a server need not have a list to have the model
        if not names:
            return Choice(configured)
        if found := offered_as(configured, names):
            return Choice(found)
        chosen = self._recommended(names)
        return Choice(chosen, f"{self._settings.name} does not offer {configured}; {chosen} is used instead.")

    def _recommended(self, names: Sequence[str]) -> str:
        chosen = recommend(names, self._settings.preferred_models)
        if chosen is None:
            raise self._none("It offers no model that can chat." if names else "It offers no model.")
        return chosen

    def _none(self, problem: str) -> ServiceError:
        name = self._settings.name
        hint = f"Load a model there, or set services.{name}.model."
        return ServiceError(FailureKind.MISSING, f"{name} has no model to use", problem, hint)


def _settles_it(error: ServiceError) -> bool:
    """Whether a failed look at the list shows that asking for an answer would fail the same way."""
    return error.kind is FailureKind.AUTH or (error.kind is FailureKind.MISSING and not isinstance(error, Refused))


def listed(names: Sequence[str]) -> str:
    """A few names for a sentence."""
    shown = ", ".join(names[:NAMED_IN_ERRORS])
    return f"{shown} and {len(names) - NAMED_IN_ERRORS} more" if len(names) > NAMED_IN_ERRORS else shown
