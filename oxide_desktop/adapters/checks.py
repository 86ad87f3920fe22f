"""Looking how far an HTTP service is usable, tier by tier."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.ports import Adapter, Call

CONNECT_LIMIT_S = 1.0
PROOF_LIMIT_S = 60.0
PROOF = Call(task_id="check", prompt="Answer with the single word OK.", input_tokens=10, max_output_tokens=512)
_FAILING = {
    FailureKind.AUTH: Tier.AUTHENTICATED,
    FailureKind.LICENCE: Tier.AUTHENTICATED,
    FailureKind.QUOTA: Tier.ANSWERS,
    FailureKind.BUSY: Tier.ANSWERS,
}
_BELOW = {Tier.INSTALLED: None, Tier.STARTS: Tier.INSTALLED, Tier.AUTHENTICATED: Tier.STARTS}


def found(service: str, tier: Tier | None, message: str) -> Health:
    """A tier that was reached, and nothing that failed."""
    return Health(service=service, tier=tier, message=message, checked_at=time.time())


def failed(health: Health, error: ServiceError, at: Tier) -> Health:
    """What was found so far, and the failure that ended the look."""
    return dataclasses.replace(
        health, failing=at, message=f"{error.title}: {error.message}", fix=error.hint, checked_at=time.time()
    )


def failing_tier(error: ServiceError, otherwise: Tier) -> Tier:
    """The tier that a failure shows to be missing."""
    return _FAILING.get(error.kind, otherwise)


async def step(
    health: Health, look: Callable[[], Awaitable[Health]], otherwise: Tier, limit_s: float = PROOF_LIMIT_S
) -> Health:
    """One more look; a failure becomes part of what was found."""
    try:
        async with asyncio.timeout(limit_s):
            return await look()
    except ServiceError as error:
        at = failing_tier(error, otherwise)
        reached = health.tier if at is Tier.ANSWERS else _BELOW[at]
        return failed(dataclasses.replace(health, tier=reached), error, at)
    except TimeoutError:
        late = ServiceError(
            FailureKind.TIMEOUT,
            f"{health.service} timed out",
            f"It did not answer within {limit_s:g} s.",
            "Look at what it is doing, or restart it.",
        )
        return failed(health, late, otherwise)


async def prove(adapter: Adapter, health: Health) -> Health:
    """Ask a tiny question."""

    async def ask() -> Health:
        async with aclosing(adapter.execute(PROOF)) as outputs:
            async for output in outputs:
                if isinstance(output, str):
                    break  # an adapter that has nothing to show raises
        return dataclasses.replace(health, tier=Tier.ANSWERS, message="It answers.", checked_at=time.time())

    return await step(health, ask, Tier.ANSWERS)
