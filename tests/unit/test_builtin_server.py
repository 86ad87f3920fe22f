"""The child program of the built-in model, run as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from oxide_desktop.adapters.builtin import PROGRESS
from oxide_desktop.adapters.builtin_server import BATCH_TOKENS, MARK, SERVER_FLAG
from tests.fakes.dying_server import write_package

pytestmark = pytest.mark.model
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(job: dict[str, object], *before: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The program, and what it said first."""
    path = os.pathsep.join(str(place) for place in (*before, ROOT))
    job = {"packages": str(Path(find_spec("xllamacpp").origin).parents[1]), **job}
    with subprocess.Popen(
        [sys.executable, "-m", "oxide_desktop.adapters.builtin_server"],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as program:
        program.stdin.write(json.dumps(job))
        program.stdin.close()
        line = program.stdout.readline()
        assert line.startswith(MARK)
        yield program, json.loads(line.removeprefix(MARK))
        program.terminate()


def serving(model: Path) -> dict[str, object]:
    return {"model": str(model), "name": "m", "api_key": "k", "window": 256, "threads": 1, "sleep_after_s": 60}


def test_without_a_model_it_says_its_version_and_ends() -> None:
    with running({}) as (program, said):
        assert set(said) == {"version"}
        assert program.wait(20) == 0


def test_a_package_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with running({}, write_package(tmp_path, "raise ImportError('no libgomp')")) as (program, said):
        assert said == {"failed": "import", "message": "no libgomp"}
        assert program.wait(20) == 3


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF, not")
    with running(serving(damaged)) as (program, said):
        assert said["failed"] == "load"
        assert program.wait(20) == 3


def test_it_serves_on_a_free_port_of_this_machine_until_it_is_ended(tiny_model: Path) -> None:
    with running(serving(tiny_model)) as (program, said), running(serving(tiny_model)) as (_, other):
        assert said["url"].startswith("http://127.0.0.1:")
        assert said["url"] != other["url"]
        with urllib.request.urlopen(f"{said['url']}/health", timeout=20) as answer:
            assert json.load(answer) == {"status": "ok"}
        program.terminate()
        assert program.wait(20) != 0


def test_the_program_of_a_bundle_is_this_one_too_and_imports_nothing_of_the_command_line() -> None:
    job = {"packages": str(Path(find_spec("xllamacpp").origin).parents[1])}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "oxide_desktop", SERVER_FLAG],
        cwd=ROOT,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(done.stdout.removeprefix(MARK))) == {"version"}
    assert "xllamacpp" in done.stderr
    assert not [name for name in ("click", "oxide_desktop.fronts", "oxide_desktop.engine") if name in done.stderr]


def test_it_tells_how_far_it_has_read_a_long_prompt(tiny_model: Path) -> None:
    with running({**serving(tiny_model), "window": 2048}) as (_, said):
        body = {"messages": [{"role": "user", "content": "a" * 1200}], "max_tokens": 1, "stream": True, **PROGRESS}
        request = urllib.request.Request(
            f"{said['url']}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Authorization": "Bearer k", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            events = [json.loads(line[5:]) for line in answer if line.startswith(b"data: {")]
    read = [event["prompt_progress"]["processed"] for event in events if "prompt_progress" in event]
    assert read[:3] == [0, BATCH_TOKENS, 2 * BATCH_TOKENS]
