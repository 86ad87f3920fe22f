"""How far a service is usable, as frozen values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.model import Locality, TaskType
from oxide_desktop.core.settings import ServiceSettings, without_userinfo


class Tier(StrEnum):
    """What a service has been shown to do. Each tier includes those before it."""

    INSTALLED = "installed"
    STARTS = "starts"
    AUTHENTICATED = "authenticated"
    ANSWERS = "answers"

    @property
    def reached(self) -> str:
        """What a service that has shown it is, in two words."""
        return _TIER_WORDS[self][0]

    @property
    def lacking(self) -> str:
        """What a service that fails at it is."""
        return _TIER_WORDS[self][1]


_TIER_WORDS = {
    Tier.INSTALLED: ("installed", "not installed"),
    Tier.STARTS: ("running", "not running"),
    Tier.AUTHENTICATED: ("ready", "signed out"),
    Tier.ANSWERS: ("answering", "not answering"),
}


UNSTICK = "Look at what it is doing, or restart it."
"""The fix for a service that is there and does not answer."""
_FAILING_TIER = {
    FailureKind.MISSING: Tier.STARTS,
    FailureKind.AUTH: Tier.AUTHENTICATED,
    FailureKind.LICENCE: Tier.AUTHENTICATED,
    FailureKind.QUOTA: Tier.ANSWERS,
    FailureKind.BUSY: Tier.ANSWERS,
    FailureKind.CRASHED: Tier.ANSWERS,
}
# Whatever is asked first may be told these; of the rest a look knows better what it was looking for.
_TOLD_ANYWHERE = (FailureKind.AUTH, FailureKind.LICENCE, FailureKind.QUOTA, FailureKind.BUSY)


def lacking_after_attempt(kind: FailureKind) -> Tier | None:
    """The tier that a failed attempt shows to be lacking; bad luck, which another try may not meet, shows none."""
    return None if kind.retriable else _FAILING_TIER.get(kind)


def lacking_after_look(kind: FailureKind, looked_for: Tier) -> Tier:
    """The tier that a failed look for `looked_for` shows to be lacking."""
    return _FAILING_TIER[kind] if kind in _TOLD_ANYWHERE else looked_for


class Depth(StrEnum):
    """How far a check goes."""

    GLANCE = "glance"  # a file look-up or a connect: milliseconds, no request
    PROBE = "probe"  # version, models, sign-in: spends no money and no quota
    PROVE = "prove"  # asks a tiny question


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a check found.

    Attributes:
        tier: The highest tier shown, `None` if not even installed.
        failing: The tier that failed, `None` if nothing did as far as was looked.
        message: What was found, as a sentence.
        fix: What to do about `failing`.
        models: Names of the models the service offers, where it tells.
        recommended_model: The one Oxide would choose.
        checked_at: Unix seconds.
        late: What failed is that nothing came in time; no answer of the service's says so.
    """

    service: str
    tier: Tier | None
    failing: Tier | None = None
    message: str = ""
    fix: str = ""
    version: str | None = None
    models: tuple[str, ...] = ()
    recommended_model: str | None = None
    checked_at: float = 0.0
    late: bool = False

    @property
    def healthy(self) -> bool:
        """Whether nothing failed as far as was looked."""
        return self.failing is None

    def to_dict(self) -> dict[str, Any]:
        """The shape that services are shown with."""
        data = dataclasses.asdict(self)
        del data["late"]  # the message says it
        return {**data, "models": list(self.models), "healthy": self.healthy}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfo:
    """What an adapter says of its service, for routing and for people.

    Attributes:
        max_context_tokens: The window, in tokens; `None` where it is unknown.
        capabilities: Task types it is good at.
        last_resort: Comes after all others in every route.
    """

    name: str
    kind: str
    description: str
    locality: Locality
    max_context_tokens: int | None = None
    capabilities: tuple[TaskType, ...] = ()
    last_resort: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """A service as people see it: its settings without secrets, what its adapter says, what was last found.

    Attributes:
        info: `None` where no adapter is there for its `api_type`.
        health: `None` until somebody looked.
    """

    settings: ServiceSettings
    info: ServiceInfo | None
    health: Health | None

    @property
    def healthy(self) -> bool:
        """Enabled, and nothing failed when it was last looked at."""
        return self.settings.enabled and self.health is not None and self.health.healthy

    @property
    def _why_unknown(self) -> str:
        kind = repr(self.settings.kind)
        return f"no adapter is installed for {kind}" if self.settings.enabled else "switched off"

    def to_dict(self) -> dict[str, Any]:
        """The shape of `GET /api/services/NAME` and `oxide services --json`."""
        settings, info, health = self.settings, self.info, self.health
        return {
            "name": settings.name,
            "enabled": settings.enabled,
            "healthy": self.healthy,
            "type": settings.type.value,
            "api_type": settings.kind,
            "description": info.description if info else self._why_unknown,
            "locality": settings.locality.value,
            "executable": settings.executable,
            "base_url": settings.base_url and without_userinfo(settings.base_url),
            "model": settings.model or settings.default_model,
            "max_context_tokens": info.max_context_tokens if info else settings.max_context_tokens,
            "capabilities": [item.value for item in info.capabilities] if info else [],
            "last_resort": bool(info and info.last_resort),
            "tier": health.tier.value if health and health.tier else None,
            "failing": health.failing.value if health and health.failing else None,
            "message": health.message if health else "",
            "fix": health.fix if health else "",
            "version": health.version if health else None,
            "models": list(health.models) if health else [],
            "recommended_model": health.recommended_model if health else None,
            "checked_at": health.checked_at if health else None,
        }
