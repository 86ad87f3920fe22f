"""Checks trees against the dataclasses of `core.settings`: their type hints are the schema."""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from oxide_desktop.config.document import Listing, Place, Scalar, Section, Tree, entries_of
from oxide_desktop.config.masking import masked
from oxide_desktop.config.references import KEYRING, expand
from oxide_desktop.core.errors import ConfigProblem
from oxide_desktop.core.settings import (
    ExecutionSettings,
    LoggingSettings,
    McpSettings,
    NotificationSettings,
    Price,
    Quota,
    ServiceSettings,
    Settings,
    StorageSettings,
    UpdateSettings,
    WebSettings,
)

UNSET: Any = object()
"""What stands for a value that is not given or was refused."""

_FILE_NAMES = {(Settings, "routing"): "routing_rules", (ServiceSettings, "kind"): "api_type"}
_DAY_S, _HOUR_S = 86_400, 3_600
_RANGES: dict[tuple[type, str], tuple[float, float]] = {
    (ServiceSettings, "max_context_tokens"): (256, 1_000_000_000),
    (ServiceSettings, "max_concurrency"): (1, 10_000),
    (ServiceSettings, "max_retries"): (0, 100),
    (ServiceSettings, "retry_delay"): (0, _HOUR_S),
    (Price, "input"): (0, 1_000_000),
    (Price, "output"): (0, 1_000_000),
    (Quota, "per_minute"): (1, 1_000_000_000),
    (Quota, "per_day"): (1, 1_000_000_000),
    (ExecutionSettings, "timeout_seconds"): (0.001, 7 * _DAY_S),
    (ExecutionSettings, "start_timeout_seconds"): (0.001, _DAY_S),
    (ExecutionSettings, "first_byte_timeout_seconds"): (0.001, _DAY_S),
    (ExecutionSettings, "idle_timeout_seconds"): (0.001, _DAY_S),
    (ExecutionSettings, "max_retries"): (0, 100),
    (ExecutionSettings, "max_parallel_workers"): (1, 1_000),
    (StorageSettings, "retention_days"): (1, 36_500),
    (WebSettings, "port"): (0, 65_535),
    (McpSettings, "answer_within_seconds"): (1, _DAY_S),
    (NotificationSettings, "min_seconds"): (0, _DAY_S),
}
_FORMS: dict[tuple[type, str], tuple[re.Pattern[str], str]] = {
    (WebSettings, "allowed_hosts"): (
        re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"),
        "NAME or NAME:PORT, as it stands in an address",
    ),
    (UpdateSettings, "url"): (re.compile(r"https?://[^\s/@?#\\]+(/[^\s#\\]*)?"), "https://HOST[:PORT]/PATH"),
}
_MAY_BE_EMPTY = {(LoggingSettings, "file")}
_RESOLVED_AT_USE = {(ServiceSettings, "api_key"), (ServiceSettings, "env")}
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One key of a section: what it is called in the file, and what it takes."""

    cls: type
    name: str
    file_name: str
    hint: Any

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The smallest and the largest number."""
        return _RANGES.get((self.cls, self.name))

    @property
    def form(self) -> tuple[re.Pattern[str], str] | None:
        """What a text must look like, and the same in words."""
        return _FORMS.get((self.cls, self.name))

    @property
    def may_be_empty(self) -> bool:
        """Whether an empty text means something."""
        return (self.cls, self.name) in _MAY_BE_EMPTY

    @property
    def resolved_at_use(self) -> bool:
        """Whether it is a secret: an unset variable then fails the service that needs it, not all of Oxide."""
        return (self.cls, self.name) in _RESOLVED_AT_USE


