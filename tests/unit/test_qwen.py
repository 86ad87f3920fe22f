"""The adapter on recordings of the real program, which `tests/integration/test_real_clis.py` runs itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oxide_desktop.adapters.cli_program import Found
from oxide_desktop.adapters.qwen import LARGEST_LOG_BYTES, QwenAdapter
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.ports import AdapterTools, Alive, Started, Usage
from tests.fakes.asking import question
from tests.fakes.recorded import RecordedProgram, recordings
from tests.unit.agent_program import ask, home_of_nobody, maker

K = FailureKind
Make = Callable[..., QwenAdapter]
OUTCOMES = {
    "answer": None,
    "cut_at_its_limit": None,
    "refused_key": K.AUTH,
    "no_such_model": K.MISSING,
    "per_minute": K.BUSY,
    "per_day": K.QUOTA,
    "server_error": K.TRANSIENT,
    "nobody_there": K.TRANSIENT,
    "broken_off": K.TRANSIENT,
    "empty_answer": K.TRANSIENT,
    "too_long": K.CONTEXT,
}
INIT = '{"type":"system","subtype":"init","model":"m"}\n'


def delta(text: str) -> str:
    event = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}
    return json.dumps({"type": "stream_event", "event": event}) + "\n"


def result(**more: object) -> str:
    return json.dumps({"type": "result", "is_error": False, **more}) + "\n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with home_of_nobody(tmp_path) as home:
        yield home


@pytest.fixture
def make(adapter_tools: AdapterTools, home: Path) -> Make:
    return maker(QwenAdapter, "qwen", adapter_tools)


def test_every_recording_is_played() -> None:
    assert set(recordings("qwen")) == set(OUTCOMES)


@pytest.mark.parametrize("recording", list(OUTCOMES))
async def test_what_the_real_program_wrote_is_understood(recording: str, make: Make, tmp_path: Path) -> None:
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", recording)))
    kind = OUTCOMES[recording]
    assert (heard.error and heard.error.kind) is kind
    assert heard.model == "model-a"
    assert "API Error" not in heard.text, "it prints its errors as if they were the answer"
    assert "API Error" not in str(heard.error)
    if kind is None:
        assert heard.text == "Hello, world."
        assert heard.usage == Usage(5, 4)
    else:
        assert heard.error.hint
    assert bool(heard.notes) == (recording == "cut_at_its_limit")


async def test_it_is_asked_in_an_empty_place_that_is_gone_afterwards(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "qwen")
    await ask(make(program, base_url="http://127.0.0.1:1/v1", model="m"), question("größer", cwd=tmp_path))
    seen = program.seen
    assert seen["stdin"] == "größer"
    assert seen["around"] == []
    assert "--bare" in seen["argv"]
    assert "--yolo" not in seen["argv"]
    assert seen["argv"][-2:] == ["--model", "m"]
    assert seen["env"]["OPENAI_API_KEY"] == "k3y"
    assert seen["env"]["OPENAI_BASE_URL"] == "http://127.0.0.1:1/v1"
    for name in ("QWEN_HOME", "TMPDIR"):
        assert not Path(seen["env"][name]).exists()
    assert seen["env"]["HOME"] != seen["env"]["QWEN_HOME"]


@pytest.mark.parametrize(("window", "most"), [(None, "32000"), (8192, "2048"), (262_144, "32000")])
async def test_the_answer_may_take_what_the_window_has_room_for(
    window: int | None, most: str, make: Make, tmp_path: Path
) -> None:
    program = RecordedProgram(tmp_path, "qwen")
    await ask(make(program, max_context_tokens=window))
    assert program.seen["env"]["QWEN_CODE_MAX_OUTPUT_TOKENS"] == most


# -- what was not recorded ---------------------------------------------------------------------------------------


async def test_an_answer_that_quotes_an_error_is_an_answer(make: Make, tmp_path: Path) -> None:
    said = INIT + delta("It says ") + delta("[API Error: 404]") + delta(" when") + delta("[API Error: x]") + result()
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": said})))
    assert heard.error is None
    assert heard.text == "It says [API Error: 404] when[API Error: x]"


async def test_thinking_shows_that_it_works(make: Make, tmp_path: Path) -> None:
    event = {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}}
    said = INIT + json.dumps({"type": "stream_event", "event": event}) + "\n" + delta("Hello") + result()
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": said})))
    assert heard.outputs == [Started("m"), Alive(), "Hello"]


async def test_what_a_failed_answer_cost_is_told(make: Make, tmp_path: Path) -> None:
    failed = result(is_error=True, error={"message": "terminated"}, usage={"input_tokens": 7, "output_tokens": 0})
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": INIT + failed})))
    assert heard.error.kind is K.TRANSIENT
    assert heard.usage == Usage(7, 0)


async def test_an_answer_that_comes_in_one_piece_is_an_answer(make: Make, tmp_path: Path) -> None:
    message = {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hello"}]}
    said = INIT + json.dumps({"type": "assistant", "message": message}) + "\n" + result()
    assert (await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": said})))).text == "Hello"


RETRY = '{"type":"system","subtype":"retry","data":{"preserveText":%s}}\n'


async def test_a_second_beginning_is_not_put_behind_the_first(make: Make, tmp_path: Path) -> None:
    said = INIT + delta("Hel") + RETRY % "false" + delta("Hello") + result()
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": said})))
    assert heard.error.kind is K.TRANSIENT
    assert heard.text == "Hel"


async def test_an_answer_that_is_continued_goes_on(make: Make, tmp_path: Path) -> None:
    said = INIT + delta("Hel") + RETRY % "true" + delta("lo") + result()
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": said})))
    assert heard.error is None
    assert heard.text == "Hello"


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ('{"error": {"message": "429 slow down"}}', K.BUSY),
        ('{"error": {"message": "strange"}}', K.TRANSIENT),
        ('{"error": {"mess', K.TRANSIENT),
        ('{"response": null, "error": null}', K.TRANSIENT),
    ],
)
async def test_a_request_that_failed_is_not_waited_for_while_it_is_tried_again(
    log: str, kind: FailureKind, make: Make, tmp_path: Path
) -> None:
    """What its log of requests tells, and no more than that it began again where the log tells nothing."""
    said = INIT + ("" if "message" in log else RETRY % "false")
    recording = {"stdout": said, "goes_on": True, "files": {"requests/1.json": log}}
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", recording)))
    assert heard.error.kind is kind


async def test_a_large_log_is_left_alone(make: Make, tmp_path: Path) -> None:
    log = json.dumps({"request": "x" * LARGEST_LOG_BYTES, "response": {"choices": [{"finish_reason": "length"}]}})
    said = INIT + delta("Hello") + result()
    heard = await ask(make(RecordedProgram(tmp_path, "qwen", {"stdout": said, "files": {"requests/1.json": log}})))
    assert heard.error is None
    assert heard.notes == []


async def test_an_end_without_a_result_is_a_failure(make: Make, tmp_path: Path) -> None:
    for code in (0, 130):
        recording = {"stdout": INIT + delta("Hel"), "stderr": "Operation cancelled.\n", "code": code}
        heard = await ask(make(RecordedProgram(tmp_path / str(code), "qwen", recording)))
        assert heard.error.kind is K.TRANSIENT
        assert heard.text == "Hel"


# -- the program -------------------------------------------------------------------------------------------------


def test_its_launcher_is_left_out(tmp_path: Path) -> None:
    entry, direct = tmp_path / "cli-entry.js", tmp_path / "cli.js"
    entry.touch()
    found = Found(entry, ("/bin/node", "/bin/qwen"), ("", 0, 0))
    assert QwenAdapter.as_one_process(found) is found
    direct.touch()
    assert QwenAdapter.as_one_process(found).argv == ("/bin/node", str(direct))


async def test_only_options_that_an_unknown_version_knows_are_used(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "qwen", version="0.99.0")
    program.knows("--bare --output-format stream-json --system-prompt --exclude-tools")
    assert (await ask(make(program))).text == "Hello, world."
    options = [arg for arg in program.seen["argv"] if arg.startswith("--")]
    assert options == ["--bare", "--output-format", "--system-prompt", "--exclude-tools"]


async def test_a_version_that_is_too_old_is_named_so(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "qwen", version="0.1.0")
    program.knows("--output-format stream-json")
    heard = await ask(make(program))
    assert heard.error.kind is K.MISSING
    assert "--bare" in heard.error.message


# -- sign-in -----------------------------------------------------------------------------------------------------

OWN_SETTINGS = {
    "a key for all": {"env": {"OPENAI_API_KEY": "own", "OPENAI_BASE_URL": "http://own"}, "model": {"name": "m"}},
    "a provider's key": {
        "env": {"MY_KEY": "own"},
        "model": {"name": "m"},
        "modelProviders": {"openai": [{"id": "other"}, {"id": "m", "baseUrl": "http://own", "envKey": "MY_KEY"}]},
    },
    "an older form": {
        "security": {"auth": {"selectedType": "openai", "apiKey": "own", "baseUrl": "http://own"}},
        "model": {"name": "m"},
    },
}


@pytest.mark.parametrize("form", list(OWN_SETTINGS))
async def test_the_persons_own_settings_are_used_where_oxide_has_none(
    form: str, make: Make, tmp_path: Path, home: Path
) -> None:
    (home / ".qwen").mkdir()
    (home / ".qwen" / "settings.json").write_text(json.dumps(OWN_SETTINGS[form]))
    program = RecordedProgram(tmp_path, "qwen")
    adapter = make(program, api_key=None)
    await ask(adapter)
    env = program.seen["env"]
    assert [env[name] for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")] == ["own", "http://own", "m"]
    assert (await adapter.check(Depth.PROBE)).tier is Tier.AUTHENTICATED


async def test_the_environments_key_comes_before_the_persons_own(
    make: Make, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".qwen").mkdir()
    (home / ".qwen" / ".env").write_text("OPENAI_API_KEY=own\nnonsense\n")
    program = RecordedProgram(tmp_path, "qwen")
    await ask(make(program, api_key=None))
    assert program.seen["env"]["OPENAI_API_KEY"] == "own"
    monkeypatch.setenv("OPENAI_API_KEY", "from-env")
    await ask(make(program, api_key=None))
    assert program.seen["env"]["OPENAI_API_KEY"] == "from-env"


async def test_an_address_without_a_key_is_that_of_a_server_that_asks_for_none(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "qwen")
    await ask(make(program, api_key=None, base_url="http://127.0.0.1:1/v1"))
    assert program.seen["env"]["OPENAI_API_KEY"] == "none"


async def test_without_any_sign_in_a_probe_says_how_to_get_one(make: Make, tmp_path: Path) -> None:
    health = await make(RecordedProgram(tmp_path, "qwen"), api_key=None).check(Depth.PROBE)
    assert health.failing is Tier.AUTHENTICATED
    assert "free sign-in has ended" in health.message
    assert "OPENAI_API_KEY" in health.fix
