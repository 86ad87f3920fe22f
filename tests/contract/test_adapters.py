"""Every adapter against the port: what a caller may count on, whatever the service does."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from oxide_desktop.adapters import pulse
from oxide_desktop.adapters.registry import adapter_class, known_kinds
from oxide_desktop.core.attempt import LiveAttempt
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.events import EventBus
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.model import Locality, Request, Source
from oxide_desktop.core.ports import Adapter, AdapterTools, Alive, Started
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.settings import ExecutionSettings, ServiceSettings, ServiceType
from tests.conftest import Keys, ModelServer
from tests.fakes.asking import ask, question
from tests.fakes.http_server import Fault, Reply, ScriptedServer
from tests.fakes.ollama_server import OllamaServer
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.recorded import RecordedProgram

SERVERS = {"openai_compatible": OpenAIServer, "ollama": OllamaServer}
PROGRAMS = ("command", "gemini", "qwen")
Make = Callable[..., Adapter]


@pytest.fixture
async def make(adapter_tools: AdapterTools) -> AsyncIterator[Make]:
    """Adapters by kind and settings, closed when the test ends."""
    made: list[Adapter] = []

    def _make(kind: str, tools: AdapterTools = adapter_tools, **values: object) -> Adapter:
        values = {"name": "stub", "type": ServiceType.HTTP, "locality": Locality.LOCAL, **values}
        made.append(adapter_class(kind)(ServiceSettings(kind=kind, **values), tools))
        return made[-1]

    yield _make
    for adapter in made:
        await adapter.aclose()


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    with SERVERS[request.param]() as server:
        server.kind = request.param
        yield server


@pytest.fixture
def adapter(make: Make, server: ScriptedServer) -> Adapter:
    return make(server.kind, base_url=server.url)


@pytest.fixture(params=["openai_compatible", "ollama", "builtin", "real server", "gemini", "qwen"])
def any_adapter(request: pytest.FixtureRequest, make: Make, tmp_path: Path) -> Adapter:
    """Each adapter with a service that works, real where there is one."""
    if request.param in PROGRAMS:
        program = RecordedProgram(tmp_path, request.param)
        model = {"gemini": "flash", "qwen": "model-a"}[request.param]
        return make(request.param, executable=str(program.executable), api_key="key", model=model)
    if request.param == "builtin":
        return make("builtin", model=str(request.getfixturevalue("tiny_model")), max_context_tokens=512)
    if request.param == "real server":
        real: ModelServer = request.getfixturevalue("tiny_model_server")
        return make("openai_compatible", base_url=real.base_url, api_key=real.api_key)
    fixture = {"openai_compatible": "openai_server", "ollama": "ollama_server"}[request.param]
    return make(request.param, base_url=request.getfixturevalue(fixture).url)


def test_every_kind_that_ships_is_tested_here() -> None:
    assert set(known_kinds()) == {*SERVERS, *PROGRAMS, "builtin"}


async def test_an_answer_starts_with_its_model_and_ends_with_its_token_counts(any_adapter: Adapter) -> None:
    heard = await ask(any_adapter, question(max_output_tokens=12))
    assert heard.error is None
    assert heard.model in await any_adapter.list_models()
    assert heard.text
    assert heard.usage
    assert heard.usage.input_tokens > 0
    assert heard.usage.output_tokens > 0


async def test_each_depth_of_a_check_shows_a_higher_tier_of_a_service_that_works(any_adapter: Adapter) -> None:
    glance, probe, prove = [await any_adapter.check(depth) for depth in Depth]
    assert glance.tier in (Tier.INSTALLED, Tier.STARTS)
    assert probe.tier is Tier.AUTHENTICATED
    assert prove.tier is Tier.ANSWERS
    for health in (glance, probe, prove):
        assert health.healthy
        assert health.message
        assert health.service == any_adapter.settings.name
        assert health.checked_at > 0
    assert probe.recommended_model in probe.models


async def test_what_a_service_is_can_be_said_without_asking_it(make: Make, dead_url: str) -> None:
    for kind in known_kinds():
        info = make(kind, base_url=dead_url).info
        assert info.name == "stub"
        assert info.kind == kind
        assert info.description
        assert info.locality is Locality.LOCAL
        assert info.capabilities
        assert info.last_resort == (kind == "builtin")


async def test_an_adapter_that_was_never_used_can_be_closed(make: Make, dead_url: str) -> None:
    for kind in known_kinds():
        await make(kind, base_url=dead_url).aclose()


async def test_two_calls_at_once_get_their_own_answers(adapter: Adapter, server: ScriptedServer) -> None:
    server.play(Reply(pieces=["first"]), Reply(pieces=["second"]))
    heard = await asyncio.gather(ask(adapter), ask(adapter))
    assert sorted(one.text for one in heard) == ["first", "second"]


# -- faults ------------------------------------------------------------------------------------------------------

K = FailureKind
BEFORE_AN_ANSWER = {
    "reset": (Reply(fault=Fault.RESET, before_headers=True), K.TRANSIENT),
    "closed": (Reply(fault=Fault.CUT_OFF, before_headers=True), K.TRANSIENT),
    "429": (Reply(status=429, error="slow down"), K.BUSY),
    "429 for the day": (Reply(status=429, error="daily limit reached"), K.QUOTA),
    "401": (Reply(status=401), K.AUTH),
    "403": (Reply(status=403), K.AUTH),
    "403 by plan": (Reply(status=403, error="not in your plan"), K.LICENCE),
    "402": (Reply(status=402), K.QUOTA),
    "400 context": (Reply(status=400, error="This model's maximum context length is 512 tokens"), K.CONTEXT),
    "413": (Reply(status=413), K.CONTEXT),
    "400": (Reply(status=400, error="bad temperature"), K.INVALID),
    "400 by its rules": (Reply(status=400, error="blocked by content_filter"), K.POLICY),
    "404 model": (Reply(status=404, error="model 'x' not found"), K.MISSING),
    "404": (Reply(status=404, error="nothing here"), K.MISSING),
    "302": (Reply(status=302, headers={"Location": "http://elsewhere.invalid"}), K.MISSING),
    "408": (Reply(status=408), K.TRANSIENT),
    "500": (Reply(status=500), K.TRANSIENT),
    "502 page": (Reply(status=502, body=b"<html>Bad gateway", content_type="text/html"), K.TRANSIENT),
    "503": (Reply(status=503), K.TRANSIENT),
    "503 loading": (Reply(status=503, error="Loading model"), K.BUSY),
    "529": (Reply(status=529), K.BUSY),
    "a web page": (Reply(body=b"<html>Welcome", content_type="text/html"), K.MISSING),
    "empty answer": (Reply(pieces=[]), K.TRANSIENT),
    "only thoughts, then its limit": (Reply(pieces=[], thinking=["hmm"], finish="length"), K.CONTEXT),
    "error instead of text": (Reply(fault=Fault.ERROR), K.TRANSIENT),
    "error instead of text: context": (Reply(fault=Fault.ERROR, error="exceeds the context size"), K.CONTEXT),
    "garbage instead of text": (Reply(fault=Fault.GARBAGE), K.TRANSIENT),
    "huge line": (Reply(fault=Fault.HUGE_LINE), K.TRANSIENT),
    "JSON that is no answer": (Reply(whole=True, body=b"[1, 2]"), K.TRANSIENT),
    "JSON that does not end": (Reply(body=b"[" * 33 * 1024 * 1024), K.TRANSIENT),
    "JSON that is none": (Reply(body=b"{oops"), K.TRANSIENT),
    "an empty answer in one piece": (Reply(whole=True, pieces=[]), K.TRANSIENT),
    "JSON that is no object": (Reply(whole=True, body=b"3"), K.TRANSIENT),
}


@pytest.mark.parametrize("fault", list(BEFORE_AN_ANSWER))
async def test_a_failure_before_the_answer_has_its_kind_and_says_what_to_do(
    fault: str, adapter: Adapter, server: ScriptedServer
) -> None:
    reply, kind = BEFORE_AN_ANSWER[fault]
    server.play(reply)
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is kind
    assert "stub" in heard.error.title
    assert heard.error.message
    assert heard.text == ""
    if kind not in (K.TRANSIENT, K.INVALID):
        assert heard.error.hint
    assert len(server.asked) == 1, "whether to try again is not the adapter's business"


AFTER_SOME_TEXT = {
    "reset": Fault.RESET,
    "cut off": Fault.CUT_OFF,
    "hung up": Fault.HANG_UP,
    "garbage": Fault.GARBAGE,
    "half a line": Fault.HALF_LINE,
    "error": Fault.ERROR,
}


@pytest.mark.parametrize("fault", list(AFTER_SOME_TEXT))
async def test_a_failure_in_the_middle_leaves_the_text_that_came(
    fault: str, adapter: Adapter, server: ScriptedServer
) -> None:
    server.play(Reply(fault=AFTER_SOME_TEXT[fault], after=2))
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.TRANSIENT
    # A reset may overtake what was sent before it.
    assert heard.text == "Hello, " or (fault == "reset" and "Hello, ".startswith(heard.text))


async def test_after_a_failure_the_next_call_works(adapter: Adapter, server: ScriptedServer) -> None:
    server.play(Reply(fault=Fault.RESET, after=1), Reply(status=500))
    assert (await ask(adapter)).error
    assert (await ask(adapter)).error
    assert (await ask(adapter)).text == "Hello, world."


async def test_characters_survive_however_the_stream_is_cut(adapter: Adapter, server: ScriptedServer) -> None:
    server.play(Reply(pieces=["Größe ", "漢字", "🦀" * 50, "\u2028 end"], split=True))
    assert (await ask(adapter)).text == "Größe 漢字" + "🦀" * 50 + "\u2028 end"


async def test_a_prompt_of_any_characters_arrives(adapter: Adapter, server: ScriptedServer) -> None:
    await ask(adapter, question("größer 漢字 \0 \ud800 end"))
    assert server.asked[0].body["messages"][-1]["content"] == "größer 漢字 \0 ? end"


async def test_an_answer_cut_at_its_limit_is_an_answer_with_a_note(adapter: Adapter, server: ScriptedServer) -> None:
    server.play(Reply(finish="length"))
    heard = await ask(adapter)
    assert heard.error is None
    assert heard.text == "Hello, world."
    assert "cut at the model's limit" in heard.notes[0]


async def test_what_a_model_thinks_is_no_part_of_its_answer(adapter: Adapter, server: ScriptedServer) -> None:
    server.play(Reply(thinking=["Let me see.", "Two and two."], pieces=["4"]))
    assert (await ask(adapter)).text == "4"


@pytest.fixture
def task() -> RunningTask:
    record = TaskRecord(id="t", status=TaskStatus.RUNNING, prompt="why?", created_at=1.0, source="python")
    return RunningTask(Request(prompt="why?", source=Source.PYTHON, cwd=Path.cwd()), record)


IMPATIENT = ExecutionSettings(first_byte_timeout_seconds=0.5, idle_timeout_seconds=0.5)
PATIENT = ExecutionSettings(first_byte_timeout_seconds=2, idle_timeout_seconds=2)


async def test_a_model_that_thinks_longer_than_silence_may_last_is_not_cut(
    adapter: Adapter, server: ScriptedServer, task: RunningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "ALIVE_EVERY_S", 0.1)
    server.play(Reply(thinking=["Hm."] * 22, pieces=["4"], pause_s=0.1))
    await LiveAttempt(task, adapter, EventBus()).run(question(), PATIENT)
    assert task.text_of(1) == "4"


async def test_a_model_that_stops_thinking_is_cut(adapter: Adapter, server: ScriptedServer, task: RunningTask) -> None:
    server.play(Reply(thinking=["Hm."], fault=Fault.STALL))
    with pytest.raises(ServiceError, match="no text came within"):
        await LiveAttempt(task, adapter, EventBus()).run(question(), IMPATIENT)


async def test_what_shows_nothing_is_told_now_and_then_and_not_each_time(
    adapter: Adapter, server: ScriptedServer
) -> None:
    server.play(Reply(thinking=["Hm."] * 20, pause_s=0.01))
    heard = await ask(adapter)
    assert heard.text == "Hello, world."
    assert heard.outputs.count(Alive()) < 20


@pytest.mark.parametrize(("insisted", "about_request"), [("gpt9", True), (None, False)])
async def test_a_missing_model_that_the_caller_insisted_on_says_nothing_about_the_service(
    insisted: str | None, about_request: bool, make: Make, server: ScriptedServer
) -> None:
    adapter = make(server.kind, base_url=server.url, model="gpt8", auto_detect_model=False)
    server.play(Reply(fault=Fault.ERROR, error="model 'gpt9' not found"), Reply(status=500))
    for models in ([], ["gpt8", "gpt9"]):  # it refuses, or takes the request and then finds out
        server.models = models
        heard = await ask(adapter, question(model=insisted))
        assert heard.error
        assert heard.error.kind is K.MISSING
        assert heard.error.about_request is about_request
    heard = await ask(adapter, question(model="gpt9"))
    assert heard.error
    assert not heard.error.about_request


async def test_a_connection_left_open_after_the_end_does_not_hold_the_answer(
    adapter: Adapter, server: ScriptedServer
) -> None:
    server.play(Reply(keep_open=True))
    async with asyncio.timeout(60):
        heard = await ask(adapter)
    assert heard.error is None
    assert heard.text == "Hello, world."


async def test_the_service_counts_as_started_while_it_still_has_not_answered(
    adapter: Adapter, server: ScriptedServer
) -> None:
    server.play(Reply(fault=Fault.STALL, before_headers=True))
    async with asyncio.timeout(60), aclosing(adapter.execute(question())) as outputs:
        assert isinstance(await anext(outputs), Started)


@pytest.mark.parametrize("after", [0, 2])
async def test_closing_a_stalled_answer_ends_the_work_at_the_service(
    after: int, adapter: Adapter, server: ScriptedServer
) -> None:
    server.play(Reply(fault=Fault.STALL, after=after))
    async with asyncio.timeout(60):
        async with aclosing(adapter.execute(question())) as outputs:
            async for output in outputs:
                if output == ", " or (after == 0 and isinstance(output, Started)):
                    break
        assert await asyncio.to_thread(server.gone.wait, 60)


async def test_cancelling_a_stalled_answer_ends_the_work_at_the_service(
    adapter: Adapter, server: ScriptedServer
) -> None:
    server.play(Reply(fault=Fault.STALL, after=2))
    asking = asyncio.create_task(ask(adapter))
    while not (server.asked or asking.done()):  # noqa: ASYNC110 - the thread of the server tells nobody
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(server.gone.wait, 60)


async def test_nothing_at_the_address_is_missing_and_names_the_address(make: Make, dead_url: str) -> None:
    for kind in SERVERS:
        heard = await ask(make(kind, base_url=dead_url))
        assert heard.error
        assert heard.error.kind is K.MISSING
        assert dead_url in heard.error.message
        assert heard.error.hint
        assert heard.outputs == []


BAD_ADDRESSES = ["localhost", "ftp://localhost/x", "http://", "http://localhost:99999", "http://no-such.invalid"]


@pytest.mark.parametrize("url", BAD_ADDRESSES)
@pytest.mark.parametrize("kind", list(SERVERS))
async def test_an_address_that_leads_nowhere_is_missing(kind: str, url: str, make: Make) -> None:
    adapter = make(kind, base_url=url, model="m", auto_detect_model=False)
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.MISSING
    health = await adapter.check(Depth.PROVE)
    assert health.failing in (Tier.STARTS, Tier.INSTALLED)
    assert health.fix


async def test_a_check_of_a_dead_service_never_raises_and_names_the_fix(make: Make, dead_url: str) -> None:
    for kind in SERVERS:
        for depth in Depth:
            health = await make(kind, base_url=dead_url).check(depth)
            assert health.failing in (Tier.INSTALLED, Tier.STARTS)
            assert not health.healthy
            assert health.fix


async def test_a_wrong_key_fails_the_third_tier(make: Make, server: ScriptedServer) -> None:
    server.api_key = "right"
    adapter = make(server.kind, base_url=server.url, api_key="wrong")
    health = await adapter.check(Depth.PROVE)
    assert health.tier is Tier.STARTS
    assert health.failing is Tier.AUTHENTICATED
    assert health.fix == "Store a key with `oxide keys set stub`, and set services.stub.api_key to keyring:stub."
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.AUTH


@pytest.mark.parametrize("echo", ["{key} is wrong", "Authorization: Bearer {key}", "Bearer sk-somebody-elses-key"])
async def test_a_key_that_the_service_says_back_is_told_to_nobody(
    echo: str, make: Make, server: ScriptedServer, adapter_tools: AdapterTools
) -> None:
    key = "plain/looking+key"
    tools = dataclasses.replace(adapter_tools, secrets=Keys(mine=f" {key} "))
    server.play(Reply(status=401, error=echo.format(key=key)))
    heard = await ask(make(server.kind, tools, base_url=server.url, api_key="keyring:mine"))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert "***" in heard.error.message
    assert key not in str(heard.error)
    assert "somebody" not in str(heard.error)


async def test_a_password_in_the_address_is_used_and_told_to_nobody(
    make: Make, server: ScriptedServer, dead_url: str
) -> None:
    adapter = make(server.kind, base_url=server.url.replace("://", "://bob:secret-word@"))
    server.play(Reply(status=401, error="secret-word is wrong"))
    heard = await ask(adapter)
    assert server.asked[0].headers["Authorization"].startswith("Basic ")
    there = await adapter.check(Depth.PROVE)
    dead = make(server.kind, base_url=dead_url.replace("://", "://bob:secret-word@"))
    for shown in (heard.error, adapter.info, there, (await ask(dead)).error, await dead.check(Depth.PROVE)):
        assert shown
        assert "secret-word" not in str(shown)
        assert "bob" not in str(shown)


async def test_a_key_from_the_keyring_is_sent_and_a_missing_one_is_named(
    make: Make, server: ScriptedServer, adapter_tools: AdapterTools
) -> None:
    server.api_key = "right"
    tools = dataclasses.replace(adapter_tools, secrets=Keys(mine="right"))
    assert (await ask(make(server.kind, tools, base_url=server.url, api_key="keyring:mine"))).error is None
    heard = await ask(make(server.kind, tools, base_url=server.url, api_key="keyring:other"))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert heard.error.hint == "Store a valid key: `oxide keys set other`."


async def test_a_key_that_no_header_can_carry_is_refused_without_a_request(
    make: Make, server: ScriptedServer, adapter_tools: AdapterTools
) -> None:
    heard = await ask(make(server.kind, base_url=server.url, api_key="schlüssel\nX-Evil: 1"))
    assert heard.error
    assert heard.error.kind is K.AUTH
    assert server.received == []


async def test_a_service_that_takes_the_connection_and_says_nothing_fails_a_check_in_time(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with asyncio.timeout(20):
            found = await asyncio.gather(*(make(kind, base_url=url).check(Depth.PROBE) for kind in SERVERS))
        for health in found:
            assert health.failing is Tier.ANSWERS
            assert "did not answer within" in health.message
            assert health.fix == "Look at what it is doing, or restart it."


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "no-such.invalid"])
async def test_no_adapter_starts_a_program_for_a_service_that_is_down(
    host: str, make: Make, adapter_tools: AdapterTools
) -> None:
    """An ancestor started a local Ollama when a remote one was down."""
    for kind in SERVERS:
        adapter = make(kind, base_url=f"http://{host}:9", auto_start=True, model="m", auto_detect_model=False)
        assert not (await adapter.check(Depth.GLANCE)).healthy
        asking = asyncio.timeout(0.5 if host == "192.0.2.1" else 20)
        try:
            async with asking:
                assert (await ask(adapter)).error
        except TimeoutError:
            assert host == "192.0.2.1", "only an address that swallows packets may take its time"
        assert adapter_tools.spawner.children() == ()


def test_the_tiny_model_is_small(tiny_model: Path) -> None:
    assert tiny_model.stat().st_size < 1_000_000


CLOUD_MODEL = "gpt-oss:120b-cloud"


@pytest.fixture
def half_in_the_cloud(ollama_server: OllamaServer) -> OllamaServer:
    """An Ollama that answers some of its models' prompts at ollama.com, as their names tell, or not."""
    ollama_server.models = [CLOUD_MODEL, "mine:latest", "llama3:latest"]
    ollama_server.remote = {CLOUD_MODEL: "gpt-oss:120b", "mine:latest": "gpt-oss:120b", "mine": "gpt-oss:120b"}
    return ollama_server


