from __future__ import annotations

import stat
from pathlib import Path

import pytest

from oxide_desktop.config.paths import Paths, resource, shipped_root
from oxide_desktop.core.errors import Bug, UsageError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_home_is_where_oxide_home_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path / "mine"))
    assert Paths.from_environment().home == tmp_path / "mine"


@pytest.mark.parametrize("given", [None, ""])
def test_the_home_is_in_the_persons_directory_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OXIDE_HOME", raising=False)
    if given is not None:
        monkeypatch.setenv("OXIDE_HOME", given)
    assert Paths.from_environment().home == tmp_path / ".oxide"


def test_a_relative_home_and_a_tilde_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OXIDE_HOME", "here")
    assert Paths.from_environment().home == tmp_path / "here"
    monkeypatch.setenv("OXIDE_HOME", "~/there")
    assert Paths.from_environment().home == tmp_path / "there"


def test_a_home_of_a_person_who_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OXIDE_HOME", "~nobody-of-that-name/oxide")
    with pytest.raises(UsageError, match="is not known") as refused:
        Paths.from_environment()
    assert refused.value.hint == "Set OXIDE_HOME to a directory of yours."


def test_a_home_whose_name_no_disk_takes_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OXIDE_HOME", "/" + "a" * 300)
    with pytest.raises(UsageError, match="name too long") as caught:
        Paths.from_environment()
    assert "OXIDE_HOME" in caught.value.hint


def test_every_file_has_its_name_below_the_home(tmp_path: Path):
    paths = Paths(tmp_path)
    places = {
        "config_file": "config.yaml",
        "database": "oxide.db",
        "rules_file": "routing_rules.json",
        "keys_file": "keys.json",
        "ancestor_tasks": "tasks.json",
        "backups": "backups",
        "quarantine": "quarantine",
        "run_dir": "run",
        "socket": "run/oxide.sock",
        "lock": "run/oxide.lock",
        "token_file": "run/token",
        "web_file": "run/web.json",
    }
    assert {name: getattr(paths, name) for name in places} == {name: tmp_path / file for name, file in places.items()}


def test_a_home_is_made_for_its_owner_alone(tmp_path: Path):
    paths = Paths(tmp_path / "deep" / "home")
    paths.prepare()
    assert (mode(paths.home), mode(paths.run_dir)) == (0o700, 0o700)
    paths.prepare()


def test_a_run_directory_that_others_can_enter_is_closed_and_the_home_left_as_it_is(tmp_path: Path):
    paths = Paths(tmp_path / "home")
    paths.run_dir.mkdir(parents=True)
    paths.home.chmod(0o755)
    paths.run_dir.chmod(0o777)
    paths.prepare()
    assert (mode(paths.home), mode(paths.run_dir)) == (0o755, 0o700)


def test_a_run_directory_that_is_a_link_is_refused(tmp_path: Path):
    paths = Paths(tmp_path / "home")
    paths.home.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    paths.run_dir.symlink_to(elsewhere)
    with pytest.raises(UsageError, match=r"run: is not a directory itself\."):
        paths.prepare()
    assert mode(elsewhere) == 0o755


def test_a_home_that_is_a_file_is_refused_with_its_name(tmp_path: Path):
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(UsageError, match=f"{home}: File exists") as refused:
        Paths(home).prepare()
    assert "OXIDE_HOME" in refused.value.hint


def test_the_shipped_settings_are_found():
    assert resource("config", "default.yaml").is_file()


def test_a_file_that_was_not_shipped_is_a_bug():
    with pytest.raises(Bug, match="installation is incomplete"):
        resource("config", "nothing.yaml")


def test_shipped_files_are_in_the_bundle_or_beside_the_package_or_in_the_work_tree(tmp_path: Path):
    package = tmp_path / "oxide_desktop"
    package.mkdir()
    assert shipped_root(package, None) == tmp_path
    assert shipped_root(package, str(tmp_path / "bundle")) == tmp_path / "bundle"
    (package / "_shipped").mkdir()
    assert shipped_root(package, None) == package / "_shipped"
