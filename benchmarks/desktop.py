"""The tray app: how evenly it runs while text streams in, how soon it is seen, what it takes while nothing happens.

Goals: with 500 chunks a second arriving, a 16 ms timer's 99th percentile stays under 25 ms. Start and idling are shown
beside an empty window of the same toolkit and loop, in the same run. A virtual screen (Xvfb) is used where it is there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack

CHUNKS_PER_S = 500
TIMER_MS = 16
GOAL_MS = 25
WORDS = ("Some ", "words ", "with `code` ", "and **weight**, ", "then\n\n", "- a point\n", "```\nx = 1\n```\n")


# -- in processes of their own -----------------------------------------------------------------------------------------


def when_painted(window: object, then: Callable[[], None]) -> object:
    """Call `then` when the window has been drawn for the first time."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Painted(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            if event.type() == QEvent.Type.Paint:
                window.removeEventFilter(self)
                QTimer.singleShot(0, then)
            return False

    painted = Painted()
    window.installEventFilter(painted)
    return painted


def since_start() -> float:
    import psutil

    return time.time() - psutil.Process().create_time()


def tell(**figures: object) -> None:
    print(json.dumps(figures), flush=True)


async def idle_figures(seconds: float) -> dict[str, float]:
    """What this process takes while nothing happens. It settles first, and the clock is the processor's own."""
    import psutil

    process = psutil.Process()
    await asyncio.sleep(seconds / 2)
    before = time.process_time()
    await asyncio.sleep(seconds)
    memory = process.memory_full_info()
    return {
        "cpu_percent": (time.process_time() - before) / seconds * 100,
        "uss_mb": memory.uss / 1e6,
        "rss_mb": memory.rss / 1e6,
    }


def empty(idle_s: float) -> None:
    """The yardstick: a window with nothing in it, on the loop as qasync has it."""
    import qasync
    from PySide6.QtWidgets import QApplication, QWidget

    application = QApplication([])
    window = QWidget()
    window.resize(1080, 720)

    async def main() -> None:
        seen = asyncio.Event()
        told: list[float] = []
        kept = when_painted(window, lambda: (told.append(since_start()), seen.set()))
        window.show()
        await seen.wait()
        tell(visible_s=told[0], **(await idle_figures(idle_s) if idle_s else {}), kept=bool(kept))

    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(application)) as runner:
        runner.run(main())


def whole(idle_s: float) -> None:
    """The app itself, with every front, from its start to rest."""
    from PySide6.QtCore import QTimer

    from oxide_desktop.core.background import BackgroundTasks
    from oxide_desktop.fronts.desktop import app as desktop
    from oxide_desktop.main import main

    class Watched(desktop.App):
        async def main(self) -> int:
            self.kept = when_painted(self.window, self.seen)
            return await super().main()

        def seen(self) -> None:
            self.visible_s = since_start()
            self.desk.opened.connect(self.rest)

        def rest(self) -> None:
            self.ready_s = since_start()
            self.tasks = BackgroundTasks()
            QTimer.singleShot(0, lambda: self.tasks.start(self.measure(), "measure"))

        async def measure(self) -> None:
            figures = await idle_figures(idle_s) if idle_s else {}
            tell(visible_s=self.visible_s, ready_s=self.ready_s, **figures)
            self.leaving.now()

    desktop.App = Watched
    sys.exit(main([]))


