from __future__ import annotations

import asyncio
import gc
import gzip
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from oxide_desktop.adapters.addresses import behind_proxy
from oxide_desktop.adapters.openai_compatible import OpenAICompatibleAdapter, versioned
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.model import Locality
from oxide_desktop.core.places import is_loopback
from oxide_desktop.core.ports import AdapterTools, Usage
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from tests.conftest import ModelServer
from tests.fakes.asking import ask, question
from tests.fakes.http_server import Fault, Received, Reply
from tests.fakes.ollama_server import OllamaServer
from tests.fakes.openai_server import OpenAIServer

Make = Callable[..., OpenAICompatibleAdapter]


@pytest.fixture
async def make(adapter_tools: AdapterTools) -> AsyncIterator[Make]:
    made: list[OpenAICompatibleAdapter] = []

    def _make(**values: object) -> OpenAICompatibleAdapter:
        extra = values.pop("extra", None)
        settings = ServiceSettings(**{"name": "lab", "type": ServiceType.HTTP, "kind": "openai_compatible", **values})
        made.append(OpenAICompatibleAdapter(settings, adapter_tools, extra=extra))
        return made[-1]

    yield _make
    for adapter in made:
        await adapter.aclose()


@pytest.fixture
def adapter(make: Make, openai_server: OpenAIServer) -> OpenAICompatibleAdapter:
    return make(base_url=openai_server.base_url)


