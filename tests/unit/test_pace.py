"""How much one service is given at a time."""

import random

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.pace import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pace(**values: object) -> tuple[Pace, Clock]:
    clock = Clock()
    defaults = {"start": 1, "ceiling": 4, "tries": 3, "base_s": 1.0, "draw": random.Random(1), "clock": clock}
    return Pace(**{**defaults, **values}), clock


def failure(kind: FailureKind, retry_after_s: float | None = None) -> ServiceError:
    return ServiceError(kind, "it failed", "So it said.", retry_after_s=retry_after_s)


def room(of: Pace) -> int:
    """How many requests it would be given from nothing."""
    count = 0
    while of.free:
        of.running += 1
        count += 1
    of.running = 0
    return count


def test_a_service_that_answers_well_is_given_more_up_to_its_ceiling():
    given, _ = pace()
    seen = []
    for _ in range(5):
        seen.append(room(given))
        given.succeeded()
    assert seen == [1, 2, 3, 4, 4]


def test_too_many_requests_halve_what_it_is_given_and_it_grows_slowly_from_there():
    given, clock = pace(start=4)
    given.failed(failure(FailureKind.BUSY, 2.0))
    assert (room(given), given.rest_s) == (0, 2.0)
    clock.now = 2.0
    assert room(given) == 2
    given.succeeded()
    assert room(given) == 2
    given.succeeded()
    assert room(given) == 2
    given.succeeded()
    assert room(given) == 3


def test_a_failure_makes_it_rest_for_longer_each_time_and_the_last_one_ends_it():
    given, clock = pace(tries=3, draw=_Most())
    rests = []
    for _ in range(2):
        given.failed(failure(FailureKind.TRANSIENT))
        rests.append(given.rest_s)
        clock.now += given.rest_s
    assert rests == [1.0, 2.0]
    given.failed(failure(FailureKind.TRANSIENT))
    assert given.lost_reason == "it failed: So it said"
    assert not given.free


class _Most(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def test_an_answer_between_failures_makes_them_count_anew():
    given, clock = pace(tries=2)
    for _ in range(3):
        given.failed(failure(FailureKind.TRANSIENT))
        clock.now += given.rest_s
        given.succeeded()
    assert given.lost_reason is None


def test_what_another_request_would_meet_too_ends_it_at_once():
    for kind in (FailureKind.AUTH, FailureKind.LICENCE, FailureKind.MISSING, FailureKind.QUOTA):
        given, _ = pace()
        given.failed(failure(kind))
        assert given.lost_reason


def test_a_quota_of_the_minute_makes_it_rest_only():
    given, _ = pace()
    given.failed(failure(FailureKind.QUOTA, 20.0))
    assert given.lost_reason is None
    assert given.rest_s == 20.0


def test_a_request_that_the_service_cannot_mean_well_ends_it():
    given, _ = pace()
    error = failure(FailureKind.INVALID)
    error.about_request = True
    given.failed(error)
    assert given.lost_reason


def test_two_timeouts_end_it_and_a_pause_that_is_too_long_does():
    given, _ = pace(tries=9)
    given.failed(failure(FailureKind.TIMEOUT))
    assert given.lost_reason is None
    given.failed(failure(FailureKind.TIMEOUT))
    assert given.lost_reason
    asked, _ = pace()
    asked.failed(failure(FailureKind.BUSY, 61.0))
    assert asked.lost_reason
