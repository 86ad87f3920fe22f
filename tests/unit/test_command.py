"""Any program by configuration alone, and a whole menagerie of them: each ends in a defined state that helps."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from oxide_desktop.adapters.command import CommandAdapter, fill_in
from oxide_desktop.core.errors import FailureKind, ServiceError, UsageError
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.ports import AdapterTools, Alive, Call, Started
from oxide_desktop.core.settings import OutputFormat, ServiceSettings, ServiceType
from tests.conftest import Keys
from tests.fakes import asking
from tests.fakes.asking import Heard, question

AWKWARD = str(Path(__file__).parents[1] / "fakes" / "awkward.py")
MEBI = 1024 * 1024
K = FailureKind
Make = Callable[..., CommandAdapter]


async def ask(adapter: CommandAdapter, call: Call | None = None) -> Heard:
    """Whatever hangs, hangs for a minute at most."""
    async with asyncio.timeout(60):
        return await asking.ask(adapter, call)


@pytest.fixture
def make(adapter_tools: AdapterTools) -> Make:
    """The adapter of a program with one habit of `tests/fakes/awkward.py`."""

    def _make(habit: str, *args: str, tools: AdapterTools = adapter_tools, **values: object) -> CommandAdapter:
        given = {"executable": sys.executable, "args": ("-I", "-S", AWKWARD, habit, *args), **values}
        return CommandAdapter(
            ServiceSettings(**{"name": "tool", "type": ServiceType.CLI, "kind": "command", **given}), tools
        )

    return _make


# -- the template ------------------------------------------------------------------------------------------------


def filled(
    *template: str, prompt: str = "P", model: str | None = "M", files: tuple[str, ...] = ("/a", "/b")
) -> list[str]:
    return fill_in(template, prompt=prompt, prompt_file="F", model=model, files=files)


def test_placeholders_are_filled_in() -> None:
    assert filled("-p", "{prompt}", "--model={model}", "@{prompt_file}") == ["-p", "P", "--model=M", "@F"]
    assert filled("--read={files}", "x") == ["--read=/a", "--read=/b", "x"]
    assert filled("{files}", files=()) == []


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert filled("{prompt} {model}", prompt="say {model} and {prompt}") == ["say {model} and {prompt} M"]


def test_without_a_model_its_option_goes_too() -> None:
    assert filled("run", "--model", "{model}", "-v", model=None) == ["run", "-v"]
    assert filled("run", "--model={model}", "-v", model=None) == ["run", "-v"]
    assert filled("run", "{model}", model=None) == ["run"]


def test_without_files_their_option_goes_too() -> None:
    assert filled("run", "--read", "{files}", "-v", files=()) == ["run", "-v"]
    assert filled("run", "--read", "{files}", "-v") == ["run", "--read", "/a", "/b", "-v"]
    assert filled("run", "--", "{files}", files=()) == ["run", "--"]


@pytest.mark.parametrize("prompt", ["--help", "-rf", "-"])
def test_a_prompt_never_becomes_an_option(prompt: str) -> None:
    assert filled("-p", "{prompt}", prompt=prompt) == ["-p", f" {prompt}"]
    assert filled("--", "{prompt}", prompt=prompt) == ["--", prompt]
    assert filled("--prompt={prompt}", prompt=prompt) == [f"--prompt={prompt}"]


async def test_a_prompt_that_no_argument_takes_goes_to_standard_input(make: Make) -> None:
    assert (await ask(make("echoes_as_it_reads"), question("--help größer 漢字 \ud800"))).text == "--help größer 漢字 ?"


async def test_a_prompt_in_an_argument_is_not_sent_twice(make: Make) -> None:
    heard = await ask(make("repeats_arguments", "{prompt}", "{model}", model="m1"), question("a b\n\ud800"))
    assert heard.text == "a b\n?\nm1"
    assert heard.model == "m1"
    assert (await ask(make("counts_input", "{prompt}"))).text == "0 bytes"


async def test_a_prompt_in_a_file_is_private_and_gone_afterwards(make: Make) -> None:
    heard = await ask(make("reads_a_file", "{prompt_file}"), question("größer\r\n"))
    path, mode, text = heard.text.split("|")
    assert text == "größer\r\n"
    assert mode == "0o600"
    assert not Path(path).exists()


async def test_a_prompt_file_that_cannot_be_written_fails_this_service_only(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/place")
    heard = await ask(make("reads_a_file", "{prompt_file}"))
    assert heard.error
    assert heard.error.kind is K.CRASHED
    assert "No such file" in heard.error.message


@pytest.mark.parametrize(
    ("output", "said", "alive"),
    [
        (OutputFormat.JSONL, '{"type": "thinking"}\n{"type": "tool"}\n{"text": "Hi"}', True),
        (OutputFormat.JSONL, '{"text": "Hi"}\n', False),
        (OutputFormat.JSONL, 'Loading…\n{"text": "Hi"}', False),
        (OutputFormat.JSON, '{"text": "Hi"}', True),
        (OutputFormat.TEXT, "Hi", False),
    ],
)
async def test_output_that_is_no_text_of_the_answer_shows_that_it_works(
    output: OutputFormat, said: str, alive: bool, make: Make
) -> None:
    heard = await ask(make("says", said, "", "0", output=output, select="text"))
    assert heard.text == "Hi"
    assert (Alive() in heard.outputs) is alive


async def test_files_are_named_by_their_paths(make: Make, tmp_path: Path) -> None:
    files = (tmp_path / "a.py", tmp_path / "-rf")
    heard = await ask(make("repeats_arguments", "{files}"), question(files=files))
    assert heard.text.split("\n") == [str(path) for path in files]


async def test_a_program_runs_in_the_callers_directory(make: Make, tmp_path: Path) -> None:
    assert (await ask(make("tells_files"), question(cwd=tmp_path))).text.endswith(f"|{tmp_path}")


async def test_keys_for_its_environment_are_looked_up(make: Make, adapter_tools: AdapterTools) -> None:
    tools = AdapterTools(spawner=adapter_tools.spawner, secrets=Keys(mine="s3cret"))
    adapter = make("tells_environment", tools=tools, env={"TOOL_KEY": "keyring:mine", "PLAIN": "x"})
    lines = (await ask(adapter)).text.split("\n")
    assert {"TOOL_KEY=s3cret", "PLAIN=x"} <= set(lines)
    heard = await ask(make("tells_environment", tools=tools, env={"TOOL_KEY": "keyring:other"}))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert heard.error.hint == "Run `oxide keys set other`."


async def test_a_model_that_cannot_be_passed_on_is_not_ignored(make: Make) -> None:
    heard = await ask(make("counts_input", model="m1"), question(model="m2"))
    assert heard.error
    assert heard.error.kind is K.MISSING
    assert "{model} into services.tool.args" in heard.error.hint
    assert (await ask(make("counts_input", model="m1"), question(model="m1"))).error is None
    assert (await ask(make("repeats_arguments", "{model}"), question(model="m2"))).text == "m2"


# -- the output --------------------------------------------------------------------------------------------------


async def test_lines_of_json_are_read_by_their_path(make: Make) -> None:
    out = '{"type":"text","text":"Hel"}\nnoise\n{"type":"think","text":"hm"}\n{"type":"text","text":"lo"}\n'
    adapter = make("says", out, "", "0", output=OutputFormat.JSONL, select="[type=text].text")
    assert (await ask(adapter)).text == "Hello"


async def test_a_document_of_json_is_read_by_its_path(make: Make) -> None:
    adapter = make("says", '{"result": "Hello"}', "", "0", output=OutputFormat.JSON, select="result")
    assert (await ask(adapter)).text == "Hello"


async def test_an_error_in_json_is_a_failure_whatever_the_exit_code(make: Make) -> None:
    json = {"output": OutputFormat.JSON, "select": "result", "error_select": "[is_error=true].result"}
    heard = await ask(make("says", '{"is_error": true, "result": "Invalid API key"}', "", "0", **json))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert heard.text == ""


async def test_output_that_the_path_finds_nothing_in_is_told_with_what_it_wrote(make: Make) -> None:
    heard = await ask(make("says", "Hello there\n", "", "0", output=OutputFormat.JSONL, select="text"))
    assert heard.error
    assert heard.error.kind is K.CRASHED
    assert "Hello there" in heard.error.message
    assert "select" in heard.error.hint


@pytest.mark.parametrize("values", [{"select": None}, {"select": "a..b"}, {"select": "a", "error_select": "["}])
def test_a_path_that_is_missing_or_none_is_refused_when_the_service_is_made(make: Make, values: dict[str, str]) -> None:
    with pytest.raises(UsageError) as refused:
        make("counts_input", output=OutputFormat.JSON, **values)
    assert "services.tool" in refused.value.hint


# -- the menagerie -----------------------------------------------------------------------------------------------


async def test_a_line_of_ten_megabytes_is_an_answer(make: Make) -> None:
    assert len((await ask(make("one_line", str(10 * MEBI)))).text) == 10 * MEBI


async def test_a_flood_is_ended_at_its_limit_without_filling_the_memory(make: Make) -> None:
    tracemalloc.start()
    size, error = 0, None
    async with aclosing(make("floods").execute(question())) as outputs:
        try:
            async for output in outputs:
                size += len(output) if isinstance(output, str) else 0
        except ServiceError as caught:
            error = caught
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 64 * MEBI
    assert error.kind is K.CRASHED
    assert "64 MB" in error.message
    assert peak < size // 4


async def test_fifty_megabytes_of_complaints_do_not_hide_the_answer(make: Make) -> None:
    assert (await ask(make("complains", str(50 * MEBI)))).text == "done"


async def test_characters_and_colours_that_come_in_pieces_are_put_together(make: Make) -> None:
    heard = await ask(make("drips", "a😀b\x1b[1;31mred\x1b[0m end".encode().hex()))
    assert heard.text == "a😀bred end"


async def test_a_prompt_of_a_megabyte_goes_by_standard_input(make: Make) -> None:
    assert (await ask(make("counts_input"), question("x" * MEBI))).text == f"{MEBI} bytes"


async def test_a_prompt_too_long_for_an_argument_is_left_to_others_with_the_way_out(make: Make) -> None:
    heard = await ask(make("repeats_arguments", "{prompt}"), question("x" * MEBI))
    assert heard.error
    assert heard.error.kind is K.CONTEXT
    assert heard.error.hint == "Take {prompt} out of services.tool.args: it then goes by standard input."
    assert heard.outputs == []


async def test_a_nul_goes_by_standard_input_and_is_refused_in_an_argument(make: Make) -> None:
    assert (await ask(make("echoes_as_it_reads"), question("a\0b"))).text == "a\0b"
    heard = await ask(make("repeats_arguments", "{prompt}"), question("a\0b"))
    assert heard.error
    assert heard.error.kind is K.CONTEXT
    assert "NUL" in heard.error.message


@pytest.mark.parametrize("stream", ["1", "2"])
@pytest.mark.parametrize("words", ["Please sign in: ", "Enter your API key:", "Waiting for authentication...\n"])
async def test_a_program_that_waits_for_a_sign_in_is_not_waited_for(make: Make, stream: str, words: str) -> None:
    heard = await ask(make("waits_for_a_login", stream, words))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert words.strip() in heard.error.message
    assert "Sign in with" in heard.error.hint
    assert heard.text == "", "what is no answer must not be shown: no other service could go on then"


@pytest.mark.parametrize("output", ["json", "jsonl"])
async def test_a_sign_in_is_noticed_where_json_was_expected(make: Make, output: str) -> None:
    heard = await ask(
        make("waits_for_a_login", "1", "Press any key to log in", output=OutputFormat(output), select="a")
    )
    assert heard.error
    assert heard.error.kind is K.AUTH


async def test_an_answer_that_speaks_of_signing_in_is_an_answer(make: Make) -> None:
    answer = "Please sign in: this is what the button should say.\n" + "And so on.\n" * 300
    assert (await ask(make("says", answer, "", "0"))).text == answer
    assert (await ask(make("says", "Please sign in.", "", "0"))).text == "Please sign in."


async def test_a_program_that_insists_on_a_terminal_fails_with_what_it_says(make: Make) -> None:
    heard = await ask(make("asks_for_a_login"))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert "there is no terminal to ask on" in heard.error.message


@pytest.mark.parametrize("habit", ["never_ends", "ignores_term"])
async def test_a_program_that_never_ends_is_ended_with_its_question(
    make: Make, habit: str, adapter_tools: AdapterTools
) -> None:
    async with aclosing(make(habit).execute(question())) as outputs:
        assert isinstance(await anext(outputs), Started)
        assert await anext(outputs) == "ready"
        (child,) = adapter_tools.spawner.children()
    assert adapter_tools.spawner.children() == ()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


async def test_a_program_that_does_not_read_its_prompt_may_answer(make: Make) -> None:
    assert (await ask(make("exits_without_reading"), question("x" * MEBI))).text == "no need to ask"


async def test_a_grandchild_that_holds_the_output_holds_nobody_up(make: Make) -> None:
    assert (await ask(make("leaves_a_grandchild"))).text == "mine is done"


async def test_an_end_without_an_answer_is_a_failure(make: Make) -> None:
    for habit, *args in (("exits", "0"), ("ends_at_its_term",), ("says", " \n", "", "0")):
        heard = await ask(make(habit, *args))
        assert heard.error
        assert heard.error.kind is K.TRANSIENT
        assert heard.error.message == "It ended without an error and without an answer."


@pytest.mark.parametrize(
    ("out", "err", "code", "kind"),
    [
        ("", "Error: rate limit exceeded", "1", K.BUSY),
        ("", "", "3", K.CRASHED),
        ("Invalid API key · Please run /login", "", "1", K.AUTH),
        ("", "unknown option '--foo'", "2", K.MISSING),
    ],
)
async def test_a_failure_is_told_by_what_it_wrote(make: Make, out: str, err: str, code: str, kind: FailureKind) -> None:
    heard = await ask(make("says", out, err, code))
    assert heard.error
    assert heard.error.kind is kind
    assert heard.text == ""
    assert (out or err or "code 3") in heard.error.message


async def test_a_program_that_was_killed_is_told_so(make: Make) -> None:
    heard = await ask(make("dies", "9"))
    assert heard.error
    assert heard.error.kind is K.CRASHED
    assert "signal 9" in heard.error.message


async def test_text_that_came_before_a_failure_is_kept(make: Make) -> None:
    heard = await ask(make("says", "first line\nsecond", "HTTP 500", "1"))
    assert heard.error
    assert heard.error.kind is K.TRANSIENT
    assert heard.text == "first line\nsecond"


async def test_cancelling_ends_the_program(make: Make, adapter_tools: AdapterTools) -> None:
    asking = asyncio.create_task(ask(make("never_ends")))
    while not (adapter_tools.spawner.children() or asking.done()):  # noqa: ASYNC110 - a child's start has no event
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert adapter_tools.spawner.children() == ()


async def test_nothing_is_left_behind_by_many_questions(make: Make) -> None:
    threads = threading.active_count()
    heard = await asyncio.gather(*(ask(make("exits_without_reading")) for _ in range(6)))
    assert all(one.text for one in heard)
    assert len(asyncio.all_tasks()) == 1
    assert threading.active_count() <= threads + 8


# -- checks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_name", [True, False])
async def test_a_program_that_may_not_be_run_is_not_called_missing(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_name: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    there = tmp_path / "my-program"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o644)
    health = await make("echo", executable="my-program" if by_name else str(there)).check(Depth.GLANCE)
    assert health.failing is Tier.INSTALLED
    assert f"{there} is not executable." in health.message
    assert f"`chmod +x {there}`" in health.fix


async def test_a_program_that_is_not_there_is_not_installed(make: Make) -> None:
    adapter = make("counts_input", executable="no-such-program")
    health = await adapter.check(Depth.GLANCE)
    assert health.tier is None
    assert health.failing is Tier.INSTALLED
    assert "no-such-program" in health.message
    assert "services.tool.executable" in health.fix
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.MISSING


async def test_a_glance_starts_nothing_a_probe_asks_the_version_once_and_a_proof_asks(
    make: Make, tmp_path: Path
) -> None:
    log = tmp_path / "started"
    program = tmp_path / "tool"
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\necho "tool 1.2.3-beta (build 7)"\n')
    program.chmod(0o755)
    adapter = make("", executable=str(program), args=("ask",), model="m")
    glance = await adapter.check(Depth.GLANCE)
    assert (glance.tier, glance.healthy, glance.models) == (Tier.INSTALLED, True, ("m",))
    assert not log.exists()
    for _ in range(2):
        probe = await adapter.check(Depth.PROBE)
        assert (probe.tier, probe.version) == (Tier.STARTS, "1.2.3-beta")
    assert log.read_text() == "--version\n"
    assert (await adapter.check(Depth.PROVE)).tier is Tier.ANSWERS
    assert log.read_text() == "--version\nask\n"


async def test_a_version_is_asked_as_the_settings_say(make: Make) -> None:
    said = ("-I", "-S", AWKWARD, "says", "v4.5\n", "", "0")
    assert (await make("exits", "1", version_args=said).check(Depth.PROBE)).version == "4.5"
    assert (await make("exits", "1", version_args=()).check(Depth.PROBE)).version is None


async def test_a_program_that_cannot_tell_its_version_does_not_start(make: Make) -> None:
    adapter = make("", version_args=("-I", "-S", AWKWARD, "says", "", "boom: cannot load libfoo.so", "1"))
    health = await adapter.check(Depth.PROBE)
    assert health.tier is Tier.INSTALLED
    assert health.failing is Tier.STARTS
    assert "libfoo" in health.message
    assert health.fix


async def test_the_models_are_those_of_the_settings(make: Make) -> None:
    adapter = make("", model="a", default_model="b", preferred_models=("a", "c"))
    assert await adapter.list_models() == ("a", "b", "c")
