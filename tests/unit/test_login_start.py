"""Login start is an entry of the system's own kind, and gone when it is not wanted."""

import plistlib
import shlex
import sys

import pytest

from oxide_desktop.config import login_start
from oxide_desktop.config.login_start import set_login_start, starts_at_login
from oxide_desktop.core.errors import StoreError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="writes to the registry there")


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OXIDE_HOME", raising=False)
    return tmp_path / "config"


def test_nothing_starts_at_login_unless_it_was_asked_for(config):
    assert not starts_at_login()
    set_login_start(wanted=True)
    assert starts_at_login()
    set_login_start(wanted=False)
    assert not starts_at_login()
    set_login_start(wanted=False)


@pytest.mark.skipif(sys.platform != "linux", reason="freedesktop's form")
def test_the_entry_starts_this_very_oxide_in_the_tray(config):
    set_login_start(wanted=True)
    text = (config / "autostart" / "oxide-desktop.desktop").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("Exec=")]
    program, *rest = shlex.split(line.removeprefix("Exec="))
    assert rest[-1] == "--tray"
    assert program.startswith(sys.prefix)
    assert text.startswith("[Desktop Entry]\nType=Application\n")


def test_another_home_and_signs_with_a_meaning_are_kept():
    text = login_start._desktop_entry(["/opt/my apps/100%/oxide", "--tray"], "/home/a $b").decode()
    assert 'Exec="env" "OXIDE_HOME=/home/a \\\\$b" "/opt/my apps/100%%/oxide" "--tray"\n' in text
    assert "\nTryExec=/opt/my apps/100%/oxide\n" in text


def test_the_entry_for_macos_is_what_launchd_reads():
    entry = plistlib.loads(login_start._launch_agent(["/Applications/oxide", "--tray"], "/home/x"))
    assert entry == {
        "Label": "oxide-desktop",
        "ProgramArguments": ["/Applications/oxide", "--tray"],
        "RunAtLoad": True,
        "EnvironmentVariables": {"OXIDE_HOME": "/home/x"},
    }
    assert "EnvironmentVariables" not in plistlib.loads(login_start._launch_agent(["oxide"], None))


def test_a_folder_that_cannot_be_written_is_told_of(config):
    config.mkdir()
    (config / "autostart").write_text("a file where a folder should be")
    with pytest.raises(StoreError):
        set_login_start(wanted=True)


@pytest.mark.skipif(sys.platform != "linux", reason="freedesktop's form")
def test_a_home_that_is_relative_is_the_same_one_at_the_next_login(config, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXIDE_HOME", "mine")
    set_login_start(wanted=True)
    text = (config / "autostart" / "oxide-desktop.desktop").read_text()
    assert f'"OXIDE_HOME={tmp_path}/mine"' in text
