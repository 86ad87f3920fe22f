"""`oxide status`, `oxide stop`, and the one instance, on a real lock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from oxide_desktop import __version__
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import OxideError
from oxide_desktop.fronts.cli import instance
from tests.fronts.cli_program import LIMIT_S, Oxide, read_until

HOLDER = """
import asyncio, contextlib, signal, sys, uuid
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.children import ChildSpec
from oxide_desktop.fronts.cli import instance
from oxide_desktop.runtime.processes import GuardedSpawner
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
WAIT = [sys.executable, "-ISc", "import threading; threading.Event().wait()"]
PARENT = [sys.executable, "-ISc", f"import subprocess; subprocess.run({WAIT!r})"]

async def hold(paths):
    spawner = GuardedSpawner(paths.run_dir, uuid.uuid4().hex)
    if "parent" in sys.argv:
        await spawner.spawn(ChildSpec(argv=WAIT, purpose="gemini", task_id="3f2a1b2c-and-so-on"))
        child = await spawner.spawn(ChildSpec(argv=PARENT, purpose="Ollama"))
        while len(spawner.children()[1].tree) < 2:
            await asyncio.sleep(0.01)
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await spawner.aclose()

paths = Paths.from_environment()
with contextlib.nullcontext() if "alone" in sys.argv else instance.held(paths):
    asyncio.run(hold(paths))
