"""The bus: publishing never waits, order is kept, and who does not keep up is told how much was missed."""

import asyncio

from oxide_desktop.core.events import Chunk, Event, EventBus, Missed


def chunk(number: int) -> Chunk:
    return Chunk("task", 1, "stub", str(number))


async def test_a_subscriber_sees_events_in_order_and_none_from_before():
    bus = EventBus()
    bus.publish(chunk(0))
    with bus.subscribe() as events:
        for number in (1, 2, 3):
            bus.publish(chunk(number))

        assert [await events.next() for _ in range(3)] == [chunk(1), chunk(2), chunk(3)]


async def test_a_waiting_subscriber_is_woken_by_the_next_event():
    bus = EventBus()
    with bus.subscribe() as events:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            waiting = group.create_task(events.next())
            await asyncio.sleep(0)
            bus.publish(chunk(1))

    assert waiting.result() == chunk(1)


async def test_a_slow_subscriber_loses_the_oldest_events_and_is_told_how_many():
    bus = EventBus()
    with bus.subscribe(limit=2) as events:
        for number in range(5):
            bus.publish(chunk(number))
        seen: list[Event] = []
        async for event in events:
            seen.append(event)
            if len(seen) == 3:
                break

    assert seen == [Missed(3), chunk(3), chunk(4)]


async def test_leaving_the_block_unsubscribes():
    bus = EventBus()
    with bus.subscribe():
        assert len(bus._listeners) == 1

    assert bus._listeners == ()


def test_listeners_are_called_in_turn_and_can_leave():
    bus, seen = EventBus(), []
    bus.listen(seen.append)
    bus.publish(chunk(1))
    bus.unlisten(seen.append)
    bus.publish(chunk(2))

    assert seen == [chunk(1)]


async def test_a_waiter_that_was_cancelled_does_not_break_the_next_event():
    bus = EventBus()
    with bus.subscribe() as events:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(events.next())
            await asyncio.sleep(0)
            waiting.cancel()
        bus.publish(chunk(1))

        assert await events.next() == chunk(1)
