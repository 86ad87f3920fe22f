"""The person's own settings are changed by a program as carefully as by hand."""

import os
import stat

import pytest

from oxide_desktop.config.changing import change_settings, start_file
from oxide_desktop.config.settings import load_config
from oxide_desktop.core.errors import ConfigError, StoreError, UsageError

MINE = "# mine\nweb:\n  port: 8100 # not the usual one\n"


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "config.yaml"
    made.write_text(MINE)
    return made


def test_a_value_is_changed_and_the_rest_stays(file):
    settings = change_settings(file, {("web", "port"): 8200, ("notifications", "completed"): False})
    assert file.read_text() == MINE.replace("8100", "8200") + "notifications:\n  completed: false\n"
    assert (settings.web.port, settings.notifications.completed) == (8200, False)
    assert load_config(file) == settings


def test_none_is_the_default_again(file):
    assert change_settings(file, {("web", "port"): None}).web.port == 8000


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(tmp_path):
    file = tmp_path / "config.yaml"
    change_settings(file, {("storage", "retention_days"): 30})
    assert file.read_text().endswith("\nstorage:\n  retention_days: 30\n")
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_value_that_is_not_allowed_leaves_the_file_alone(file):
    with pytest.raises(ConfigError) as refused:
        change_settings(file, {("web", "port"): 99999})
    told = "That value is not allowed: 99999 is out of range. Allowed: 0 to 65,535."
    assert str(refused.value) == told  # and nothing of a file that is to be mended, which holds no such value
    with pytest.raises(ConfigError, match="not allowed: Must be a whole number, and 'soon' is not"):
        change_settings(file, {("web", "port"): "soon"})
    assert file.read_text() == MINE


def test_what_a_value_makes_wrong_elsewhere_is_named(file):
    with pytest.raises(ConfigError, match=r"not allowed: Services\.lab"):
        change_settings(file, {("services", "lab", "type"): "http"})


def test_a_file_that_cannot_be_used_is_told_of_and_left_alone(file):
    file.write_text("web: {prot: 1}\n")
    with pytest.raises(ConfigError, match="prot"):
        change_settings(file, {("web", "port"): 1})
    assert file.read_text() == "web: {prot: 1}\n"


def test_what_only_a_person_should_change_is_left_to_them(file):
    text = "privacy:\n  local_only:\n    - a # why\n"
    file.write_text(text)
    with pytest.raises(UsageError, match="comments in the list"):
        change_settings(file, {("privacy", "local_only"): ["b"]})
    assert file.read_text() == text


def test_a_link_and_the_rights_of_the_file_stay(file, tmp_path):
    real = tmp_path / "real.yaml"
    file.rename(real)
    real.chmod(0o640)
    file.symlink_to(real)
    change_settings(file, {("web", "port"): 8300})
    assert file.is_symlink()
    assert "8300" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_mark_at_the_start_stays(file):
    file.write_text("\ufeff" + MINE, encoding="utf-8")
    change_settings(file, {("web", "port"): 8300})
    assert file.read_text(encoding="utf-8") == "\ufeff" + MINE.replace("8100", "8300")


def test_a_file_that_cannot_be_read_or_written_is_told_of(file, tmp_path):
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        change_settings(file, {("web", "port"): 1})
    with pytest.raises(StoreError):
        change_settings(tmp_path / "gone" / "config.yaml", {("web", "port"): 1})


def test_a_file_is_begun_for_an_editor_and_never_overwritten(file, tmp_path):
    start_file(file)
    assert file.read_text() == MINE
    start_file(tmp_path / "other.yaml")
    assert load_config(tmp_path / "other.yaml").web.port == 8000
