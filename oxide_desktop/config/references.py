"""`${NAME}` and `keyring:NAME` in the settings: values that stand elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oxide_desktop.core.settings import ServiceSettings

KEYRING = "keyring:"

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-([^}]*))?\}|([^}]*\}?))")


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its `${…}` filled in.

    Attributes:
        unset: Variables that are not set, empty included, and have no default.
        malformed: Those `${…}` that are no references.
    """

    text: str
    unset: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()


def expand(text: str, environment: Mapping[str, str]) -> Expanded:
    """Fill in environment variables; `$${` becomes `${`."""
    unset: list[str] = []
    malformed: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        name, default, other = found.groups()
        if found[0] == "$${":
            return "${"
        if other is not None:
            malformed.append(found[0])
            return found[0]
        value = environment.get(name) or default
        if value is None:
            unset.append(name)
            return found[0]
        return value

    return Expanded(_REFERENCE.sub(value_of, text), tuple(unset), tuple(malformed))


def key_users(services: Iterable[ServiceSettings]) -> Mapping[str, Sequence[str]]:
    """The keys that these services name, each with the names of those that do."""
    users: dict[str, list[str]] = {}
    for service in services:
        references = {text for text in (service.api_key, *service.env.values()) if text and text.startswith(KEYRING)}
        for reference in references:
            users.setdefault(reference.removeprefix(KEYRING), []).append(service.name)
    return users