@pytest.mark.parametrize(
    "values",
    [
        {"call": CLOUD_MODEL},
        {"call": "mine"},
        {"call": "glm-4.6:cloud"},
        {"model": CLOUD_MODEL},
        {"model": "mine"},
        {"default_model": CLOUD_MODEL, "auto_detect_model": False},
        {"model": "mine:latest", "auto_detect_model": False},
    ],
)
async def test_a_local_ollama_is_not_asked_for_a_model_that_runs_in_the_cloud(
    values: dict[str, object], make: Make, half_in_the_cloud: OllamaServer
) -> None:
    call = question(model=values.pop("call", None))
    heard = await ask(make("ollama", base_url=half_in_the_cloud.url, **values), call)
    assert half_in_the_cloud.asked == []
    assert heard.error
    assert heard.error.kind is K.HELD
    assert "ollama.com" in heard.error.message
    assert "locality: cloud" in heard.error.hint
    assert heard.error.about_request is bool(call.model)


async def test_the_settings_can_allow_a_model_that_runs_in_the_cloud(
    make: Make, half_in_the_cloud: OllamaServer
) -> None:
    adapter = make("ollama", base_url=half_in_the_cloud.url, locality=Locality.CLOUD, model="mine")
    for model in (CLOUD_MODEL, None):
        heard = await ask(adapter, question(model=model))
        assert heard.error is None
    assert [request.body["model"] for request in half_in_the_cloud.asked] == [CLOUD_MODEL, "mine:latest"]


