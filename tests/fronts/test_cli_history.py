"""`oxide history`: lists, search, the flight recorder, deletion, import and export."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oxide_desktop.fronts.cli.text import width
from tests.fakes.http_server import Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import LIMIT_S, Oxide, only

OLD = {
    "old-1": {
        "id": "old-1", "status": "completed", "prompt": "What is a qubit?", "files": [],
        "service": "ollama_local", "task_type": "quick_query", "result": "It is \x1b[31m qubits", "error": None,
        "created_at": 1700000000.0, "started_at": 1700000000.5, "completed_at": 1700000005.5, "duration": 5.0,
    },
    "old-2": {
        "id": "old-2", "status": "failed", "files": ["a.py"],
        "prompt": "Review\nthis \u65e5\u672c\u8a9e " + "very " * 60,
        "service": "qwen", "task_type": "code_review", "result": None, "error": "quota used up",
        "created_at": 1700000100.0, "started_at": 1700000100.5, "completed_at": 1700000101.5, "duration": 1.0,
    },
    "bad": {"id": "bad", "status": "nonsense"},
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(models=["model-a"]) as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: OpenAIServer) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(fake=server.base_url))
        yield program


@pytest.fixture
def filled(oxide: Oxide) -> Oxide:
    file = oxide.cwd / "tasks.json"
    file.write_text(json.dumps(OLD), encoding="utf-8")
    done = oxide("history", "import", str(file))
    assert done.returncode == 1
    assert "2 tasks imported, 0 already there." in done.stderr
    assert "set aside bad" in done.stderr
    return oxide


def prompts(page: dict[str, Any]) -> list[str]:
    return [task["prompt"].split()[0] for task in page["tasks"]]


def test_an_empty_history_teaches(oxide: Oxide) -> None:
    done = oxide("history")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing yet" in done.stderr
    assert oxide.json("history", "list") == {"tasks": [], "total": 0, "filtered": 0}


def test_the_list_is_newest_first_and_fits_eighty_columns(filled: Oxide) -> None:
    page = filled.json("history", "list")
    assert (page["total"], prompts(page)) == (2, ["Review", "What"])
    lines = filled("history").stdout.splitlines()
    assert len(lines) == 3
    assert all(width(line) <= 80 for line in lines)
    assert "code_review" in lines[1]
    assert lines[1].endswith("…")


def test_the_list_can_be_narrowed_and_paged(filled: Oxide) -> None:
    assert prompts(filled.json("history", "list", "--status", "failed")) == ["Review"]
    assert prompts(filled.json("history", "list", "--service", "ollama_local")) == ["What"]
    assert prompts(filled.json("history", "--type", "quick_query")) == ["What"]
    assert prompts(filled.json("history", "list", "--offset", "1")) == ["What"]
    done = filled("history", "--limit", "1")
    assert "1 of 2" in done.stderr


def test_search_finds_words_of_prompts_and_answers(filled: Oxide) -> None:
    assert prompts(filled.json("history", "search", "qubits")) == ["What"]
    assert prompts(filled.json("history", "search", "review")) == ["Review"]
    assert filled("history", "search", "nowhere").returncode == 0


def test_one_task_is_shown_in_full(oxide: Oxide) -> None:
    (oxide.cwd / "a.py").write_text("print(1)\n", encoding="utf-8")
    task = oxide.json("run", "Review this", "-f", "a.py", "--service", "fake")
    shown = oxide("history", "show", task["id"][:8]).stdout
    for part in ("✓ completed", task["id"], "a.py", "preferred_service=fake", "because:", "Attempts", "model-a", "cli"):
        assert part in shown
    assert shown.rstrip().endswith("Hello, world.")
    assert oxide.json("history", "show", task["id"]) == task


def test_a_failed_task_shows_its_attempts_and_its_error(oxide: Oxide, server: OpenAIServer) -> None:
    server.usual = Reply(status=400, error="the input is refused")
    oxide("run", "Hello")
    task = oxide.json("history", "list")["tasks"][0]
    shown = oxide("history", "show", task["id"]).stdout
    assert "✕ failed" in shown
    assert shown.count("the input is refused") >= 2


def test_control_sequences_in_an_answer_reach_a_pipe_but_no_terminal(filled: Oxide) -> None:
    assert "\x1b[31m qubits" in filled("history", "show", "old-1").stdout
    shown = filled.on_terminal("history", "show", "old-1").screen
    assert "It is  qubits" in shown
    assert "\x1b[31m qubits" not in shown


def test_a_task_that_is_not_there_ends_with_2(filled: Oxide) -> None:
    for command in ("show", "delete"):
        done = filled("history", command, "nowhere")
        assert (done.returncode, done.stdout) == (2, "")
    done = filled("history", "show", "nowhere", "--json")
    assert "error" in json.loads(done.stdout)


def test_one_task_can_be_deleted(filled: Oxide) -> None:
    assert filled("history", "delete", "old-1").returncode == 0
    assert prompts(filled.json("history", "list")) == ["Review"]


def test_all_or_some_can_be_deleted(filled: Oxide) -> None:
    assert "1 task deleted." in filled("history", "clear", "--status", "failed").stderr
    assert "1 task deleted." in filled("history", "clear").stderr
    assert "0 tasks deleted." in filled("history", "clear").stderr


def test_on_a_terminal_clearing_asks_first(filled: Oxide) -> None:
    shown = filled.on_terminal("history", "clear", types=("[y/N]", b"n\n"))
    assert shown.returncode == 130
    assert "Delete the whole history?" in shown.screen
    assert filled.json("history", "list")["total"] == 2
    assert filled.on_terminal("history", "clear", types=("[y/N]", b"y\n")).returncode == 0
    assert filled.json("history", "list")["total"] == 0


def test_what_is_exported_can_be_imported_again(filled: Oxide, tmp_path: Path) -> None:
    exported = filled("history", "export").stdout
    assert set(json.loads(exported)) == {"old-1", "old-2"}
    file = tmp_path / "out.json"
    file.write_text(exported, encoding="utf-8")
    result = filled.json("history", "import", str(file))
    assert result == {"imported": 0, "already_there": 2, "refused": []}
    other = Oxide(tmp_path / "other", tmp_path)
    other.configure(only())
    assert other.json("history", "import", str(file))["imported"] == 2


def test_importing_what_is_no_history_ends_with_an_error(oxide: Oxide) -> None:
    file = oxide.cwd / "nonsense.json"
    file.write_text("{", encoding="utf-8")
    done = oxide("history", "import", str(file))
    assert done.returncode in (1, 2)
    assert "nonsense.json" in done.stderr
    assert oxide("history", "import", "not-there.json").returncode == 2


def test_a_list_that_nobody_reads_to_its_end_ends_quietly(filled: Oxide) -> None:
    process = filled.start("history", "export")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 130
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_task_can_be_asked_again_elsewhere_and_both_are_compared(oxide: Oxide, server: OpenAIServer) -> None:
    own = {"base_url": server.base_url, "price": {"input": 100_000, "output": 100_000}}
    oxide.configure(only(fake=server.base_url, other=own))
    server.usual = Reply(pieces=["first"], usage=(12, 3))
    before = oxide.json("run", "What is 2+2?", "-s", "fake")
    server.usual = Reply(pieces=["second"], usage=(12, 5))
    done = oxide("history", "replay", before["id"][:8], "--service", "other")
    assert (done.returncode, done.stdout.strip()) == (0, "second")
    old, new = done.stderr.splitlines()[-2:]
    assert old.split()[:2] == ["before", "fake"]
    assert old.endswith("12 in, 3 out")
    assert new.split()[:2] == ["now", "other"]
    assert new.endswith("12 in, 5 out, cost 1.7")

    record = oxide.json("history", "list")["tasks"][0]
    assert (record["replay_of"], record["service"], record["prompt"]) == (before["id"], "other", before["prompt"])
    assert before["id"] in oxide("history", "show", record["id"]).stdout
    told = oxide.json("history", "replay", before["id"])
    assert (told["replay_of"], told["service"]) == (before["id"], "fake")


def test_a_replay_that_fails_says_so_in_the_comparison(oxide: Oxide, server: OpenAIServer) -> None:
    before = oxide.json("run", "Hello")
    server.usual = Reply(status=400, error="the input is refused")
    done = oxide("history", "replay", before["id"])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("now")
    assert done.stderr.splitlines()[-1].endswith("failed")
    assert oxide("history", "replay", "nowhere").returncode == 2
    assert oxide("history", "replay", before["id"], "-s", "nobody").returncode == 2


def test_the_flight_recorder_tells_rule_attempts_tokens_cost_and_whether_data_left(
    oxide: Oxide, server: OpenAIServer
) -> None:
    own = {"base_url": server.base_url, "price": {"input": 100_000, "output": 100_000}}
    oxide.configure(only(fake=own))
    oxide("rules", "set", "coding", "fake")
    server.usual = Reply(pieces=["first"], usage=(12, 3))
    task = oxide.json("run", "Write a function", "-t", "coding")
    shown = oxide("history", "show", task["id"]).stdout
    lines = shown.splitlines()
    assert "rule      coding → fake (your own)" in lines
    assert "sent      nothing left this machine" in lines
    assert "cost      1.5" in lines
    assert "FIRST TEXT" in shown
    attempt = " ".join(shown.split("Attempts")[1].split("Answer")[0].split())
    assert "completed; 12 tokens in, 3 out; cost 1.5; stayed on this machine" in attempt.replace("HOW ", "")
    assert all(width(line) <= 80 for line in lines)

    explained = oxide("explain", "--task", task["id"][:8]).stdout
    assert explained == shown.split("\nAnswer")[0].rstrip("\n") + "\n"
    assert oxide.json("explain", "--task", task["id"]) == task
    assert oxide("explain", "Hello", "--task", task["id"]).returncode == 2
    assert oxide("explain", "--task", "nowhere").returncode == 2


def test_an_ancestors_history_is_told_of_once_by_whichever_command_comes_first(oxide: Oxide) -> None:
    oxide.home.mkdir(exist_ok=True)
    (oxide.home / "tasks.json").write_text(json.dumps(OLD), encoding="utf-8")
    first, second = oxide("history"), oxide("history")
    assert "2 tasks were imported from" in first.stderr
    assert "imported" not in second.stderr
    assert first.stdout.count("old-") == 2


@pytest.mark.skipif(os.name == "nt", reason="a bound on files as POSIX has it")
@pytest.mark.parametrize(
    ("words", "found"),
    [("list", "needle"), ("search needle", "needle"), ("export", '"needle"'), ("show {id}", "needle")],
)
def test_what_is_kept_on_a_full_disk_can_be_looked_at_and_exported(oxide: Oxide, words: str, found: str) -> None:
    task = oxide.json("run", "needle")
    script = 'ulimit -f 8; exec "$0" -m oxide_desktop history "$@"'
    process = oxide.start(*words.format(id=task["id"]).split(), command=("sh", "-c", script, sys.executable))
    out, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, found in out.decode()) == (0, True), errors.decode()
    assert errors.decode().count("The disk is full: what is there can be looked at, nothing can be asked.") == 1
