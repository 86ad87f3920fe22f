"""What a service says of itself without being asked."""

from __future__ import annotations

from oxide_desktop.core.health import ServiceInfo
from oxide_desktop.core.model import Locality, TaskType
from oxide_desktop.core.settings import ServiceSettings


def info_of(
    settings: ServiceSettings,
    description: str,
    *,
    locality: Locality | None = None,
    window_tokens: int | None = None,
    capabilities: tuple[TaskType, ...] = tuple(TaskType),
    last_resort: bool = False,
) -> ServiceInfo:
    """The settings' word, and for what they leave open the adapter's; `locality` is one that no settings can change."""
    return ServiceInfo(
        name=settings.name,
        kind=settings.kind,
        description=description,
        locality=locality or settings.locality,
        max_context_tokens=settings.max_context_tokens or window_tokens,
        capabilities=settings.capabilities or capabilities,
        last_resort=last_resort,
    )
