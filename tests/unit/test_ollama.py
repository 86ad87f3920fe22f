from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from oxide_desktop.adapters.ollama import OllamaAdapter
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.ports import AdapterTools, Usage
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from tests.fakes.asking import ask, question
from tests.fakes.http_server import Reply
from tests.fakes.ollama_server import OllamaServer

Make = Callable[..., OllamaAdapter]


@pytest.fixture
async def make(adapter_tools: AdapterTools) -> AsyncIterator[Make]:
    made: list[OllamaAdapter] = []

    def _make(**values: object) -> OllamaAdapter:
        settings = ServiceSettings(**{"name": "home", "type": ServiceType.HTTP, "kind": "ollama", **values})
        made.append(OllamaAdapter(settings, adapter_tools))
        return made[-1]

    yield _make
    for adapter in made:
        await adapter.aclose()


@pytest.fixture
def adapter(make: Make, ollama_server: OllamaServer) -> OllamaAdapter:
    return make(base_url=ollama_server.url)


def window(server: OllamaServer) -> int:
    return server.asked[-1].body["options"]["num_ctx"]


@pytest.mark.parametrize(
    ("tokens", "room", "expected"), [(10, None, 4096), (3000, None, 8192), (3000, 500, 4096), (20_000, None, 32768)]
)
async def test_the_window_asked_for_holds_the_prompt_and_its_answer(
    tokens: int, room: int | None, expected: int, adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    heard = await ask(adapter, question(input_tokens=tokens, max_output_tokens=room))
    assert window(ollama_server) == expected
    assert ollama_server.asked[0].body["options"].get("num_predict") == room
    assert heard.error is None


async def test_a_prompt_nobody_has_counted_is_counted(adapter: OllamaAdapter, ollama_server: OllamaServer) -> None:
    await ask(adapter, question("x" * 30_000))
    assert window(ollama_server) == 16384


async def test_no_more_is_asked_for_than_the_model_was_made_for(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    heard = await ask(adapter, question(input_tokens=100_000))
    assert window(ollama_server) == 32768
    assert heard.notes == ["qwen2.5-coder:7b takes 32768 tokens; the prompt and its answer may need 102048."]


async def test_no_more_is_asked_for_than_the_settings_allow(make: Make, ollama_server: OllamaServer) -> None:
    heard = await ask(
        make(base_url=ollama_server.url, max_context_tokens=6000), question(input_tokens=9000, max_output_tokens=100)
    )
    assert window(ollama_server) == 6000
    assert heard.notes


async def test_a_window_that_is_loaded_already_and_large_enough_is_kept(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.loaded = {"llama3:latest": 4096, "qwen2.5-coder:7b": 30_000}
    await ask(adapter)
    assert window(ollama_server) == 30_000


async def test_what_the_model_was_made_for_becomes_known_to_the_router(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    assert adapter.info.max_context_tokens is None
    await ask(adapter)
    assert adapter.info.max_context_tokens == 32768


async def test_an_older_server_that_tells_nothing_still_answers(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.old = True
    heard = await ask(adapter, question(input_tokens=100_000))
    assert heard.error is None
    assert window(ollama_server) == 131072
    assert adapter.info.max_context_tokens is None


async def test_a_model_whose_length_is_not_told_takes_what_is_needed(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.longest = None
    await ask(adapter, question(input_tokens=10_000))
    assert window(ollama_server) == 16384


async def test_a_prompt_the_server_has_cut_is_noticed(adapter: OllamaAdapter, ollama_server: OllamaServer) -> None:
    ollama_server.most_window = 2048  # all the memory it has, whatever it is asked for
    heard = await ask(adapter, question("word " * 8000))
    assert heard.text
    assert "Ollama read 2048 tokens" in heard.notes[0]


async def test_a_prompt_that_was_read_whole_raises_no_alarm(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    heard = await ask(adapter, question("word " * 4000))
    assert heard.notes == []


async def test_the_servers_counts_are_the_usage(adapter: OllamaAdapter, ollama_server: OllamaServer) -> None:
    assert (await ask(adapter, question("x" * 400))).usage == Usage(100, 4)
    ollama_server.play(Reply(usage=None))
    assert (await ask(adapter)).usage is None


@pytest.mark.parametrize("count", [-5, "many", 10**30, [], True])
async def test_token_counts_that_make_no_sense_do_not_cost_the_answer(
    count: object, adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    last = {"message": {"content": "ok"}, "done": True, "prompt_eval_count": 5, "eval_count": count}
    ollama_server.play(Reply(body=json.dumps(last).encode(), content_type="application/x-ndjson"))
    heard = await ask(adapter)
    assert heard.error is None
    assert (heard.text, heard.usage) == ("ok", None)


async def test_an_empty_answer_is_not_blamed_on_the_connection(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.play(Reply(body=b"", content_type="application/x-ndjson"))
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.message == "It sent an empty answer."


async def test_what_an_answer_without_text_cost_is_told(adapter: OllamaAdapter, ollama_server: OllamaServer) -> None:
    ollama_server.play(Reply(pieces=[], thinking=["Hm."], finish="length"))
    heard = await ask(adapter, question("x" * 400))
    assert heard.error
    assert heard.usage == Usage(100, 4)


async def test_a_model_that_is_not_pulled_says_how_to_pull_it(adapter: OllamaAdapter) -> None:
    heard = await ask(adapter, question(model="mistral"))
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert heard.error.title == "home does not have mistral"
    assert heard.error.message == "It has qwen2.5-coder:7b, llama3:latest."
    assert heard.error.hint == (
        "Pull it: `oxide services pull home mistral`. `oxide services models home` lists what it has."
    )


async def test_a_model_that_is_not_there_is_told_even_without_a_list(
    adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.look_up = lambda *_: None
    heard = await ask(adapter, question(model="mistral"))
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert "mistral" in heard.error.message


async def test_a_replaced_model_is_told_in_a_note(make: Make, ollama_server: OllamaServer) -> None:
    heard = await ask(make(base_url=ollama_server.url, default_model="gone"))
    assert heard.model == "qwen2.5-coder:7b"
    assert heard.notes == ["home does not offer gone; qwen2.5-coder:7b is used instead."]


async def test_a_server_without_models_says_how_to_get_one(adapter: OllamaAdapter, ollama_server: OllamaServer) -> None:
    ollama_server.models = []
    health = await adapter.check(Depth.PROBE)
    assert health.failing is Tier.ANSWERS
    assert "`oxide services pull home " in health.fix
    heard = await ask(adapter, question(model="mistral"))
    assert heard.error
    assert heard.error.message == "It has no models yet."


async def test_a_probe_tells_version_models_and_choice(make: Make, ollama_server: OllamaServer) -> None:
    health = await make(base_url=ollama_server.url, preferred_models=("llama",)).check(Depth.PROBE)
    assert health.version == "0.13.1"
    assert health.models == ("qwen2.5-coder:7b", "llama3:latest")
    assert health.recommended_model == "llama3:latest"


async def test_an_address_made_for_the_other_dialect_is_understood(make: Make, ollama_server: OllamaServer) -> None:
    assert (await ask(make(base_url=f"{ollama_server.url}/v1/"))).error is None


@pytest.mark.parametrize("body", [b"7\n", b'{"message": 7}\n', b"not JSON\n"])
async def test_a_stream_of_something_else_is_unreadable(
    body: bytes, adapter: OllamaAdapter, ollama_server: OllamaServer
) -> None:
    ollama_server.play(Reply(body=body, content_type="application/x-ndjson"))
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.TRANSIENT


async def test_where_nothing_listens_installed_and_missing_are_told_apart(
    make: Make, dead_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = await make(base_url=dead_url).check(Depth.GLANCE)
    assert missing.tier is None
    assert missing.failing is Tier.INSTALLED
    assert "Install Ollama" in missing.fix
    (tmp_path / ("ollama.exe" if sys.platform == "win32" else "ollama")).touch(0o755)
    stopped = await make(base_url=dead_url).check(Depth.GLANCE)
    assert stopped.tier is Tier.INSTALLED
    assert stopped.failing is Tier.STARTS
    assert stopped.fix == "Start Ollama: `ollama serve`."
    remote = await make(base_url="http://no-such.invalid").check(Depth.GLANCE)
    assert remote.failing is Tier.STARTS
    assert "on that machine" in remote.fix