@functools.cache
def fields_of(cls: type) -> Mapping[str, Field]:
    """The fields of a dataclass, by the names that they have in the file."""
    hints = typing.get_type_hints(cls)
    found = [
        Field(cls, item.name, _FILE_NAMES.get((cls, item.name), item.name), hints[item.name])
        for item in dataclasses.fields(cls)
    ]
    return {field.file_name: field for field in found}


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A value that stands elsewhere and is looked up when it is used.

    Attributes:
        text: `keyring:NAME`, or a text with variables that are not set.
        dormant: It belongs to what is switched off.
    """

    place: Place
    key: str
    text: str
    dormant: bool


class Checker:
    """Reads values out of trees and lists everything that is refused.

    Attributes:
        remarks: What is not refused, and may not be what was meant.
        secrets: What is looked up at use.
        dormant: The section is switched off, so that variables it misses do no harm.
    """

    def __init__(self, problems: list[ConfigProblem], environment: Mapping[str, str]) -> None:
        self.problems = problems
        self.environment = environment
        self.remarks: list[ConfigProblem] = []
        self.secrets: list[Secret] = []
        self.dormant = False

    def of_section(self, *, dormant: bool) -> Checker:
        """The same for a section that may be switched off; what it finds is listed with the rest."""
        part = Checker(self.problems, self.environment)
        part.remarks, part.secrets, part.dormant = self.remarks, self.secrets, dormant
        return part

    def refuse(self, place: Place, key: str, message: str, allowed: str = "") -> Any:  # noqa: ANN401 - always UNSET
        """List a problem; answers `UNSET`."""
        self.problems.append(place.problem(key, message, allowed))
        return UNSET

    def section(self, tree: Tree, key: str) -> dict[str, Tree]:
        """The keys of a section that have a value; `null` means its default."""
        if not isinstance(tree, Section) and not _is_null(tree):
            self.refuse(tree.place, key, f"must hold keys with values, not {_named(tree)}")
        return {name: item for name, item in entries_of(tree).items() if not _is_null(item)}

    def fields(self, cls: type, tree: Tree, key: str, omit: Iterable[str] = ()) -> dict[str, Any]:
        """What `tree` gives of the fields of `cls`, by their names there."""
        known = {name: field for name, field in fields_of(cls).items() if name not in set(omit)}
        values: dict[str, Any] = {}
        for name, item in self.section(tree, key).items():
            where = f"{key}.{name}" if key else name
            if name not in known:
                self.refuse_unknown(item.place, where, name, known)
            elif (value := self.value(known[name].hint, item, where, known[name])) is not UNSET:
                values[known[name].name] = value
        return values

    def refuse_unknown(self, place: Place, key: str, name: str, known: Iterable[str], what: str = "key") -> Any:  # noqa: ANN401
        """List a name that does not exist, with the one that was probably meant; answers `UNSET`."""
        import difflib  # noqa: PLC0415 - only for mistakes

        known = list(known)
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        return self.refuse(place, key, f"there is no {what} {name!r}{meant}", ", ".join(known))

    def value(self, hint: Any, tree: Tree, key: str, field: Field) -> Any:  # noqa: ANN401 - the settings' own types
        """One value of the type that `hint` names, or `UNSET`."""
        hint = _without_none(hint)
        origin = typing.get_origin(hint)
        if origin is tuple:
            return self._tuple(typing.get_args(hint)[0], tree, key, field)
        if origin is not None:
            return self._mapping(typing.get_args(hint)[1], tree, key, field)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return hint(**self.fields(hint, tree, key))
        if not isinstance(tree, Scalar):
            return self.refuse(tree.place, key, f"must be {_wanted(hint)}, not {_named(tree)}")
        return self._scalar(hint, tree, key, field)

    def _tuple(self, hint: Any, tree: Tree, key: str, field: Field) -> Any:  # noqa: ANN401 - see value
        if not isinstance(tree, Listing):
            return self.refuse(tree.place, key, f"must be a list, not {_named(tree)}", "a list such as [a, b]")
        values = [self.value(hint, item, f"{key}[{index}]", field) for index, item in enumerate(tree.items)]
        return tuple(value for value in values if value is not UNSET)

    def _mapping(self, hint: Any, tree: Tree, key: str, field: Field) -> Any:  # noqa: ANN401 - see value
        """Environment variables for a program: the one mapping that has free keys."""
        values: dict[str, Any] = {}
        for name, item in self.section(tree, key).items():
            if not name or "=" in name or "\0" in name:
                self.refuse(item.place, f"{key}.{name}", f"{name!r} cannot be the name of a variable")
            elif (value := self.value(hint, item, f"{key}.{name}", field)) is not UNSET:
                values[name] = value
        return values

    def _scalar(self, hint: Any, tree: Scalar, key: str, field: Field) -> Any:  # noqa: ANN401 - see value
        value = tree.value
        if isinstance(value, str) and "${" in value:
            text = self._expanded(value, tree.place, key, field)
            if text is UNSET or (text == "" and not field.may_be_empty):
                return UNSET  # an empty variable is like one that is not set
            value = _read_as(hint, text)
        if value is None:
            return self.refuse(tree.place, key, "must not be empty")
        if field.resolved_at_use and isinstance(value, str) and (value.startswith(KEYRING) or "${" in value):
            self.secrets.append(Secret(tree.place, key, value, self.dormant))
        return self._checked(hint, value, tree.place, key, field)

    def _expanded(self, text: str, place: Place, key: str, field: Field) -> Any:  # noqa: ANN401 - a text or UNSET
        done = expand(text, self.environment)
        if done.malformed:
            allowed = "${NAME}, ${NAME:-default}, or $${ for the characters themselves"
            return self.refuse(place, key, f"{done.malformed[0]!r} is no reference to a variable", allowed)
        if not done.unset or field.resolved_at_use:
            return done.text
        if self.dormant:
            return done.text if _without_none(field.hint) is str else UNSET
        name = done.unset[0]
        message = f"the environment variable {name} is not set"
        return self.refuse(place, key, message, f"set it, or write a default: ${{{name}:-...}}")

    def _checked(self, hint: Any, value: Any, place: Place, key: str, field: Field) -> Any:  # noqa: ANN401 - see value
        if issubclass(hint, StrEnum):
            return self._member(hint, value, place, key)
        if hint is float and type(value) is int:
            value = float(value)
        if type(value) is not (str if hint is Path else hint):
            quotes = " (in quotes it would be)" if hint in (str, Path) else ""
            return self.refuse(place, key, f"must be {_wanted(hint)}, and {value!r} is not{quotes}", _range(field))
        if isinstance(value, str):
            return self._text(hint, value, place, key, field)
        if field.bounds and not field.bounds[0] <= value <= field.bounds[1]:
            return self.refuse(place, key, f"{value!r} is out of range", _range(field))
        return value

    def _text(self, hint: Any, value: str, place: Place, key: str, field: Field) -> Any:  # noqa: ANN401 - see value
        if not value.strip() and not field.may_be_empty:
            return self.refuse(place, key, "must not be empty; leave the key out, or write null, for its default")
        if "\0" in value:
            return self.refuse(place, key, "must not hold a NUL character")
        if field.form and not field.form[0].fullmatch(value):
            return self.refuse(place, key, f"{masked(value)!r} is not of the form that is wanted", field.form[1])
        return self._directory(value, place, key) if hint is Path else value

    def _directory(self, value: str, place: Place, key: str) -> Any:  # noqa: ANN401 - see value
        try:
            path = Path(value).expanduser()
        except RuntimeError:
            return self.refuse(place, key, f"the home directory that {value!r} begins with is not known")
        if not path.is_absolute():
            return self.refuse(place, key, f"{value!r} is relative", "an absolute path, or one that begins with ~")
        return path

    def _member(self, hint: type[StrEnum], value: object, place: Place, key: str) -> Any:  # noqa: ANN401 - see value
        try:
            return hint(value)  # type: ignore[arg-type]  # anything but one of its texts is refused
        except ValueError:
            return self.refuse(place, key, f"{value!r} is not allowed", ", ".join(hint))


def _is_null(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is None


def _without_none(hint: Any) -> Any:  # noqa: ANN401 - a type hint
    """`X` of `X | None`."""
    if isinstance(hint, types.UnionType):
        return next(item for item in typing.get_args(hint) if item is not types.NoneType)
    return hint


def _read_as(hint: Any, text: str) -> Any:  # noqa: ANN401 - a type hint, and a value of it where the text is one
    """What a variable's text means where a number or a truth is wanted; the text itself if it is neither."""
    if hint is bool:
        return _TRUTHS.get(text.lower(), text)
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            return text
    return text


def _range(field: Field) -> str:
    return f"{field.bounds[0]:,} to {field.bounds[1]:,}" if field.bounds else ""


def _wanted(hint: Any) -> str:  # noqa: ANN401 - a type hint
    names = {bool: "true or false", int: "a whole number", float: "a number", Path: "the path of a directory"}
    return names.get(hint, "text")


def _named(tree: Tree) -> str:
    if isinstance(tree, Listing):
        return "a list"
    return "keys with values" if isinstance(tree, Section) else repr(tree.value)
