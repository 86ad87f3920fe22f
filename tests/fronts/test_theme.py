"""The looks: one table of tokens, readable in light and dark, following the system while the app runs."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from oxide_desktop.config.paths import resource
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.desktop.icons import SIZES, icon
from oxide_desktop.fronts.desktop.stylesheet import style_sheet
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import tokens
from tests.fakes.session_bus import Portal, connect, session_bus

READS = [("text", "bg"), ("text", "side"), ("soft", "bg"), ("faint", "bg"), ("faint", "side"), ("on_accent", "accent")]
READS += [("accent", "bg"), ("accent", "accent_soft"), ("ok", "bg"), ("warn", "bg"), ("bad", "bg"), ("text", "code")]
READS += [("text", "warn_soft"), ("text", "bad_soft"), ("warn", "warn_soft"), ("bad", "bad_soft")]


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp)
    yield made
    made.close()
    qapp.setStyleSheet("")


def brightness(colour: str) -> float:
    """Relative luminance, as the accessibility guidelines compute it."""
    parts = [QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whatever_is_read_stands_out_from_what_is_behind_it(scheme: str):
    colours = tokens().colours[scheme]

    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in READS}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


@pytest.mark.parametrize("panel", ["#ffffff", "#f0f0f0", "#1c1c1c", "#000000"])
def test_the_tray_icon_is_seen_on_every_panel(panel: str):
    assert contrast(tokens().colours["light"]["tray"], panel) >= 3


def test_both_schemes_have_the_same_names_and_each_task_state_has_its_sign():
    light, dark = tokens().colours["light"], tokens().colours["dark"]

    assert light.keys() == dark.keys()
    assert {status.value for status in TaskStatus} <= tokens().states.keys()
    assert all(state.colour in light for state in tokens().states.values())
    assert json.loads(resource("resources", "tokens.json").read_text("utf-8"))["colours"]["light"] == light


def test_the_style_sheet_is_made_of_the_tokens_alone():
    source = resource("resources", "desktop.qss").read_text("utf-8")
    made = style_sheet(tokens().colours["dark"], 10.0)

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", source) == []
    assert "$" not in made.replace("$name", "")
    assert tokens().colours["dark"]["accent"] in made


def test_text_is_never_smaller_than_can_be_read(theme: Theme):
    assert theme.font().pointSizeF() >= tokens().type["smallest_body_pt"]
    assert theme.font("heading").pointSizeF() > theme.font().pointSizeF() > theme.font("small").pointSizeF()


def test_every_icon_can_be_drawn_at_every_size(qapp: QApplication):
    names = [path.stem for path in resource("resources", "icons").glob("*.svg")]

    assert len(names) > 20
    for name in names:
        drawn = icon(name, QColor("#ff0000"))
        for size in SIZES:
            image = drawn.pixmap(size, size).toImage()
            seen = {image.pixelColor(x, y).red() for x in range(size) for y in range(size) if image.pixel(x, y) >> 24}
            assert max(seen, default=0) > 200, (name, size)


def test_a_change_of_the_system_draws_everything_anew(theme: Theme, qapp: QApplication):
    changes: list[bool] = []
    theme.changed.connect(lambda: changes.append(theme.is_dark))
    light = theme.icon("ask").pixmap(24, 24).toImage()

    theme._scheme._of_portal = 1
    theme._scheme.changed.emit()
    theme._scheme.changed.emit()

    assert changes == [True]
    assert qapp.palette().window().color().name() == tokens().colours["dark"]["bg"]
    assert theme.icon("ask").pixmap(24, 24).toImage() != light


@pytest.mark.skipif(sys.platform != "linux", reason="the portal is Linux' way")
async def test_the_desktop_s_portal_is_asked_and_followed():
    program = (
        "from PySide6.QtWidgets import QApplication; from oxide_desktop.fronts.desktop.scheme import SystemScheme\n"
        "application = QApplication([]); scheme = SystemScheme(application)\n"
        "print(scheme.is_dark, flush=True)\n"
        "scheme.changed.connect(lambda: (print(scheme.is_dark, flush=True), application.quit()))\n"
        "application.exec()\n"
    )
    with session_bus() as address:
        bus, portal = await connect(address), Portal(scheme=1)
        bus.export("/org/freedesktop/portal/desktop", portal)
        await bus.request_name("org.freedesktop.portal.Desktop")
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": address, "QT_QPA_PLATFORM": "offscreen"}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        before = await child.stdout.readline()
        portal.change(2)
        after = await child.stdout.readline()
        await child.wait()
        bus.disconnect()

    assert (before.strip(), after.strip()) == (b"True", b"False")
