"""Reads the person's settings over the shipped ones. Everything that is refused is listed at once, with its place."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from oxide_desktop.config.document import Listing, Scalar, Section, Tree, entries_of, parse_document, read_document
from oxide_desktop.config.masking import MASK, hide, masked
from oxide_desktop.config.paths import Paths, resource
from oxide_desktop.config.references import KEYRING
from oxide_desktop.config.schema import Checker, fields_of
from oxide_desktop.config.services import read_service
from oxide_desktop.core.errors import ConfigError, ConfigProblem
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.settings import RoutingSettings, ServiceSettings, Settings, TypeRouting

_SECRET_WORDS = ("key", "token", "secret", "password", "credential", "auth")


def load_config(path: str | Path | None = None) -> Settings:
    """The settings in force: those of `path`, or of `config.yaml` in Oxide's home if there is one, over the shipped.

    Raises:
        ConfigError: Something in the file cannot be used; every such value is listed.
    """
    return read_config(path)[0]


def read_config(path: str | Path | None = None) -> tuple[Settings, Checker]:
    """The same, and the checker with what there is to look at besides.

    Raises:
        ConfigError: As above.
    """
    settings, checker = _read(path)
    if checker.problems:
        raise ConfigError(checker.problems)
    for service in settings.services.values():
        for key, value in {**service.env, "api_key": service.api_key or ""}.items():
            if _is_secret(key) and not _is_reference(value):
                hide(value)
    return settings, checker


def settings_of(text: str, file: Path) -> Settings:
    """The settings that would be in force if `file` had this text.

    Raises:
        ConfigError: Something in it could not be used.
    """
    settings, checker = _read(file, text)
    if checker.problems:
        raise ConfigError(checker.problems)
    return settings


def to_plain(settings: Settings) -> dict[str, Any]:
    """Settings with the keys that the file has, as plain values, secrets masked."""
    plain: dict[str, Any] = _plain(settings, "")
    routing = plain["routing_rules"]
    routing.update(routing.pop("per_type"))
    for service in plain["services"].values():
        del service["name"]
    return plain


def _plain(value: Any, key: str) -> Any:  # noqa: ANN401 - any value of the settings
    if is_dataclass(value) and not isinstance(value, type):
        names = fields_of(type(value))
        return {name: _plain(getattr(value, field.name), name) for name, field in names.items()}
    if isinstance(value, Mapping):
        return {str(name): _plain(item, str(name)) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item, key) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return _without_secret(value, key) if isinstance(value, str) else value


def _without_secret(value: str, key: str) -> str:
    if _is_reference(value):
        return value
    return MASK if _is_secret(key) else masked(value)


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def _is_reference(value: str) -> bool:
    return value.startswith((KEYRING, "${"))


def _read(path: str | Path | None, text: str | None = None) -> tuple[Settings, Checker]:
    """The settings, and what is wrong with them. With problems they are not complete. `text` stands for the file's."""
    problems: list[ConfigProblem] = []
    tree: Tree = read_document(resource("config", "default.yaml"), problems)
    file = Paths.from_environment().config_file if path is None else Path(path)
    if path is not None or _is_there(file):
        own = read_document(file, problems) if text is None else parse_document(text, file, problems)
        tree = _merge(_with_templates(tree, own, problems), own)
    checker = Checker(problems, os.environ)
    return _settings(tree, checker), checker


def _with_templates(shipped: Tree, own: Tree, problems: list[ConfigProblem]) -> Tree:
    """The shipped settings, and the templates of those services that only the person names."""
    there = entries_of(shipped)
    services = entries_of(there.get("services"))
    named = entries_of(entries_of(own).get("services")).keys() - services.keys()
    if not named:
        return shipped
    templates = entries_of(entries_of(read_document(resource("config", "templates.yaml"), problems)).get("services"))
    known = {name: item for name, item in templates.items() if name in named}
    return Section(shipped.place, {**there, "services": Section(there["services"].place, {**services, **known})})


def _is_there(file: Path) -> bool:
    """Whether the name exists, be it a directory, a dead link, or in a place that cannot be entered."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it will say why it cannot be
    return True


def _merge(under: Tree, over: Tree, *keys: str) -> Tree:
    """The person's values over the shipped ones. A service that is reached otherwise than the shipped one is new."""
    if isinstance(over, Scalar) and over.value is None:
        return under
    if not isinstance(under, Section) or not isinstance(over, Section):
        return over
    if keys[:1] == ("services",) and _is_reached_otherwise(under, over):
        return over
    entries = dict(under.entries)
    for name, item in over.entries.items():
        entries[name] = _merge(entries[name], item, *keys, name) if name in entries else item
    return Section(over.place, entries)


def _is_reached_otherwise(under: Section, over: Section) -> bool:
    given = ((under.entries.get(key), over.entries.get(key)) for key in ("type", "api_type"))
    return any(
        isinstance(old, Scalar) and isinstance(new, Scalar) and new.value not in (None, old.value) for old, new in given
    )


def _settings(tree: Tree, checker: Checker) -> Settings:
    sections = checker.section(tree, "")
    names = entries_of(sections.get("services")).keys()
    values: dict[str, Any] = {}
    for key, item in sections.items():
        field = fields_of(Settings).get(key)
        if field is None:
            checker.refuse_unknown(item.place, key, key, fields_of(Settings))
        elif key == "services":
            values[field.name] = _services(checker, item)
        elif key == "routing_rules":
            values[field.name] = _routing(checker, item, names)
        else:
            values[field.name] = checker.value(field.hint, item, key, field)
    return Settings(**values)


def _services(checker: Checker, tree: Tree) -> dict[str, ServiceSettings]:
    checker.section(tree, "services")  # says so where it is none
    services: dict[str, ServiceSettings] = {}
    for name, item in entries_of(tree).items():
        if not isinstance(item, Section):
            checker.refuse(item.place, f"services.{name}", "must hold keys with values, such as `type: http`")
        elif service := read_service(checker, name, item):
            services[name] = service
    return services


def _routing(checker: Checker, tree: Tree, names: Collection[str]) -> RoutingSettings:
    known = [name for name in fields_of(RoutingSettings) if name != "per_type"]
    types = {item.value: item for item in TaskType}
    per_type: dict[TaskType, TypeRouting] = {}
    general: dict[str, Tree] = {}
    for name, item in checker.section(tree, "routing_rules").items():
        key = f"routing_rules.{name}"
        if name in types:
            per_type[types[name]] = _type_routing(checker, item, key, names)
        elif name in known:
            general[name] = item
        else:
            checker.refuse_unknown(item.place, key, name, [*known, *types])
    values = checker.fields(RoutingSettings, Section(tree.place, general), "routing_rules")
    return RoutingSettings(per_type=per_type, **values)


def _type_routing(checker: Checker, tree: Tree, key: str, names: Collection[str]) -> TypeRouting:
    """Where one type goes; every name in it must be one of `names`."""
    values = checker.fields(TypeRouting, tree, key)
    for field, item in entries_of(tree).items():
        given = values.get(field, ())
        places = [part.place for part in item.items] if isinstance(item, Listing) else [item.place]
        for name, place in zip((given,) if isinstance(given, str) else given, places, strict=False):
            if names and name not in names:  # without names something else is wrong, and said
                checker.refuse_unknown(place, f"{key}.{field}", name, sorted(names), "service")
    return TypeRouting(**values)
