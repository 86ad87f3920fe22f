"""The setup of a clone, run as a program with a small stand-in for uv and for apt-get."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / "tests" / "fakes" / "uv_program.py"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts with a #! line")


class Clone:
    """A place with what setup reads, and a PATH with nothing but stand-ins."""

    def __init__(self, place: Path):
        self.root = place / "clone"
        self.programs = place / "programs"
        self.log = place / "uv.log"
        self.programs.mkdir()
        self.add_program("uv", f"#!{sys.executable}\n{UV.read_text(encoding='utf-8')}")
        (self.root / "installers" / "linux").mkdir(parents=True)
        shutil.copy(ROOT / "installers" / "prepare.py", self.root / "installers")
        self.needs("# nothing")
        self.requires("app", "click==8.0\n")
        self.requires("dev", "click==8.0\npytest==8.0\n")
        (self.root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")

    def add_program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text, encoding="utf-8")
        (self.programs / name).chmod(0o755)

    def needs(self, *lines: str) -> None:
        table = self.root / "installers" / "linux" / "packages.txt"
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def requires(self, level: str, text: str) -> None:
        (self.root / "requirements").mkdir(exist_ok=True)
        (self.root / "requirements" / f"{level}.txt").write_text(text, encoding="utf-8")

    def setup(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("", encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-I", "-S", self.root / "installers" / "prepare.py", *arguments],
            env={"PATH": str(self.programs), "FAKE_UV_LOG": str(self.log), **environment},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def uv_calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def move(self) -> None:
        moved = self.root.rename(self.root.with_name("moved"))
        self.root = moved


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def test_a_fresh_clone_gets_an_environment_the_pinned_packages_and_oxide(clone):
    assert clone.setup("app").returncode == 0
    environment, packages, oxide = clone.uv_calls()
    assert environment[0] == "venv"
    assert {"--require-hashes", "--no-deps", str(clone.root / "requirements" / "app.txt")} <= set(packages)
    assert {"--editable", "--no-build-isolation", "--no-deps", str(clone.root)} <= set(oxide)


def test_a_second_run_does_nothing(clone):
    clone.setup("app")
    again = clone.setup("app")
    assert (again.returncode, again.stderr, clone.uv_calls()) == (0, "", [])


def test_running_keeps_the_development_tools(clone):
    clone.setup("dev")
    clone.setup("app")
    assert clone.uv_calls() == []
    clone.requires("dev", "click==8.1\npytest==8.0\n")
    clone.setup("app")
    packages, _oxide = clone.uv_calls()
    assert str(clone.root / "requirements" / "dev.txt") in packages


def test_development_tools_are_added_to_what_is_there(clone):
    clone.setup("app")
    clone.setup("dev")
    assert [call[0] for call in clone.uv_calls()] == ["pip", "pip"]


def test_a_moved_clone_gets_a_new_environment(clone):
    clone.setup("app")
    clone.move()
    assert clone.setup("app").returncode == 0
    assert clone.uv_calls()[0][0] == "venv"


def test_an_interpreter_that_is_gone_is_replaced(clone):
    clone.setup("app")
    (clone.root / ".venv" / "bin" / "python").unlink()
    clone.setup("app")
    assert clone.uv_calls()[0][0] == "venv"


def test_a_failed_step_is_named_and_tried_again(clone):
    failed = clone.setup("app", FAKE_UV_FAILS="--require-hashes")
    assert failed.returncode == 1
    assert "this step failed" in failed.stderr
    assert "requirements/app.txt" in failed.stderr
    assert clone.setup("app").returncode == 0
    assert [call[0] for call in clone.uv_calls()] == ["pip", "pip"]


def test_a_damaged_stamp_means_that_nothing_is_known(clone):
    clone.setup("app")
    (clone.root / ".venv" / ".oxide-setup.json").write_text("{", encoding="utf-8")
    assert clone.setup("app").returncode == 0
    assert len(clone.uv_calls()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux systems are asked for packages")
class TestSystemPackages:
    def test_what_is_there_is_left_alone(self, clone):
        clone.needs("app libc6 libc.so.6", "app uv-itself uv", f"app a-file {clone.root}")
        assert clone.setup("app", "--strict").returncode == 0

    def test_what_only_tests_need_is_not_asked_for_to_run(self, clone):
        clone.needs("dev screen no-such-program")
        assert clone.setup("app", "--strict").returncode == 0
        assert clone.setup("dev", "--strict").returncode == 1

    def test_without_apt_what_is_missing_is_named_and_setup_goes_on(self, clone):
        clone.needs("app libmissing9 libmissing.so.9")
        done = clone.setup("app")
        assert done.returncode == 0
        assert "this system lacks: libmissing9" in done.stderr
        assert len(clone.uv_calls()) == 3

    def test_where_nothing_may_be_missing_setup_fails(self, clone):
        clone.needs("app libmissing9 libmissing.so.9")
        assert clone.setup("app", "--strict").returncode == 1
        assert clone.uv_calls() == []

    def test_root_on_a_debian_installs_it_and_anybody_else_is_told_how(self, clone, tmp_path):
        proof = tmp_path / "installed"
        clone.add_program("apt-get", f'#!/bin/sh\ncase "$*" in *" install "*" lib9") : > "{proof}" ;; esac\n')
        clone.needs(f"app lib9 {proof}")
        done = clone.setup("app")
        assert done.returncode == 0
        if os.geteuid() == 0:
            assert proof.exists()
            assert "lacks" not in done.stderr
        else:
            assert not proof.exists()
            assert "sudo apt-get update && sudo apt-get install --no-install-recommends lib9" in done.stderr
