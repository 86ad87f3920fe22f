"""Settings as frozen values. `oxide_desktop.config.settings` reads and checks them; nothing here opens a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from oxide_desktop.core.model import Locality, TaskType

_USERINFO = re.compile(r"(?<=://)[^/?#]*@")


def without_userinfo(url: str) -> str:
    """A URL for people and records: without the name and the password that may stand in it."""
    return _USERINFO.sub("", url)


class ServiceType(StrEnum):
    """How a service is reached."""

    CLI = "cli"
    HTTP = "http"


class OutputFormat(StrEnum):
    """What a command-line program prints."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money per million tokens."""

    input: float = 0.0
    output: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Requests a service may be sent."""

    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """One configured LLM.

    Attributes:
        kind: The adapter that speaks to it (`api_type` in the file).
        select: Path of the answer's text in JSON output, such as `result` or `message.content`.
        error_select: Path of what went wrong in it, where a program says that there.
        version_args: What to ask a program's version with, `None` for `--version`, empty not to ask.
        api_key: A literal, or `keyring:NAME`, which is looked up when it is needed.
        max_retries: Tries after the first one, `None` for `execution.max_retries`.
        retry_delay: Seconds, the base of the backoff.
    """

    name: str
    type: ServiceType
    kind: str
    enabled: bool = True
    executable: str | None = None
    args: tuple[str, ...] | None = None
    output: OutputFormat = OutputFormat.TEXT
    select: str | None = None
    error_select: str | None = None
    version_args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    model: str | None = None
    default_model: str | None = None
    preferred_models: tuple[str, ...] = ()
    auto_detect_model: bool = True
    auto_start: bool = False
    api_key: str | None = None
    max_context_tokens: int | None = None
    max_concurrency: int = 4
    locality: Locality = Locality.CLOUD
    capabilities: tuple[TaskType, ...] | None = None
    price: Price | None = None
    quota: Quota | None = None
    max_retries: int | None = None
    retry_delay: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRouting:
    """Where the settings want one type to go."""

    primary: str | None = None
    fallback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSettings:
    """`routing_rules` of the file."""

    prefer_local: bool = False
    fallback_enabled: bool = True
    per_type: Mapping[TaskType, TypeRouting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """Bounds of execution, in seconds.

    Attributes:
        timeout_seconds: The whole task, all attempts together.
        start_timeout_seconds: Until a service has taken the request (connected, or its program runs).
        first_byte_timeout_seconds: From there to the first visible text.
        idle_timeout_seconds: Between two pieces of text.
        max_retries: Tries on one service after the first one.
    """

    timeout_seconds: float = 600.0
    start_timeout_seconds: float = 60.0
    first_byte_timeout_seconds: float = 120.0
    idle_timeout_seconds: float = 60.0
    max_retries: int = 2
    retry_on_failure: bool = True
    max_parallel_workers: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """What may leave the machine and what may be read at all."""

    local_only: tuple[str, ...] = ()
    scan_secrets: bool = True
    allowed_roots: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """How long ended tasks are kept, `None` for ever."""

    retention_days: int | None = None


class Listen(StrEnum):
    """Where the HTTP server can be reached from."""

    LOOPBACK = "loopback"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The local HTTP server.

    Attributes:
        listen: `all` is for containers, and refused without `token_file`.
        token_file: A token that the person has made; without one Oxide makes its own.
        allowed_hosts: By which other names it may be called, as they stand in `Host`.
    """

    enabled: bool = True
    port: int = 8000
    listen: Listen = Listen.LOOPBACK
    token_file: str | None = None
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """How MCP clients are answered.

    Attributes:
        answer_within_seconds: How long a tool call waits for its task; `None` leaves it to what is known of the client.
    """

    answer_within_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """Which desktop notifications are shown, and after how many seconds of work."""

    enabled: bool = True
    completed: bool = True
    failed: bool = True
    services: bool = True
    min_seconds: float = 10.0


class LogLevel(StrEnum):
    """Levels of Python's logging."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """`file` is relative to Oxide's home; `console` means standard error, never standard output."""

    level: LogLevel = LogLevel.INFO
    console: bool = False
    file: str | None = "oxide.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSettings:
    """Whether a newer version is looked for, and at which address. Nothing is ever downloaded or installed."""

    check: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of it."""

    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    routing: RoutingSettings = field(default_factory=RoutingSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    web: WebSettings = field(default_factory=WebSettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    updates: UpdateSettings = field(default_factory=UpdateSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
