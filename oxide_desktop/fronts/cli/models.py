"""`oxide services models`, `pull` and `start`: what a service has to answer with, more of it, and its server."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

import click

from oxide_desktop.core.errors import ServiceError
from oxide_desktop.core.health import Depth, Health
from oxide_desktop.fronts.cli.asking import complete_service, require_service
from oxide_desktop.fronts.cli.output import ProgressLine, mark, out, out_json, say, seconds, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_desktop.core.orchestrator import Orchestrator
    from oxide_desktop.core.servers import ModelInfo, PullProgress

BAR_CHARS = 24
WATCH_S = 2.0
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


@click.command()
@click.argument("name", shell_complete=complete_service)
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
@pass_program
def models(program: Program, *, name: str, as_json: bool) -> int:
    """List the models that NAME offers, with a mark at the one Oxide would choose."""
    require_service(program.settings, name)
    found, health = program.run(lambda engine: _models(engine, name))
    if as_json:
        out_json(
            {
                "service": name,
                "models": [model.name for model in found],
                "recommended_model": health.recommended_model,
                "sizes": {model.name: model.size_bytes for model in found if model.size_bytes is not None},
            }
        )
    else:
        _show_models(found, health.recommended_model)
    if not health.healthy:
        say(one_line(f"{health.message} {health.fix}"))
    elif not found:
        say(f"{name} does not tell which models it has.")
    return 0 if health.healthy else 1


async def _models(engine: Orchestrator, name: str) -> tuple[Sequence[ModelInfo], Health]:
    found: Sequence[ModelInfo] = ()
    with suppress(ServiceError):  # the look that follows tells why
        found = await engine.list_models(name)
    return found, await engine.check_service(name, Depth.PROBE)


def _show_models(found: Sequence[ModelInfo], chosen: str | None) -> None:
    signs = [mark("completed") if model.name == chosen else " " for model in found]
    names = [f"{sign} {one_line(model.name)}" for sign, model in zip(signs, found, strict=True)]
    if not any(model.size_bytes for model in found):
        for name in names:
            out(name)
        return
    sizes = [_size(model) for model in found]
    for line in table(["  MODEL", "SIZE"], list(zip(names, sizes, strict=True)), flexible=0):
        out(line)


def _size(model: ModelInfo) -> str:
    if model.remote_host:
        return one_line(f"at {model.remote_host}")
    return size(model.size_bytes) if model.size_bytes else ""


@click.command()
@click.argument("name", shell_complete=complete_service)
@click.argument("model")
@pass_program
def pull(program: Program, *, name: str, model: str) -> int:
    """Have NAME fetch MODEL (Ollama). Ctrl-C stops that; pulled again, it goes on where it stopped."""
    require_service(program.settings, name)
    program.run(lambda engine: _pull(engine, name, model))
    say(f"{mark('completed')} {one_line(name)} has {one_line(model)}.")
    return 0


async def _pull(engine: Orchestrator, name: str, model: str) -> None:
    line = ProgressLine()
    bar = PullBar(model)
    line.show(f"● asking {name} for {model}")
    try:
        async with aclosing(engine.pull_model(name, model)) as steps:
            async for progress in steps:
                news = bar.news(progress)
                if line.visible:
                    line.show(f"● {bar.text(progress)}")
                elif news:
                    say(one_line(news))
    except asyncio.CancelledError:
        line.clear()
        say("Stopped. What has come is kept: pull it again to go on.")
        raise
    finally:
        line.clear()


class PullBar:
    """A pull as one line: how much of it is there, how quick it comes, how long it will take."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._told = ""
        self._began: tuple[float, int] | None = None

    def news(self, progress: PullProgress) -> str:
        """What has not been said yet, for where nothing can be drawn; the layers of a model are one thing."""
        status = f"pulling {self._model}, {size(progress.total_bytes)}" if progress.total_bytes else progress.status
        stage = "pulling" if progress.total_bytes and progress.status.startswith("pulling") else progress.status
        if stage == self._told:
            return ""
        self._told = stage
        return status if stage == "pulling" else progress.status

    def text(self, progress: PullProgress, now: float | None = None) -> str:
        """The line."""
        here, whole = progress.completed_bytes, progress.total_bytes
        if not whole or not progress.status.startswith("pulling"):
            return f"{self._model}: {progress.status}"
        full = round(BAR_CHARS * here / whole)
        drawn = "█" * full + "░" * (BAR_CHARS - full)
        return f"{self._model} {drawn} {here / whole:.0%} of {size(whole)}{self._pace(progress, now)}"

    def _pace(self, progress: PullProgress, now: float | None) -> str:
        moment = time.monotonic() if now is None else now
        if self._began is None:  # what an earlier pull has brought says nothing about this one's pace
            self._began = moment, progress.completed_bytes
        passed_s, come = moment - self._began[0], progress.completed_bytes - self._began[1]
        if passed_s < 1 or come <= 0:
            return ""
        left_s = (progress.total_bytes - progress.completed_bytes) * passed_s / come
        return f", {size(come / passed_s)}/s, {seconds(max(left_s, 0))} left"


def size(count: float) -> str:
    """An amount of bytes as people say it."""
    for unit, amount in _UNITS:
        if count >= amount:
            return f"{count / amount:.1f} {unit}"
    return f"{count:.0f} bytes"


@click.command()
@click.argument("name", shell_complete=complete_service)
@pass_program
def start(program: Program, *, name: str) -> int:
    """Start the server behind NAME (Ollama on this machine).

    Where the system runs it (a systemd unit, the app on macOS), it stays. Otherwise it runs below this command, which
    starts it again if it dies, and ends with it: press Ctrl-C.
    """
    require_service(program.settings, name)
    return program.run(lambda engine: _start(engine, name))


async def _start(engine: Orchestrator, name: str) -> int:
    line = ProgressLine()
    line.show(f"● starting {name}")
    try:
        begun = await engine.start_service(name)
    finally:
        line.clear()
    if begun.note:
        say(one_line(begun.note))
    if not begun.started:
        say(f"{name} runs already.")
    elif not begun.ours:
        say(f"{name} runs now. It is the system's, and stays.")
    else:
        say(f"{name} runs until this command ends (Ctrl-C).")
        await _keep(engine, name)
    return 0


async def _keep(engine: Orchestrator, name: str) -> None:
    """Until somebody wants this command to end, which is no failure of it."""
    await engine.start_health_monitoring(name, interval=WATCH_S)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
