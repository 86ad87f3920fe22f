"""Which services may take a task, in which order, and why: a pure decision over what is known now.

Who may not take it is skipped with a reason. The others are ordered: the person's rule, then what the settings name
for the type, then by score, and a last resort after all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oxide_desktop.core.complexity import EASY, HARD
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.experience import Opinion
from oxide_desktop.core.health import ServiceStatus, Tier
from oxide_desktop.core.model import NOT_ASKED, Candidate, Locality, Preferences, Profile, Route, Skipped, TaskType
from oxide_desktop.core.privacy import PROMPT_HOLDS, prompt_reason
from oxide_desktop.core.receipts import FileReceipt, held_phrase
from oxide_desktop.core.secret_scan import Finding
from oxide_desktop.core.settings import RoutingSettings, TypeRouting
from oxide_desktop.core.tokens import answer_room

# What stands above mere scores, which lie between 0 and 1.
_RULE, _PRIMARY, _FALLBACK, _LAST_RESORT = 3.0, 2.0, 1.0, -1.0
_SMALL_WINDOW, _LARGE_WINDOW = 8_192, 1_000_000
_LARGE_NEED = 30_000
_LIGHT_TYPES = (TaskType.QUICK_QUERY, TaskType.GENERAL)

SWITCHED_OFF = "switched off"
NO_FALLBACK = "fallback is switched off"
_ALL_HELD = "every file must stay local"
CUT = "will be cut to fit"
HELD_BACK = " held back: "


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """Which of a request's files a cloud service would not be given, and why; and how many there are in all."""

    held: tuple[FileReceipt, ...] = ()
    total: int = 0

    def __str__(self) -> str:
        count = len(self.held)
        return f"{'1 file is' if count == 1 else f'{count:,} files are'}{HELD_BACK}{held_phrase(self.held)}"


def choose_route(
    *,
    profile: Profile,
    preferences: Preferences,
    services: Sequence[ServiceStatus],
    rules: Mapping[TaskType, str],
    routing: RoutingSettings,
    tokens: int,
    answer_tokens: int,
    unavailable: Mapping[str, str] | None = None,
    prompt_findings: Sequence[Finding] = (),
    held_files: HeldFiles | None = None,
    rules_from: str = "",
    opinions: Mapping[str, Opinion] | None = None,
) -> Route:
    """The candidates in order and everyone who was passed over; there may be no candidate.

    Args:
        profile: What the classifier found.
        preferences: What the caller insists on; a named service is the only candidate.
        services: All configured ones; their order settles ties.
        rules: The person's own, type -> service.
        routing: What the settings say.
        tokens: Estimate of the prompt with its files.
        answer_tokens: Room wanted for the answer.
        unavailable: Services to leave alone for now (breaker open, quota used up), and why.
        prompt_findings: What looks like a secret in the prompt: cloud services are passed over.
        held_files: Files that cloud services would not be given.
        rules_from: Where the rules stand, if they are not the person's own.
        opinions: What past tasks of this type have shown of services.

    Raises:
        UsageError: The caller insists on a service that is not there or is switched off.
    """
    wanted = preferences.task_type or profile.task_type
    held = held_files or HeldFiles()
    need = _Need(wanted, profile, tokens, answer_tokens, tuple(prompt_findings), held, opinions or {})
    if name := preferences.preferred_service:
        return _only(name, services, need, unavailable or {})
    return _choose(services, need, _Rule(rules.get(need.task_type), rules_from), routing, unavailable or {})


@dataclass(frozen=True, slots=True)
class _Rule:
    """The service that a rule names, if there is one for the type."""

    service: str | None
    origin: str

    @property
    def words(self) -> str:
        return f"rule of the {self.origin}" if self.origin else "your rule"


