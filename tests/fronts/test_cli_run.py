"""`oxide run` as a process: its answer, its exit codes, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.http_server import Fault, Received, Reply, closed_port
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import LIMIT_S, Oxide, children_of, end, only, read_until

RECORD_KEYS = {
    "id", "status", "prompt", "files", "preferences", "service", "model", "task_type", "result", "error", "created_at",
    "started_at", "completed_at", "duration", "attempts", "route", "tokens", "cost", "source",
}  # fmt: skip
STALL = Reply(pieces=["The answer"], fault=Fault.STALL, after=1)
FINAL_LINE = re.compile(r"^✓ \S[^\n]* · fake · because: [^\n]*\n\Z")


class Server(OpenAIServer):
    """Tells when it is asked."""

    def __init__(self) -> None:
        super().__init__(models=["model-a"])
        self.was_asked = threading.Event()

    def next_reply(self, request: Received) -> Reply:
        self.was_asked.set()
        return super().next_reply(request)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: Server) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(fake=server.base_url))
        yield program


def test_what_a_person_should_know_of_the_history_is_said_beside_the_answer(oxide: Oxide) -> None:
    (oxide.home / "tasks.json").write_text("[", encoding="utf-8")
    done = oxide("run", "Hello?")
    assert (done.returncode, done.stderr.count("tasks.json is not a readable")) == (0, 1)
    assert "tasks.json" not in done.stdout
    assert "tasks.json" not in oxide("run", "--quiet", "Hello?").stderr


def asked_text(server: Server) -> str:
    return "\n".join(message["content"] for message in server.asked[-1].body["messages"])


def newest(oxide: Oxide) -> dict[str, object]:
    record: dict[str, object] = oxide.json("history", "list")["tasks"][0]
    return record


# -- the answer ------------------------------------------------------------------------------------


def test_the_answer_alone_is_on_stdout_and_the_route_in_one_line_on_stderr(oxide: Oxide) -> None:
    done = oxide.process("run", "What is 2+2?")
    assert (done.returncode, done.stdout) == (0, "Hello, world.\n")
    assert FINAL_LINE.match(done.stderr), done.stderr


def test_quiet_says_nothing_but_the_answer(oxide: Oxide) -> None:
    done = oxide.process("run", "--quiet", "What is 2+2?")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello, world.\n", "")


def test_a_piped_prompt_is_asked(oxide: Oxide, server: Server) -> None:
    assert oxide.process("run", stdin="Where is the moon?").returncode == 0
    assert asked_text(server) == "Where is the moon?"


def test_a_dash_means_standard_input(oxide: Oxide, server: Server) -> None:
    assert oxide.process("run", "-", stdin="Where is the sun?").returncode == 0
    assert asked_text(server) == "Where is the sun?"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"\x7fELF\x02\x01\x01\x00", "Its character 8 is NUL, so it is something binary."),
        (b"caf\xe9 and more", "Its byte 4 is no UTF-8."),
    ],
)
def test_what_is_piped_in_and_no_text_is_refused(oxide: Oxide, server: Server, given: bytes, why: str) -> None:
    done = oxide.process("run", "Explain this:", stdin=given)
    assert (done.returncode, server.asked) == (2, [])
    assert f"Standard input is not text: {why}" in done.stderr
    assert "--file" in done.stderr


def test_what_is_piped_in_and_too_long_for_every_service_is_cut_and_a_prompt_is_refused(tmp_path: Path) -> None:
    with Server() as server, Oxide(tmp_path / "home", tmp_path) as oxide:
        oxide.configure(only(fake={"base_url": server.base_url, "max_context_tokens": 4000}))
        piped = oxide.process("run", "Explain this log:", stdin="error 42\n" * 9000)
        typed = oxide.process("run", "word " * 4000)
    assert piped.returncode == 0
    assert "note: Standard input was cut to its first " in piped.stderr
    assert typed.returncode == 2
    assert "The prompt is too long: It has about 5,715 tokens" in typed.stderr


def test_what_is_piped_in_is_added_to_the_prompt(oxide: Oxide, server: Server) -> None:
    assert oxide.process("run", "Explain this log:", stdin="error 42\n").returncode == 0
    assert asked_text(server) == "Explain this log:\n\nerror 42\n"


def test_an_empty_pipe_adds_nothing(oxide: Oxide, server: Server) -> None:
    assert oxide.process("run", "Just this", stdin="").returncode == 0
    assert asked_text(server) == "Just this"


def test_a_pipe_that_nobody_closes_is_named(oxide: Oxide) -> None:
    process = oxide.start("run", "Hello", stdin=subprocess.PIPE)
    assert "Waiting for standard input" in read_until(process, "to be read", "stderr")
    out, _ = process.communicate(b"", timeout=LIMIT_S)
    assert (process.returncode, out) == (0, b"Hello, world.\n")


def test_ctrl_c_ends_the_wait_for_a_pipe(oxide: Oxide) -> None:
    process = oxide.start("run", stdin=subprocess.PIPE)
    read_until(process, "Waiting for standard input", "stderr")
    assert end(process)[0] == 130


def test_a_closed_standard_input_is_no_prompt(oxide: Oxide, server: Server) -> None:
    command = ("sh", "-c", '"$0" -m oxide_desktop run "Just this" <&-')
    process = oxide.start(command=(*command, sys.executable))
    out, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (0, b"Hello, world.\n"), errors
    assert asked_text(server) == "Just this"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_is_no_error(oxide: Oxide, closed: str) -> None:
    process = oxide.start(command=("sh", "-c", f'"$0" -m oxide_desktop run Hello {closed}', sys.executable))
    out, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    assert newest(oxide)["result"] == "Hello, world."
    assert out in (b"", b"Hello, world.\n")


def test_what_is_said_beside_the_answer_may_be_lost_without_harm(oxide: Oxide) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        process = oxide.start("run", "Hello", stderr=full)
        out, _ = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (0, b"Hello, world.\n")


def test_more_than_any_model_could_read_is_refused(oxide: Oxide, server: Server) -> None:
    done = oxide.process("run", stdin=b"x" * (64 * 1024 * 1024 + 1))
    assert (done.returncode, done.stdout) == (2, "")
    assert "too long" in done.stderr
    assert not server.asked


def test_files_and_globs_go_with_the_prompt(oxide: Oxide, server: Server) -> None:
    for name in ("one.py", "two.py", "three.txt"):
        (oxide.cwd / name).write_text(f"content of {name}\n", encoding="utf-8")
    assert oxide.process("run", "Review", "-f", "*.py", "--file", "three.txt").returncode == 0
    text = asked_text(server)
    assert all(f"content of {name}" in text for name in ("one.py", "two.py", "three.txt"))
    assert newest(oxide)["files"] == ["*.py", "three.txt"]


def test_wishes_are_kept_and_obeyed(oxide: Oxide, server: Server) -> None:
    server.models.append("model-b")
    done = oxide.process("run", "Hello", "--service", "fake", "--type", "coding", "--model", "model-b")
    assert done.returncode == 0, done.stderr
    assert server.asked[-1].body["model"] == "model-b"
    record = newest(oxide)
    assert record["preferences"] == {"preferred_service": "fake", "task_type": "coding", "model": "model-b"}
    assert (record["task_type"], record["model"], record["source"]) == ("coding", "model-b", "cli")


def test_json_prints_the_record(oxide: Oxide) -> None:
    record = oxide.json("run", "What is 2+2?")
    assert set(record) >= RECORD_KEYS
    assert (record["status"], record["result"], record["service"]) == ("completed", "Hello, world.", "fake")
    assert record == newest(oxide)


def test_an_answer_that_is_not_ascii_survives_any_locale(oxide: Oxide, server: Server) -> None:
    server.usual = Reply(pieces=["caf\u00e9 ", "\u65e5\u672c \u2713"])
    for locale in ({"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0", "LC_ALL": "C"}):
        done = oxide.process("run", "Hello", env=locale)
        assert (done.returncode, done.stdout) == (0, "caf\u00e9 \u65e5\u672c \u2713\n")


def test_arguments_that_are_no_utf8_are_asked_all_the_same(oxide: Oxide, server: Server) -> None:
    assert oxide.process("run", os.fsdecode(b"caf\xe9?")).returncode == 0
    assert asked_text(server) == "caf\ufffd?"


# -- terminal --------------------------------------------------------------------------------------


def test_on_a_terminal_the_wait_is_one_line_that_rewrites_itself(oxide: Oxide) -> None:
    shown = oxide.on_terminal("run", "What is 2+2?", stdout_too=False)
    assert (shown.returncode, shown.piped) == (0, "Hello, world.\n")
    assert re.search(r"\r\x1b\[2K\S*◌\S* choosing a service 0 s", shown.screen)
    before_final, final = shown.screen.rsplit("\r\x1b[2K", 1)
    assert "\n" not in before_final
    assert FINAL_LINE.match(re.sub(r"\x1b\[[0-9;]*m", "", final))


def test_on_a_terminal_the_answer_stands_alone_and_ends_its_line(oxide: Oxide) -> None:
    shown = oxide.on_terminal("run", "What is 2+2?")
    assert shown.returncode == 0
    lines = shown.screen.rsplit("\r\x1b[2K", 1)[1].splitlines()
    assert lines[0] == "Hello, world."
    assert "fake" in lines[1]


def test_control_sequences_of_a_model_reach_a_pipe_but_no_terminal(oxide: Oxide, server: Server) -> None:
    server.usual = Reply(pieces=["\x1b]0;own", "ed\x07\x1b[2", "Jsafe"])
    assert oxide.process("run", "Hello").stdout == "\x1b]0;owned\x07\x1b[2Jsafe\n"
    shown = oxide.on_terminal("run", "Hello").screen
    assert "owned" not in shown
    assert "\x1b[2J" not in shown
    assert "safe" in shown


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_there_is_no_colour_where_it_is_not_wanted(oxide: Oxide, changes: dict[str, str]) -> None:
    assert re.search(r"\x1b\[[0-9;]*m", oxide.on_terminal("run", "Hello").screen)
    assert not re.search(r"\x1b\[[0-9;]*m", oxide.on_terminal("run", "Hello", env=changes).screen)


# -- failures --------------------------------------------------------------------------------------


def test_a_failed_task_ends_with_1_and_says_why_on_stderr(oxide: Oxide, server: Server) -> None:
    server.usual = Reply(status=400, error="the input is refused")
    done = oxide.process("run", "Hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert "✕" in done.stderr
    assert "the input is refused" in done.stderr
    assert newest(oxide)["status"] == "failed"


def test_a_failed_task_is_a_record_for_programs(oxide: Oxide, server: Server) -> None:
    server.usual = Reply(status=400, error="the input is refused")
    done = oxide.process("run", "Hello", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 1
    assert (record["status"], record["result"]) == ("failed", None)
    assert "the input is refused" in record["error"]


def test_a_stream_that_breaks_keeps_what_came_and_fails(oxide: Oxide, server: Server) -> None:
    server.usual = Reply(pieces=["The first half"], fault=Fault.CUT_OFF, after=1)
    done = oxide.process("run", "Hello")
    assert (done.returncode, done.stdout) == (1, "The first half\n")
    record = newest(oxide)
    assert (record["status"], record["result"]) == ("failed", "The first half")


ODD_NAME = os.fsdecode(b"caf\xe9.txt")
SHOWN_NAME = "caf\N{REPLACEMENT CHARACTER}.txt"


@pytest.mark.parametrize("command", [("run", "Read", "-f", ODD_NAME), ("analyze", "Read", ODD_NAME)])
def test_a_file_whose_name_is_no_text_is_read_shown_and_asked_again(
    oxide: Oxide, server: Server, command: tuple[str, ...]
) -> None:
    (oxide.cwd / ODD_NAME).write_text("what is in it", encoding="utf-8")
    done = oxide.process(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert "what is in it" in server.asked[-1].body["messages"][0]["content"]
    assert SHOWN_NAME in done.stdout
    record = newest(oxide)
    assert record["files"] == [SHOWN_NAME]
    assert SHOWN_NAME in oxide.process("history", "show", record["id"]).stdout
    assert oxide.process("history", "export").returncode == 0
    asked = len(server.asked)
    replayed = oxide.process("history", "replay", record["id"])
    assert replayed.returncode == 0, replayed.stderr
    assert "what is in it" in server.asked[asked].body["messages"][0]["content"]


def test_a_file_whose_name_is_no_text_and_that_is_not_there_is_told_of(oxide: Oxide) -> None:
    done = oxide.process("explain", "Read", "-f", ODD_NAME)
    assert (done.returncode, f"{SHOWN_NAME} (no such file)" in done.stderr) == (2, True), done.stderr


def test_where_no_service_can_take_it_the_exit_code_is_3(tmp_path: Path) -> None:
    oxide = Oxide(tmp_path / "home", tmp_path)
    oxide.configure(only(fake=f"http://127.0.0.1:{closed_port()}/v1"))
    done = oxide.process("run", "Hello")
    assert (done.returncode, done.stdout) == (3, "")
    assert "No service could take the task" in done.stderr
    assert "fake" in done.stderr


def test_the_service_that_answered_is_named_not_the_one_that_was_first(tmp_path: Path, server: Server) -> None:
    oxide = Oxide(tmp_path / "home", tmp_path)
    with Server() as broken:
        broken.usual = Reply(status=401, error="signed out")
        text = only(broken=broken.base_url, fake=server.base_url)
        oxide.configure(text + "routing_rules: {quick_query: {primary: broken, fallback: [fake]}}\n")
        done = oxide.process("run", "What is 2+2?", "--type", "quick_query")
    assert (done.returncode, done.stdout) == (0, "Hello, world.\n")
    assert re.search(r"^tried broken: .*signed out", done.stderr, re.MULTILINE), done.stderr
    assert re.search(r"^✓ quick query · fake · because: broken failed", done.stderr, re.MULTILINE)


@pytest.mark.parametrize("args", [["run"], ["run", "  "], ["run", "-"], ["run", "Hello", "--service", "nobody"]])
def test_what_cannot_be_asked_ends_with_2(oxide: Oxide, server: Server, args: list[str]) -> None:
    done = oxide.process(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("✕ ")
    assert not server.asked


def test_refused_settings_are_named_with_file_line_and_key(oxide: Oxide) -> None:
    oxide.configure("services:\n  fake:\n    type: nonsense\nexecution:\n  max_retries: many\n")
    done = oxide.process("run", "Hello")
    file = oxide.home / "config.yaml"
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}:3: services.fake.type:" in done.stderr
    assert f"{file}:5: execution.max_retries:" in done.stderr
    assert "cli" in done.stderr


def test_refused_settings_are_told_to_programs_as_json(oxide: Oxide) -> None:
    oxide.configure("services: 3\n")
    done = oxide.process("run", "Hello", "--json")
    assert done.returncode == 2
    assert set(json.loads(done.stdout)["error"]) == {"title", "message", "hint"}


# -- being stopped ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_task_and_leaves_nothing_behind(oxide: Oxide, server: Server, number: int) -> None:
    server.usual = STALL
    process = oxide.start("run", "Hello")
    read_until(process, "The answer")
    children = children_of(process.pid)
    code, out, errors = end(process, number)
    assert (code, out) == (130, "\n")
    assert "Cancelled" in errors
    assert "Traceback" not in errors
    assert server.gone.wait(LIMIT_S)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    record = newest(oxide)
    assert (record["status"], record["result"]) == ("cancelled", "The answer")


def test_a_cancelled_task_is_a_record_for_programs(oxide: Oxide, server: Server) -> None:
    server.usual = STALL
    process = oxide.start("run", "Hello", "--json")
    assert server.was_asked.wait(LIMIT_S)
    code, out, _ = end(process)
    assert code == 130
    assert json.loads(out)["status"] == "cancelled"


def test_a_reader_that_leaves_cancels_the_task_quietly(oxide: Oxide, server: Server) -> None:
    server.usual = Reply(pieces=["word "] * 10_000, pause_s=0.01)
    process = oxide.start("run", "Hello")
    read_until(process, "word")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(LIMIT_S) == 130
    assert process.stderr.read() == b""
    process.stderr.close()
    assert newest(oxide)["status"] == "cancelled"


def test_a_disk_that_is_full_is_said(oxide: Oxide) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        process = oxide.start("run", "Hello", stdout=full)
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "The answer could not be written: No space left on device." in errors.decode()


@pytest.mark.parametrize("words", [("run", "Hello"), ("explain", "Hello"), ("services", "test", "fake")], ids=" ".join)
def test_a_current_folder_that_is_gone_is_told(oxide: Oxide, words: tuple[str, ...]) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" -m oxide_desktop "$@"'
    process = oxide.start(command=("sh", "-c", script, sys.executable, *words))
    out, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (2, b"")
    assert "current folder is gone" in errors.decode()
    assert "Traceback" not in errors.decode()


def test_a_home_below_a_current_folder_that_is_gone_is_told(oxide: Oxide) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" -m oxide_desktop status'
    process = oxide.start(command=("sh", "-c", script, sys.executable), env={"OXIDE_HOME": "relative"})
    _, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, "Traceback" in errors.decode()) == (2, False)
    assert "OXIDE_HOME is relative" in errors.decode()


def test_what_the_error_says_is_not_said_before_it(oxide: Oxide, server: Server) -> None:
    server.models = []
    done = oxide("run", "Hello", "--service", "fake", "--model", "nix")
    assert done.returncode != 0
    (reason,) = {line.split(": ", 1)[1] for line in done.stderr.splitlines() if line.startswith("✕ No service")}
    assert done.stderr.count(reason) == 1


def test_an_answer_that_ends_its_line_is_left_as_it_is(oxide: Oxide, server: Server) -> None:
    server.play(Reply(pieces=["One line.\n"]))
    assert oxide.process("run", "Hello").stdout == "One line.\n"


@pytest.mark.parametrize("words", [("serve",), ("run", "Hello")], ids=" ".join)
def test_a_full_disk_is_told(oxide: Oxide, words: tuple[str, ...]) -> None:
    unmeasured = "unset COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG"  # which could not be written down either
    script = f'{unmeasured}; ulimit -f 0; exec "$0" -m oxide_desktop "$@"'
    process = oxide.start(command=("sh", "-c", script, sys.executable, *words))
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "The disk is full" in errors.decode()
    assert "Traceback" not in errors.decode()
