"""Until when services take nothing more, as they said themselves, in a file that every Oxide on this home reads."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oxide_desktop.config.private_files import write_atomically
from oxide_desktop.core.quota import OwnRests
from oxide_desktop.core.settings import ServiceSettings

log = logging.getLogger(__name__)


class RestFile:
    """`core.quota.Rests` on a small file, and in memory what this process was told itself.

    Nobody locks it: of two who write at once, one is heard by the others, which costs each of them one request that
    is refused, and no more. So does a file that cannot be written.
    """

    def __init__(self, path: Path, services: Mapping[str, ServiceSettings]) -> None:
        self._path = path
        self._own = OwnRests()
        self._accounts = {name: _account(item) for name, item in services.items()}

    def until(self, service: str) -> float | None:
        """Unix seconds; `None` where it has said nothing, or stands now for another account or server."""
        known = [each for each in (self._own.until(service), self._noted(service)) if each is not None]
        return max(known, default=None)

    def _noted(self, service: str) -> float | None:
        found = self._read().get(service)
        if not isinstance(found, dict) or found.get("account") != self._accounts.get(service):
            return None
        free_at = found.get("free_at")
        return float(free_at) if isinstance(free_at, int | float) else None

    def note(self, service: str, free_at: float) -> None:
        """It has said so."""
        self._own.note(service, free_at)
        noted = self._read() | {service: {"account": self._accounts.get(service), "free_at": free_at}}
        try:
            write_atomically(self._path, json.dumps(noted, indent=1).encode())
        except OSError as error:
            log.warning("that %s rests cannot be noted: %s", service, error)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _account(service: ServiceSettings) -> str:
    """Tells one account on one server from another, without saying which."""
    named = (service.kind, service.base_url, service.executable, service.args, service.model, service.api_key)
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]
