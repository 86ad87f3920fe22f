"""What the Settings page offers: keys of `config.yaml` in groups, each with a line of help."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QT_TRANSLATE_NOOP

from oxide_desktop.core.settings import LogLevel


class Kind(Enum):
    """How a value is set."""

    SWITCH = "switch"
    NUMBER = "number"
    CHOICE = "choice"
    LINES = "lines"  # a list, one item a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value.

    Attributes:
        path: Its keys in the file.
        unset: What no value means, where that is a choice of its own.
        choices: The values of a choice.
    """

    path: tuple[str, ...]
    title: str
    help: str
    kind: Kind
    unit: str = ""
    unset: str = ""
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """As people write it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that belong together."""

    title: str
    settings: tuple[Setting, ...]


def _(text: str) -> str:
    return str(QT_TRANSLATE_NOOP("Settings", text))


def _seconds(path: str, title: str, help_: str) -> Setting:
    return Setting(path=tuple(path.split(".")), title=title, help=help_, kind=Kind.NUMBER, unit=_("seconds"))


def _switch(path: str, title: str, help_: str) -> Setting:
    return Setting(path=tuple(path.split(".")), title=title, help=help_, kind=Kind.SWITCH)


GROUPS = (
    Group(
        _("Notifications"),
        (
            _switch("notifications.enabled", _("Notifications"), _("Tell of what ended while you did something else.")),
            _switch("notifications.completed", _("Finished tasks"), _("An answer is there.")),
            _switch("notifications.failed", _("Failed tasks"), _("No service could answer, and why.")),
            _switch("notifications.services", _("Services"), _("A service has stopped, or is back.")),
            _seconds("notifications.min_seconds", _("Only after"), _("Tasks that took less are not told of.")),
        ),
    ),
    Group(
        _("Privacy"),
        (
            _switch(
                "privacy.scan_secrets",
                _("Look for secrets"),
                _("A file in which a key or a password is found stays on this computer."),
            ),
            Setting(
                path=("privacy", "local_only"),
                title=_("Files that stay here"),
                help=_("Patterns such as **/.env or clients/**, one a line. No cloud service is sent such a file."),
                kind=Kind.LINES,
            ),
            Setting(
                path=("privacy", "allowed_roots"),
                title=_("Folders that may be read"),
                help=_("One a line, such as ~/projects. Empty: wherever you may read."),
                kind=Kind.LINES,
                unset=_("everywhere"),
            ),
        ),
    ),
    Group(
        _("Routing"),
        (
            _switch(
                "routing_rules.prefer_local",
                _("Prefer this computer"),
                _("Between services that are otherwise equal, take the local one."),
            ),
            _switch(
                "routing_rules.fallback_enabled",
                _("Fall back"),
                _("When a service fails before its first word, ask the next one."),
            ),
        ),
    ),
    Group(
        _("Time limits"),
        (
            _seconds("execution.timeout_seconds", _("A whole task"), _("All attempts together.")),
            _seconds("execution.start_timeout_seconds", _("Until it starts"), _("Until a service has taken a task.")),
            _seconds("execution.first_byte_timeout_seconds", _("Until the first text"), _("From there on.")),
            _seconds("execution.idle_timeout_seconds", _("Silence"), _("Between two pieces of an answer.")),
            Setting(
                path=("execution", "max_retries"),
                title=_("Tries again"),
                help=_("On the same service, before the next one is asked."),
                kind=Kind.NUMBER,
            ),
            Setting(
                path=("execution", "max_parallel_workers"),
                title=_("Requests at once in an analysis"),
                help=_("More is quicker where services allow it."),
                kind=Kind.NUMBER,
            ),
        ),
    ),
    Group(
        _("Web view and clients"),
        (
            _switch("web.enabled", _("Web view and API"), _("On this computer only, for browsers and scripts.")),
            Setting(
                path=("web", "port"),
                title=_("Port"),
                help=_("The next free one is taken where this one is not."),
                kind=Kind.NUMBER,
            ),
            Setting(
                path=("mcp", "answer_within_seconds"),
                title=_("MCP clients wait"),
                help=_("How long a call of Claude Code and others waits before it is told to ask again."),
                kind=Kind.NUMBER,
                unit=_("seconds"),
                unset=_("as each client can"),
            ),
        ),
    ),
    Group(
        _("History and log"),
        (
            Setting(
                path=("storage", "retention_days"),
                title=_("Keep tasks"),
                help=_("Ended tasks that are older are deleted."),
                kind=Kind.NUMBER,
                unit=_("days"),
                unset=_("for ever"),
            ),
            Setting(
                path=("logging", "level"),
                title=_("Log"),
                help=_("How much is written to oxide.log; never what was asked or answered."),
                kind=Kind.CHOICE,
                choices=tuple(LogLevel),
            ),
        ),
    ),
)
