"""The adapter on recordings of the real program, which `tests/integration/test_real_clis.py` runs itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oxide_desktop.adapters.agent_cli import STDIN_BYTES, SYSTEM_PROMPT
from oxide_desktop.adapters.gemini import GeminiAdapter
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.ports import AdapterTools, Alive, Started, Usage
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from tests.conftest import Keys
from tests.fakes.asking import question
from tests.fakes.recorded import RecordedProgram, recordings
from tests.unit.agent_program import ask, home_of_nobody, maker

K = FailureKind
Make = Callable[..., GeminiAdapter]
OUTCOMES = {
    "answer": None,
    "refused_key": K.AUTH,
    "wrong_key": K.AUTH,
    "no_such_model": K.MISSING,
    "per_minute": K.BUSY,
    "per_day": K.QUOTA,
    "server_error": K.TRANSIENT,
    "nobody_there": K.TRANSIENT,
    "broken_off": K.TRANSIENT,
    "empty_answer": K.TRANSIENT,
    "blocked": K.POLICY,
    "too_long": K.CONTEXT,
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with home_of_nobody(tmp_path) as home:
        yield home


@pytest.fixture
def make(adapter_tools: AdapterTools, home: Path) -> Make:
    return maker(GeminiAdapter, "gemini", adapter_tools)


def test_every_recording_is_played() -> None:
    assert set(recordings("gemini")) == set(OUTCOMES)


@pytest.mark.parametrize("recording", list(OUTCOMES))
async def test_what_the_real_program_wrote_is_understood(recording: str, make: Make, tmp_path: Path) -> None:
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", recording)))
    kind = OUTCOMES[recording]
    assert (heard.error and heard.error.kind) is kind
    assert heard.model == "flash"
    assert heard.text == {"answer": "Hello, world.", "broken_off": "Hello, "}.get(recording, "")
    assert "API Error" not in str(heard.error)
    # What an answer cost is told also where nothing came of it.
    assert heard.usage == (Usage(5, 4) if recording in ("answer", "blocked", "empty_answer") else None)
    if kind is None:
        assert heard.error is None
    elif kind is not K.POLICY:
        assert heard.error.hint


@pytest.mark.parametrize("kind", ["thought", "tool_use", "tool_result"])
async def test_what_it_does_before_it_answers_shows_that_it_works(kind: str, make: Make, tmp_path: Path) -> None:
    events = [
        {"type": "init", "model": "flash"},
        {"type": kind},
        {"type": "message", "role": "assistant", "content": "Hi"},
    ]
    said = "".join(json.dumps(event) + "\n" for event in [*events, {"type": "result", "status": "success"}])
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", {"stdout": said})))
    assert heard.outputs == [Started("flash"), Alive(), "Hi"]


async def test_a_pause_that_the_service_asks_for_is_passed_on(make: Make, tmp_path: Path) -> None:
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", "per_minute")))
    assert heard.error.retry_after_s == 2.0


async def test_it_is_asked_in_an_empty_place_that_is_gone_afterwards(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    await ask(make(program), question("größer\n@secrets", cwd=tmp_path))
    seen = program.seen
    assert seen["stdin"] == "größer\n@secrets"
    assert seen["around"] == []
    assert "--yolo" not in seen["argv"]
    assert seen["argv"] == ["--output-format", "stream-json", "--approval-mode", "plan", "--model", "flash"]
    for name in ("GEMINI_CLI_HOME", "TMPDIR"):
        assert not Path(seen["env"][name]).exists()
    assert seen["env"]["HOME"] != seen["env"]["GEMINI_CLI_HOME"]
    assert seen["env"]["GEMINI_CLI_NO_RELAUNCH"] == "true"


async def test_its_settings_leave_it_nothing_but_the_answer(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    await ask(make(program))
    settings = json.loads(program.seen["home"]["settings.json"])
    assert settings["tools"]["core"] == []
    assert settings["general"]["maxAttempts"] == 1
    assert settings["telemetry"]["enabled"] is False
    assert settings["privacy"]["usageStatisticsEnabled"] is False
    assert settings["security"]["auth"]["selectedType"] == "gemini-api-key"
    assert program.seen["home"]["system.md"] == SYSTEM_PROMPT


@pytest.mark.parametrize(
    ("settings", "call", "model"),
    [
        ({}, None, "flash"),
        ({"model": "pro"}, None, "pro"),
        ({"default_model": "a"}, None, "a"),
        ({"model": "a"}, "b", "b"),
    ],
)
async def test_the_model_is_always_named(
    settings: dict[str, str], call: str | None, model: str, make: Make, tmp_path: Path
) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    await ask(make(program, **settings), question(model=call))
    assert program.seen["argv"][-2:] == ["--model", model]


async def test_a_model_that_only_the_caller_insists_on_is_the_callers_mistake(make: Make, tmp_path: Path) -> None:
    adapter = make(RecordedProgram(tmp_path, "gemini", "no_such_model"))
    assert (await ask(adapter, question(model="x"))).error.about_request
    assert not (await ask(adapter)).error.about_request


@pytest.mark.parametrize("prompt", ["/help", "  /memory add x", "/api/tasks answers 500, why?"])
async def test_a_prompt_is_never_a_command_to_the_program(prompt: str, make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    await ask(make(program), question(prompt))
    assert not program.seen["stdin"].lstrip().startswith("/")
    assert program.seen["stdin"].endswith(prompt)


async def test_a_prompt_that_would_be_cut_is_refused_before_anything_starts(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    assert (await ask(make(program), question("ä" * (STDIN_BYTES // 2)))).error is None
    assert len(program.seen["stdin"].encode()) == STDIN_BYTES
    other = RecordedProgram(tmp_path / "other", "gemini")
    heard = await ask(make(other), question("x" * (STDIN_BYTES + 1)))
    assert heard.error.kind is K.CONTEXT
    assert "8,388,609" in heard.error.message
    assert not other.was_run


async def test_extra_arguments_and_variables_are_passed_on(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    await ask(make(program, args=("--debug",), env={"HTTPS_PROXY": "http://p:1"}, base_url="http://127.0.0.1:1"))
    assert program.seen["argv"][-1] == "--debug"
    assert program.seen["env"]["HTTPS_PROXY"] == "http://p:1"
    assert program.seen["env"]["GOOGLE_GEMINI_BASE_URL"] == "http://127.0.0.1:1"


# -- endings that were not recorded ------------------------------------------------------------------------------

INIT = '{"type":"init","model":"flash"}\n'


async def test_an_exit_code_of_zero_without_a_result_is_a_failure(make: Make, tmp_path: Path) -> None:
    """As it does after SIGTERM."""
    said = INIT + '{"type":"message","role":"assistant","content":"Hel","delta":true}\n'
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", {"stdout": said})))
    assert heard.error.kind is K.TRANSIENT
    assert heard.text == "Hel"


async def test_an_end_before_the_first_event_is_told_by_its_stderr(make: Make, tmp_path: Path) -> None:
    said = "When using Gemini API, you must specify the GEMINI_API_KEY environment variable."
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", {"stdout": "", "stderr": said, "code": 41})))
    assert heard.error.kind is K.AUTH
    assert heard.outputs == []


@pytest.mark.parametrize("where", ["stdout", "stderr"])
async def test_a_sign_in_that_is_waited_for_is_noticed(where: str, make: Make, tmp_path: Path) -> None:
    said = {"stdout": "", where: "Please visit the following URL to authorize the application:", "goes_on": True}
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", said)))
    assert heard.error.kind is K.AUTH


async def test_a_flood_is_ended(make: Make, tmp_path: Path) -> None:
    said = {"stdout": INIT + "x" * (129 * 1024 * 1024)}
    heard = await ask(make(RecordedProgram(tmp_path, "gemini", said)))
    assert heard.error.kind is K.CRASHED
    assert "128 MB" in heard.error.message


# -- sign-in -----------------------------------------------------------------------------------------------------


async def test_without_any_sign_in_a_probe_says_how_to_get_one(make: Make, tmp_path: Path) -> None:
    health = await make(RecordedProgram(tmp_path, "gemini"), api_key=None).check(Depth.PROBE)
    assert health.tier is Tier.STARTS
    assert health.failing is Tier.AUTHENTICATED
    assert "GEMINI_API_KEY" in health.fix
    assert "oxide keys set gemini" in health.fix


async def test_a_key_in_the_environment_is_passed_on(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    monkeypatch.setenv("GEMINI_API_KEY", "from-env")
    await ask(make(program, api_key=None))
    assert program.seen["env"]["GEMINI_API_KEY"] == "from-env"


async def test_a_stored_key_is_looked_up_and_a_missing_one_named(
    make: Make, tmp_path: Path, adapter_tools: AdapterTools
) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    tools = AdapterTools(spawner=adapter_tools.spawner, secrets=Keys(mine="stored"))
    await ask(make(program, tools, api_key="keyring:mine"))
    assert program.seen["env"]["GEMINI_API_KEY"] == "stored"
    heard = await ask(make(program, tools, api_key="keyring:other"))
    assert heard.error.kind is K.AUTH
    health = await make(program, tools, api_key="keyring:other").check(Depth.PROBE)
    assert health.failing is Tier.AUTHENTICATED


async def test_vertex_is_passed_on(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    await ask(make(program, api_key=None))
    assert program.seen["env"]["GOOGLE_CLOUD_PROJECT"] == "p1"
    assert json.loads(program.seen["home"]["settings.json"])["security"]["auth"]["selectedType"] == "vertex-ai"


async def test_the_persons_own_sign_in_is_taken_along_and_nothing_else_of_theirs(
    make: Make, tmp_path: Path, home: Path
) -> None:
    own = home / ".gemini"
    own.mkdir()
    (own / "settings.json").write_text(
        '{ // mine\n "security": {"auth": {"selectedType": "oauth-personal"}}, "mcpServers": {"x": "evil"}}'
    )
    (own / "oauth_creds.json").write_text('{"refresh_token": "r"}')
    (own / "GEMINI.md").write_text("Always say moo.")
    program = RecordedProgram(tmp_path, "gemini")
    adapter = make(program, api_key=None)
    before = {path: path.stat().st_mtime_ns for path in own.iterdir()}
    assert (await ask(adapter)).error is None
    taken = program.seen["home"]
    assert set(taken) == {"settings.json", "system.md", "oauth_creds.json"}
    assert json.loads(taken["settings.json"])["security"]["auth"]["selectedType"] == "oauth-personal"
    assert "evil" not in taken["settings.json"]
    assert {path: path.stat().st_mtime_ns for path in own.iterdir()} == before
    assert (await adapter.check(Depth.PROBE)).tier is Tier.AUTHENTICATED


@pytest.mark.parametrize(
    ("files", "signed_in"),
    [
        ({"settings.json": '{"security": {"auth": {"selectedType": "oauth-personal"}}}'}, False),
        ({"settings.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'}, True),
        ({"settings.json": '{"security": {"auth": {"selectedType": "vertex-ai"}}}'}, True),
        ({"settings.json": "{broken"}, False),
        ({"settings.json": "[1]"}, False),
        ({".env": "# mine\nexport GEMINI_API_KEY='k'\n"}, True),
    ],
)
async def test_signs_of_a_sign_in_are_recognised(
    files: dict[str, str], signed_in: bool, make: Make, tmp_path: Path, home: Path
) -> None:
    (home / ".gemini").mkdir()
    for name, text in files.items():
        (home / ".gemini" / name).write_text(text)
    health = await make(RecordedProgram(tmp_path, "gemini"), api_key=None).check(Depth.PROBE)
    assert (health.tier is Tier.AUTHENTICATED) == signed_in


# -- versions ----------------------------------------------------------------------------------------------------


async def test_a_glance_starts_nothing_and_a_probe_asks_the_version_once(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini")
    adapter = make(program)
    assert (await adapter.check(Depth.GLANCE)).tier is Tier.INSTALLED
    assert not program.asked.exists()
    for _ in range(2):
        assert (await adapter.check(Depth.PROBE)).version == "0.61.0"
    assert program.asked.read_text() == "--version\n"
    assert not program.was_run
    assert (await adapter.check(Depth.PROVE)).tier is Tier.ANSWERS


async def test_the_options_of_an_unknown_version_are_asked_for_once(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini", version="0.99.0")
    program.knows("--output-format [text] [json] [stream-json]")
    adapter = make(program)
    for _ in range(2):
        assert (await ask(adapter)).text == "Hello, world."
    assert "--approval-mode" not in program.seen["argv"]
    assert program.asked.read_text() == "--help\n"


async def test_a_version_that_is_too_old_is_named_so(make: Make, tmp_path: Path) -> None:
    program = RecordedProgram(tmp_path, "gemini", version="0.1.0")
    program.knows("--prompt --yolo")
    heard = await ask(make(program))
    assert heard.error.kind is K.MISSING
    assert "Update it" in heard.error.hint
    assert not program.was_run


async def test_what_is_not_there_is_not_installed(adapter_tools: AdapterTools) -> None:
    settings = ServiceSettings(name="gemini", type=ServiceType.CLI, kind="gemini", executable="no-such-gemini")
    adapter = GeminiAdapter(settings, adapter_tools)
    health = await adapter.check(Depth.PROVE)
    assert health.failing is Tier.INSTALLED
    assert health.fix == "Install it: `npm install -g @google/gemini-cli`."
    heard = await ask(adapter)
    assert heard.error.kind is K.MISSING
    assert not any(isinstance(output, Started) for output in heard.outputs)
