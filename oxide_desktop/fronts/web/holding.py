"""The settings that hold, as people read them: each with its value in words and what it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from oxide_desktop.config.paths import Paths
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.settings import Settings
from oxide_desktop.fronts.web.schemas import Json

KEYRING = "keyring:"
Line = tuple[str, object, str]


async def settings_that_hold(oxide: Orchestrator, paths: Paths) -> Json:
    """Groups of settings, the keys that services are given, and where the files are."""
    groups = [
        {"title": title, "settings": [{"key": key, "value": _words(value), "help": why} for key, value, why in lines]}
        for title, lines in _groups(oxide.settings)
    ]
    return {
        "config_file": str(paths.config_file),
        "config_exists": await asyncio.to_thread(paths.config_file.exists),
        "home": str(paths.home),
        "groups": groups,
        "keys": await asyncio.to_thread(_keys, oxide.settings, paths),
    }


def _groups(settings: Settings) -> Iterable[tuple[str, list[Line]]]:
    routing, execution, privacy = settings.routing, settings.execution, settings.privacy
    yield (
        "Routing",
        [
            ("routing_rules.prefer_local", routing.prefer_local, "Between services that are otherwise equal."),
            (
                "routing_rules.fallback_enabled",
                routing.fallback_enabled,
                "Whether another service is asked when one fails.",
            ),
        ],
    )
    yield (
        "Privacy",
        [
            ("privacy.local_only", privacy.local_only, "Files that no cloud service is ever sent."),
            ("privacy.scan_secrets", privacy.scan_secrets, "Whether files with keys or passwords in them stay here."),
            (
                "privacy.allowed_roots",
                privacy.allowed_roots or "wherever you may read",
                "Folders that files are read from.",
            ),
        ],
    )
    yield (
        "Execution",
        [
            ("execution.timeout_seconds", _s(execution.timeout_seconds), "A whole task, all attempts together."),
            ("execution.start_timeout_seconds", _s(execution.start_timeout_seconds), "Until a service has taken it."),
            ("execution.first_byte_timeout_seconds", _s(execution.first_byte_timeout_seconds), "Until its first word."),
            ("execution.idle_timeout_seconds", _s(execution.idle_timeout_seconds), "Between two pieces of an answer."),
            ("execution.max_retries", execution.max_retries, "Tries on one service after the first."),
            ("execution.max_parallel_workers", execution.max_parallel_workers, "Requests at once in an analysis."),
        ],
    )
    yield (
        "Here on this computer",
        [
            ("storage.retention_days", settings.storage.retention_days or "for ever", "How long ended tasks are kept."),
            ("notifications.enabled", settings.notifications.enabled, "The desktop's notifications."),
            ("web.port", settings.web.port, "On 127.0.0.1 only; the next free one if it is taken."),
            ("logging.level", settings.logging.level.value, "What the log tells."),
        ],
    )


def _s(seconds: float) -> str:
    return f"{seconds:g} s"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _keys(settings: Settings, paths: Paths) -> list[Json]:
    """For each service that is given a key, whether it is there; never the key."""
    try:
        stored = KeyStore(paths).names()
    except UsageError:  # the file of names is damaged, which `oxide keys` tells
        stored = ()
    return [
        {"service": service.name, **_key(service.api_key, stored)}
        for service in settings.services.values()
        if service.api_key
    ]


def _key(reference: str, stored: tuple[str, ...]) -> Json:
    name = reference.removeprefix(KEYRING)
    if name == reference:
        return {"state": "there", "help": "It stands in the settings or comes from the environment."}
    if name in stored:
        return {"state": "there", "help": f"Kept by Oxide under the name {name}."}
    return {"state": "missing", "help": f"Nothing is kept under the name {name}: run oxide keys set {name}."}
