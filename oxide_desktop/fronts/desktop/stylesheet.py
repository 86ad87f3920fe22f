"""The Qt style sheet, made of the tokens. Widgets say what they are by the property `kind` (see `widgets.basics`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from oxide_desktop.config.paths import resource
from oxide_desktop.fronts.desktop.tokens import tokens


def style_sheet(colours: Mapping[str, str], body_pt: float) -> str:
    """The sheet of the whole application in one scheme."""
    known = tokens()
    sizes = {f"{name}_pt": f"{body_pt * known.type[name]:.2f}" for name in ("body", "heading", "small")}
    radii = {f"{name}_radius": f"{value}px" for name, value in known.radii.items()}
    source = Path(resource("resources", "desktop.qss")).read_text("utf-8")
    return Template(source).substitute({**colours, **sizes, **radii})
