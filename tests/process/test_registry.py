"""The list of children on the disk."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.runtime.births import birth_of
from oxide_desktop.runtime.processes import end_tree
from oxide_desktop.runtime.registry import ChildRegistry


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that nobody guards."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def dead_runs_list(run_dir: Path, *lines: object) -> Path:
    path = run_dir / "children-dead.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_a_processs_birth_is_its_own_and_stays(stranger):
    assert birth_of(stranger.pid) == birth_of(stranger.pid) != birth_of(os.getpid())
    stranger.kill()
    stranger.wait()
    assert birth_of(stranger.pid) is None


def test_what_a_dead_run_listed_is_ended_and_forgotten(tmp_path, stranger):
    path = dead_runs_list(tmp_path, {"pid": stranger.pid, "birth": birth_of(stranger.pid), "guard": False})
    assert ChildRegistry(tmp_path, "next").sweep() == 1
    assert stranger.wait(60) is not None
    assert not path.exists()


def test_a_later_process_of_the_same_number_is_left_alone(tmp_path, stranger):
    path = dead_runs_list(tmp_path, {"pid": stranger.pid, "birth": "another boot 1", "guard": False})
    assert ChildRegistry(tmp_path, "next").sweep() == 0
    assert stranger.poll() is None
    assert not path.exists()


def test_who_has_the_number_of_a_killed_guards_program_by_now_is_left_alone(stranger):
    end_tree(stranger.pid, "another boot 1", "no-run/1")
    assert stranger.poll() is None
    end_tree(stranger.pid, birth_of(stranger.pid), "no-run/1")
    assert stranger.wait(60) is not None


def test_one_that_was_crossed_out_is_left_alone(tmp_path, stranger):
    listed = {"pid": stranger.pid, "birth": birth_of(stranger.pid), "guard": False}
    dead_runs_list(tmp_path, listed, {**listed, "birth": None})
    assert ChildRegistry(tmp_path, "next").sweep() == 0
    assert stranger.poll() is None


@pytest.mark.parametrize("pid", [-1, 0, 2**70])
@pytest.mark.parametrize("more", [{}, {"guard": True}, {"guard": False}])
def test_lines_that_cannot_be_true_cost_only_themselves(tmp_path, stranger, pid, more):
    listed = {"pid": stranger.pid, "birth": birth_of(stranger.pid), "guard": False}
    dead_runs_list(tmp_path, {"pid": pid, "birth": "boot 1", **more}, listed)
    assert ChildRegistry(tmp_path, "next").sweep() == 1


def test_damaged_lines_cost_only_themselves(tmp_path, stranger):
    listed = {"pid": stranger.pid, "birth": birth_of(stranger.pid), "guard": False}
    dead_runs_list(tmp_path, "", "[]", '{"birth": "x"}', listed, '{"pid": 4, "bir')
    assert ChildRegistry(tmp_path, "next").sweep() == 1


def test_a_living_runs_list_is_not_touched(tmp_path, stranger):
    living = ChildRegistry(tmp_path, "living")
    living.started(stranger.pid, is_guard=False)
    assert ChildRegistry(tmp_path, "next").sweep() == 0
    assert stranger.poll() is None
    living.close()
    assert list(tmp_path.iterdir()) == []


def test_what_carries_a_dead_runs_mark_is_ended_too(tmp_path):
    command = [sys.executable, "-I", "-S", "-c", "input()"]
    dead_runs_list(tmp_path, {"pid": 2**22 + 1, "birth": "x", "guard": False})
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, env={"OXIDE_CHILD": "dead/3"}) as marked,
        subprocess.Popen(command, stdin=subprocess.PIPE, env={"OXIDE_CHILD": "deader/3"}) as other,
    ):
        assert ChildRegistry(tmp_path, "next").sweep() == 1
        assert marked.wait(60) is not None
        assert other.poll() is None
        other.kill()


def test_an_empty_list_starts_afresh(tmp_path, stranger):
    registry = ChildRegistry(tmp_path, "run")
    path = tmp_path / "children-run.jsonl"
    registry.started(stranger.pid, is_guard=True)
    assert path.read_text().count("\n") == 1
    assert path.stat().st_mode & 0o777 == 0o600
    registry.ended(stranger.pid)
    assert path.read_text() == ""
    registry.close()


def test_one_that_has_gone_already_is_not_listed(tmp_path):
    registry = ChildRegistry(tmp_path, "run")
    registry.started(2**22 + 1, is_guard=False)
    registry.ended(2**22 + 1)
    registry.close()
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_cannot_be_written_is_said_and_no_more(tmp_path, stranger, caplog):
    (tmp_path / "run").write_text("in the way")
    registry = ChildRegistry(tmp_path / "run", "run")
    registry.started(stranger.pid, is_guard=False)
    registry.ended(stranger.pid)
    registry.close()
    assert "cannot be written" in caplog.text


def test_a_list_that_is_lost_on_the_way_is_said_and_no_more(tmp_path, stranger, caplog):
    registry = ChildRegistry(tmp_path, "run")
    registry.started(stranger.pid, is_guard=False)
    os.close(registry._fd)
    registry.ended(stranger.pid)
    registry._fd = None
    registry.close()
    assert caplog.text.count("cannot be written") == 2


def test_without_a_directory_there_is_nothing_to_sweep(tmp_path):
    assert ChildRegistry(tmp_path / "none", "run").sweep() == 0