@dataclass(frozen=True, slots=True)
class _Need:
    """What a service must be able to take."""

    task_type: TaskType
    profile: Profile
    tokens: int
    answer_tokens: int
    prompt_findings: tuple[Finding, ...]
    held: HeldFiles
    opinions: Mapping[str, Opinion]

    @property
    def words(self) -> str:
        return self.task_type.value.replace("_", " ")

    def missing_tokens(self, window: int | None) -> int:
        """How many tokens of the need a window lacks; the answer's part shrinks with the window as it does in `fit`."""
        return 0 if window is None else max(0, self.tokens + answer_room(window, self.answer_tokens) - window)

    def forbidden(self, status: ServiceStatus) -> str | None:
        """Why the privacy lanes let nothing of the task through to a service."""
        if status.info is None or status.info.locality is Locality.LOCAL:
            return None
        if self.prompt_findings:
            return prompt_reason(self.prompt_findings)
        if not 0 < self.held.total <= len(self.held.held):
            return None
        return f"{_ALL_HELD}: {held_phrase(self.held.held)}"

    def partly_held(self, status: ServiceStatus) -> str:
        """Which files a service would not be given while it may have the others."""
        is_cloud = status.info is not None and status.info.locality is Locality.CLOUD
        return str(self.held) if is_cloud and self.held.held else ""


def _only(name: str, services: Sequence[ServiceStatus], need: _Need, unavailable: Mapping[str, str]) -> Route:
    wanted = next((item for item in services if item.settings.name == name), None)
    if wanted is None:
        known = ", ".join(item.settings.name for item in services) or "none"
        raise UsageError("No such service", f"{name!r} is not configured. Configured: {known}.")
    if not wanted.settings.enabled:
        raise UsageError("The service is switched off", f"{name} is not enabled.", "Enable it, or choose another one.")
    others = [Skipped(item.settings.name, f"{NOT_ASKED}{name}") for item in services if item is not wanted]
    if reason := _absent(wanted) or unavailable.get(name) or need.forbidden(wanted):
        return Route((), (Skipped(name, reason), *others))
    cut = wanted.info is not None and need.missing_tokens(wanted.info.max_context_tokens) > 0
    reasons = ("you asked for it", need.partly_held(wanted), CUT if cut else "")
    return Route((Candidate(name, 1.0, tuple(filter(None, reasons))),), tuple(others))


def _absent(status: ServiceStatus) -> str | None:
    return None if status.info else f"no adapter is installed for {status.settings.kind!r}"


def _choose(
    services: Sequence[ServiceStatus],
    need: _Need,
    rule: _Rule,
    routing: RoutingSettings,
    unavailable: Mapping[str, str],
) -> Route:
    able, skipped = [], []
    for status in services:
        reason = _obstacle(status, need, unavailable)
        if reason is None:
            able.append(status)
        else:
            skipped.append(Skipped(status.settings.name, reason))
    able, cut, too_small = _by_window(able, need)
    wishes = routing.per_type.get(need.task_type, TypeRouting())
    order = _Order(need, rule, wishes, routing.prefer_local, cut)
    proven = sorted(able, key=lambda status: -_proof(status))  # between equals, what has shown more comes first
    candidates = sorted(map(order.candidate, proven), key=lambda item: -item.score)
    if rule.service is not None and all(item.settings.name != rule.service for item in services):
        skipped.append(Skipped(rule.service, "your rule names it, but it is not among the services that may take this"))
    if not routing.fallback_enabled:
        skipped += [Skipped(item.service, NO_FALLBACK) for item in candidates[1:]]
        candidates = candidates[:1]
    followed = bool(candidates) and candidates[0].service == rule.service
    name = f"{need.task_type.value} → {rule.service}" if followed else None
    return Route(tuple(candidates), (*skipped, *too_small), name)


def _obstacle(status: ServiceStatus, need: _Need, unavailable: Mapping[str, str]) -> str | None:
    """Why a service cannot take anything now, its window aside."""
    if not status.settings.enabled:
        return SWITCHED_OFF
    if reason := _absent(status) or unavailable.get(status.settings.name):
        return reason
    if status.health and status.health.failing:
        return f"{status.health.failing.lacking}: {status.health.message.rstrip('.')}".rstrip(": ")
    return need.forbidden(status)


def _by_window(able: Sequence[ServiceStatus], need: _Need) -> tuple[list[ServiceStatus], bool, list[Skipped]]:
    """Those whose window holds the task; if there is none, the one that holds most, to which it will be cut."""
    windows = {item.settings.name: item.info.max_context_tokens for item in able if item.info}
    fitting = [item for item in able if not need.missing_tokens(windows[item.settings.name])]
    cut = bool(able) and not fitting
    if cut:
        fitting = [max(able, key=lambda item: windows[item.settings.name] or 0)]
    skipped = []
    for name, window in windows.items():
        if window is not None and all(item.settings.name != name for item in fitting):
            needed = need.tokens + answer_room(window, need.answer_tokens)
            skipped.append(Skipped(name, f"needs about {needed:,} tokens, holds {window:,}"))
    return fitting, cut, skipped


