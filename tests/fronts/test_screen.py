"""The tray app on a real X screen, as a person meets it: docked, typed into, answered, ended."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from dbus_fast import Variant

from tests.fakes.http_server import Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.session_bus import TrayHost, connect, read_menu, session_bus

pytestmark = pytest.mark.screen
TOOLS = ("Xvfb", "openbox", "trayer", "xdotool")
LIMIT_S = 60.0
ALLOWED = Variant("b", True)


class Screen:
    """A virtual screen with a window manager and a tray, and hands to use it."""

    def __init__(self, processes: ExitStack) -> None:
        self._processes = processes
        self.display = ""
        self.bus = "disabled:"

    def start(self) -> None:
        read, write = os.pipe()
        self.server = self._run(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"], pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as told:
            self.display = f":{told.readline().strip()}"
        self._run(["openbox"])
        self.until(lambda: self.do("get_num_desktops"), "the window manager")
        self._start_tray()
        self.until(self._tray_or_another_try, "the tray")

    def _start_tray(self) -> None:
        self._trayer = self._run(["trayer", "--SetDockType", "true", "--widthtype", "request", "--height", "28"])

    def _tray_or_another_try(self) -> str:
        """trayer now and then gives up on a screen that has just come up."""
        if self._trayer.poll() is not None:
            self._start_tray()
        return self.tray()

    def _run(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
        )
        self._processes.callback(process.wait, LIMIT_S)
        self._processes.callback(process.kill)
        return process

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
        return {**kept, "DISPLAY": self.display, "DBUS_SESSION_BUS_ADDRESS": self.bus}

    def do(self, *command: str) -> str:
        done = subprocess.run(
            ["xdotool", *command], env=self.environment(), capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        return done.stdout.strip()

    def window(self, name: str) -> str:
        return self.do("search", "--onlyvisible", "--name", name).split("\n")[0]

    def tray(self) -> str:
        """The tray's window, which is not shown as long as it is empty."""
        return self.do("search", "--name", "^panel$").split("\n")[0]

    def until(self, holds: object, what: str) -> object:
        """Ask again and again: a screen tells nobody when it has changed."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if found := holds():
                return found
        raise AssertionError(f"{what} did not come in {LIMIT_S} s")


@pytest.fixture
def screen() -> Iterator[Screen]:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (make test installs them as root on Debian)")
    with ExitStack() as processes:
        made = Screen(processes)
        made.start()
        yield made


class Oxide:
    """The program, started as a person would."""

    def __init__(self, screen: Screen, home: Path, *options: str) -> None:
        self.home = home
        self.environment = {**screen.environment(), "OXIDE_HOME": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oxide_desktop", *options],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, prompt: str) -> None:
        """One task of the command line; how it ends is not asked."""
        command = [sys.executable, "-m", "oxide_desktop", "run", prompt]
        subprocess.run(command, env=self.environment, capture_output=True, timeout=LIMIT_S, check=False)

    def history(self) -> list[dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "oxide_desktop", "history", "list", "--json"],
            env=self.environment,
            capture_output=True,
            timeout=LIMIT_S,
            check=True,
        )
        return json.loads(done.stdout)["tasks"]


@pytest.fixture
def oxide(screen: Screen, openai_server: OpenAIServer, tmp_path: Path) -> Iterator[Oxide]:
    openai_server.usual = Reply(pieces=["Pa", "ris."])
    (tmp_path / "config.yaml").write_text(
        f"services:\n  fake: {{type: http, base_url: '{openai_server.base_url}'}}\n  builtin: {{enabled: false}}\n"
    )
    started = Oxide(screen, tmp_path)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.communicate(timeout=LIMIT_S)


def test_a_person_asks_is_answered_and_ends_the_app(screen: Screen, oxide: Oxide, openai_server: OpenAIServer):
    window = screen.until(lambda: screen.window("^Oxide$"), "the window")
    screen.until((oxide.home / "run" / "web.json").exists, "the engine")

    screen.do("windowfocus", "--sync", window, "type", "--delay", "1", "What is the capital of France?")
    screen.until(lambda: screen.do("key", "ctrl+Return") or openai_server.asked, "the question")
    screen.until(lambda: any(task["status"] == "completed" for task in oxide.history()), "the answer")
    (task, *_) = oxide.history()
    family = [oxide.process.pid, *(child.pid for child in psutil.Process(oxide.process.pid).children(recursive=True))]
    oxide.process.send_signal(signal.SIGTERM)
    out, err = oxide.process.communicate(timeout=LIMIT_S)

    assert (task["prompt"], task["result"], task["source"]) == ("What is the capital of France?", "Paris.", "desktop")
    assert oxide.process.returncode == 0
    assert out == ""
    assert not [line for line in err.splitlines() if "warning" in line.lower() or "Traceback" in line]
    assert not [pid for pid in family if psutil.pid_exists(pid)]


def test_the_icon_docks_in_the_tray(screen: Screen, oxide: Oxide):
    panel = screen.tray()
    width = screen.do("getwindowgeometry", "--shell", panel)
    screen.until(lambda: screen.window("^Oxide$"), "the window")

    screen.until(lambda: screen.do("getwindowgeometry", "--shell", panel) != width, "the icon")


def test_closing_the_window_leaves_the_app_in_the_tray(screen: Screen, oxide: Oxide):
    window = screen.until(lambda: screen.window("^Oxide$"), "the window")
    screen.until((oxide.home / "run" / "web.json").exists, "the engine")
    screen.do("windowfocus", "--sync", window, "key", "ctrl+w")
    screen.until(lambda: not screen.window("^Oxide$"), "the window's closing")

    assert oxide.process.poll() is None
    assert (oxide.home / "run" / "web.json").exists()


def test_a_second_start_shows_the_window_of_the_first(screen: Screen, oxide: Oxide):
    window = screen.until(lambda: screen.window("^Oxide$"), "the window")
    screen.until((oxide.home / "run" / "web.json").exists, "the engine")
    screen.do("windowfocus", "--sync", window, "key", "ctrl+w")
    screen.until(lambda: not screen.window("^Oxide$"), "the window's closing")

    second = subprocess.run(
        [sys.executable, "-m", "oxide_desktop"],
        env=oxide.environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert (second.returncode, second.stdout) == (0, "")
    assert "Oxide runs already: its window comes up." in second.stderr
    screen.until(lambda: screen.window("^Oxide$"), "the window")
    assert oxide.process.poll() is None


def test_a_start_at_login_shows_the_icon_and_no_window(screen: Screen, openai_server: OpenAIServer, tmp_path: Path):
    panel = screen.tray()
    width = screen.do("getwindowgeometry", "--shell", panel)
    started = Oxide(screen, tmp_path, "--tray")
    try:
        screen.until((tmp_path / "run" / "web.json").exists, "the engine")
        screen.until(lambda: screen.do("getwindowgeometry", "--shell", panel) != width, "the icon")
        assert not screen.window("^Oxide$")
    finally:
        started.process.terminate()
        _, err = started.process.communicate(timeout=LIMIT_S)
    assert (started.process.returncode, err) == (0, "")


def test_a_screen_that_goes_away_ends_the_app_without_a_word(screen: Screen, oxide: Oxide):
    screen.until(lambda: screen.window("^Oxide$"), "the window")
    screen.until((oxide.home / "run" / "web.json").exists, "the engine")

    screen.server.kill()
    out, err = oxide.process.communicate(timeout=LIMIT_S)

    assert (oxide.process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("options", [(), ("--tray",)])
def test_settings_that_are_refused_are_told_on_the_screen(screen: Screen, tmp_path: Path, options: tuple[str, ...]):
    (tmp_path / "config.yaml").write_text("services: [oops\n")
    started = Oxide(screen, tmp_path, *options)
    try:
        window = screen.until(lambda: screen.window("^Oxide$"), "the message")
        screen.until(
            lambda: screen.do("windowfocus", "--sync", window, "key", "Escape") or started.process.poll() is not None,
            "the end",
        )
    finally:
        started.process.kill()
        _, err = started.process.communicate(timeout=LIMIT_S)
    assert started.process.returncode == 2
    assert "The settings cannot be used" in err


async def test_a_host_that_starts_late_gets_the_icon_and_its_menu_acts(screen: Screen, tmp_path: Path):
    with session_bus() as address:
        (tmp_path / "config.yaml").write_text("services: {builtin: {enabled: false}}\n")
        screen.bus = address
        oxide = Oxide(screen, tmp_path, "--tray")
        bus = await connect(address)
        try:
            await asyncio.to_thread(screen.until, (tmp_path / "run" / "web.json").exists, "the engine")
            host = TrayHost()
            bus.export("/StatusNotifierWatcher", host)
            await bus.request_name("org.kde.StatusNotifierWatcher")
            async with asyncio.timeout(LIMIT_S):
                await host.came.wait()
                menu, numbers, entries = await read_menu(bus, host.items[-1])
                assert {"Ask…", "Services", "History", "Rules", "Settings…", "Quit Oxide"} <= set(numbers)
                assert entries["Pause new tasks"]["toggle-state"].value == 0
                while entries["Pause new tasks"].get("enabled", ALLOWED) != ALLOWED:  # until the engine is open
                    menu, numbers, entries = await read_menu(bus, host.items[-1])
                await asyncio.to_thread(oxide.run, "What is the capital of France?")  # no service: it fails
                while not any(told.startswith("✕") for told in entries):
                    _, _, entries = await read_menu(bus, host.items[-1])
                # The host shows the menu as it was before the task came.
                await menu.call_event(numbers["Pause new tasks"], "clicked", Variant("i", 0), 0)
                while entries["Pause new tasks"]["toggle-state"].value != 1:
                    _, _, entries = await read_menu(bus, host.items[-1])
                await menu.call_event(numbers["Ask…"], "clicked", Variant("i", 0), 0)
                await asyncio.to_thread(screen.until, lambda: screen.window("^Ask — Oxide"), "the Ask window")
                await menu.call_event(numbers["Quit Oxide"], "clicked", Variant("i", 0), 0)
                _, err = await asyncio.to_thread(oxide.process.communicate, timeout=LIMIT_S)
        finally:
            bus.disconnect()
            if oxide.process.poll() is None:
                oxide.process.kill()
                oxide.process.communicate()

    assert (oxide.process.returncode, err) == (0, "")
