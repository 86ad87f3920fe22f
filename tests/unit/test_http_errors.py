from __future__ import annotations

import errno
import json
import os
import socket
import time
from dataclasses import replace
from email.utils import formatdate

import httpx
import pytest

from oxide_desktop.adapters.http_errors import Peer, reason, refused, refused_in_stream, translated
from oxide_desktop.adapters.pauses import pause_s, retry_after_s
from oxide_desktop.core.errors import FailureKind

PEER = Peer(service="lab", url="http://lab/v1", key_fix="Store the key.", fix="Start the lab.")
K = FailureKind


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_in_seconds(value: str, expected: float | None) -> None:
    assert retry_after_s({"retry-after": value}, time.time()) == expected


def test_retry_after_as_a_date() -> None:
    now = 1_800_000_000.0
    assert retry_after_s({"retry-after": formatdate(now + 30, usegmt=True)}, now) == 30.0
    assert retry_after_s({"retry-after": formatdate(now - 30, usegmt=True)}, now) == 0.0


def test_milliseconds_come_before_seconds() -> None:
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "1"}, 0.0) == 0.25
    assert retry_after_s({"retry-after-ms": "x", "retry-after": "1"}, 0.0) == 1.0


def test_a_refusal_carries_its_pause_and_quotes_what_was_said() -> None:
    error = refused(PEER, 429, {"retry-after": "7"}, b'{"error": {"message": "too\\nmany", "type": "rate_limit"}}')
    assert error.kind is K.BUSY
    assert error.retry_after_s == 7.0
    assert error.message == "It said: too many [rate_limit] (HTTP 429)."


@pytest.mark.parametrize(
    ("headers", "said", "pause_s"),
    [
        ({}, "Please try again in 120ms.", 0.12),
        ({}, "Please try again in 1m23.4s. Visit https://x", 83.4),
        ({}, "Try again in 6 minutes and 3 seconds", 363.0),
        ({}, "please retry in 34.5s", 34.5),
        ({"retry-after": "3"}, "Please try again in 20s.", 3.0),
        ({"x-ratelimit-reset-requests": "1m0s", "x-ratelimit-remaining-requests": "0"}, "slow down", 60.0),
        ({"x-ratelimit-reset-requests": "1m0s", "x-ratelimit-remaining-requests": "4"}, "slow down", None),
        ({"x-ratelimit-reset-tokens": "9", "x-ratelimit-remaining-tokens": "0"}, "", 9.0),
        ({"x-ratelimit-reset": "soon"}, "retry 2 models", None),
    ],
)
def test_a_pause_is_found_wherever_a_service_says_it(headers: dict[str, str], said: str, pause_s: float | None) -> None:
    assert refused(PEER, 429, headers, said.encode()).retry_after_s == pytest.approx(pause_s)


@pytest.mark.parametrize("scale", [1, 1000])
def test_a_pause_may_be_told_as_the_moment_of_its_end(scale: int) -> None:
    now = 1_800_000_000.0
    assert pause_s({"x-ratelimit-reset": str((now + 7) * scale)}, b"", "", now) == 7.0
    assert pause_s({"x-ratelimit-reset": str((now - 7) * scale)}, b"", "", now) == 0.0


@pytest.mark.parametrize(
    ("quota", "kind"),
    [
        ("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", K.BUSY),
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", K.QUOTA),
        ("Something", K.QUOTA),
    ],
)
@pytest.mark.parametrize("envelope", ["%s", "[%s]"])
def test_google_names_the_quota_and_the_pause_in_its_details(quota: str, kind: FailureKind, envelope: str) -> None:
    """Its sentence is the same for all of them."""
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}, "?"]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
        "?",
    ]
    message = "You exceeded your current quota, please check your plan and billing details."
    body = envelope % json.dumps({"error": {"code": 429, "message": message, "details": details}})
    error = refused(PEER, 429, {}, body.encode())
    assert (error.kind, error.retry_after_s) == (kind, 34.0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "plain"}', "plain"),
        (b'{"message": "top"}', "top"),
        (b'{"detail": [{"msg": "list"}]}', "list"),
        (b'[{"error": {"message": "in a list"}}]', "in a list"),
        (b'{"other": 1}', '{"other": 1}'),
        (b"just text", "just text"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}" * 2),
        (b"x" * 1000, "x" * 300 + "…"),
    ],
)
def test_what_was_said_is_found_in_every_dialect(body: bytes, said: str) -> None:
    assert refused(PEER, 500, {}, body).message == f"It said: {said} (HTTP 500)."


