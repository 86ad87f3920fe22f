"""Retries: only where another try may help, never more than the settings say, with full jitter and Retry-After."""

import random

import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.retry import RetryPolicy
from oxide_desktop.core.settings import ExecutionSettings
from tests.fakes.scripted_adapter import service

DRAW = random.Random(7)


def error(kind: FailureKind = FailureKind.TRANSIENT, retry_after_s: float | None = None) -> ServiceError:
    return ServiceError(kind, "it failed", retry_after_s=retry_after_s)


def policy(has_fallback: bool = False, **values: object) -> RetryPolicy:
    return RetryPolicy.of(service(**{"retry_delay": 2.0, **values}), ExecutionSettings(), has_fallback=has_fallback)


def test_a_service_is_tried_three_times_unless_the_settings_say_otherwise():
    assert policy().tries == 3
    assert policy(max_retries=0).tries == 1
    assert policy(max_retries=5).tries == 6


def test_retrying_can_be_switched_off():
    assert RetryPolicy.of(service(), ExecutionSettings(retry_on_failure=False), has_fallback=False).tries == 1


def test_the_pause_is_drawn_from_zero_to_a_bound_that_doubles():
    first = [policy().pause_s(error(), 1, DRAW) for _ in range(500)]
    second = [policy().pause_s(error(), 2, DRAW) for _ in range(500)]

    assert 0 <= min(first) < 0.2
    assert 1.8 < max(first) <= 2
    assert 3.6 < max(second) <= 4


def test_no_pause_after_the_last_try():
    assert policy().pause_s(error(), 3, DRAW) is None


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if not kind.retriable])
def test_failures_that_another_try_would_meet_again_are_not_retried(kind: FailureKind):
    assert policy().pause_s(error(kind), 1, DRAW) is None


def test_retry_after_is_obeyed_with_a_little_jitter():
    pause_s = policy().pause_s(error(FailureKind.BUSY, retry_after_s=40), 1, DRAW)

    assert pause_s is not None
    assert 40 <= pause_s <= 44


def test_a_service_that_asks_for_more_than_a_minute_is_given_up():
    assert policy().pause_s(error(FailureKind.BUSY, retry_after_s=61), 1, DRAW) is None


def test_with_another_service_waiting_a_long_pause_is_not_worth_it():
    assert policy(has_fallback=True).pause_s(error(FailureKind.BUSY, retry_after_s=11), 1, DRAW) is None
    assert policy(has_fallback=True).pause_s(error(FailureKind.BUSY, retry_after_s=9), 1, DRAW) is not None
