"""Servers behind services: what can be asked of them beside questions. They are started, and given new models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from oxide_desktop.core.errors import ServiceError

Ready = Callable[[], Awaitable[bool]]
"""Asks a server whether it can take requests; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStart:
    """How a server came to answer.

    Attributes:
        started: It did not answer before.
        ours: It runs below Oxide and ends with it; otherwise it belongs to the system and stays.
        note: What is worth telling about it.
    """

    started: bool = False
    ours: bool = False
    note: str = ""


class ServerStarter(Protocol):
    """Starts the one kind of server that it knows on this machine, and ends what it started."""

    def installed(self) -> bool:
        """Whether there is anything to start."""
        ...

    def refusal(self, url: str) -> ServiceError | None:
        """Why nothing is started at `url` for now: it failed a moment ago."""
        ...

    async def ensure(self, url: str, ready: Ready, *, insist: bool = False) -> ServerStart:
        """Return when the server answers, and start it if it does not. One start at a time, whoever asks.

        Args:
            url: Where it is to listen, on this machine.
            ready: Tells whether it answers.
            insist: Try even if it failed a moment ago.

        Raises:
            ServiceError: It cannot be started, or was not ready in time.
        """
        ...

    def using(self, url: str) -> AbstractContextManager[None]:
        """Inside the block nobody else ends it: another Oxide may have started it, and be done before we are."""
        ...

    async def recover(self, url: str, ready: Ready) -> bool:
        """Start it again if it was started here and has died, unless it did so too often of late.

        Raises:
            ServiceError: As `ensure`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a service offers.

    Attributes:
        size_bytes: That of its files, where the service tells.
        remote_host: Where it really runs, if the service only passes prompts on to there.
    """

    name: str
    size_bytes: int | None = None
    remote_host: str | None = None


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a model has come. `total_bytes` is 0 until something is known of its size."""

    status: str
    completed_bytes: int = 0
    total_bytes: int = 0


@runtime_checkable
class Startable(Protocol):
    """An adapter whose server Oxide may be able to start."""

    @property
    def startable(self) -> bool:
        """Whether the server is one of this machine that Oxide knows how to start."""
        ...

    async def start(self, *, insist: bool = False) -> ServerStart:
        """Start it unless it answers.

        Raises:
            ServiceError: It cannot be started.
        """
        ...

    async def recover(self) -> bool:
        """Start it again if Oxide had started it and it has died; whether that was done.

        Raises:
            ServiceError: It cannot be started.
        """
        ...


@runtime_checkable
class ModelShelf(Protocol):
    """An adapter whose service keeps models that can be added to."""

    async def models(self) -> Sequence[ModelInfo]:
        """What it has, with sizes.

        Raises:
            ServiceError: It could not be asked.
        """
        ...

    def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model; a broken pull goes on where it stopped. Closing the generator stops it.

        Raises:
            ServiceError: It could not be fetched.
        """
        ...
