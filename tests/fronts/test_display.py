"""Whether there is a screen is known before Qt is asked, which would end the process."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.fronts.desktop.display import why_unreachable
from tests.fronts.cli_program import Oxide, only, read_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks X11 and Wayland")


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def compositor(tmp_path: Path) -> Iterator[Path]:
    """A socket on which somebody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "wayland-7"))
        listening.listen()
        yield tmp_path / "wayland-7"


@contextlib.contextmanager
def silent_screen() -> Iterator[str]:
    """The name of an X11 screen at whose port somebody listens who never answers."""
    for number in range(200, 1000):
        with socket.socket() as listening:
            try:
                listening.bind(("127.0.0.1", 6000 + number))
            except OSError:
                continue
            listening.listen()
            yield f"127.0.0.1:{number}"
            return


def test_without_any_there_is_none() -> None:
    assert why_unreachable() == "There is no screen here."


def test_one_that_is_named_and_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert why_unreachable() == "The screen wayland-9 cannot be reached."
    monkeypatch.setenv("DISPLAY", ":987")
    assert why_unreachable() == "The screen :987 cannot be reached."


def test_one_that_takes_a_connection_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_screen() as name:
        monkeypatch.setenv("DISPLAY", name)
        assert why_unreachable() == f"The screen {name} does not answer."


@pytest.mark.parametrize("absolute", [False, True])
def test_a_compositor_that_answers_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, compositor: Path, *, absolute: bool
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere" if absolute else str(compositor.parent))
    monkeypatch.setenv("WAYLAND_DISPLAY", str(compositor) if absolute else compositor.name)
    assert why_unreachable() is None


def test_who_chooses_qts_platform_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert why_unreachable() is None


def test_oxide_runs_without_a_screen_that_cannot_be_reached_and_says_so(tmp_path: Path) -> None:
    with Oxide(tmp_path / "home", tmp_path) as oxide:
        oxide.configure(only() + "web: {port: 0}\n")
        process = oxide.start(env={"DISPLAY": ":987"})
        said = read_until(process, "is running", "stderr")
    assert "The screen :987 cannot be reached. So Oxide runs without its tray app." in said