def stream(seconds: float, per_second: int = CHUNKS_PER_S) -> None:
    """An answer of so many chunks a second in the app's window, through the engine's bus, and a timer beside it."""
    from PySide6.QtCore import QSettings, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from oxide_desktop.core.events import Chunk, EventBus
    from oxide_desktop.fronts.desktop.desk import Desk
    from oxide_desktop.fronts.desktop.loop import Loop
    from oxide_desktop.fronts.desktop.theme import Theme
    from oxide_desktop.fronts.desktop.windows.main import MainWindow

    application = QApplication([])
    desk = Desk(Theme(application))
    window = MainWindow(desk, QSettings(os.devnull, QSettings.Format.IniFormat))
    window.bring_up()
    asking, bus = window.page("ask").asking, EventBus()
    asking._task_id = "t"  # noqa: SLF001 - a task that no engine runs
    window.page("ask").panel.begin()
    desk.bridge.open(bus)
    gaps: list[float] = []
    work: list[float] = []

    async def main() -> None:
        timer, last = QTimer(), [time.perf_counter(), time.process_time()]
        timer.setTimerType(Qt.TimerType.PreciseTimer)

        def tick() -> None:
            now, spent = time.perf_counter(), time.process_time()
            gaps.append((now - last[0]) * 1000)
            work.append((spent - last[1]) * 1000)
            last[:] = now, spent

        timer.timeout.connect(tick)
        timer.start(TIMER_MS)
        begun, sent = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - begun) < seconds:
            while sent < elapsed * per_second:
                bus.publish(Chunk("t", 1, "stub", WORDS[sent % len(WORDS)]))
                sent += 1
            await asyncio.sleep(0.002)
        timer.stop()
        desk.bridge.close()

    with asyncio.Runner(loop_factory=lambda: Loop(application)) as runner:
        runner.run(main())
    shown = len(window.page("ask").panel.answer.text)
    tell(p50=statistics.median(gaps), p99=p99(gaps), worst=max(gaps), work_p99=p99(work), chars=shown)


def silent(seconds: float) -> None:
    """The same window and timer while nothing arrives: what this machine, as busy as it is, can do at best."""
    stream(seconds, 0)


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


# -- the benchmark -----------------------------------------------------------------------------------------------------


def screen(processes: ExitStack) -> dict[str, str]:
    """A screen nobody looks at."""
    kept = {key: value for key, value in os.environ.items() if key not in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    kept["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
    if shutil.which("Xvfb") is None:
        return {**kept, "QT_QPA_PLATFORM": "offscreen"}
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"]
    server = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
    processes.callback(server.wait)
    processes.callback(server.kill)
    os.close(write)
    with os.fdopen(read) as told:
        return {**kept, "DISPLAY": f":{told.readline().strip()}"}


def run(part: str, seconds: float, environment: dict[str, str]) -> dict[str, float]:
    """One part in a process of its own, with files of its own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--part", part, "--seconds", str(seconds)]
        done = subprocess.run(
            command, env={**environment, "OXIDE_HOME": home}, capture_output=True, text=True, timeout=300, check=True
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    arguments.add_argument("--part", help=argparse.SUPPRESS)
    arguments.add_argument("--seconds", type=float, default=0, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.part:
        {"empty": empty, "whole": whole, "stream": stream, "silent": silent}[chosen.part](chosen.seconds)
        return
    with ExitStack() as processes:
        environment = screen(processes)
        streamed = run("stream", 5 if chosen.quick else 20, environment)
        still = run("silent", 5 if chosen.quick else 20, environment)
        starts = {part: [run(part, 0, environment) for _ in range(2 if chosen.quick else 7)] for part in PARTS}
        idle = {part: run(part, 4 if chosen.quick else 20, environment) for part in PARTS}
    verdict = "met" if streamed["p99"] < GOAL_MS else "MISSED"
    print(f"streaming {CHUNKS_PER_S} chunks/s: a {TIMER_MS} ms timer p50 {streamed['p50']:.1f} ms, ", end="")
    print(f"p99 {streamed['p99']:.1f} ms (goal: under {GOAL_MS}) {verdict}, worst {streamed['worst']:.1f} ms")
    print(f"  its own work between two ticks p99 {streamed['work_p99']:.1f} ms; ", end="")
    print(f"while nothing arrives the timer's p99 is {still['p99']:.1f} ms, on this machine as busy as it is")
    for part, title in PARTS.items():
        seen = statistics.median(item["visible_s"] for item in starts[part])
        ready = [item["ready_s"] for item in starts[part] if "ready_s" in item]
        up = f", engine and fronts up after {statistics.median(ready):.2f} s" if ready else ""
        figures = idle[part]
        print(f"{title}: visible after {seen:.2f} s{up}; idle {figures['uss_mb']:.0f} MB of its own ", end="")
        print(f"({figures['rss_mb']:.0f} MB resident), processor {figures['cpu_percent']:.2f} %")


PARTS = {"empty": "empty window", "whole": "Oxide       "}


if __name__ == "__main__":
    main()
