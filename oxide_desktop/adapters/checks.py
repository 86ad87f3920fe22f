"""Looking how far an HTTP service is usable, tier by tier."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import UNSTICK, Depth, Health, Tier, lacking_after_look
from oxide_desktop.core.ports import Adapter, Call

CONNECT_LIMIT_S = 1.0
PROOF_LIMIT_S = 60.0
PROOF = Call(task_id="check", prompt="Answer with the single word OK.", input_tokens=10, max_output_tokens=512)


def found(service: str, tier: Tier | None, message: str) -> Health:
    """A tier that was reached, and nothing that failed."""
    return Health(service=service, tier=tier, message=message, checked_at=time.time())


def failed(health: Health, error: ServiceError, at: Tier, reached: Tier | None) -> Health:
    """What was found so far, and the failure that ended the look."""
    message = f"{error.title}: {error.message}"
    return dataclasses.replace(
        health, tier=reached, failing=at, message=message, fix=error.hint, checked_at=time.time()
    )


async def step(
    health: Health, look: Callable[[], Awaitable[Health]], otherwise: Tier, limit_s: float = PROOF_LIMIT_S
) -> Health:
    """One more look; a failure becomes part of what was found."""
    try:
        async with asyncio.timeout(limit_s):
            return await look()
    except ServiceError as error:
        at = lacking_after_look(error.kind, otherwise)
        # Who asks for a key has started; otherwise only what earlier looks have shown is known.
        seen = failed(health, error, at, Tier.STARTS if at is Tier.AUTHENTICATED else health.tier)
        is_late = error.kind is FailureKind.TIMEOUT or isinstance(error.__cause__, TimeoutError)
        return dataclasses.replace(seen, late=is_late)
    except TimeoutError:
        late = ServiceError(
            FailureKind.TIMEOUT,
            f"{health.service} timed out",
            f"It did not answer within {limit_s:g} s.",
            UNSTICK,
        )
        return dataclasses.replace(failed(health, late, otherwise, health.tier), late=True)


async def in_steps(
    adapter: Adapter,
    depth: Depth,
    glance: Callable[[], Awaitable[Health]],
    probe: Callable[[Health], Awaitable[Health]],
    *,
    lacking: tuple[Tier, Tier],
) -> Health:
    """As many looks as `depth` wants, as long as none fails: a glance, a probe, a question. Never raises.

    `lacking` is what a failure of the glance and of the probe leaves unproven, where its kind does not tell.
    """
    health = await step(found(adapter.settings.name, None, ""), glance, lacking[0])
    if health.healthy and depth is not Depth.GLANCE:
        seen = health
        health = await step(seen, lambda: probe(seen), lacking[1])
    if health.healthy and depth is Depth.PROVE:
        health = await prove(adapter, health)
    return health


async def prove(adapter: Adapter, health: Health) -> Health:
    """Ask a tiny question."""

    async def ask() -> Health:
        async with aclosing(adapter.execute(PROOF)) as outputs:
            async for output in outputs:
                if isinstance(output, str):
                    break  # an adapter that has nothing to show raises
        return dataclasses.replace(health, tier=Tier.ANSWERS, message="It answers.", checked_at=time.time())

    return await step(health, ask, Tier.ANSWERS)
