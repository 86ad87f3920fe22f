"""Hours of answers, shortened by a quick stub: they leave no timers, objects or memory behind."""

import asyncio
import gc
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from oxide_desktop.fronts.desktop.loop import Loop
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.unit.test_orchestrator import House, stub

PIECES = ["Some words ", "with `code`, ", "a list:\n\n", "- one\n- two\n\n", "```\nx = 1\n```\n\n"] * 40
ROUNDS = 30
MOST_MB = 12


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with running_loop(qapp) as made:
        yield made


def living() -> Counter[str]:
    gc.collect()
    return Counter(type(item).__name__ for item in gc.get_objects() if isinstance(item, QObject))


def test_answer_after_answer_leaves_nothing_behind(loop: Loop):
    house = House(stub(PIECES))
    process = psutil.Process()

    async def ask_again_and_again(desk: DeskHouse, rounds: int) -> None:
        for _ in range(rounds):
            await desk.ask("Go on")
            await desk.until(lambda: not desk.panel.ask_button.isEnabled())
            await desk.until(desk.panel.ask_button.isEnabled)
            house.history.records.clear()
            house.events.clear()

    async def person(desk: DeskHouse) -> None:
        await ask_again_and_again(desk, 8)
        before, timers = living(), len(desk.app.findChildren(QTimer))
        grown_mb = []
        for _ in range(2):  # what leaks does so each time; what the process keeps for later, once
            memory = process.memory_info().rss
            await ask_again_and_again(desk, ROUNDS)
            grown_mb.append((process.memory_info().rss - memory) / 1e6)
        after = living()
        grown = {name: after[name] - count for name, count in before.items() if after[name] > count + 1}
        assert grown == {}
        assert len(desk.app.findChildren(QTimer)) == timers
        assert len(desk.panel.answer.text) == len("".join(PIECES))
        assert min(grown_mb) < MOST_MB

    loop.run_until_complete(DeskHouse(house).use(person))


def test_a_menu_that_is_filled_again_and_again_keeps_nothing_of_before(loop: Loop):
    async def person(desk: DeskHouse) -> None:
        desk.app.tray._fill(move=True)
        await desk.until(lambda: not desk.app.tray._settle.isActive())
        before = living()
        for _ in range(20):
            desk.app.tray._fill(move=True)
            desk.panel.target.show_services(desk.house.orchestrator.services())
        await asyncio.sleep(0)  # what is to be deleted is deleted by Qt's loop
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        after = living()
        assert {name: after[name] - count for name, count in before.items() if after[name] > count} == {}

    loop.run_until_complete(DeskHouse(House(stub(["Four."]))).use(person))


HUGE_ANSWER = """
import psutil
from PySide6.QtWidgets import QApplication
from oxide_desktop.fronts.desktop.garbage import FULL_EVERY, GuiThreadCollector

application = QApplication([])
process = psutil.Process()
before = process.memory_info().rss
pieces = [b"x" * 60_000 for _ in range(1_500)]
last = pieces[-1]  # what lies above keeps the rest from going of itself
del pieces
grown = process.memory_info().rss - before
collector = GuiThreadCollector()
for _ in range(FULL_EVERY):
    collector._timer.timeout.emit()
print(grown, process.memory_info().rss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library gives memory back itself")
def test_memory_that_a_huge_answer_took_is_given_back():
    # In a process of its own: what other tests have freed would be taken first.
    told = subprocess.run([sys.executable, "-c", HUGE_ANSWER], capture_output=True, text=True, check=True, timeout=60)
    grown, left = map(int, told.stdout.split())
    assert left < grown / 2