"""
NOT_RUNNING = {
    "running": False, "pid": None, "port": None, "socket": None, "version": None, "children": [], "newer_version": None,
}  # fmt: skip


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        yield program


@pytest.fixture
def paths(oxide: Oxide) -> Paths:
    found = Paths(oxide.home)
    found.prepare()
    return found


def hold(oxide: Oxide, *args: str) -> subprocess.Popen[bytes]:
    process = oxide.start(command=(sys.executable, "-c", HOLDER, *args), stdin=subprocess.PIPE)
    read_until(process, "held\n")
    return process


def test_without_an_instance_nothing_runs_and_the_exit_code_is_0(oxide: Oxide) -> None:
    assert oxide.json("status") == NOT_RUNNING
    done = oxide("status")
    assert done.returncode == 0
    assert "not running" in done.stdout


def test_a_running_instance_is_described(oxide: Oxide, paths: Paths) -> None:
    process = hold(oxide, "parent")
    paths.web_file.write_text(json.dumps({"pid": process.pid, "port": 8123, "version": __version__}), encoding="utf-8")
    told = oxide.json("status")
    gemini, ollama = told.pop("children")
    assert told == {
        "running": True,
        "pid": process.pid,
        "port": 8123,
        "socket": None,
        "version": __version__,
        "newer_version": None,
    }
    assert (gemini["purpose"], gemini["task_id"]) == ("gemini", "3f2a1b2c-and-so-on")
    assert (ollama["purpose"], ollama["task_id"]) == ("Ollama", None)
    assert [len(child["tree"]) for child in (gemini, ollama)] == [1, 2]
    assert gemini["tree"][0]["pid"] == gemini["pid"]
    assert "threading.Event().wait()" in gemini["command"]
    assert all(child["memory_bytes"] > 0 and child["started_at"] > 0 for child in (gemini, ollama))
    text = oxide("status").stdout
    assert f"process {process.pid}" in text
    assert "http://127.0.0.1:8123/" in text
    line = rf"^  child   gemini for task 3f2a1b2c \({gemini['pid']}, just now, \d+ MB\)$"
    assert re.search(line, text, re.MULTILINE)
    assert re.search(rf"^  child   Ollama \({ollama['pid']}, just now, \d+ MB, 2 processes\)$", text, re.MULTILINE)
    process.communicate(timeout=LIMIT_S)
    assert oxide.json("status") == NOT_RUNNING


def test_what_a_command_with_an_engine_of_its_own_runs_is_listed_too_and_can_be_ended(oxide: Oxide) -> None:
    command = oxide.start(command=(sys.executable, "-c", HOLDER, "parent", "alone"), stdin=subprocess.PIPE)
    read_until(command, "held\n")
    told = oxide.json("status")
    gemini, ollama = told["children"]
    assert (told["running"], gemini["owner_pid"], ollama["owner_pid"]) == (False, command.pid, command.pid)
    assert f"gemini for task 3f2a1b2c ({gemini['pid']} of process {command.pid}, " in oxide("status").stdout
    assert oxide("stop", "--child", str(gemini["pid"])).returncode == 0
    assert [child["pid"] for child in oxide.json("status")["children"]] == [ollama["pid"]]
    command.communicate(timeout=LIMIT_S)


def test_a_port_that_a_dead_instance_left_behind_is_not_believed(oxide: Oxide, paths: Paths) -> None:
    paths.web_file.write_text(json.dumps({"pid": 1, "port": 8123, "version": "0"}), encoding="utf-8")
    assert oxide.json("status") == NOT_RUNNING
    process = hold(oxide)
    assert oxide.json("status")["port"] is None
    process.communicate(timeout=LIMIT_S)


def test_what_a_killed_instance_left_behind_is_not_believed(oxide: Oxide) -> None:
    process = hold(oxide)
    process.kill()
    process.communicate(timeout=LIMIT_S)
    assert oxide.json("status") == NOT_RUNNING


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"pid": null}'])
def test_an_instance_that_has_not_told_its_number_yet_is_running_all_the_same(
    oxide: Oxide, paths: Paths, text: str
) -> None:
    process = hold(oxide)
    (paths.run_dir / "instance.json").write_text(text, encoding="utf-8")
    told = oxide.json("status")
    assert (told["running"], told["pid"]) == (True, None)
    done = oxide("stop")
    assert (done.returncode, "just starting" in done.stderr) == (1, True)
    process.communicate(timeout=LIMIT_S)


def test_there_is_one_instance_and_the_second_learns_which(oxide: Oxide, paths: Paths) -> None:
    process = hold(oxide)
    with pytest.raises(instance.AlreadyRunningError) as caught, instance.held(paths):
        raise AssertionError("there were two")
    assert caught.value.instance.pid == process.pid
    process.communicate(timeout=LIMIT_S)
    with instance.held(paths):
        found = instance.find(paths)
    assert found is not None
    assert found.pid == os.getpid()


def test_stop_without_an_instance_is_fine(oxide: Oxide) -> None:
    done = oxide("stop")
    assert (done.returncode, done.stdout) == (0, "")
    assert "not running" in done.stderr


def test_stop_ends_the_instance_and_waits_for_it(oxide: Oxide) -> None:
    process = hold(oxide)
    done = oxide("stop")
    assert (done.returncode, done.stderr) == (0, f"Oxide has ended (it was process {process.pid}).\n")
    assert process.wait(LIMIT_S) != 0
    process.communicate()
    assert oxide.json("status") == NOT_RUNNING


@pytest.mark.parametrize("stopped", [False, True])
def test_one_of_its_programs_can_be_ended_with_its_tree_while_it_goes_on(oxide: Oxide, *, stopped: bool) -> None:
    process = hold(oxide, "parent")
    gemini, ollama = oxide.json("status")["children"]
    if stopped:
        guard = psutil.Process(ollama["pid"]).parents()[1]
        guard.suspend()
    done = oxide("stop", "--child", str(ollama["pid"]))
    assert (done.returncode, done.stderr) == (0, f"Ollama has ended (it was process {ollama['pid']}).\n")
    assert len(ollama["tree"]) == 2
    assert not any(psutil.pid_exists(member["pid"]) for member in ollama["tree"])
    told = oxide.json("status")
    assert (told["running"], [child["pid"] for child in told["children"]]) == (True, [gemini["pid"]])
    process.communicate(timeout=LIMIT_S)


def test_what_is_no_program_of_its_own_is_not_ended(oxide: Oxide) -> None:
    process = hold(oxide, "parent")
    done = oxide("stop", "--child", str(os.getpid()))
    assert done.returncode == 2
    assert f"no program {os.getpid()}" in done.stderr
    assert "`oxide status`" in done.stderr
    process.communicate(timeout=LIMIT_S)
    assert "no program" in oxide("stop", "--child", str(process.pid)).stderr


def test_an_instance_that_does_not_end_is_told_with_the_way_out(oxide: Oxide, paths: Paths) -> None:
    process = hold(oxide, "deaf")
    found = instance.find(paths)
    assert found is not None
    with pytest.raises(OxideError, match=f"kill -9 {process.pid}"):
        instance.end(paths, found, limit_s=0.2)
    process.communicate(timeout=LIMIT_S)


def test_a_process_that_is_younger_than_the_note_is_left_alone(oxide: Oxide, paths: Paths) -> None:
    process = hold(oxide)
    found = instance.find(paths)
    assert found is not None
    os.utime(paths.run_dir / "instance.json", (1, 1))
    with pytest.raises(OxideError, match="is not it"):
        instance.end(paths, found)
    assert process.poll() is None
    process.communicate(timeout=LIMIT_S)


def test_an_instance_that_has_just_ended_by_itself_is_no_error(oxide: Oxide, paths: Paths) -> None:
    process = hold(oxide)
    found = instance.find(paths)
    assert found is not None
    process.communicate(timeout=LIMIT_S)
    instance.end(paths, found)


def test_the_token_is_printed_alone(oxide: Oxide, paths: Paths) -> None:
    done = oxide("status", "--token")
    assert (done.returncode, done.stdout) == (1, "")
    assert "oxide serve" in done.stderr
    paths.token_file.write_text("s3cret\n", encoding="utf-8")
    assert oxide("status", "--token").stdout == "s3cret\n"