@pytest.mark.parametrize("said", ["bad key", "bad key.", "Who are you?", "Stop!"])
def test_what_was_said_ends_as_a_sentence_so_that_the_next_can_follow(said: str) -> None:
    body = f'{{"error": "{said}"}}'.encode()
    assert refused(PEER, 401, {}, body).message == f"It said: {said.rstrip('.')} (HTTP 401)."
    in_stream = refused_in_stream(PEER, {"message": said}).message
    assert in_stream == (f"It said: {said}" if said[-1] in "?!" else f"It said: {said.rstrip('.')}.")


def test_a_service_that_is_sent_no_key_wants_one() -> None:
    assert refused(PEER, 401, {}, b"bad key").title.endswith("refused the key")
    assert refused(replace(PEER, has_key=False), 401, {}, b"bad key").title.endswith("wants a key")


@pytest.mark.parametrize("body", [b"", b"<html><body>nginx</body></html>"])
def test_a_refusal_without_a_reason_says_so(body: bytes) -> None:
    assert refused(PEER, 502, {}, body).message == "It gave no reason (HTTP 502)."


def test_a_refused_key_says_what_to_do_about_it() -> None:
    assert refused(PEER, 401, {}, b"").hint == "Store the key."


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "request (3017 tokens) exceeds the available context size (512 tokens)", K.CONTEXT),
        (400, "This model's maximum context length is 8192 tokens", K.CONTEXT),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", K.CONTEXT),
        (500, "the request exceeds the context window", K.CONTEXT),
        (400, "Model not found: x", K.MISSING),
        (404, "The model `gpt-9` does not exist or you do not have access to it.", K.MISSING),
        (400, "No models loaded. Please load a model", K.MISSING),
        (400, "gpt-9 is not a valid model ID", K.MISSING),
        (429, "You exceeded your current quota [insufficient_quota]", K.QUOTA),
        (429, "Rate limit reached: 3 requests per minute", K.BUSY),
        (429, "quota exceeded: 1500 requests per day", K.QUOTA),
        (429, "you've reached your weekly usage limit, upgrade to continue", K.QUOTA),
        (429, "Rate limit reached on requests per min (RPM). Please try again in 20s.", K.BUSY),
        (429, "Rate limit reached on tokens. Please try again in 7h12m0.5s.", K.QUOTA),
        (403, "The free allocated quota has been used up", K.QUOTA),
        (403, "Your country is not supported", K.LICENCE),
        (400, "temperature must be below 2", K.INVALID),
        (422, "the field is too long", K.INVALID),
        (599, "", K.TRANSIENT),
    ],
)
def test_words_decide_where_the_status_does_not(status: int, text: str, kind: FailureKind) -> None:
    assert refused(PEER, status, {}, text.encode()).kind is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"message": "overloaded", "code": 503}, K.BUSY),
        ({"message": "slow down", "code": "429"}, K.BUSY),
        ({"message": "bad key", "type": "authentication_error"}, K.AUTH),
        ({"message": "wait", "code": "rate_limit", "type": "rate_limit"}, K.BUSY),
        ({"message": "boom"}, K.TRANSIENT),
        ("exceeds context length", K.CONTEXT),
        (None, K.TRANSIENT),
    ],
)
def test_an_error_in_the_stream_is_judged_like_a_refusal(said: object, kind: FailureKind) -> None:
    error = refused_in_stream(PEER, said)
    assert error.kind is kind
    assert "HTTP" not in error.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), K.MISSING),
        (httpx.ConnectTimeout(""), K.MISSING),
        (httpx.ProxyError("407"), K.MISSING),
        (httpx.PoolTimeout(""), K.TIMEOUT),
        (httpx.WriteTimeout(""), K.TIMEOUT),
        (httpx.ReadError(""), K.TRANSIENT),
        (httpx.RemoteProtocolError("bad"), K.TRANSIENT),
        (httpx.DecodingError("zip"), K.TRANSIENT),
        (httpx.UnsupportedProtocol("gopher"), K.MISSING),
        (httpx.InvalidURL("no"), K.MISSING),
    ],
)
def test_every_exception_of_the_client_becomes_one_of_ours(error: Exception, kind: FailureKind) -> None:
    found = translated(PEER, error)
    assert found.kind is kind
    assert "lab" in found.title
    assert PEER.url in found.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no connection in time"),
        (ConnectionRefusedError(111, "Connect call failed"), "connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "there is no machine of that name"),
        (OSError(errno.EHOSTUNREACH, "Connect call failed"), os.strerror(errno.EHOSTUNREACH)),
        (OSError("Multiple exceptions: …"), "no address of it takes connections"),
        (ValueError("bad port"), "bad port"),
        (httpx.ConnectError("no route"), "no route"),
    ],
)
def test_why_there_is_no_connection_is_said_in_plain_words(error: Exception, words: str) -> None:
    assert reason(error) == words