@pytest.mark.parametrize("locality", list(Locality))
@pytest.mark.parametrize("preferred", [(), ("gpt-oss", "mine")])
async def test_a_model_that_runs_in_the_cloud_is_never_chosen_unasked(
    preferred: tuple[str, ...], locality: Locality, make: Make, half_in_the_cloud: OllamaServer
) -> None:
    adapter = make("ollama", base_url=half_in_the_cloud.url, locality=locality, preferred_models=preferred)
    assert (await ask(adapter)).model == "llama3:latest"
    assert (await adapter.check(Depth.PROBE)).recommended_model == "llama3:latest"
    half_in_the_cloud.models.remove("llama3:latest")
    health = await adapter.check(Depth.PROBE)
    assert health.failing
    assert "ollama.com" in health.message


async def test_a_check_says_that_the_configured_model_runs_in_the_cloud(
    make: Make, half_in_the_cloud: OllamaServer
) -> None:
    for model in (CLOUD_MODEL, "mine"):
        health = await make("ollama", base_url=half_in_the_cloud.url, model=model).check(Depth.PROBE)
        assert health.failing is Tier.ANSWERS
        assert "locality: cloud" in health.fix


async def test_a_model_that_moves_to_the_cloud_is_noticed(make: Make, half_in_the_cloud: OllamaServer) -> None:
    adapter = make("ollama", base_url=half_in_the_cloud.url, model="llama3", auto_detect_model=False)
    half_in_the_cloud.models.append("llama3")
    assert (await ask(adapter)).error is None
    half_in_the_cloud.remote["llama3"] = "gpt-oss:120b"
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is K.HELD


