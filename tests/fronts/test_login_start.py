"""Starting at login: an entry that appears when it is asked for, starts the app in the tray, and goes without a trace."""

import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from oxide_desktop.core.errors import StoreError
from oxide_desktop.fronts.desktop.login_start import (
    EntryFile,
    desktop_entry,
    for_this_system,
    launch_agent,
    start_command,
)


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG entry is Linux' way")
def test_on_linux_an_entry_comes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path / "my oxide"))
    start = for_this_system()
    file = tmp_path / "config" / "autostart" / "oxide-desktop.desktop"

    assert not start.is_on()
    start.set_on(on=False)
    start.set_on(on=True)
    assert start.is_on()
    (line,) = [line for line in file.read_text().splitlines() if line.startswith("Exec=")]
    assert line == f'Exec=env "OXIDE_HOME={tmp_path}/my oxide" {sys.executable} -m oxide_desktop --tray'
    start.set_on(on=False)
    assert not file.exists()


def test_an_entry_quotes_what_needs_quoting():
    text = desktop_entry(["/opt/my apps/oxide", "a$b", "100%"], {}).decode()

    assert 'Exec="/opt/my apps/oxide" "a\\\\$b" 100%%' in text.splitlines()


def test_a_launch_agent_starts_once_at_login():
    entry = plistlib.loads(launch_agent(["oxide", "--tray"], {"OXIDE_HOME": "/x"}))

    assert (entry["ProgramArguments"], entry["RunAtLoad"]) == (["oxide", "--tray"], True)
    assert entry["EnvironmentVariables"] == {"OXIDE_HOME": "/x"}
    assert "KeepAlive" not in entry


def test_what_the_entry_starts_is_a_command_of_oxide():
    *program, option = start_command()
    said = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout

    assert option in said


@pytest.mark.skipif(os.name != "posix", reason="a file where a folder should be")
def test_what_the_system_refuses_is_told(tmp_path: Path):
    (tmp_path / "autostart").write_text("in the way")

    with pytest.raises(StoreError, match="cannot be changed"):
        EntryFile(tmp_path / "autostart" / "oxide.desktop", b"").set_on(on=True)
