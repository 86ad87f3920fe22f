"""Versions of Oxide: which of two is the newer one, and what an answer of a release server says of the newest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})([-.]?[A-Za-z][\w.+-]{0,30})?")
_PAGE = re.compile(r"https?://[\x21-\x7e]{1,300}")
_NUMBERS = 4


@dataclass(frozen=True, slots=True)
class Release:
    """A version that can be had, and the page that tells of it."""

    version: str
    page: str = ""


def is_newer(version: str, than: str) -> bool:
    """Whether one version comes after another; what is no version comes after nothing."""
    one, other = _rank(version), _rank(than)
    return one is not None and other is not None and one > other


def release_in(answer: object) -> Release | None:
    """The release that a server names, `None` where it names none, or one that is not finished.

    Three forms are known: GitHub's latest release (`tag_name`, `html_url`), a package's page on PyPI (`info.version`,
    `info.release_url`), and the plain `{"version", "page"}`.
    """
    if not isinstance(answer, Mapping) or answer.get("draft") or answer.get("prerelease"):
        return None
    info = answer.get("info")
    fields: Mapping[str, Any] = info if isinstance(info, Mapping) else answer
    version = _first(fields, ("tag_name", "version"))
    rank = _rank(version)
    if rank is None or not rank[1]:
        return None
    page = _first(fields, ("html_url", "release_url", "page"))
    return Release(version.removeprefix("v"), page if _PAGE.fullmatch(page) else "")


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := fields.get(name), str)), "")


def _rank(version: str) -> tuple[tuple[int, ...], bool] | None:
    """Its numbers, and whether it is finished: 1.2 comes after 1.2rc1."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    numbers = tuple(map(int, found[1].split(".")))
    return (*numbers, *[0] * (_NUMBERS - len(numbers))), found[2] is None
