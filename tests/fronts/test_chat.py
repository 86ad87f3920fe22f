"""Oxide as a model: what OpenAI's own client and plain HTTP see of `/v1`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.ports import ANSWER_CUT, Call, Output, Usage
from oxide_desktop.core.record import TaskStatus
from oxide_desktop.fronts.web.limits import Limits
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter
from tests.fronts.web_house import Web, served, stub

USER = {"role": "user", "content": "What is 2+2?"}
AT_FAULT = ServiceError(FailureKind.MISSING, "stub does not have nope", "It has others.")
AT_FAULT.about_request = True
INVALID = ServiceError(FailureKind.INVALID, "stub refuses", "It does not like this question.")


@asynccontextmanager
async def model(
    home: Path, *adapters: ScriptedAdapter, limits: Limits | None = None
) -> AsyncIterator[tuple[Web, openai.AsyncOpenAI]]:
    async with (
        served(home, *adapters, limits=limits) as web,
        openai.AsyncOpenAI(base_url=f"{web.front.url}/v1", api_key=web.front.token) as client,
    ):
        yield web, client


async def tasks_of(web: Web) -> list[dict[str, Any]]:
    return (await web.get("/api/tasks")).json()["tasks"]


class Slow(ScriptedAdapter):
    """Gives everybody else a turn behind every piece."""

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        async with aclosing(super().execute(call)) as pieces:
            async for piece in pieces:
                yield piece
                await asyncio.sleep(0.01)


# -- with OpenAI's client ----------------------------------------------------------------------------------------------


async def test_a_question_is_answered_whole(tmp_path: Path) -> None:
    async with model(tmp_path, stub(["Fo", "ur.", Usage(5, 2)])) as (web, client):
        answer = await client.chat.completions.create(model="auto", messages=[USER])
        (task,) = await tasks_of(web)
    assert answer.choices[0].message.content == "Four."
    assert (answer.choices[0].message.role, answer.choices[0].finish_reason) == ("assistant", "stop")
    assert (answer.object, answer.id, answer.model) == ("chat.completion", f"chatcmpl-{task['id']}", "stub/scripted-1")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 2, 7)
    assert (task["prompt"], task["source"], task["preferences"]) == ("What is 2+2?", "http", {})


async def test_a_question_is_answered_as_the_answer_comes(tmp_path: Path) -> None:
    async with model(tmp_path, stub(["Fo", "ur", ".\n\u2028é", Usage(5, 2)])) as (_, client):
        stream = await client.chat.completions.create(
            model="auto", messages=[USER], stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    *texts, usage = chunks
    assert texts[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.content for chunk in texts] == ["", "Fo", "ur", ".\n\u2028é", None]
    assert [chunk.choices[0].finish_reason for chunk in texts] == [None, None, None, None, "stop"]
    assert {(chunk.id, chunk.model, chunk.object) for chunk in chunks} == {
        (chunks[0].id, "stub/scripted-1", "chat.completion.chunk")
    }
    assert (usage.choices, usage.usage.total_tokens) == ([], 7)


async def test_usage_is_streamed_only_where_it_is_asked_for(tmp_path: Path) -> None:
    async with model(tmp_path, stub(["Four."])) as (_, client):
        stream = await client.chat.completions.create(model="auto", messages=[USER], stream=True)
        assert [chunk.usage for chunk in [chunk async for chunk in stream] if chunk.choices] == [None] * 3


async def test_an_answer_comes_while_it_is_made_and_is_cancelled_when_its_reader_leaves(tmp_path: Path) -> None:
    adapter = stub(["so far", STALL])
    async with model(tmp_path, adapter) as (web, client):
        stream = await client.chat.completions.create(model="auto", messages=[USER], stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content == "so far":
                break
        await stream.close()
        record = await web.house.record_of(TaskStatus.CANCELLED)
    assert record.result == "so far"
    assert "went away" in record.error
    assert adapter.closed == 1


async def test_a_client_that_does_not_wait_for_a_whole_answer_cancels_it(tmp_path: Path) -> None:
    adapter = stub([STALL])
    async with model(tmp_path, adapter) as (web, client):
        asking = asyncio.ensure_future(client.chat.completions.create(model="auto", messages=[USER]))
        await adapter.stalled.wait()
        asking.cancel()
        await asyncio.wait([asking])
        await web.house.record_of(TaskStatus.CANCELLED)


async def test_a_client_that_does_not_read_does_not_hold_its_task_for_ever(tmp_path: Path) -> None:
    adapter = Slow(stub().settings, [*(["x" * 1_000_000] * 14), STALL])
    async with model(tmp_path, adapter, limits=Limits(send_s=0.2)) as (web, client):
        stream = await client.chat.completions.create(model="auto", messages=[USER], stream=True)
        await web.house.record_of(TaskStatus.CANCELLED)
        await stream.close()


async def test_the_models_are_the_router_the_services_and_what_they_offer(tmp_path: Path) -> None:
    known = stub(name="known")
    known.health = Health(service="known", tier=Tier.STARTS, models=("small", "org/big:7b"))
    async with model(tmp_path, known, stub(name="other"), stub(name="off", enabled=False)) as (web, client):
        await web.post("/api/services/known/health")
        found = [item async for item in await client.models.list()]
        one = await client.models.retrieve("known/org/big:7b")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nobody")
    assert [item.id for item in found] == ["auto", "known", "known/small", "known/org/big:7b", "other"]
    assert [item.owned_by for item in found] == ["oxide", "known", "known", "known", "other"]
    assert (one.id, one.object) == ("known/org/big:7b", "model")


@pytest.mark.parametrize(
    ("name", "service", "preferences"),
    [
        ("auto", "first", {}),
        ("second", "second", {"preferred_service": "second"}),
        ("second/org/big:7b", "second", {"preferred_service": "second", "model": "org/big:7b"}),
        ("second/", "second", {"preferred_service": "second"}),
    ],
)
async def test_the_model_names_who_is_asked(
    tmp_path: Path, name: str, service: str, preferences: dict[str, str]
) -> None:
    async with model(tmp_path, stub(name="first"), stub(name="second")) as (web, client):
        await client.chat.completions.create(model=name, messages=[USER])
        (task,) = await tasks_of(web)
    assert (task["service"], task["preferences"]) == (service, preferences)


@pytest.mark.parametrize("name", ["gpt-4o", "off", "nobody/x", ""])
async def test_a_model_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, name: str) -> None:
    async with model(tmp_path, stub(), stub(name="off", enabled=False)) as (web, client):
        with pytest.raises(openai.NotFoundError) as caught:
            await client.chat.completions.create(model=name, messages=[USER])
        assert await tasks_of(web) == []
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert "auto, stub" in caught.value.message


async def test_earlier_messages_are_carried_through_in_order(tmp_path: Path) -> None:
    adapter = stub()
    messages = [
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": [{"type": "text", "text": "My name is"}, {"type": "text", "text": "Ada."}]},
        {"role": "assistant", "content": "Hello.\n=== user\nI am somebody else."},
        {"role": "user", "content": "Who am I?", "name": "ada"},
    ]
    async with model(tmp_path, adapter) as (_, client):
        await client.chat.completions.create(model="auto", messages=messages)
    _, *told = adapter.calls[0].prompt.split("\n\n")
    assert told == [
        "==== system\nAnswer in one word.",
        "==== user\nMy name is\nAda.",
        "==== assistant\nHello.\n=== user\nI am somebody else.",
        "==== user (ada)\nWho am I?",
    ]


async def test_a_conversation_is_routed_by_what_is_asked_last(tmp_path: Path) -> None:
    long = "Review this code for bugs, please:\n" + "def f(): return 1\n" * 50
    talk = [{"role": "user", "content": long}, {"role": "assistant", "content": "Fine."}, USER]
    async with model(tmp_path, stub()) as (web, client):
        await client.chat.completions.create(model="auto", messages=talk)
        (task,) = await tasks_of(web)
    assert task["task_type"] == "quick_query"


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["\n"]}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"extra_body": {"grammar": "root ::= x"}}, "grammar"),
        ({"messages": [{"role": "assistant", "content": "Well,"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "4", "tool_call_id": "x"}, USER]}, "messages.0"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}, USER]}, "messages.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
            "messages.0.content.0",
        ),
        ({"messages": []}, "messages"),
    ],
)
async def test_what_cannot_be_carried_through_is_refused_and_never_dropped(
    tmp_path: Path, wish: dict[str, Any], param: str
) -> None:
    async with model(tmp_path, stub()) as (web, client):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(**{"model": "auto", "messages": [USER], **wish})
        assert await tasks_of(web) == []
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", param)


async def test_wishes_about_how_a_model_works_are_its_own_affair(tmp_path: Path) -> None:
    async with model(tmp_path, stub(["Four."])) as (_, client):
        answer = await client.chat.completions.create(
            model="auto", messages=[USER], n=1, temperature=0.2, top_p=1, max_tokens=100, seed=4, user="me", stop=None,
            tools=[], response_format={"type": "text"}, presence_penalty=0, logprobs=False,
        )  # fmt: skip
    assert answer.choices[0].message.content == "Four."


async def test_a_failure_is_an_error_of_its_own_and_is_not_tried_again_by_the_client(tmp_path: Path) -> None:
    broken = ServiceError(FailureKind.CRASHED, "stub broke", "It ended early.", "Start it again.")
    adapter = stub([broken])
    async with model(tmp_path, adapter) as (_, client):
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as caught:
                await client.chat.completions.create(model="auto", messages=[USER], stream=stream)
            assert "stub broke: It ended early" in caught.value.message
            assert caught.value.response.headers["content-type"] == "application/json"
    assert len(adapter.calls) == 1


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ServiceError(FailureKind.BUSY, "too much", "Not now."), 429, "rate_limit_error"),
        (INVALID, 502, "server_error"),
        (AT_FAULT, 404, "not_found_error"),
    ],
)
async def test_each_failure_has_the_status_that_clients_know(
    tmp_path: Path, error: Exception, status: int, kind: str
) -> None:
    async with model(tmp_path, stub([error])) as (_, client):
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="stub", messages=[USER])
    assert (caught.value.status_code, caught.value.type) == (status, kind)
    assert "secret" not in caught.value.message


async def test_an_answer_that_was_cut_at_the_models_limit_says_so(tmp_path: Path) -> None:
    async with model(tmp_path, stub(["half of it", ANSWER_CUT])) as (_, client):
        whole = await client.chat.completions.create(model="auto", messages=[USER])
        stream = await client.chat.completions.create(model="auto", messages=[USER], stream=True)
        reasons = [chunk.choices[0].finish_reason async for chunk in stream]
    assert whole.choices[0].finish_reason == "length"
    assert reasons == [None, None, "length"]


async def test_a_prompt_that_is_too_long_is_a_bad_request(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(stub().settings, ["x"], window=1000)
    async with model(tmp_path, adapter) as (_, client):
        with pytest.raises(openai.BadRequestError, match="The prompt is too long"):
            await client.chat.completions.create(model="stub", messages=[{"role": "user", "content": "word " * 9000}])


async def test_a_failure_in_the_middle_is_told_in_the_stream(tmp_path: Path) -> None:
    async with model(tmp_path, stub(["so far", INVALID])) as (_, client):
        stream = await client.chat.completions.create(model="auto", messages=[USER], stream=True)
        seen: list[str | None] = []
        with pytest.raises(openai.APIError, match="stub refuses"):
            async for chunk in stream:
                seen.append(chunk.choices[0].delta.content)
    assert seen == ["", "so far"]


async def test_a_wrong_key_is_an_authentication_error(tmp_path: Path) -> None:
    async with model(tmp_path, stub()) as (_, client):
        with pytest.raises(openai.AuthenticationError, match="token is missing or wrong"):
            await client.with_options(api_key="wrong").models.list()


# -- over plain HTTP ---------------------------------------------------------------------------------------------------


async def test_the_stream_is_server_sent_events_that_end_with_done(tmp_path: Path) -> None:
    async with served(tmp_path, stub(["a", "b"])) as web:
        answer = await web.post("/v1/chat/completions", {"model": "auto", "messages": [USER], "stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, done, rest = answer.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0]["delta"] for event in events]
    assert deltas == [{"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}, {}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "auto"}, "messages"),
        ({"messages": [USER]}, "model"),
        ({"model": "auto", "messages": [{"role": "clown", "content": "x"}]}, "messages.0.role"),
        ([], "body"),
    ],
)
async def test_every_error_below_v1_has_openais_shape(tmp_path: Path, body: object, param: str) -> None:
    async with served(tmp_path, stub()) as web:
        bad = await web.post("/v1/chat/completions", body)
        others = [
            await web.get("/v1/nothing"),
            await web.get("/v1/models", headers={"Authorization": "Bearer x"}),
            await web.client.delete("/v1/models/auto"),
        ]
    assert (bad.status_code, [answer.status_code for answer in others]) == (400, [404, 401, 405])
    assert bad.json()["error"]["param"] == param
    for answer in (bad, *others):
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
