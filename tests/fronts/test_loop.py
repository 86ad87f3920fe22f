"""The mended loop: each hazard of qasync that it mends, shown as mended."""

import asyncio
import contextvars
import gc
import sys
import threading
from collections.abc import AsyncGenerator, Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog

from oxide_desktop.fronts.desktop.loop import Loop


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    made = Loop(qapp)
    asyncio.set_event_loop(made)
    yield made
    made.close()
    asyncio.set_event_loop(None)


def living_timers() -> int:
    gc.collect()
    return sum(isinstance(item, QTimer) for item in gc.get_objects())


def test_callbacks_run_in_the_order_they_were_queued(loop: Loop):
    seen: list[int] = []

    async def main() -> None:
        done = asyncio.Event()
        for number in range(1000):
            loop.call_soon(seen.append, number)
        loop.call_soon(done.set)
        await done.wait()

    loop.run_until_complete(main())

    assert seen == list(range(1000))


def test_later_callbacks_run_by_their_time_not_by_their_order(loop: Loop):
    seen: list[str] = []

    async def main() -> None:
        done = asyncio.Event()
        loop.call_later(0.03, done.set)
        loop.call_later(0.02, seen.append, "second")
        loop.call_later(0.01, seen.append, "first")
        loop.call_later(-5, seen.append, "overdue")
        await done.wait()

    loop.run_until_complete(main())

    assert seen == ["overdue", "first", "second"]


def test_a_timer_never_fires_before_its_time(loop: Loop):
    async def main() -> float:
        due = loop.time() + 0.05
        fired = loop.create_future()
        loop.call_at(due, lambda: fired.set_result(loop.time()))
        return await fired - due

    assert loop.run_until_complete(main()) > -0.001


def test_a_handle_of_call_later_knows_when(loop: Loop):
    handle = loop.call_later(100, print)

    assert handle.when() == pytest.approx(loop.time() + 100, abs=1)
    handle.cancel()


def test_finished_timeouts_leave_nothing_behind(loop: Loop):
    async def main() -> None:
        for _ in range(2000):
            async with asyncio.timeout(3600):
                await asyncio.sleep(0)

    before = living_timers()
    loop.run_until_complete(main())

    assert len(loop._later) < 250
    assert living_timers() == before


def test_a_cancelled_callback_does_not_run(loop: Loop):
    seen: list[str] = []

    async def main() -> None:
        done = asyncio.Event()
        loop.call_soon(seen.append, "soon").cancel()
        loop.call_later(0.01, seen.append, "later").cancel()
        loop.call_later(0.02, done.set)
        await done.wait()

    loop.run_until_complete(main())

    assert seen == []


def test_a_call_from_another_thread_arrives_in_its_context(loop: Loop):
    variable = contextvars.ContextVar("variable", default="lost")

    async def main() -> tuple[str, int]:
        arrived = loop.create_future()

        def elsewhere() -> None:
            variable.set("kept")
            loop.call_soon_threadsafe(lambda: arrived.set_result((variable.get(), threading.get_ident())))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        result = await arrived
        thread.join()
        return result

    assert loop.run_until_complete(main()) == ("kept", threading.get_ident())


def test_queued_callbacks_leave_qt_its_turn(loop: Loop):
    """A chain that never ends must not starve the window's own timers."""

    async def main() -> int:
        fired = asyncio.Event()
        QTimer.singleShot(10, fired.set)
        turns = 0
        while not fired.is_set():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert loop.run_until_complete(asyncio.wait_for(main(), 30)) > 0


def test_a_modal_dialog_opened_by_a_callback_lets_asyncio_go_on(loop: Loop):
    async def main() -> int:
        ticks = 0
        dialog = QDialog()
        loop.call_soon(dialog.exec)
        await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0.01)
            ticks += 1
        dialog.accept()
        return ticks

    assert loop.run_until_complete(asyncio.wait_for(main(), 30)) == 5


def test_sockets_processes_and_threads_work_on_it(loop: Loop):
    async def main() -> tuple[bytes, int]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
        return answer, await asyncio.to_thread(lambda: 42)

    assert loop.run_until_complete(asyncio.wait_for(main(), 30)) == (b"hello\n", 42)


def test_a_loop_can_be_run_again(loop: Loop):
    async def main(value: int) -> int:
        await asyncio.sleep(0.001)
        return value

    assert [loop.run_until_complete(main(n)) for n in range(3)] == [0, 1, 2]


def test_a_generator_that_was_forgotten_is_ended_by_the_loop(loop: Loop):
    ended: list[str] = []

    async def counting() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)  # what only a loop can carry through
            ended.append("in the loop")

    async def main() -> None:
        async for _ in counting():
            break
        gc.collect()
        async with asyncio.timeout(30):
            while not ended:  # noqa: ASYNC110 - nobody tells of it; a timeout bounds it
                await asyncio.sleep(0)

    before = sys.get_asyncgen_hooks()
    loop.run_until_complete(main())
    assert ended == ["in the loop"]
    assert sys.get_asyncgen_hooks() == before
