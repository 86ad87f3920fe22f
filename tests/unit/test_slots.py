"""Who waits for a service says so, and how many are ahead; the next place goes to who came first."""

import asyncio

from oxide_desktop.core.events import EventBus, TaskWaiting
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.slots import Slots
from tests.fakes.scripted_adapter import STALL
from tests.unit.test_orchestrator import House, request, stub


async def test_a_task_that_waits_for_a_service_says_for_which_and_how_many_are_ahead():
    adapter = stub([STALL], max_concurrency=1)
    async with asyncio.timeout(30), House(adapter) as house:
        first = await house.orchestrator.submit(request())
        await adapter.stalled.wait()
        with house.bus.subscribe() as events:
            second = await house.orchestrator.submit(request())
            third = await house.orchestrator.submit(request())
            while not third.waiting:
                await events.next()
        assert second.waiting == TaskWaiting(second.id, "stub", ahead=1)
        assert third.waiting == TaskWaiting(third.id, "stub", ahead=2)
        second.cancel()
        await second.finished()
        assert third.waiting == TaskWaiting(third.id, "stub", ahead=1)
        adapter.scenes = [["done"]]
        first.cancel()
        assert (await third.finished()).result == "done"
        assert (second.waiting, third.waiting) == (None, None)
    told = [(event.task_id, event.ahead) for event in house.events if isinstance(event, TaskWaiting)]
    assert told == [(second.id, 1), (third.id, 2), (third.id, 1)]


async def test_nobody_waits_where_there_is_room():
    bus, told = EventBus(), []
    bus.listen(told.append)
    slots = Slots({"stub": 2})
    record = TaskRecord(id="t", status=TaskStatus.RUNNING, prompt="p", created_at=1.0, source="python")
    one, two = RunningTask(request(), record), RunningTask(request(), record)
    async with slots.taken("stub", one, bus), slots.taken("stub", two, bus):
        assert told == []