async def test_a_local_ollama_that_cannot_say_where_a_model_runs_is_not_asked(
    make: Make, half_in_the_cloud: OllamaServer
) -> None:
    usual = half_in_the_cloud.look_up
    half_in_the_cloud.look_up = lambda method, path, body: (
        (500, {"error": "out of memory"}) if path == "/api/show" else usual(method, path, body)
    )
    heard = await ask(make("ollama", base_url=half_in_the_cloud.url))
    assert heard.error
    assert half_in_the_cloud.asked == []


async def test_a_list_tells_which_models_run_in_the_cloud(make: Make, half_in_the_cloud: OllamaServer) -> None:
    found = await make("ollama", base_url=half_in_the_cloud.url).models()
    assert [model.remote_host for model in found] == ["ollama.com", "ollama.com", None]


async def test_ollamas_other_dialect_is_no_way_around(make: Make, openai_server: OpenAIServer) -> None:
    openai_server.models = [CLOUD_MODEL, "llama3:latest"]
    adapter = make("openai_compatible", base_url=openai_server.url)
    assert (await ask(adapter)).model == "llama3:latest"
    heard = await ask(adapter, question(model=CLOUD_MODEL))
    assert heard.error
    assert heard.error.kind is K.HELD
    assert len(openai_server.asked) == 1
