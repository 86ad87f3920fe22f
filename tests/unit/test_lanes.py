"""The services of an analysis: who is free, and who is given up."""

import random

from oxide_desktop.core.breaker import FAILURES_TO_OPEN, OPEN_S, Breakers
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.lanes import Lane, Lanes
from oxide_desktop.core.model import Locality
from oxide_desktop.core.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lane(service: str) -> Lane:
    pace = Pace(start=2, ceiling=2, tries=1, base_s=0, draw=random.Random(0))
    return Lane(service=service, locality=Locality.LOCAL, room=None, pace=pace, tries=1)


def failing_until_now(service: str) -> Breakers:
    """Breakers that have just gone half open for a service."""
    clock = Clock()
    breakers = Breakers(clock)
    for _ in range(FAILURES_TO_OPEN):
        breakers.begin(service)
        breakers.failed(service, FailureKind.TRANSIENT)
    clock.now += OPEN_S
    return breakers


def test_a_service_whose_own_share_is_the_try_that_decides_is_not_given_up_for_it():
    breakers = failing_until_now("qwen")
    qwen = lane("qwen")
    lanes = Lanes([qwen], workers=2, resting=breakers.closed_reason)
    lanes.leave_resting()
    assert lanes.free() == [qwen]

    qwen.pace.running += 1
    breakers.begin("qwen")
    lanes.leave_resting()
    assert (lanes.working, lanes.free()) == ([qwen], [])

    breakers.succeeded("qwen")
    assert lanes.free() == [qwen]


def test_a_service_that_failed_that_try_is_given_up_with_the_reason():
    breakers = failing_until_now("qwen")
    qwen = lane("qwen")
    lanes = Lanes([qwen], workers=2, resting=breakers.closed_reason)
    breakers.begin("qwen")
    breakers.failed("qwen", FailureKind.TRANSIENT)
    lanes.leave_resting()
    assert lanes.working == []
    assert "failed 6 times in a row" in (qwen.pace.lost_reason or "")
