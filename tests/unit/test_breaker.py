"""A breaker opens after five failures in a row, lets one try through after half a minute, and forgets on success."""

import pytest

from oxide_desktop.core.breaker import FAILURES_TO_OPEN, OPEN_S, Breakers
from oxide_desktop.core.errors import FailureKind


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breakers:
    breakers = Breakers(clock)
    for _ in range(FAILURES_TO_OPEN):
        assert breakers.closed_reason("qwen") is None
        breakers.begin("qwen")
        breakers.failed("qwen", FailureKind.TRANSIENT)
    return breakers


def test_five_failures_in_a_row_open_it_and_the_reason_says_when_it_is_tried_again():
    reason = opened(Clock()).closed_reason("qwen")

    assert reason == "failed 5 times in a row, next try in 30 s"


def test_another_service_is_not_affected():
    assert opened(Clock()).closed_reason("ollama") is None


def test_after_half_a_minute_exactly_one_try_goes_through():
    clock = Clock()
    breakers = opened(clock)
    clock.now += OPEN_S

    assert breakers.closed_reason("qwen") is None
    breakers.begin("qwen")
    assert breakers.closed_reason("qwen") == "is being tried again after failing"


def test_a_failed_probe_opens_it_again():
    clock = Clock()
    breakers = opened(clock)
    clock.now += OPEN_S
    breakers.begin("qwen")
    breakers.failed("qwen", FailureKind.TIMEOUT)

    assert "next try in 30 s" in (breakers.closed_reason("qwen") or "")


def test_an_abandoned_probe_leaves_the_next_one_free():
    clock = Clock()
    breakers = opened(clock)
    clock.now += OPEN_S
    breakers.begin("qwen")
    breakers.abandoned("qwen")

    assert breakers.closed_reason("qwen") is None


def test_one_success_forgets_the_failures_before_it():
    breakers = Breakers(Clock())
    for _ in range(FAILURES_TO_OPEN - 1):
        breakers.failed("qwen", FailureKind.CRASHED)
    breakers.succeeded("qwen")
    breakers.failed("qwen", FailureKind.CRASHED)

    assert breakers.closed_reason("qwen") is None


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.QUOTA, FailureKind.INVALID, FailureKind.CONTEXT])
def test_failures_that_say_nothing_about_the_service_do_not_count(kind: FailureKind):
    breakers = Breakers(Clock())
    for _ in range(FAILURES_TO_OPEN * 2):
        breakers.failed("qwen", kind)

    assert breakers.closed_reason("qwen") is None


def test_abandoning_a_service_that_was_never_tried_is_no_error():
    breakers = Breakers(Clock())
    breakers.abandoned("qwen")

    assert breakers.closed_reason("qwen") is None
