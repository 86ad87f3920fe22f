"""The privacy settings of a running Oxide: what the file holds back from now on is held back at once."""

from __future__ import annotations

import logging
from pathlib import Path

from oxide_desktop.config.settings import load_config
from oxide_desktop.core.errors import ConfigError
from oxide_desktop.core.privacy import stricter
from oxide_desktop.core.settings import PrivacySettings

log = logging.getLogger(__name__)

_Identity = tuple[int, int, int] | None


class LivePrivacy:
    """What was in force at the start, and what the file has added since. What it lifts holds until the next start."""

    def __init__(self, at_start: PrivacySettings, file: Path) -> None:
        self._file = file
        self._seen = _identity(file)
        self._in_force = at_start

    def __call__(self) -> PrivacySettings:
        """The settings to go by now. One look at the disk; the file is read only if it has changed."""
        identity = _identity(self._file)
        if identity != self._seen:
            self._seen = identity
            try:
                added = load_config(self._file).privacy if identity else PrivacySettings()
            except ConfigError:
                log.warning("%s has changed and cannot be used: what was in force stays so", self._file)
            else:
                log.info("%s has changed: what its privacy holds back is held from now on", self._file)
                self._in_force = stricter(self._in_force, added)
        return self._in_force


def _identity(file: Path) -> _Identity:
    """What tells one state of a file from another; `None` where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
