"""The files of the web view: those that are shipped, and those that are made of the design tokens and the icons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from oxide_desktop.config.paths import resource

_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_SCHEMES = "@media (prefers-color-scheme: dark)"
_DRAWING = re.compile(r"<svg\b([^>]*)>(.*)</svg>", re.DOTALL)
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class Asset(NamedTuple):
    """A file as browsers get it."""

    body: bytes
    media_type: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every file by its address below `/web/`. There are no others: no address is ever a path on the disk."""
    tokens = json.loads(resource("resources", "tokens.json").read_text("utf-8"))
    icons = sorted(resource("resources", "icons").glob("*.svg"))
    found = dict(_shipped(resource("resources", "web")))
    found["tokens.css"] = Asset(style_of(tokens).encode(), _TYPES[".css"])
    found["tokens.js"] = Asset(f"export const STATES = {json.dumps(tokens['states'])};\n".encode(), _TYPES[".js"])
    found["icons.svg"] = Asset(sprite(icons).encode(), _TYPES[".svg"])
    found["mark.svg"] = Asset(_mark(tokens).encode(), _TYPES[".svg"])
    return found


def _shipped(folder: Path) -> Iterator[tuple[str, Asset]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES and path.is_file():
            yield path.relative_to(folder).as_posix(), Asset(path.read_bytes(), _TYPES[path.suffix])


def style_of(tokens: Mapping[str, Any]) -> str:
    """The tokens as custom properties: `--colour-accent`, `--radius-card`, `--spacing-within` and so on."""
    light, dark = (_properties("colour", tokens["colours"][name]) for name in ("light", "dark"))
    sizes = [
        *_properties("radius", tokens["radii"], "px"),
        *_properties("spacing", tokens["spacing"], "px"),
        *_properties("type", tokens["type"]),
        *_properties("motion", tokens["motion"]),
    ]
    return "\n".join(
        [
            ":root {",
            "  color-scheme: light dark;",
            *light,
            *sizes,
            "}",
            f"{_SCHEMES} {{",
            ":root {",
            *dark,
            "}",
            "}",
            "",
        ]
    )


def _properties(group: str, values: Mapping[str, Any], unit: str = "") -> list[str]:
    return [f"  --{group}-{name}: {_value(value)}{unit};" for name, value in values.items()]


def _value(value: object) -> str:
    if isinstance(value, list):  # names of fonts; the last one is a generic family
        return ", ".join([*(json.dumps(name) for name in value[:-1]), value[-1]])
    return str(value)


def sprite(icons: list[Path]) -> str:
    """All icons in one file, each under its own name."""
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(map(_symbol, icons))}</svg>'


def _symbol(path: Path) -> str:
    drawing = _DRAWING.search(path.read_text("utf-8"))
    assert drawing is not None  # noqa: S101 - our own files, and a test reads them all
    attributes = {name: value for name, value in _ATTRIBUTE.findall(drawing[1]) if name != "xmlns"}
    box = attributes.pop("viewBox")
    looks = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<symbol id="{path.stem}-icon" viewBox="{box}"><g{looks}>{drawing[2].strip()}</g></symbol>'


def _mark(tokens: Mapping[str, Any]) -> str:
    """The mark for a browser's tab, which does not say what colour it is."""
    return (
        resource("resources", "icons", "mark.svg")
        .read_text("utf-8")
        .replace("currentColor", tokens["colours"]["light"]["accent"])
    )
