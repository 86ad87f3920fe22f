"""The settings that hold, as people read them: each with its value in words and what it is for."""

from __future__ import annotations

import asyncio
import os
from operator import attrgetter

from oxide_desktop.config.paths import Paths
from oxide_desktop.config.references import KEYRING, expand
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.settings import Settings
from oxide_desktop.fronts.web.schemas import Json

_GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Routing",
        (
            ("routing_rules.prefer_local", "Between services that are otherwise equal."),
            ("routing_rules.fallback_enabled", "Whether another service is asked when one fails."),
        ),
    ),
    (
        "Privacy",
        (
            ("privacy.local_only", "Files that no cloud service is ever sent."),
            ("privacy.scan_secrets", "Whether files with keys or passwords in them stay on this computer."),
            ("privacy.allowed_roots", "Folders that files are read from."),
        ),
    ),
    (
        "Execution",
        (
            ("execution.timeout_seconds", "A whole task, all attempts together."),
            ("execution.start_timeout_seconds", "Until a service has taken it."),
            ("execution.first_byte_timeout_seconds", "From there to its first word."),
            ("execution.idle_timeout_seconds", "Between two pieces of an answer."),
            ("execution.max_retries", "Tries on one service after the first."),
            ("execution.max_parallel_workers", "Requests at once in an analysis."),
        ),
    ),
    (
        "On this computer",
        (
            ("storage.retention_days", "How long ended tasks are kept."),
            ("notifications.enabled", "The desktop's notifications."),
            ("web.port", "On 127.0.0.1 only; the next free one if it is taken."),
            ("updates.check", "Whether a newer version of Oxide is looked for, once a day."),
            ("logging.level", "What the log tells."),
        ),
    ),
)
_WHERE_NONE = {"privacy.allowed_roots": "wherever you may read", "storage.retention_days": "for ever"}


async def settings_that_hold(oxide: Orchestrator, paths: Paths) -> Json:
    """Groups of settings, the keys that services are given, and where the files are."""
    groups = [
        {
            "title": title,
            "settings": [{"key": key, "value": _value(oxide.settings, key), "help": why} for key, why in lines],
        }
        for title, lines in _GROUPS
    ]
    return {
        "config_file": str(paths.config_file),
        "config_exists": await asyncio.to_thread(paths.config_file.exists),
        "home": str(paths.home),
        "groups": groups,
        "keys": _keys(oxide.settings),
    }


def _value(settings: Settings, key: str) -> str:
    """A setting in words."""
    value = attrgetter(key.replace("routing_rules", "routing"))(settings)
    if value is None:
        return _WHERE_NONE[key]
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g} s" if key.endswith("_seconds") else str(value)


def _keys(settings: Settings) -> list[Json]:
    """For each service whose key Oxide does not keep itself, whether it is there; never the key."""
    return [
        {"service": service.name, **_key(service.api_key)}
        for service in settings.services.values()
        if service.api_key and not service.api_key.startswith(KEYRING)
    ]


def _key(reference: str) -> Json:
    if unset := ", ".join(expand(reference, os.environ).unset):
        return {"state": "missing", "help": f"Set {unset} in the environment that Oxide is started in."}
    return {"state": "there", "help": "It stands in the settings or comes from the environment."}
