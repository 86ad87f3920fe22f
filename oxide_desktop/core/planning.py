"""From a request to a plan: what it says, what kind of task that is, where it may go. Nothing is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from oxide_desktop.core.background import in_own_thread
from oxide_desktop.core.classify import classify
from oxide_desktop.core.context import Context, gather
from oxide_desktop.core.health import Depth, ServiceStatus
from oxide_desktop.core.model import Profile, Request, Route
from oxide_desktop.core.ports import Adapter, HealthView, Projects, Rules
from oxide_desktop.core.project import ProjectLanes, ProjectSettings, follow_project
from oxide_desktop.core.route import HeldFiles, choose_route
from oxide_desktop.core.settings import Settings
from oxide_desktop.core.tokens import ANSWER_TOKENS

GLANCE_AGE_S = 15.0
# Reading so little takes less time than a thread does to start on it.
_SHORT_PROMPT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a request before a service is asked."""

    context: Context
    profile: Profile
    route: Route


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
        projects: Projects | None = None,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._health = health
        self._rules = rules
        self._services = services
        self._resting = resting
        self._projects = projects

    async def plan(self, request: Request) -> Plan:
        """Read, profile and route.

        Raises:
            UsageError: The request asks for files or a service that cannot be had.
        """
        work = partial(self._read, request)
        short = not request.files and len(request.prompt) < _SHORT_PROMPT_CHARS
        reading = work() if short else await in_own_thread(work, "reading files")
        await self._health.refresh(self._adapters, Depth.GLANCE, GLANCE_AGE_S)
        services = self._services()
        choose = partial(
            choose_route,
            profile=reading.profile,
            preferences=request.preferences,
            services=services,
            routing=self._settings.routing,
            tokens=reading.context.tokens,
            answer_tokens=ANSWER_TOKENS,
            unavailable={name: reason for name in self._adapters if (reason := self._resting(name))},
            prompt_findings=reading.context.prompt_findings,
            held_files=reading.held,
        )
        route, remark = choose(rules=self._rules.all()), ""
        if reading.project and not request.preferences.preferred_service:
            route, remark = follow_project(
                reading.project,
                reading.profile.task_type,
                services,
                route,
                lambda rules, origin: choose(rules=rules, rules_from=origin),
            )
        notes = (*reading.context.notes, *([remark] if remark else []))
        return Plan(dataclasses.replace(reading.context, notes=notes), reading.profile, route)

    def _read(self, request: Request) -> _Reading:
        privacy = self._settings.privacy
        lanes = ProjectLanes(self._projects)
        project = next(iter(lanes.above(request.cwd)), None)
        context = gather(request, privacy, lanes)
        profile = classify(request.prompt, context.sizes).told(request.preferences.task_type)
        return _Reading(context, profile, HeldFiles(len(context.held(privacy)), len(context.files)), project)
