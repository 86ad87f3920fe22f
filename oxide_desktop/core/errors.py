"""The error tree. Every error a person can meet says what failed, why, and the one thing to do.

Foreign errors are translated into these once, at the boundary where they arise; every front renders them in its
own way (dialog, JSON, MCP error, exit code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class OxideError(Exception):
    """Root of the tree.

    Attributes:
        title: What failed, in a few words, without a full stop.
        message: Why, as a sentence.
        hint: The one thing to do, as a sentence; empty where there is nothing to do.
        exit_code: What the command line answers with.
        status: What the HTTP API answers with.
    """

    exit_code = 1
    status = 500

    def __init__(self, title: str, message: str = "", hint: str = "") -> None:
        self.title = title
        self.message = message
        self.hint = hint
        super().__init__(title, message, hint)

    def __str__(self) -> str:
        text = f"{self.title}: {self.message}" if self.message else self.title
        return f"{text} {self.hint}".rstrip()

    @property
    def phrase(self) -> str:
        """What failed and why without a full stop, to stand within a sentence."""
        return f"{self.title}: {self.message}".rstrip(": .")

    def to_dict(self) -> dict[str, str]:
        """The three sentences, for JSON."""
        return {"title": self.title, "message": self.message, "hint": self.hint}


class UsageError(OxideError):
    """What was asked for cannot be asked for: bad arguments, preferences or settings."""

    exit_code = 2
    status = 422


class NotFoundError(UsageError):
    """There is no task, service or rule of that name."""

    status = 404


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One refused value: where it stands and what would be allowed."""

    file: str
    line: int | None
    key: str
    message: str
    allowed: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        allowed = f" Allowed: {self.allowed}." if self.allowed else ""
        return f"{place}: {self.key}: {self.message}{allowed}"


class ConfigError(UsageError):
    """The settings hold values that are refused; all of them are listed, not just the first."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "The settings cannot be used",
            "\n".join(str(problem) for problem in problems),
            "Mend the file, then run `oxide config check`.",
        )


class RouteError(OxideError):
    """No service could take the task; every one that was skipped is in the message.

    Attributes:
        about_request: It lies in what this caller insists on, such as a model that there is not.
    """

    exit_code = 3
    status = 503

    def __init__(self, title: str, message: str = "", hint: str = "", *, about_request: bool = False) -> None:
        super().__init__(title, message, hint)
        self.about_request = about_request


class CancelledTaskError(OxideError):
    """The task was stopped on request."""

    exit_code = 130
    status = 409


class FailureKind(StrEnum):
    """Why a service failed, which decides between retry, fallback and stop."""

    TRANSIENT = "transient"  # reset, 5xx, garbage: the same service may answer next time
    BUSY = "busy"  # 429 or full queue: the same service after a pause
    QUOTA = "quota"  # used up for longer than is worth waiting
    AUTH = "auth"  # signed out, wrong key
    LICENCE = "licence"  # not allowed on this plan
    MISSING = "missing"  # not installed, not running, no such model
    CONTEXT = "context"  # the prompt does not fit this service's window
    TIMEOUT = "timeout"  # one of the four deadlines
    CRASHED = "crashed"  # the program ended badly and would again
    INVALID = "invalid"  # the input itself is refused
    HELD = "held"  # a privacy lane keeps it from this service; another one may take it
    POLICY = "policy"  # nobody may take it

    @property
    def retriable(self) -> bool:
        """Whether another try on the same service may help."""
        return self in (FailureKind.TRANSIENT, FailureKind.BUSY)

    @property
    def final(self) -> bool:
        """Whether no other service should be tried either."""
        return self in (FailureKind.INVALID, FailureKind.POLICY)


class ServiceError(OxideError):
    """A service did not do what it was asked.

    Attributes:
        kind: Decides between retry, fallback and stop.
        retry_after_s: Seconds the service asked to be left alone, if it said so.
        about_request: It lies in what this caller insists on, and says nothing about the service.
    """

    status = 502

    def __init__(
        self, kind: FailureKind, title: str, message: str = "", hint: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(title, message, hint)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.about_request = False


class StoreError(OxideError):
    """The history or the rules could not be read or written."""

    status = 507


class DiskFullError(StoreError):
    """There is no room for what was to be written."""


class Bug(OxideError):
    """Something Oxide itself got wrong. The log has the trace."""
