from __future__ import annotations

import asyncio

import pytest

from oxide_desktop.adapters import checks
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Health, Tier

STARTED = checks.found("lab", Tier.STARTS, "It listens.")


async def test_a_look_that_takes_too_long_is_a_finding() -> None:
    async def look() -> Health:
        await asyncio.Event().wait()
        raise AssertionError

    health = await checks.step(STARTED, look, Tier.ANSWERS, limit_s=0.01)
    assert health.tier is Tier.STARTS
    assert health.failing is Tier.ANSWERS
    assert health.message == "lab timed out: It did not answer within 0.01 s."
    assert health.fix


@pytest.mark.parametrize(
    ("shown", "kind", "otherwise", "failing", "reached"),
    [
        (Tier.STARTS, FailureKind.AUTH, Tier.ANSWERS, Tier.AUTHENTICATED, Tier.STARTS),
        (Tier.STARTS, FailureKind.LICENCE, Tier.ANSWERS, Tier.AUTHENTICATED, Tier.STARTS),
        (Tier.AUTHENTICATED, FailureKind.AUTH, Tier.ANSWERS, Tier.AUTHENTICATED, Tier.STARTS),
        (Tier.AUTHENTICATED, FailureKind.QUOTA, Tier.STARTS, Tier.ANSWERS, Tier.AUTHENTICATED),
        (None, FailureKind.MISSING, Tier.STARTS, Tier.STARTS, None),
        (Tier.INSTALLED, FailureKind.MISSING, Tier.STARTS, Tier.STARTS, Tier.INSTALLED),
    ],
)
async def test_the_kind_of_failure_tells_the_tier(
    shown: Tier | None, kind: FailureKind, otherwise: Tier, failing: Tier, reached: Tier | None
) -> None:
    async def look() -> Health:
        raise ServiceError(kind, "lab failed", "It did.", "Mend it.")

    health = await checks.step(checks.found("lab", shown, ""), look, otherwise)
    assert health.failing is failing
    assert health.tier is reached
    assert health.message == "lab failed: It did."
    assert health.fix == "Mend it."
