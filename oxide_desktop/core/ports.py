"""What the core needs of the outside, as protocols. The engine plugs in the real things, tests little real fakes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from oxide_desktop.core.children import Spawner
from oxide_desktop.core.corrections import CorrectionStore
from oxide_desktop.core.errors import OxideError, ServiceError
from oxide_desktop.core.experience import Try
from oxide_desktop.core.health import Depth, Health, ServiceInfo
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.servers import ServerStarter
from oxide_desktop.core.settings import ServiceSettings

if TYPE_CHECKING:
    from oxide_desktop.core.project import ProjectSettings
    from oxide_desktop.core.quota import Limit, ServiceUse, UsedUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt's input.

    Attributes:
        prompt: All that the model is to see, files included, already cut to the service's window.
        model: What the caller insists on; `None` lets the adapter choose as its settings say.
        input_tokens: Estimate of the prompt's size.
        max_output_tokens: Room that was left for the answer.
        cwd: The caller's project directory, for programs that look around.
        files: Those whose text is in the prompt, and no others: what a privacy lane holds back is not named.
    """

    task_id: str
    prompt: str
    model: str | None = None
    input_tokens: int = 0
    max_output_tokens: int | None = None
    cwd: Path | None = None
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The service has taken the request. The adapter yields this before any text, with the model it chose."""

    model: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The service's own token counts."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell the person that is not part of the answer."""

    text: str


ANSWER_CUT = Note("The answer was cut at the model's limit.")
"""The service ended its answer there though it was not done."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The service works, but nothing visible came: it thinks, or says that it is still there.

    Said about once a second at most; it moves the deadline, and nothing else.
    """


Output = str | Started | Usage | Note | Alive
"""What an adapter yields: visible text as plain `str`, and what goes with it."""


class Adapter(Protocol):
    """How one configured service is spoken to: one async generator, and a few questions.

    Third parties register a class in the entry-point group `oxide_desktop.adapters` under the name that
    `api_type` then takes; it is called with `(settings, tools)`.
    """

    settings: ServiceSettings

    @property
    def info(self) -> ServiceInfo:
        """What the service is, without asking it."""
        ...

    def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask once and stream the answer. Cancelling or closing the generator ends the work at the service.

        Raises:
            ServiceError: The attempt failed; its kind says how to go on. No other exception may leave.
        """
        ...

    async def check(self, depth: Depth) -> Health:
        """Look how far the service is usable. Never raises: what fails is in the result."""
        ...

    async def list_models(self) -> Sequence[str]:
        """Names of the models on offer, as the service gives them.

        Raises:
            ServiceError: It could not be asked.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections and children."""
        ...


class Secrets(Protocol):
    """Where API keys are."""

    async def resolve(self, reference: str) -> str:
        """A literal as it is; `keyring:NAME` looked up, within a bounded time.

        Raises:
            UsageError: No key of that name is stored.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterTools:
    """What adapters may use of Oxide. `starter` starts Ollama; `None` where nothing may be started."""

    spawner: Spawner
    secrets: Secrets
    starter: ServerStarter | None = None


class HealthReports(Protocol):
    """Who hears what attempts show of a service; free knowledge for the next route."""

    def attempt_succeeded(self, service: str) -> None:
        """The service answered."""
        ...

    def attempt_failed(self, service: str, error: ServiceError) -> None:
        """The service failed in this way."""
        ...


