"""The real Claude Code against Oxide, with a little server in place of its own model: `make test-clis`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from tests.fakes.anthropic_server import AnthropicServer
from tests.fakes.http_server import Fault, Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import ROOT, Oxide, only

pytestmark = pytest.mark.clis

LIMIT_S = 90


@pytest.fixture
def model() -> Iterator[OpenAIServer]:
    """What Oxide asks."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def anthropic() -> Iterator[AnthropicServer]:
    """What Claude Code asks."""
    with AnthropicServer() as server:
        yield server


@pytest.fixture
def oxide(tmp_path: Path, model: OpenAIServer) -> Iterator[Oxide]:
    for name in ("person", "project"):
        (tmp_path / name).mkdir()
    given = {"HOME": str(tmp_path / "person"), "CLAUDE_CONFIG_DIR": ""}
    with Oxide(tmp_path / "home", tmp_path / "project", given) as program:
        program.configure(only(stub={"base_url": model.base_url, "model": "model-a"}) + "web: {enabled: false}\n")
        yield program
        program.process("stop")


class Claude:
    """Claude Code in the project, asked without a person."""

    def __init__(self, oxide: Oxide, url: str) -> None:
        self.oxide = oxide
        self.program = Path(os.environ["OXIDE_TEST_CLIS"]) / "claude"
        self.env = {
            "HOME": oxide.extra["HOME"],
            "PATH": os.environ["PATH"],
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "dummy",
            "DISABLE_AUTOUPDATER": "1",
            "ENABLE_TOOL_SEARCH": "false",  # offer all tools at once, where a model would first look for them
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "PYTHONPATH": str(ROOT),
        }

    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [str(self.program), *args],
            env={**self.env, **(env or {})},
            cwd=self.oxide.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return done.stdout + done.stderr

    def ask(self, prompt: str, **env: str) -> str:
        tools = ",".join(
            f"mcp__oxide__{name}" for name in ("route_task", "analyze_parallel", "get_task_result", "list_services")
        )
        return self("-p", prompt, "--allowedTools", tools, env=env)


@pytest.fixture
def claude(oxide: Oxide, anthropic: AnthropicServer) -> Claude:
    assert oxide("mcp", "install").returncode == 0
    assert oxide("mcp", "status", "--client", "claude-code").returncode == 0  # and it runs from now on
    return Claude(oxide, anthropic.url)


def route(prompt: str, **more: object) -> str:
    return f"CALL mcp__oxide__route_task {json.dumps({'prompt': prompt, **more})}"


def test_it_reports_oxide_as_connected_after_one_command(claude: Claude) -> None:
    assert "✔ Connected" in claude("mcp", "list")


def test_its_model_calls_a_tool_from_end_to_end(
    claude: Claude, anthropic: AnthropicServer, model: OpenAIServer
) -> None:
    (claude.oxide.cwd / "notes.txt").write_text("the needle")
    said = claude.ask(route("What do the notes say?", files=["notes.txt"]))
    assert "Hello, world." in said
    assert {"mcp__oxide__route_task", "mcp__oxide__get_task_result", "mcp__oxide__list_services"} <= anthropic.tools
    assert "the needle" in model.asked[-1].body["messages"][-1]["content"]
    (kept,) = claude.oxide.json("history", "list")["tasks"]
    assert (kept["source"], kept["status"], kept["result"]) == ("mcp", "completed", "Hello, world.")
    assert "Delegate what is self-contained" in json.dumps(anthropic.received)


def test_a_long_answer_comes_in_a_page_that_it_takes(
    claude: Claude, anthropic: AnthropicServer, model: OpenAIServer
) -> None:
    model.usual = Reply(pieces=["a line of the answer\n" * 1000] * 10)
    claude.ask(route("Write a lot."))
    (answer,) = anthropic.answers
    assert '"next_offset":' in answer
    assert "exceeds maximum allowed tokens" not in answer
    assert answer.count("a line of the answer") > 1500


def test_its_model_has_a_directory_analysed(claude: Claude, anthropic: AnthropicServer, model: OpenAIServer) -> None:
    for name in ("one.py", "two.py"):
        (claude.oxide.cwd / name).write_text(f"# the needle of {name}\n")
    claude.ask(f"CALL mcp__oxide__analyze_parallel {json.dumps({'directory': '.', 'prompt': 'What is this?'})}")
    (answer,) = anthropic.answers
    assert '"status":"completed"' in answer
    assert "2 read, 0 truncated, 0 skipped" in answer
    assert "the needle of two.py" in json.dumps([request.body for request in model.asked])


@pytest.mark.parametrize("question", ['"Why is the sky blue?"', "Why is the sky blue?"])
def test_its_slash_command_carries_the_question(claude: Claude, anthropic: AnthropicServer, question: str) -> None:
    claude.ask(f"/mcp__oxide__ask {question}")
    assert "Use Oxide's tool route_task" in anthropic.said()
    assert "Why is the sky blue?" in anthropic.said()


def test_a_failure_is_told_with_what_to_do(claude: Claude, anthropic: AnthropicServer, model: OpenAIServer) -> None:
    model.usual = Reply(status=401, error="wrong key")
    claude.ask(route("Hello?"))
    (answer,) = anthropic.answers
    assert "stub" in answer
    assert "key" in answer


def test_an_app_that_dies_under_it_costs_the_call_and_not_the_session(
    claude: Claude, anthropic: AnthropicServer, model: OpenAIServer
) -> None:
    model.usual = Reply(fault=Fault.STALL, after=1)
    asking = subprocess.Popen(
        [str(claude.program), "-p", route("Stall."), "--allowedTools", "mcp__oxide__route_task"],
        env=claude.env,
        cwd=claude.oxide.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    while not model.asked:
        assert asking.poll() is None
    os.kill(claude.oxide.json("status")["pid"], signal.SIGKILL)
    said, _ = asking.communicate(timeout=LIMIT_S)
    assert "Oxide ended while it worked on this" in said.decode()
    assert len(model.asked) == 1


def test_no_shim_of_it_stays_behind(claude: Claude) -> None:
    claude.ask("Hello?")
    left = [process for process in psutil.process_iter(["cmdline"]) if _is_shim_of(process, claude.oxide)]
    assert left == []


def _is_shim_of(process: psutil.Process, oxide: Oxide) -> bool:
    try:
        started = any("oxide-mcp" in word for word in process.info["cmdline"] or ())
        return started and process.environ().get("OXIDE_HOME") == str(oxide.home)
    except psutil.Error:
        return False
