"""Which version this is, and whether there is a newer one, as the line that the Settings page shows."""

from __future__ import annotations

from oxide_desktop import __version__
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.updates import known
from oxide_desktop.core.settings import UpdateSettings
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.wording import age


def version_line(paths: Paths, settings: UpdateSettings) -> str:
    """From what is known; nobody is asked. Reads a file."""
    this = tr("This is Oxide %1.").replace("%1", __version__)
    return f"{this} {_newest(paths, settings)}".rstrip()


def _newest(paths: Paths, settings: UpdateSettings) -> str:
    if not settings.check:
        return ""
    if settings.url is None:
        return tr("Newer ones are looked for nowhere: updates.url in config.yaml is not set.")
    found = known(paths, settings)
    if found is None:
        return tr("Whether there is a newer one is not known yet.")
    if newer := found.newer:
        return tr("%1 is out: %2").replace("%1", newer.version).replace("%2", newer.page or settings.url)
    if found.failure:
        return tr("Whether there is a newer one could not be found out.") + f" {found.failure}"
    return tr("It is the newest (asked %1).").replace("%1", age(found.asked_at))