class HealthView(HealthReports, Protocol):
    """What is known of the services, and how to look again."""

    def last(self, service: str) -> Health | None:
        """The newest finding, `None` if nobody has looked."""
        ...

    async def check(self, service: str, depth: Depth) -> Health:
        """Look at one service now, within a bound."""
        ...

    async def refresh(self, services: Iterable[str], depth: Depth, max_age_s: float = 0.0) -> None:
        """Look at those whose finding is older than `max_age_s` seconds, side by side."""
        ...

    async def watch(self) -> None:
        """Look at all of them again and again, until cancelled."""
        ...

    def measure(self) -> Mapping[str, float]:
        """How busy this machine is, in percent and MB. Blocks for a moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which records are wanted. Everything given must hold; `text` searches prompts and results."""

    status: TaskStatus | None = None
    service: str | None = None
    task_type: TaskType | None = None
    text: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Records newest first, how many the store holds in all, and how many match the filter."""

    tasks: Sequence[TaskRecord]
    total: int
    filtered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatistics:
    """Figures over the whole history. Durations in seconds, `success_rate` in percent of those that ended."""

    total_tasks: int
    avg_duration: float
    success_rate: float
    tasks_by_status: Mapping[str, int]
    tasks_by_service: Mapping[str, int]
    tasks_by_type: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import went. `refused` names each record set aside and why."""

    imported: int
    already_there: int
    refused: Sequence[tuple[str, str]]


class History(Protocol):
    """The durable records. What a method acknowledged is on the disk. All raise `StoreError`."""

    @property
    def corrections(self) -> CorrectionStore:
        """What the person said that tasks really were."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know of the history's state, one sentence or two each."""
        ...

    async def add(self, record: TaskRecord) -> None:
        """Store a new record."""
        ...

    async def save(self, record: TaskRecord) -> None:
        """Replace the record of that id."""
        ...

    async def get(self, task_id: str) -> TaskRecord:
        """One record, by its id or a unique start of it.

        Raises:
            NotFoundError: There is none, or more than one.
        """
        ...

    async def list(self, wanted: TaskFilter, limit: int = 10, offset: int = 0) -> TaskPage:
        """Records that match, newest first."""
        ...

    async def delete(self, task_id: str) -> None:
        """Remove one ended record.

        Raises:
            NotFoundError: There is none.
        """
        ...

    async def clear(self, status: TaskStatus | None = None) -> int:
        """Remove ended records, of one status or all; answers how many went."""
        ...

    async def statistics(self) -> TaskStatistics:
        """Figures over everything kept."""
        ...

    async def used_up(self, service: str, limits: Sequence[Limit]) -> UsedUp | None:
        """The limit that a service has come to, `None` if it may be asked."""
        ...

    async def reserve(self, service: str, started_at: float, limits: Sequence[Limit]) -> UsedUp | None:
        """Count a request that is about to be sent, unless a limit is reached, which is the answer then.

        It is the same request as the attempt of that service and that moment in a record that is stored.
        """
        ...

    async def use_since(self, service: str, since: float) -> ServiceUse:
        """What a service was sent from a moment on, of the last two days."""
        ...

    async def tries(self, last: int) -> Sequence[Try]:
        """What the attempts of the last tasks came to, those that say nothing of their service left out."""
        ...

    def export(self) -> AsyncGenerator[str, None]:
        """Everything kept, as the text of an ancestor's `tasks.json` (id -> record), piece by piece."""
        ...

    async def import_file(self, path: Path) -> Imported:
        """Read a `tasks.json`; the file is not changed."""
        ...

    async def maintain(self) -> None:
        """Retention and the daily backup; does nothing when nothing is due."""
        ...

    async def aclose(self) -> None:
        """Finish what is being written."""
        ...


class Rules(Protocol):
    """The person's own assignments, type -> service. All raise `StoreError`."""

    def all(self) -> Mapping[TaskType, str]:
        """What is set now and can be used, read again if the file has changed."""
        ...

    def problems(self) -> tuple[OxideError, ...]:
        """What is there and not used, and what to do; a `StoreError` where none can be read."""
        ...

    def set(self, task_type: TaskType, service: str) -> None:
        """Assign a type.

        Raises:
            UsageError: No such service is configured.
        """
        ...

    def remove(self, task_type: str) -> None:
        """Take an assignment back, be it one of a type that does not exist.

        Raises:
            NotFoundError: The type has none.
        """
        ...

    def clear(self) -> int:
        """Take all back; answers how many there were."""
        ...


class Projects(Protocol):
    """The `.oxide.yaml` files of projects."""

    def above(self, folder: Path) -> Sequence[ProjectSettings]:
        """Those of a folder and of the ones above it, the nearest first. Blocks.

        Raises:
            ConfigError: One of them cannot be used.
        """
        ...
