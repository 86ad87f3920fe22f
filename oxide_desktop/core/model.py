"""The words of Oxide as frozen values: request, profile, route. Records are in `record`, checks in `health`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from oxide_desktop.core.errors import UsageError


class TaskType(StrEnum):
    """What kind of task a prompt is. Exactly these eight."""

    CODING = "coding"
    CODE_REVIEW = "code_review"
    BUG_SEARCH = "bug_search"
    REFACTORING = "refactoring"
    DOCUMENTATION = "documentation"
    CODEBASE_ANALYSIS = "codebase_analysis"
    QUICK_QUERY = "quick_query"
    GENERAL = "general"

    @property
    def label(self) -> str:
        """Its name for people."""
        return _TYPE_TEXTS[self][0]

    @property
    def description(self) -> str:
        """What falls under it, in a few words."""
        return _TYPE_TEXTS[self][1]

    @property
    def recommended_services(self) -> tuple[str, ...]:
        """Names of the services of the shipped settings that suit it, best first."""
        return _TYPE_TEXTS[self][2]


_TYPE_TEXTS: dict[TaskType, tuple[str, str, tuple[str, ...]]] = {
    TaskType.CODING: ("Code Generation", "Writing new code, implementing features", ("qwen", "gemini")),
    TaskType.CODE_REVIEW: ("Code Review", "Judging code or a diff, security included", ("qwen", "gemini")),
    TaskType.BUG_SEARCH: ("Bug Search", "Finding or mending the cause of a symptom", ("qwen", "gemini")),
    TaskType.REFACTORING: ("Code Refactoring", "Changing structure or speed, not behaviour", ("qwen", "gemini")),
    TaskType.DOCUMENTATION: ("Documentation", "Writing docs, comments and READMEs", ("gemini", "qwen")),
    TaskType.CODEBASE_ANALYSIS: ("Large Codebase", "Questions that need the whole repository", ("gemini",)),
    TaskType.QUICK_QUERY: ("Simple Questions", "One-line questions that need no files", ("ollama_local",)),
    TaskType.GENERAL: ("General Purpose", "All other open tasks", ("ollama_local", "qwen")),
}


class Source(StrEnum):
    """The front a task came through."""

    CLI = "cli"
    PYTHON = "python"
    HTTP = "http"
    MCP = "mcp"
    DESKTOP = "desktop"


class Locality(StrEnum):
    """Whether what is sent to a service stays on the person's own machines."""

    LOCAL = "local"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the caller insists on. Everything may be left open."""

    preferred_service: str | None = None
    task_type: TaskType | None = None
    model: str | None = None

    @classmethod
    def parse(cls, given: Mapping[str, Any] | None) -> Preferences:
        """Check a mapping from outside.

        Raises:
            UsageError: A key is unknown or a value is not allowed.
        """
        if given is not None and not isinstance(given, Mapping):
            raise UsageError("Bad preferences", "They must be a mapping, such as {'preferred_service': 'qwen'}.")
        given = {key: value for key, value in (given or {}).items() if value is not None}
        known = {item.name for item in dataclasses.fields(cls)}
        if unknown := sorted(set(given) - known):
            raise UsageError("Unknown preference", f"{', '.join(unknown)} is not one of {', '.join(sorted(known))}.")
        for key, value in given.items():
            if not isinstance(value, str) or not value:
                raise UsageError("Bad preference", f"{key} must be a non-empty string.")
        if "task_type" in given:
            given["task_type"] = parse_task_type(given["task_type"])
        return cls(**given)

    def to_dict(self) -> dict[str, str]:
        """Only what was asked for."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {key: str(value) for key, value in values.items() if value is not None}


def parse_list(what: str, given: Sequence[str | os.PathLike[str]] | None) -> tuple[str, ...]:
    """Paths or names from outside, each a text. One text alone is refused: letter by letter it would mean others.

    Raises:
        UsageError: It is no list of them.
    """
    if given is None:
        return ()
    if isinstance(given, str | bytes | os.PathLike):
        raise UsageError(f"Bad {what}", f"{given!r} is no list.", f"Write {what}=[{given!r}].")
    for item in given:
        if not isinstance(item, str | os.PathLike):
            raise UsageError(f"Bad {what}", f"{item!r} is no text.", f"Write {what}=[…] with texts in it.")
    return tuple(os.fspath(item) for item in given)


