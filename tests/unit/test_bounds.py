"""The bound that every test of ours has."""

import asyncio
import inspect

import pytest

from tests.conftest import bounded


async def test_a_test_that_hangs_is_ended():
    async def hangs() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await bounded(hangs, limit_s=0.01)()


async def test_every_asynchronous_test_is_bounded(request: pytest.FixtureRequest):
    bound = bounded(test_a_test_that_hangs_is_ended).__code__
    assert inspect.unwrap(request.node.obj, stop=lambda step: step.__code__ is bound).__code__ is bound
