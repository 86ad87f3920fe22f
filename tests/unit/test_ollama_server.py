"""What an Ollama is asked beside questions: its models, new ones, and whether it is an Ollama at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from oxide_desktop.adapters.ollama import OllamaAdapter
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.ports import AdapterTools
from oxide_desktop.core.servers import ModelInfo, ModelShelf, PullProgress, Startable
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from oxide_desktop.runtime.ollama import address_of
from oxide_desktop.runtime.ollama_system import has_unit
from tests.conftest import ModelServer
from tests.fakes.asking import ask, question
from tests.fakes.http_server import Fault, Reply
from tests.fakes.ollama_server import SIZE, OllamaServer

MISTRAL = "mistral:7b"
WHOLE = 4_000_000_000


@pytest.fixture
def settings(ollama_server: OllamaServer) -> ServiceSettings:
    return ServiceSettings(name="home", type=ServiceType.HTTP, kind="ollama", base_url=ollama_server.url)


@pytest.fixture
async def adapter(adapter_tools: AdapterTools, settings: ServiceSettings) -> AsyncIterator[OllamaAdapter]:
    made = OllamaAdapter(settings, adapter_tools)
    yield made
    await made.aclose()


@pytest.fixture
async def hasty(adapter_tools: AdapterTools, settings: ServiceSettings) -> AsyncIterator[OllamaAdapter]:
    """One that soon takes a pull for stuck."""
    made = OllamaAdapter(settings, adapter_tools, stall_limit_s=0.3)
    yield made
    await made.aclose()


async def pull(adapter: OllamaAdapter, model: str = MISTRAL) -> list[PullProgress]:
    return [step async for step in adapter.pull(model)]


def test_it_can_do_what_only_some_adapters_can(adapter: OllamaAdapter) -> None:
    assert isinstance(adapter, Startable)
    assert isinstance(adapter, ModelShelf)
    assert not adapter.startable  # nobody is there who could start it


async def test_without_anybody_to_start_it_nothing_is_started(adapter: OllamaAdapter) -> None:
    assert await adapter.recover() is False
    with pytest.raises(ServiceError, match="cannot be started"):
        await adapter.start()


async def test_models_come_with_their_sizes_where_they_make_sense(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    assert await adapter.models() == [ModelInfo("qwen2.5-coder:7b", SIZE), ModelInfo("llama3:latest", SIZE)]
    entries = [{"name": "odd", "size": "large"}, {"name": "none"}, {"size": 1}, "what"]
    ollama_server.look_up = lambda *_: (200, {"models": entries})
    assert await adapter.models() == [ModelInfo("odd"), ModelInfo("none")]
    ollama_server.look_up = lambda *_: (200, {"models": None})
    assert await adapter.models() == []


async def test_a_pull_tells_how_far_all_layers_together_have_come(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    steps = await pull(adapter)
    assert ollama_server.received[-1].body == {"model": MISTRAL, "stream": True}
    assert steps[0] == PullProgress("pulling manifest")
    assert steps[-1] == PullProgress("success", WHOLE + 500, WHOLE + 500)
    assert [step.completed_bytes for step in steps] == sorted(step.completed_bytes for step in steps)
    assert MISTRAL in [model.name for model in await adapter.models()]
    assert (await ask(adapter, question(model=MISTRAL))).text


async def test_a_pull_that_broke_off_goes_on_where_it_stopped(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.play(Reply(fault=Fault.CUT_OFF, after=4))
    with pytest.raises(ServiceError) as caught:
        await pull(adapter)
    assert caught.value.kind is FailureKind.TRANSIENT
    steps = [step for step in await pull(adapter) if step.total_bytes]
    assert steps[0].completed_bytes == WHOLE // 2


async def test_leaving_a_pull_stops_it(adapter: OllamaAdapter, ollama_server: OllamaServer) -> None:
    ollama_server.play(Reply(fault=Fault.STALL, after=3))
    async with aclosing(adapter.pull(MISTRAL)) as steps:
        await anext(steps)
    assert await asyncio.to_thread(ollama_server.gone.wait, 60)


async def test_a_pull_that_stands_still_has_an_end(hasty: OllamaAdapter, ollama_server: OllamaServer) -> None:
    ollama_server.play(Reply(fault=Fault.STALL, after=3))
    async with asyncio.timeout(60):
        with pytest.raises(ServiceError) as caught:
            await pull(hasty)
    assert caught.value.kind is FailureKind.TIMEOUT
    assert "goes on where it stopped" in caught.value.hint


async def test_lines_without_news_do_not_count_as_getting_on(hasty: OllamaAdapter, ollama_server: OllamaServer) -> None:
    ollama_server.library["stuck"] = 0
    ollama_server._pull = lambda *_: [
        {"status": "pulling a", "digest": "sha256:a", "total": 100, "completed": 7} for _ in range(200)
    ]
    ollama_server.play(Reply(pause_s=0.02))
    async with asyncio.timeout(60):
        with pytest.raises(ServiceError, match="stands still"):
            await pull(hasty, "stuck")


async def test_a_model_that_the_library_does_not_have_is_told(adapter: OllamaAdapter) -> None:
    with pytest.raises(ServiceError) as caught:
        await pull(adapter, "no-such")
    assert caught.value.kind is FailureKind.MISSING
    assert caught.value.title == "no-such cannot be pulled"
    assert "https://ollama.com/library" in caught.value.hint


async def test_a_pull_that_is_refused_or_ends_early_or_means_nothing_fails(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.play(
        Reply(status=400, error="invalid model name"),
        Reply(body=b'{"status": "pulling manifest"}\n', content_type="application/x-ndjson"),
        Reply(body=b"7\n", content_type="application/x-ndjson"),
        Reply(body=b'{"status": "x", "digest": "d", "total": "much"}\n', content_type="application/x-ndjson"),
    )
    for said in ("invalid model name", "stopped in the middle", "cannot be read", "cannot be read"):
        with pytest.raises(ServiceError, match=said):
            await pull(adapter)


@pytest.mark.model
async def test_a_real_llama_cpp_server_is_recognised_as_what_it_is(
    adapter_tools: AdapterTools, tiny_model_server: ModelServer
) -> None:
    settings = ServiceSettings(
        name="home",
        type=ServiceType.HTTP,
        kind="ollama",
        base_url=tiny_model_server.base_url.removesuffix("/v1"),
        api_key=tiny_model_server.api_key,
        auto_start=True,
    )
    for named in (settings, replace(settings, model="tiny", auto_detect_model=False)):
        adapter = OllamaAdapter(named, adapter_tools)
        heard, found = await ask(adapter), await adapter.check(Depth.PROBE)
        with pytest.raises(ServiceError, match="not an Ollama"):
            await pull(adapter)
        await adapter.aclose()
        assert heard.error
        assert str(heard.error) == (
            f"home is not an Ollama: What answers at {settings.base_url} speaks OpenAI's dialect and not Ollama's. "
            "Set `services.home.api_type: openai_compatible` and "
            f"`services.home.base_url: {settings.base_url}/v1`."
        )
        assert (found.tier, found.failing) == (Tier.STARTS, Tier.ANSWERS)
        assert "`services.home.api_type: openai_compatible`" in found.fix


async def test_a_server_that_answers_every_path_with_a_200_is_recognised_too(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    """As LM Studio does."""
    offered = {"object": "list", "data": [{"id": "m"}]}
    ollama_server.look_up = lambda method, path, body: (
        200,
        offered if path == "/v1/models" else {"error": f"Unexpected endpoint or method. ({method} {path})"},
    )
    assert "`services.home.api_type: openai_compatible`" in (await adapter.check(Depth.PROBE)).fix


async def test_something_else_that_knows_neither_dialect_is_only_refused(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.look_up = lambda method, path, body: (200, {"object": "list"}) if path == "/v1/models" else None
    found = await adapter.check(Depth.PROBE)
    assert "is not what answers there" in found.message
    ollama_server.look_up = lambda *_: None
    assert "is not what answers there" in (await adapter.check(Depth.PROBE)).message


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:11434", "127.0.0.1:11434"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://127.0.0.5:1", "127.0.0.5:1"),
        ("http://[::1]:11434", "[::1]:11434"),
        ("http://localhost", "127.0.0.1:80"),
    ],
)
def test_ollama_is_told_to_listen_where_it_is_looked_for(url: str, address: str) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ("", 11434),
        ("PATH=/usr/bin", 11434),
        ("OLLAMA_HOST=0.0.0.0", 11434),
        ('"A=b c" OLLAMA_HOST=0.0.0.0:8080', 8080),
        ("OLLAMA_HOST=http://[::]:8080", 8080),
    ],
)
def test_a_unit_is_taken_for_the_port_that_its_environment_names(environment: str, port: int) -> None:
    shown = f"LoadState=loaded\nEnvironment={environment}\n"
    assert has_unit(shown, port)
    assert not has_unit(shown, port + 1)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "LoadState=not-found\nEnvironment=\n",
        "LoadState=masked\n",
        "LoadState=loaded\nEnvironment=OLLAMA_HOST=a:port\n",
    ],
)
def test_what_is_no_unit_or_cannot_be_understood_is_not_taken_for_one(shown: str) -> None:
    assert not has_unit(shown, 11434)


def test_an_environment_with_half_a_quote_names_nothing() -> None:
    assert has_unit("LoadState=loaded\nEnvironment='OLLAMA_HOST=0.0.0.0:1\n", 11434)
