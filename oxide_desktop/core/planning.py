"""From a request to a plan: what it says, what kind of task that is, where it may go. Nothing is sent."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from oxide_desktop.core.asked import with_pasted
from oxide_desktop.core.background import in_own_thread
from oxide_desktop.core.classify import classify
from oxide_desktop.core.context import Context, gather
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.experience import RecentExperience
from oxide_desktop.core.health import Depth, ServiceStatus
from oxide_desktop.core.model import Profile, Request, Route
from oxide_desktop.core.ports import Adapter, HealthView, Projects, Rules
from oxide_desktop.core.project import ProjectLanes, ProjectSettings, follow_project
from oxide_desktop.core.quota import Quotas, UsedUp, first_free
from oxide_desktop.core.route import HeldFiles, choose_route
from oxide_desktop.core.settings import PrivacySettings, RoutingSettings, Settings
from oxide_desktop.core.tokens import ANSWER_TOKENS, answer_room, estimate_tokens

GLANCE_AGE_S = 15.0
# Reading so little takes less time than a thread does to start on it.
_SHORT_PROMPT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a request before a service is asked.

    Attributes:
        free_again: Which service whose quota is used up is free first, and when, as a sentence.
    """

    context: Context
    profile: Profile
    route: Route
    free_again: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    context: Context
    profile: Profile
    held: HeldFiles
    project: ProjectSettings | None


class Planner:
    """Makes plans from what is known now.

    Args:
        services: Every configured service as last seen.
        resting: Why a service is to be left alone for now, `None` if it is not.
        quotas: Which services have used up their quotas.
        experience: What past tasks have shown.
        projects: The settings of projects, `None` where there can be none.
    """

    def __init__(
        self,
        settings: Settings,
        adapters: Mapping[str, Adapter],
        health: HealthView,
        rules: Rules,
        services: Callable[[], Sequence[ServiceStatus]],
        *,
        resting: Callable[[str], str | None],
        quotas: Quotas,
        experience: RecentExperience,
        privacy: Callable[[], PrivacySettings],
        projects: Projects | None = None,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._health = health
        self._rules = rules
        self._services = services
        self._resting = resting
        self._quotas = quotas
        self._experience = experience
        self._privacy = privacy
        self._projects = projects

    async def plan(self, request: Request) -> Plan:
        """Read, profile and route.

        Raises:
            UsageError: The request asks for files or a service that cannot be had, or is too long for every service.
        """
        reading = await self._reading_of(request)
        await self._health.refresh(self._adapters, Depth.GLANCE, GLANCE_AGE_S)
        services, routing, tokens = self._terms(request, reading.context)
        used_up = await self._quotas.used_up()
        experience = await self._experience.latest()
        said = request.preferences.task_type
        profile = reading.profile if said else experience.corrected(request.asked or request.prompt, reading.profile)
        choose = partial(
            choose_route,
            profile=profile,
            preferences=request.preferences,
            services=services,
            routing=routing,
            tokens=tokens,
            answer_tokens=ANSWER_TOKENS,
            unavailable=self._unavailable(used_up),
            prompt_findings=reading.context.prompt_findings,
            held_files=reading.held,
            opinions=experience.opinions(profile.task_type, self._adapters),
        )
        route, remark = choose(rules=self._rules.all()), ""
        if reading.project and not request.preferences.preferred_service:
            route, remark = follow_project(
                reading.project,
                profile.task_type,
                services,
                route,
                lambda rules, origin: choose(rules=rules, rules_from=origin),
            )
        if request.analysis is None:
            require_room(reading.context.typed, route, services)
        notes = (*reading.context.notes, *([remark] if remark else []))
        return Plan(dataclasses.replace(reading.context, notes=notes), profile, route, first_free(used_up))

    async def _reading_of(self, request: Request) -> _Reading:
        work = partial(self._read, request)
        short = not request.files and len(request.prompt) < _SHORT_PROMPT_CHARS
        return work() if short else await in_own_thread(work, "reading files")

    def _unavailable(self, used_up: Mapping[str, UsedUp]) -> Mapping[str, str]:
        """Which services are left alone for now, and why."""
        resting = {name: reason for name in self._adapters if (reason := self._resting(name))}
        return resting | {name: item.reason for name, item in used_up.items()}

    def _terms(self, request: Request, context: Context) -> tuple[Sequence[ServiceStatus], RoutingSettings, int]:
        """Among whom to choose, how, and for how many tokens. An analysis takes many services, and each only a part."""
        if request.analysis is None:
            return self._services(), self._settings.routing, context.tokens
        routing = dataclasses.replace(self._settings.routing, fallback_enabled=True)
        return _taking_part(self._services(), request.analysis.services), routing, estimate_tokens(request.prompt)

    def _read(self, request: Request) -> _Reading:
        privacy = self._privacy()
        lanes = ProjectLanes(self._projects)
        project = next(iter(lanes.above(request.cwd)), None)
        context = gather(request, privacy, lanes)
        asked = request.asked or with_pasted(context.typed, context.piped_text)
        profile = classify(asked, context.sizes).told(request.preferences.task_type)
        return _Reading(context, profile, HeldFiles(context.held(privacy), len(context.files)), project)


def _taking_part(services: Sequence[ServiceStatus], wanted: Sequence[str]) -> Sequence[ServiceStatus]:
    """Those that were named, or all.

    Raises:
        UsageError: One of them is not there or is switched off.
    """
    by_name = {item.settings.name: item for item in services}
    for name in wanted:
        if name not in by_name:
            raise UsageError("No such service", f"{name!r} is not configured. Configured: {', '.join(by_name)}.")
        if not by_name[name].settings.enabled:
            raise UsageError("The service is switched off", f"{name} is not enabled.", "Enable it, or leave it out.")
    return [by_name[name] for name in dict.fromkeys(wanted)] or services


def require_room(typed: str, route: Route, services: Sequence[ServiceStatus]) -> None:
    """Refuse what was typed where no candidate holds it: only files and what was piped in are ever cut.

    Raises:
        UsageError: It is too long.
    """
    windows = {item.settings.name: item.info.max_context_tokens for item in services if item.info}
    rooms = {item.service: _room_for_prompt(windows[item.service]) for item in route.candidates}
    needed = estimate_tokens(typed)
    if not rooms or needed <= max(rooms.values()):
        return
    most = max(rooms, key=lambda name: rooms[name])
    raise UsageError(
        "The prompt is too long",
        f"It has about {needed:,} tokens ({len(typed):,} characters); {most}, which takes most of the services that "
        f"could be asked, takes {rooms[most]:,} beside its answer.",
        "Shorten it, or pass the long part as a file or by a pipe: those are cut to fit.",
    )


def _room_for_prompt(window_tokens: int | None) -> float:
    return math.inf if window_tokens is None else window_tokens - answer_room(window_tokens)
