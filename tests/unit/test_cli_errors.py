from __future__ import annotations

import pytest

from oxide_desktop.adapters.cli_errors import (
    QUOTED_CHARS,
    Teller,
    ended_early,
    failure,
    nothing_said,
    sign_in_wanted,
    telling_lines,
)
from oxide_desktop.core.errors import FailureKind

K = FailureKind
TELLER = Teller(service="tool", sign_in="Run `tool login`.")
SAID = {
    "Error: Your credit balance is too low": K.QUOTA,
    "You've hit your limit · resets 3pm": K.QUOTA,
    "Error: insufficient_quota": K.QUOTA,
    "429 Too Many Requests": K.BUSY,
    "API Error: 529 overloaded_error": K.BUSY,
    "API Error: Request rejected (429) · slow down": K.BUSY,
    "You exceeded your current quota. Please retry in 12.5s.": K.BUSY,
    "You exceeded your current quota, please check your plan and billing details.": K.QUOTA,
    "Invalid API key · Please run /login": K.AUTH,
    "Error: Not logged in. Run codex login first.": K.AUTH,
    "No API key found for openai, set OPENAI_API_KEY in your environment": K.AUTH,
    "HTTP 401": K.AUTH,
    "Missing environment variable: `OPENAI_API_KEY`": K.AUTH,
    "Qwen OAuth free tier has been discontinued as of 2026-04-15.": K.LICENCE,
    "This service is not available in your country": K.LICENCE,
    "Error: prompt is too long: 210000 tokens > 200000 maximum": K.CONTEXT,
    "Error: Unknown model: gpt-9": K.MISSING,
    "model 'x' not found": K.MISSING,
    "The model response was blocked due to safety settings.": K.POLICY,
    "connect ECONNREFUSED 127.0.0.1:1": K.MISSING,
    "getaddrinfo ENOTFOUND api.example.com": K.MISSING,
    "TypeError: fetch failed": K.TRANSIENT,
    "500 Internal Server Error": K.TRANSIENT,
    "error: unrecognized option '--foo'": K.MISSING,
    "Unknown arguments: bare": K.MISSING,
    "This version requires Node.js 22 or higher": K.MISSING,
    "Error: Raw mode is not supported on the current process.stdin": K.CRASHED,
    "stdin is not a terminal": K.CRASHED,
    "Segmentation fault": K.CRASHED,
    "400 temperature must be below 2": K.INVALID,
}


@pytest.mark.parametrize("said", list(SAID))
def test_the_words_of_a_failure_have_their_kind_and_are_passed_on(said: str) -> None:
    error = failure(TELLER, said, code=1)
    assert error.kind is SAID[said]
    assert error.title.startswith("tool ")
    assert said.strip(".") in error.message
    if error.kind is not K.INVALID:
        assert error.hint


def test_a_pause_that_is_asked_for_is_kept() -> None:
    assert failure(TELLER, "quota: please retry in 12.5s.").retry_after_s == 12.5
    assert failure(TELLER, "quota\nSuggested retry after 2s.]").retry_after_s == 2.0
    assert failure(TELLER, "429").retry_after_s is None
    day = failure(TELLER, "429 rate limit: please try again in 23h59m.")
    assert (day.kind, day.retry_after_s) == (K.QUOTA, 86_340.0)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1, K.CRASHED, "It ended with code 1. It gave no reason."),
        (127, K.MISSING, "It ended with code 127."),
        (-9, K.CRASHED, "It was ended by signal 9."),
        (-15, K.TRANSIENT, "It was ended by signal 15."),
        (130, K.TRANSIENT, "It ended with code 130."),
    ],
)
def test_an_exit_code_without_words_is_told(code: int, kind: FailureKind, words: str) -> None:
    error = failure(TELLER, "", code=code)
    assert error.kind is kind
    assert words in error.message
    assert error.hint


def test_stack_and_warnings_are_left_out_and_the_telling_lines_kept() -> None:
    said = """\
Warning: Basic terminal detected (TERM=dumb).
Loaded cached credentials.
Error: the model has left the building
    at Object.run (file:///x/chunk.js:1:2)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  status: 418
}
"""
    assert telling_lines(said) == "Error: the model has left the building"


def test_a_long_story_is_cut_and_made_printable() -> None:
    told = telling_lines("error: \a" + "x" * 1000)
    assert len(told) == QUOTED_CHARS + 1
    assert told.isprintable()


def test_a_story_without_errors_is_told_by_its_last_lines() -> None:
    assert telling_lines("\n".join(f"line {number}" for number in range(20))) == " ".join(
        f"line {number}" for number in range(14, 20)
    )


def test_words_from_long_before_the_end_decide_nothing() -> None:
    said = "user: explain authentication and rate limits\n" + "thinking\n" * 2000 + "panicked"
    assert failure(TELLER, said, code=101).kind is K.CRASHED


def test_an_object_around_the_sentence_is_taken_off() -> None:
    error = failure(TELLER, '[API Error: {"error":{"code":401,"message":"Who are you?","details":[]}}]')
    assert error.kind is K.AUTH
    assert error.message == "It said: 401 Who are you?"
    assert "Who" in failure(TELLER, '{"error": "Who"}', code=1).message
    assert "half" in failure(TELLER, '{"error": half', code=1).message


WAITING = [
    "Please sign in to continue.",
    "Enter your API key:",
    "Press any key to continue",
    "To authenticate, visit the following URL: https://example.com/device and enter the device code ABCD",
    "Waiting for authentication...",
    "Password:",
    "You are not logged in",
]


@pytest.mark.parametrize("said", WAITING)
def test_a_question_to_sign_in_is_noticed(said: str) -> None:
    error = sign_in_wanted(TELLER, said)
    assert error
    assert error.kind is K.AUTH
    assert error.hint == "Run `tool login`."


@pytest.mark.parametrize("said", ["", "Thinking...", "The answer is 4.", "model: gpt-5", "Signed-off-by: me"])
def test_what_is_no_question_to_sign_in_is_not_taken_for_one(said: str) -> None:
    assert sign_in_wanted(TELLER, said) is None


def test_an_end_without_an_answer_is_told_with_what_was_said() -> None:
    assert nothing_said(TELLER, "").kind is K.TRANSIENT
    assert nothing_said(TELLER, "Not logged in").kind is K.AUTH
    assert "cannot open display" in nothing_said(TELLER, "cannot open display").message


def test_an_end_before_the_end_is_transient_unless_it_says_why() -> None:
    assert ended_early(TELLER, "", 0).kind is K.TRANSIENT
    assert ended_early(TELLER, "something", 1).kind is K.TRANSIENT
    assert ended_early(TELLER, "HTTP 401", 41).kind is K.AUTH
