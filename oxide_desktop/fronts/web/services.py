"""Routes about services, and about how Oxide is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from oxide_desktop.core.errors import NotFoundError
from oxide_desktop.core.health import ServiceStatus
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.fronts.web.schemas import ERRORS, NOT_FOUND, HealthReport, Service, ServiceList


def services_router(oxide: Orchestrator) -> APIRouter:
    """The routes on services of this engine."""
    router = APIRouter(prefix="/api", tags=["services"], responses=ERRORS)

    @router.get("/services", response_model=ServiceList)
    async def list_services() -> dict[str, Any]:
        """Every configured service, as it was last seen."""
        found = oxide.services()
        return {
            "services": {status.settings.name: status.to_dict() for status in found},
            "total": len(found),
            "enabled": sum(status.settings.enabled for status in found),
        }

    @router.get("/services/{name}", response_model=Service, responses=NOT_FOUND)
    async def get_service(name: str) -> dict[str, Any]:
        """One service, as it was last seen."""
        for status in oxide.services():
            if status.settings.name == name:
                return status.to_dict()
        names = ", ".join(status.settings.name for status in oxide.services())
        raise NotFoundError("No such service", f"{name!r} is not configured.", f"Configured: {names}.")

    @router.get("/monitoring/health", response_model=HealthReport)
    async def health() -> dict[str, Any]:
        """Whether every enabled service that was looked at can be used."""
        issues = [_issue(status) for status in oxide.services() if status.settings.enabled and _fails(status)]
        metrics = await oxide.system_metrics()
        return {
            "status": "degraded" if issues else "healthy",
            "healthy": not issues,
            "issues": issues,
            "cpu_percent": metrics["cpu_percent"],
            "memory_percent": metrics["memory_percent"],
        }

    return router


def _fails(status: ServiceStatus) -> bool:
    return status.health is not None and not status.health.healthy


def _issue(status: ServiceStatus) -> str:
    return f"{status.settings.name}: {status.health.message}" if status.health else status.settings.name