def parse_strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        UsageError: There is none.
    """
    try:
        return Strategy(name)
    except ValueError:
        raise UsageError("Unknown strategy", f"{name!r} is not one of {', '.join(Strategy)}.") from None


def parse_task_type(name: str) -> TaskType:
    """The type of that name.

    Raises:
        UsageError: There is none; the eight are listed.
    """
    try:
        return TaskType(name)
    except ValueError:
        raise UsageError("Unknown task type", f"{name!r} is not one of {', '.join(TaskType)}.") from None


class Strategy(StrEnum):
    """How an analysis uses several services."""

    SPLIT = "split"  # the files are shared out
    BROADCAST = "broadcast"  # every service is given all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What makes a task an analysis: many files, many services.

    Attributes:
        services: Who takes part; empty leaves it to the router.
        workers: How many requests are in flight at most; `None` leaves it to `execution.max_parallel_workers`.
    """

    services: tuple[str, ...] = ()
    strategy: Strategy = Strategy.SPLIT
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError("Too few workers", f"{self.workers} workers cannot do anything.", "Ask for at least one.")

    def to_dict(self) -> dict[str, Any]:
        """The shape kept in records."""
        return {"services": list(self.services), "strategy": self.strategy.value, "workers": self.workers}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Analysis:
        """Read the shape that `to_dict` writes."""
        return cls(
            services=tuple(data.get("services") or ()),
            strategy=Strategy(data.get("strategy", Strategy.SPLIT)),
            workers=data.get("workers"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks for.

    Attributes:
        files: Paths and globs as the caller wrote them; relative ones mean `cwd`.
        cwd: The caller's project directory.
        roots: Where files may be read for this caller; `None` leaves it to the settings.
        piped: How many characters at the end of the prompt were piped in: like a file's, they may be cut to fit.
        analysis: Set where the files are to be shared out to several services.
        replay_of: The task that asked the same before.
        asked: What is wanted, where the prompt is a whole conversation; the type of the task is judged by it.
    """

    prompt: str
    files: tuple[str, ...] = ()
    preferences: Preferences = field(default_factory=Preferences)
    source: Source
    cwd: Path
    roots: tuple[Path, ...] | None = None
    piped: int = 0
    analysis: Analysis | None = None
    replay_of: str | None = None
    asked: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str):
            raise UsageError("Nothing to ask", f"The prompt must be text, not {type(self.prompt).__name__}.")
        if not self.prompt.strip():
            raise UsageError("Nothing to ask", "The prompt is empty.", "Type a question or pipe one in.")
        if self.analysis is not None and not self.files:
            raise UsageError("Nothing to analyse", "No files were named.", "Name folders, files or globs.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the classifier found in a prompt.

    Attributes:
        confidence: 0 to 1.
        complexity: 0 to 1.
        reasons: Short phrases, strongest first.
        second: The next best type where the decision was close.
    """

    task_type: TaskType
    confidence: float
    complexity: float
    reasons: tuple[str, ...] = ()
    second: TaskType | None = None

    def told(self, task_type: TaskType | None) -> Profile:
        """The same prompt with the type that the caller named, if one was."""
        if task_type is None:
            return self
        return dataclasses.replace(self, task_type=task_type, confidence=1.0, reasons=("you said so",), second=None)

    def to_dict(self) -> dict[str, Any]:
        """The shape that `oxide explain --json` shows."""
        return {
            "task_type": self.task_type.value,
            "confidence": self.confidence,
            "complexity": self.complexity,
            "reasons": list(self.reasons),
            "second": self.second.value if self.second else None,
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that may take the task, and why it stands where it stands."""

    service: str
    score: float
    reasons: tuple[str, ...] = ()


NOT_ASKED = "you asked for "
"""How the reason begins for which a service is passed over when another one was named."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A service that may not take the task, and why."""

    service: str
    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    """The ordered candidates, who was passed over, and the rule that decided, if one did.

    Attributes:
        rule_from: Where that rule stands, if it is not one of the person's own.
    """

    candidates: tuple[Candidate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rule: str | None = None
    rule_from: str | None = None

    @property
    def telling(self) -> tuple[Skipped, ...]:
        """Those that were passed over for a reason of their own."""
        return tuple(item for item in self.skipped if not item.reason.startswith(NOT_ASKED))

    @property
    def passed_over(self) -> tuple[Skipped, ...]:
        """For people: first those with a reason of their own, then all that were only not asked for, as one."""
        others = [item for item in self.skipped if item.reason.startswith(NOT_ASKED)]
        if len(others) > 1:
            others = [Skipped(f"{len(others)} others", others[0].reason)]
        return (*self.telling, *others)

    def to_dict(self) -> dict[str, Any]:
        """The shape kept in records."""
        return {
            "candidates": [
                {"service": item.service, "score": item.score, "reasons": list(item.reasons)}
                for item in self.candidates
            ],
            "skipped": [{"service": item.service, "reason": item.reason} for item in self.skipped],
            "rule": self.rule,
            **({"rule_from": self.rule_from} if self.rule_from else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Route:
        """Read the shape that `to_dict` writes."""
        return cls(
            candidates=tuple(
                Candidate(item["service"], float(item["score"]), tuple(item.get("reasons", ())))
                for item in data.get("candidates", ())
            ),
            skipped=tuple(Skipped(item["service"], item["reason"]) for item in data.get("skipped", ())),
            rule=data.get("rule"),
            rule_from=data.get("rule_from"),
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """The route that a request would take, and why; nothing was executed.

    Attributes:
        tokens: What would be sent, at a guess.
        files: How many files would be read; a folder counts by what is in it.
    """

    profile: Profile
    route: Route
    tokens: int
    notes: Sequence[str] = ()
    files: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The shape of `oxide explain --json`."""
        return {
            "profile": self.profile.to_dict(),
            "route": self.route.to_dict(),
            "tokens": self.tokens,
            "notes": list(self.notes),
        }
