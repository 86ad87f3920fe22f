"""The design tokens of `resources/tokens.json`: the looks that the windows and the web view have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from oxide_desktop.config.paths import resource


@dataclass(frozen=True, slots=True)
class State:
    """How a state is told: by its sign, its colour and its word, never by one of them alone."""

    sign: str
    colour: str
    word: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """All of them. Colours are `#rrggbb` by scheme and name, radii and spacing pixels, type sizes ratios."""

    colours: Mapping[str, Mapping[str, str]]
    radii: Mapping[str, int]
    spacing: Mapping[str, int]
    type: Mapping[str, Any]
    motion: Mapping[str, int]
    states: Mapping[str, State]


@cache
def tokens() -> Tokens:
    """The tokens that are shipped."""
    read = json.loads(resource("resources", "tokens.json").read_text("utf-8"))
    return Tokens(
        colours=read["colours"],
        radii=read["radii"],
        spacing=read["spacing"],
        type=read["type"],
        motion=read["motion"],
        states={name: State(**values) for name, values in read["states"].items()},
    )


def spacing(name: str) -> int:
    """Pixels `within` a group, `between` groups, `around` a page, or one `step`."""
    return tokens().spacing[name]