@dataclass(frozen=True, slots=True)
class _Order:
    """Gives each service that is able its place."""

    need: _Need
    rule: _Rule
    wishes: TypeRouting
    prefer_local: bool
    cut: bool

    def candidate(self, status: ServiceStatus) -> Candidate:
        """A service with its score and the reasons for it."""
        place, why = self._place(status)
        found = [
            self._ability(status),
            self._locality(status),
            self._window(status),
            self._lanes(status),
            self._experience(status),
        ]
        score = min(max(0.1 + sum(points for points, _ in found), 0.0), 0.99)
        reasons = [why, *(reason for _, reason in found), CUT if self.cut else ""]
        if place <= 0:
            place += score
        return Candidate(
            status.settings.name, round(place, 3), tuple(filter(None, reasons)) or ("nothing speaks against it",)
        )

    def _place(self, status: ServiceStatus) -> tuple[float, str]:
        name, fallback = status.settings.name, self.wishes.fallback
        if name == self.rule.service:
            return _RULE, self.rule.words
        if name == self.wishes.primary:
            return _PRIMARY, f"set for {self.need.words}"
        if status.info and status.info.last_resort:
            return _LAST_RESORT, "last resort"
        if name in fallback:
            return _FALLBACK + 1 - (fallback.index(name) + 1) / (len(fallback) + 1), "set as fallback"
        return 0.0, ""

    def _ability(self, status: ServiceStatus) -> tuple[float, str]:
        wanted = self.need.task_type
        good = (0.25, f"good at {self.need.words}")
        if status.info and wanted in status.info.capabilities:
            return good
        names = wanted.recommended_services
        found = next((place for place, name in enumerate(names) if name in _names(status)), None)
        if found is not None:
            return good[0] - 0.05 * found, good[1]
        second = self.need.profile.second
        if second and status.info and second in status.info.capabilities:
            return 0.05, f"good at {second.value.replace('_', ' ')}"
        return 0.0, ""

    def _locality(self, status: ServiceStatus) -> tuple[float, str]:
        complexity = self.need.profile.complexity
        light = self.need.task_type in _LIGHT_TYPES or complexity < EASY
        if status.settings.locality is Locality.CLOUD:
            return (0.08, "a hard task") if complexity >= HARD and not light else (0.0, "")
        points = (0.2 if light else 0.0) + (0.15 if self.prefer_local else 0.0)
        return points, "stays on your machines" if points else ""

    def _window(self, status: ServiceStatus) -> tuple[float, str]:
        window = status.info.max_context_tokens if status.info else None
        large = self.need.task_type is TaskType.CODEBASE_ANALYSIS or self.need.tokens > _LARGE_NEED
        if not large or window is None or window <= _SMALL_WINDOW:
            return 0.0, ""
        share = math.log(window / _SMALL_WINDOW) / math.log(_LARGE_WINDOW / _SMALL_WINDOW)
        return 0.3 * min(share, 1.0), "large context" if share > 0.5 else ""  # noqa: PLR2004 - half way, in logarithms

    def _lanes(self, status: ServiceStatus) -> tuple[float, str]:
        held = self.need.partly_held(status)
        return (-0.3, held) if held else (0.0, "")

    def _experience(self, status: ServiceStatus) -> tuple[float, str]:
        opinion = self.need.opinions.get(status.settings.name)
        return (opinion.points, opinion.reason) if opinion else (0.0, "")


def _proof(status: ServiceStatus) -> int:
    """How many tiers a service has shown. No part of the score: it depends on who looked, not on the task."""
    tier = status.health.tier if status.health else None
    return list(Tier).index(tier) + 1 if tier else 0


def _names(status: ServiceStatus) -> tuple[str, str]:
    """Its name, and what a service of its kind is called in the shipped settings."""
    settings = status.settings
    local = settings.kind == "ollama" and settings.locality is Locality.LOCAL
    return settings.name, "ollama_local" if local else settings.kind


def is_held(route: Route) -> bool:
    """Whether a privacy lane passed over a service, rather than the service being unable."""
    return any(item.reason.startswith((_ALL_HELD, PROMPT_HOLDS)) for item in route.skipped)
