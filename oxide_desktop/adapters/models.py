"""Which of a service's models to use: what is insisted on, what is configured, what is preferred, what there is."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from oxide_desktop.adapters.http_errors import Refused
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.model import Locality
from oxide_desktop.core.ports import Note, Output, Started
from oxide_desktop.core.settings import ServiceSettings

KEPT_S = 60.0
MOST_NAMES = 10_000
NAMED_IN_ERRORS = 8
# Models that cannot chat, which local servers list beside those that can.
_NO_CHAT = re.compile(r"embed|bge-|rerank|whisper|\btts\b|minilm", re.IGNORECASE)
OLLAMA_CLOUD = "ollama.com"


def is_named_for_cloud(model: str) -> bool:
    """Whether a model is one of those whose prompts an Ollama sends on to ollama.com, as its name tells."""
    return model.casefold().endswith(("-cloud", ":cloud"))


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


def fitting(wish: str, available: Sequence[str]) -> list[str]:
    """What a person may mean by the name of a model: the one of that name, else all that chat and have it in theirs."""
    if found := offered_as(wish, available):
        return [found]
    folded = wish.casefold()
    if same := [name for name in available if name.casefold() == folded]:
        return same[:1]
    if any("*" in name and fnmatchcase(wish, name) for name in available):  # as LiteLLM lists what it passes on
        return [wish]
    return [name for name in available if folded in name.casefold() and not _NO_CHAT.search(name)]


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and what the person should know about how it was chosen."""

    model: str
    note: str = ""

    def told(self) -> Iterator[Output]:
        """What an adapter says of it once the service has the request."""
        yield Started(self.model)
        if self.note:
            yield Note(self.note)


class ModelChoice:
    """Chooses as a service's settings say, from a list that is asked for when needed and kept for a minute.

    Args:
        ask: Asks for the list.
        is_remote: Whether prompts for a model are passed on to another machine; it is never chosen unasked.
        can_pull: Whether what is not there can be had with `oxide services pull`.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        ask: Callable[[], Awaitable[Sequence[str]]],
        is_remote: Callable[[str], bool] = is_named_for_cloud,
        *,
        can_pull: bool = False,
    ) -> None:
        self._settings = settings
        self._ask = ask
        self._is_remote = is_remote
        self._can_pull = can_pull
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
            ServiceError: There is none, it may not be asked, or the service could not be.
        """
        if insisted:
            return await self._meant(insisted)
        configured = self._settings.model or self._settings.default_model
        if configured:
            self._refuse_elsewhere(configured, insisted=False)
            return await self._confirmed(configured) if self._settings.auto_detect_model else Choice(configured)
        if not self._settings.auto_detect_model:
            raise self._none("No model is set, and auto_detect_model is off.")
        return Choice(self._recommended(await self.names()))

    async def _meant(self, wish: str) -> Choice:
        """The one model that a caller may mean. What a service does not list is passed on to it as it is."""
        self._refuse_elsewhere(wish, insisted=True)
        known = self._names
        names = await self._told()
        if names and names == known and not fitting(wish, names):  # it may be new
            self.forget()
            names = await self._told()
        found = fitting(wish, names) if names else [wish]
        if len(found) != 1:
            raise self._not_one(wish, found, names)
        self._refuse_elsewhere(found[0], insisted=True)
        same = found[0].casefold() in (wish.casefold(), f"{wish}:latest".casefold())
        return Choice(found[0], "" if same else f"{wish} is taken as {found[0]}.")

    def _refuse_elsewhere(self, model: str, *, insisted: bool) -> None:
        if self._settings.locality is Locality.LOCAL and is_named_for_cloud(model):
            raise runs_elsewhere(self._settings, model, OLLAMA_CLOUD, insisted=insisted)

    async def _told(self) -> tuple[str, ...]:
        """The list; nothing if it cannot be had, since a server need not have a list to have a model."""
        try:
            return await self.names()
        except ServiceError as error:
            if _settles_it(error):
                raise
            return ()

    async def _confirmed(self, configured: str) -> Choice:
        names = await self._told()
        if not names:
            return Choice(configured)
        if found := offered_as(configured, names):
            return Choice(found)
        chosen = self._recommended(names)
        return Choice(chosen, f"{self._settings.name} does not offer {configured}; {chosen} is used instead.")

    def _recommended(self, names: Sequence[str]) -> str:
        here = [name for name in names if not self._is_remote(name)]
        chosen = recommend(here, self._settings.preferred_models)
        if chosen is None and len(here) < len(names):
            raise self._none(f"What it offers runs at {OLLAMA_CLOUD}, which is chosen by nobody but you.")
        if chosen is None:
            raise self._none("It offers no model that can chat." if names else "It offers no model.")
        return chosen

    async def refused(self, error: Refused, model: str, *, insisted: bool) -> ServiceError:
        """A refusal of the service's; where the model is what is missing, with those that there are."""
        error.about_request = insisted
        self.forget()
        try:
            names = await self.names()
        except ServiceError:
            return error  # the first failure is the one to tell
        if offered_as(model, names):
            return error  # it is on offer all the same: only the service knows what it means
        return self._missing(model, names, insisted=insisted)

    def _missing(self, model: str, names: Sequence[str], *, insisted: bool) -> ServiceError:
        service = self._settings.name
        there = f"It has {listed(names)}." if names else "It has no models yet."
        pull = f"Pull it: `oxide services pull {service} {model}`. " if self._can_pull else ""
        hint = f"{pull}`oxide services models {service}` lists what it has."
        error = ServiceError(FailureKind.MISSING, f"{service} does not have {model}", there, hint)
        error.about_request = insisted
        return error

    def _not_one(self, wish: str, found: Sequence[str], names: Sequence[str]) -> ServiceError:
        if not found:
            return self._missing(wish, names, insisted=True)
        service = self._settings.name
        hint = f"Name one of them in full. `oxide services models {service}` lists what it has."
        title = f"{service} has several models like {wish}"
        error = ServiceError(FailureKind.MISSING, title, f"That fits {listed(found)}.", hint)
        error.about_request = True
        return error

    def _none(self, problem: str) -> ServiceError:
        name = self._settings.name
        hint = f"Load a model there, or set services.{name}.model."
        return ServiceError(FailureKind.MISSING, f"{name} has no model to use", problem, hint)


def runs_elsewhere(settings: ServiceSettings, model: str, host: str, *, insisted: bool) -> ServiceError:
    """What counts as local may be sent what must not leave, so it is not asked for a model of another machine's."""
    error = ServiceError(
        FailureKind.HELD,
        f"{settings.name} is not asked for {model}",
        f"That model runs at {host}, and {settings.name} counts as local.",
        f"Use another model, or allow this one with `locality: cloud` in services.{settings.name} of the settings.",
    )
    error.about_request = insisted
    return error


def _settles_it(error: ServiceError) -> bool:
    """Whether a failed look at the list shows that asking for an answer would fail the same way."""
    return error.kind is FailureKind.AUTH or (error.kind is FailureKind.MISSING and not isinstance(error, Refused))


def listed(names: Sequence[str]) -> str:
    """A few names for a sentence."""
    shown = ", ".join(names[:NAMED_IN_ERRORS])
    return f"{shown} and {len(names) - NAMED_IN_ERRORS} more" if len(names) > NAMED_IN_ERRORS else shown