async def test_the_request_asks_for_a_stream_with_token_counts(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    heard = await ask(adapter, question("Why?", max_output_tokens=99))
    assert openai_server.asked[0].body == {
        "model": "model-a",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 99,
    }
    assert heard.usage == Usage(5, 4)


async def test_no_limit_is_sent_where_the_caller_sets_none(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    await ask(adapter)
    assert "max_tokens" not in openai_server.asked[0].body


async def test_what_a_server_does_not_know_is_said_in_another_way_and_remembered(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.refuses = ("stream_options", "max_tokens")
    for _ in range(2):
        heard = await ask(adapter, question(max_output_tokens=99))
        assert heard.error is None
        assert heard.model == "model-a"
    assert len(openai_server.asked) == 4
    assert openai_server.asked[-1].body["max_completion_tokens"] == 99
    assert "stream_options" not in openai_server.asked[-1].body
    assert heard.usage is None


async def test_requests_that_are_refused_side_by_side_each_learn_from_their_own_refusal(make: Make) -> None:
    both_asked = threading.Barrier(2)

    class Together(OpenAIServer):
        refuses = ("stream_options",)

        def refusal(self, request: Received) -> Reply | None:
            if "stream_options" in request.body:
                both_asked.wait(60)
            return super().refusal(request)

    with Together() as server:
        adapter = make(base_url=server.base_url)
        heard = await asyncio.gather(ask(adapter), ask(adapter))
    assert [(item.text, item.error) for item in heard] == [("Hello, world.", None)] * 2
    assert len(server.asked) == 4


async def test_a_server_that_does_not_find_what_it_lists_is_told_in_its_own_words(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.usual = Reply(status=404, error="model 'model-a' not found on the disk")
    error = (await ask(adapter)).error
    assert error
    assert "not found on the disk" in str(error)
    assert "It has model-a" not in str(error)


async def test_an_answer_whose_connections_are_let_go_elsewhere_has_ended_early_and_was_not_cancelled(
    make: Make, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(fault=Fault.STALL, before_headers=True))
    adapter = make(base_url=openai_server.base_url)
    asking = asyncio.create_task(ask(adapter))
    while not (openai_server.asked or asking.done()):  # noqa: ASYNC110 - the thread of the server tells nobody
        await asyncio.sleep(0.01)
    await adapter.aclose()
    for heard in (await asking, await ask(adapter)):
        assert heard.error
        assert heard.error.kind is FailureKind.TRANSIENT
        assert "ended early" in heard.error.message


async def test_a_server_that_goes_on_refusing_is_not_asked_for_ever(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.usual = Reply(status=400, error="stream_options is bad, whatever you say")
    assert (await ask(adapter)).error
    assert len(openai_server.asked) == 2


async def test_a_server_that_does_not_stream_is_understood(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(whole=True, finish="length"))
    heard = await ask(adapter)
    assert heard.text == "Hello, world."
    assert heard.usage == Usage(5, 4)
    assert heard.notes


async def test_an_error_that_comes_with_a_good_status_is_an_error(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(body=b'{"error": {"message": "no more", "code": 429}}'))
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.BUSY


async def test_a_web_page_says_to_check_the_address(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.usual = Reply(body=b"<html>hi", content_type="text/html")
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert "base_url" in heard.error.hint


OK = b'data: {"choices":[{"delta":{"content":"ok"}}]}\n\ndata: [DONE]\n\n'
STREAMS = {
    "comments, other fields and CRLF": (
        b'event: x\r\nid:1\r\ndata: {"choices":[{"delta":{"content":"ok"}}]}\r\n\r\n: ping\r\n\r\ndata: [DONE]\r\n',
        "ok",
    ),
    "no space after the colon, no blank lines": (
        b'data:{"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}\ndata:[DONE]\n',
        "ok",
    ),
    "text in parts": (
        b'data: {"choices":[{"delta":{"content":[{"type":"text","text":"o"},{"text":"k"}]}}]}\n\ndata: [DONE]\n\n',
        "ok",
    ),
    "null everywhere": (
        b'data: {"choices":[{"delta":{"content":null}}],"usage":null}\ndata: {"choices":[{"delta":null}]}\ndata: \n'
        + OK,
        "ok",
    ),
    "finished but not [DONE], last line unended": (
        b'data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}',
        "ok",
    ),
}


@pytest.mark.parametrize("stream", list(STREAMS))
async def test_the_dialects_of_streams_are_understood(
    stream: str, adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    body, text = STREAMS[stream]
    openai_server.play(Reply(body=body, content_type="text/event-stream"))
    heard = await ask(adapter)
    assert heard.error is None
    assert heard.text == text


@pytest.mark.parametrize(
    "body",
    [
        b"data: {}\n\n",
        b"data: 7\n\n",
        b'data: {"choices": 7}\n\n',
        b'data: {"choices": ["x"]}\n\n',
        b'data: {"choices": [{"delta": "x"}]}\n\n',
        b"data: {unquoted}\n\n",
    ],
)
async def test_a_stream_of_something_else_is_unreadable(
    body: bytes, adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(body=body, content_type="text/event-stream"))
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.TRANSIENT
    assert "cannot be read" in heard.error.title


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize(
    ("body", "said"), [(b"", "It sent an empty answer."), (b"\x93\xff gar\nbage", "is not")], ids=["empty", "garbage"]
)
async def test_an_answer_that_came_whole_and_is_none_is_not_blamed_on_the_connection(
    body: bytes, said: str, kind: str, adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(body=body, content_type=kind))
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.TRANSIENT
    assert "cannot be read" in heard.error.title
    assert said in heard.error.message


async def test_a_stream_of_nothing_but_signs_of_life_stopped_in_the_middle(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(body=b": waiting\n\n: waiting\n\n", content_type="text/event-stream"))
    heard = await ask(adapter)
    assert heard.error
    assert "stopped in the middle" in heard.error.title


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": "many"},
        {"prompt_tokens": 5, "completion_tokens": 10**30},
        {"prompt_tokens": [], "completion_tokens": True},
        {"prompt_tokens": 0.5},
        {},
        "many",
        [7],
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_token_counts_that_make_no_sense_do_not_cost_the_answer(
    usage: object, whole: bool, adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    last = json.dumps({"choices": [], "usage": usage}).encode()
    body = OK.replace(b"data: [DONE]", b"data: " + last + b"\n\ndata: [DONE]")
    kind = "text/event-stream"
    if whole:
        message = {"message": {"content": "ok"}, "finish_reason": "stop"}
        body, kind = json.dumps({"choices": [message], "usage": usage}).encode(), "application/json"
    openai_server.play(Reply(body=body, content_type=kind))
    heard = await ask(adapter)
    assert heard.error is None
    assert (heard.text, heard.usage) == ("ok", None)


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, "in LM Studio"),
        ({"base_url": "http://models.invalid/v1", "locality": Locality.LOCAL}, "on that machine"),
        ({"base_url": "http://models.invalid/v1", "locality": Locality.CLOUD}, "this machine's connection"),
    ],
)
async def test_what_to_do_about_a_server_that_cannot_be_reached_depends_on_where_it_is(
    values: dict[str, object], advice: str, make: Make
) -> None:
    adapter = make(**values, model="any")
    error = (await ask(adapter)).error
    assert error
    assert advice in error.hint
    assert "services.lab.base_url" in error.hint


async def test_why_a_server_cannot_be_reached_is_said_in_the_same_words_everywhere(make: Make) -> None:
    adapter = make(base_url="http://models.invalid/v1", model="any")
    error = (await ask(adapter)).error
    assert error
    assert error.message == "Nothing answers at http://models.invalid/v1 (there is no machine of that name)."
    assert (await adapter.check(Depth.GLANCE)).message.endswith(error.message)


async def test_an_older_servers_error_line_is_an_error(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(
        Reply(body=b'error: {"message":"exceeds the context size","code":400}\n\n', content_type="text/event-stream")
    )
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.CONTEXT


async def test_an_answer_its_rules_ended_has_a_note_and_one_they_kept_is_refused(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply(finish="content_filter"), Reply(pieces=[], finish="content_filter"))
    assert "content rules" in (await ask(adapter)).notes[0]
    held = (await ask(adapter)).error
    assert held
    assert held.kind is FailureKind.POLICY


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
async def test_what_an_answer_without_text_cost_is_told(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer, finish: str
) -> None:
    openai_server.play(Reply(pieces=[], thinking=["Hm."], finish=finish, usage=(5, 40)))
    heard = await ask(adapter)
    assert heard.error
    assert heard.usage == Usage(5, 40)


async def test_a_model_that_is_not_there_is_named_with_those_that_are(make: Make, openai_server: OpenAIServer) -> None:
    heard = await ask(make(base_url=openai_server.base_url), question(model="gpt-9"))
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert heard.error.title == "lab does not have gpt-9"
    assert heard.error.message == "It has model-a, model-b."


async def test_a_model_that_is_not_there_is_told_even_without_a_list(make: Make, openai_server: OpenAIServer) -> None:
    openai_server.has_list = False
    adapter = make(base_url=openai_server.base_url, model="gpt-9")
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert "gpt-9" in heard.error.message
    openai_server.models = ["gpt-9"]
    assert (await ask(adapter)).error is None
    assert (await adapter.check(Depth.PROBE)).healthy


@pytest.mark.parametrize("path", ["/v1", "/api", ""])
async def test_an_ollama_without_openais_dialect_is_recognised(
    make: Make, ollama_server: OllamaServer, path: str
) -> None:
    for named in ({}, {"model": "llama3:latest"}):
        adapter = make(base_url=f"{ollama_server.url}{path}", **named)
        heard, found = await ask(adapter), await adapter.check(Depth.PROVE)
        fix = f"Set `services.lab.api_type: ollama` and `services.lab.base_url: {ollama_server.url}`."
        assert heard.error
        assert (heard.error.title, heard.error.hint) == ("lab is an Ollama", fix)
        assert (found.failing, found.fix) == (Tier.ANSWERS, fix)


async def test_a_service_that_offers_nothing_and_is_told_nothing_has_no_model(
    make: Make, openai_server: OpenAIServer
) -> None:
    openai_server.models = []
    adapter = make(base_url=openai_server.base_url)
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    health = await adapter.check(Depth.PROBE)
    assert health.failing is Tier.ANSWERS
    assert "Load a model" in health.fix


async def test_a_replaced_model_is_told_in_a_note(make: Make, openai_server: OpenAIServer) -> None:
    heard = await ask(make(base_url=openai_server.base_url, default_model="gone"))
    assert heard.model == "model-a"
    assert heard.notes == ["lab does not offer gone; model-a is used instead."]


async def test_an_address_that_is_no_api_fails_a_probe(make: Make, openai_server: OpenAIServer) -> None:
    health = await make(base_url=f"{openai_server.url}/elsewhere").check(Depth.PROVE)
    assert health.tier is Tier.STARTS
    assert "base_url" in health.fix


async def test_a_service_that_answers_nothing_fails_its_proof(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    openai_server.usual = Reply(fault=Fault.HANG_UP)
    health = await adapter.check(Depth.PROVE)
    assert health.tier is Tier.AUTHENTICATED
    assert health.failing is Tier.ANSWERS


async def test_a_stream_that_comes_packed_is_unpacked(
    adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer
) -> None:
    stream = b'data: {"choices":[{"delta":{"content":"packed"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    headers = {"Content-Encoding": "gzip"}
    openai_server.play(Reply(body=gzip.compress(stream), headers=headers, content_type="text/event-stream"))

    assert (await ask(adapter)).text == "packed"


async def test_connections_are_used_again(adapter: OpenAICompatibleAdapter, openai_server: OpenAIServer) -> None:
    for _ in range(5):
        await ask(adapter)
    assert len(openai_server.asked) == 5
    assert openai_server.connections == 1


async def test_what_is_added_to_the_body_is_sent(make: Make, openai_server: OpenAIServer) -> None:
    await ask(make(base_url=openai_server.base_url, extra={"temperature": 0}))
    assert openai_server.asked[0].body["temperature"] == 0


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://lab:1234", "http://lab:1234/v1"),
        ("http://lab:1234/", "http://lab:1234/v1"),
        ("http://lab:1234/v1/", "http://lab:1234/v1"),
        ("https://lab/api/v1", "https://lab/api/v1"),
        ("", ""),
    ],
)
def test_an_address_without_a_path_means_version_one(given: str, used: str) -> None:
    assert versioned(given) == used


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://api.localhost", True),
        ("http://localhost.evil.com", False),
        ("http://192.168.1.33:1234", False),
        ("http://0.0.0.0", False),
        ("", False),
    ],
)
def test_what_means_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


async def test_no_proxy_stands_between_oxide_and_this_machine(
    monkeypatch: pytest.MonkeyPatch, make: Make, openai_server: OpenAIServer, dead_url: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, dead_url)
    assert (await ask(make(base_url=openai_server.base_url))).error is None
    elsewhere = make(base_url="http://lab.invalid/v1")
    heard = await ask(elsewhere)
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert behind_proxy("http://lab.invalid/v1", Locality.CLOUD)
    # A glance through a proxy would only see the proxy.
    assert (await elsewhere.check(Depth.GLANCE)).healthy
    monkeypatch.setenv("no_proxy", "lab.invalid")
    assert not behind_proxy("http://lab.invalid/v1", Locality.CLOUD)


@pytest.mark.parametrize(("locality", "reached"), [(Locality.LOCAL, False), (Locality.CLOUD, True)])
async def test_a_service_that_counts_as_local_is_never_asked_through_a_proxy(
    locality: Locality, reached: bool, monkeypatch: pytest.MonkeyPatch, make: Make, openai_server: OpenAIServer
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, openai_server.url)
    heard = await ask(make(base_url="http://lab.invalid/v1", locality=locality, model="m", auto_detect_model=False))
    assert heard.error
    assert bool(openai_server.connections) is reached
    assert [request.path for request in openai_server.received[:1]] == [
        "http://lab.invalid/v1/chat/completions"
    ] * reached
    assert behind_proxy("http://lab.invalid/v1", locality) is reached
    assert not behind_proxy(openai_server.base_url, locality)


async def test_a_server_without_tls_behind_an_https_address_is_told_as_such(
    make: Make, openai_server: OpenAIServer
) -> None:
    heard = await ask(make(base_url=openai_server.base_url.replace("http:", "https:")))
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert "No secure connection" in heard.error.message


@pytest.mark.model
async def test_the_real_server_streams_counts_and_lists_its_model(make: Make, tiny_model_server: ModelServer) -> None:
    adapter = make(base_url=tiny_model_server.base_url, api_key=tiny_model_server.api_key)
    heard = await ask(adapter, question("hi", max_output_tokens=16))
    assert heard.error is None
    assert heard.model == "tiny"
    assert heard.usage
    assert heard.usage.output_tokens == 16
    assert len([output for output in heard.outputs if isinstance(output, str)]) > 1
    assert "cut at the model's limit" in heard.notes[0]
    assert await adapter.list_models() == ("tiny",)


@pytest.mark.model
async def test_the_real_server_gives_an_exact_answer_where_a_grammar_leaves_no_choice(
    make: Make, tiny_model_server: ModelServer
) -> None:
    adapter = make(
        base_url=tiny_model_server.base_url,
        api_key=tiny_model_server.api_key,
        extra={"grammar": 'root ::= "The answer is 4, größer als 3."'},
    )
    heard = await ask(adapter)
    assert heard.text == "The answer is 4, größer als 3."


@pytest.mark.model
async def test_the_real_server_refuses_a_wrong_key(make: Make, tiny_model_server: ModelServer) -> None:
    heard = await ask(make(base_url=tiny_model_server.base_url, api_key="wrong"))
    assert heard.error
    assert heard.error.kind is FailureKind.AUTH


@pytest.mark.model
async def test_the_real_server_refuses_a_prompt_over_its_window(make: Make, tiny_model_server: ModelServer) -> None:
    adapter = make(base_url=tiny_model_server.base_url, api_key=tiny_model_server.api_key)
    heard = await ask(adapter, question("x" * 2000))
    assert heard.error
    assert heard.error.kind is FailureKind.CONTEXT


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.ERROR])
async def test_an_answer_that_is_given_up_leaves_nothing_for_the_garbage_collector_to_end(
    adapter: OpenAICompatibleAdapter,
    openai_server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
) -> None:
    """The loop is one that ends no generator that was forgotten, as Qt's is."""
    left: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: left.append(str(told.exc_value)))
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        openai_server.play(Reply(fault=fault, after=1))
        heard = await ask(adapter)
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert heard.error is not None
    assert left == []
