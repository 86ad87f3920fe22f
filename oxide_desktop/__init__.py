"""Oxide Desktop: gets each prompt to the right LLM. Importing this package imports nothing heavy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_desktop.config.settings import load_config
    from oxide_desktop.core.analysis import AnalysisResult
    from oxide_desktop.core.classify import classify
    from oxide_desktop.core.errors import OxideError, ServiceError, StoreError, UsageError
    from oxide_desktop.core.model import Profile, TaskType
    from oxide_desktop.engine import Orchestrator, ParallelExecutor

__version__ = "0.1.0"

_HOMES = {
    "AnalysisResult": "oxide_desktop.core.analysis",
    "Orchestrator": "oxide_desktop.engine",
    "OxideError": "oxide_desktop.core.errors",
    "ParallelExecutor": "oxide_desktop.engine",
    "Profile": "oxide_desktop.core.model",
    "ServiceError": "oxide_desktop.core.errors",
    "StoreError": "oxide_desktop.core.errors",
    "TaskType": "oxide_desktop.core.model",
    "UsageError": "oxide_desktop.core.errors",
    "classify": "oxide_desktop.core.classify",
    "load_config": "oxide_desktop.config.settings",
}

__all__ = [
    "AnalysisResult",
    "Orchestrator",
    "OxideError",
    "ParallelExecutor",
    "Profile",
    "ServiceError",
    "StoreError",
    "TaskType",
    "UsageError",
    "__version__",
    "classify",
    "load_config",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if home := _HOMES.get(name):
        return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
