"""`oxide services`: what is configured, how far each is usable, a test of one."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import click

from oxide_desktop.core.health import Depth, Health, ServiceStatus
from oxide_desktop.core.model import Preferences, Request, Source
from oxide_desktop.core.quota import clock
from oxide_desktop.core.settings import without_userinfo
from oxide_desktop.fronts.cli.app import ask
from oxide_desktop.fronts.cli.asking import complete_service, current_folder, require_service
from oxide_desktop.fronts.cli.follow import follow
from oxide_desktop.fronts.cli.groups import ShowGroup
from oxide_desktop.fronts.cli.models import models, pull, start
from oxide_desktop.fronts.cli.output import columns, mark, money, out, out_json, paint, table
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line, wrap

if TYPE_CHECKING:
    from oxide_desktop.core.orchestrator import Orchestrator
    from oxide_desktop.core.quota import ServiceUse, TodaysUse
    from oxide_desktop.fronts.cli.app_task import FollowedTask, TaskOwner

TEST_PROMPT = "What is 2+2? Answer with the number alone."


@click.group(cls=ShowGroup)
def services() -> None:
    """Show the services and how far each is usable; `oxide services NAME` shows one of them."""


@services.command(hidden=True)
@click.argument("name", required=False, shell_complete=complete_service)
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
@pass_program
def show(program: Program, *, name: str | None, as_json: bool) -> None:
    """Show all services, or NAME in full. They are looked at now; nothing is asked that costs money."""
    if name is None:
        found = program.run(lambda engine: engine.check_services(Depth.PROBE))
        if as_json:
            out_json(_all_to_dict(found))
        else:
            _show_all(found)
        return
    require_service(program.settings, name)
    status, today = program.run(lambda engine: _look(engine, name))
    if as_json:
        out_json(status.to_dict() | {"today": today.to_dict()})
    else:
        _show_one(status, today)


@services.command()
@click.argument("name", shell_complete=complete_service)
@click.option("-p", "--prompt", default=TEST_PROMPT, show_default=True, help="What to ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the record of the test.")
@pass_program
def test(program: Program, *, name: str, prompt: str, as_json: bool) -> int:
    """Ask NAME one tiny question and show the answer. It is kept in the history like every task."""
    require_service(program.settings, name)
    request = Request(
        prompt=prompt,
        preferences=Preferences(preferred_service=name),
        source=Source.CLI,
        cwd=current_folder(),
    )

    async def show(owner: TaskOwner, task: FollowedTask) -> int:
        return await follow(owner, task, as_json=as_json, quiet=False)

    return ask(program, request, show)


services.add_command(models)
services.add_command(pull)
services.add_command(start)


async def _look(engine: Orchestrator, name: str) -> tuple[ServiceStatus, TodaysUse]:
    status = next(status for status in engine.services() if status.settings.name == name)
    if status.settings.enabled and status.info:
        status = dataclasses.replace(status, health=await engine.check_service(name, Depth.PROBE))
    return status, await engine.todays_use(name)


def _all_to_dict(found: tuple[ServiceStatus, ...]) -> dict[str, object]:
    return {
        "services": {status.settings.name: status.to_dict() for status in found},
        "total": len(found),
        "enabled": sum(status.settings.enabled for status in found),
    }


def _show_all(found: tuple[ServiceStatus, ...]) -> None:
    rows = [
        [
            f"{_sign(status)} {one_line(status.settings.name)}",
            state(status),
            one_line(model_of(status) or "automatic"),
            status.settings.locality.value,
            status.settings.kind,
        ]
        for status in found
    ]
    lines = table(["  NAME", "STATE", "MODEL", "WHERE", "ADAPTER"], rows, flexible=2)
    out(lines[0])
    for line, status in zip(lines[1:], found, strict=True):
        out(line)
        if status.health and not status.health.healthy:
            for part in wrap(_sentence(status.health), columns(), indent="    "):
                out(paint(part, dim=True))


def _show_one(status: ServiceStatus, today: TodaysUse) -> None:
    health = status.health
    window = status.info.max_context_tokens if status.info else None
    facts = {
        "state": state(status),
        "adapter": status.settings.kind,
        "where": status.settings.locality.value,
        "address": without_userinfo(status.settings.base_url or "") or status.settings.executable or "",
        "version": health.version if health else None,
        "found": health.message if health and health.healthy else "",
        "model": model_of(status),
        "models": ", ".join(health.models) if health else "",
        "window": f"{window:,} tokens" if window else "",
        "good at": ", ".join(item.label for item in status.info.capabilities) if status.info else "",
        "today": _use(today.use),
        "quota": _left(today),
    }
    out(f"{_sign(status)} {paint(one_line(status.settings.name), bold=True)}")
    if status.info:
        out(f"  {one_line(status.info.description)}")
    for name, value in facts.items():
        if value:
            first, *rest = wrap(one_line(value), columns() - 11)
            out(f"  {name:<9}{first}")
            for line in rest:
                out(f"{'':<11}{line}")
    if health and not health.healthy:
        for line in wrap(_sentence(health), columns(), indent="  "):
            out(line)


def _use(use: ServiceUse) -> str:
    requests = f"{use.requests:,} request{'' if use.requests == 1 else 's'}"
    tokens = f"{use.input_tokens:,} tokens in, {use.output_tokens:,} out" if use.requests else ""
    return ", ".join(filter(None, [requests, tokens, f"cost {money(use.cost)}" if use.cost is not None else ""]))


def _left(today: TodaysUse) -> str:
    left = {"today": today.left_today, "in this minute": today.left_this_minute}
    told = [f"{count:,} {when}" for when, count in left.items() if count is not None]
    words = [f"{' and '.join(told)} left"] if told else []
    if today.free_at is not None:
        words.append(f"used up, free again at {clock(today.free_at, time.time())}")
    return ", ".join(words)


def state(status: ServiceStatus) -> str:
    """How far a service is usable, in two words."""
    if not status.settings.enabled:
        return "switched off"
    if status.info is None:
        return "no adapter"
    health = status.health
    if health is None:
        return "not looked at"
    if health.failing:
        return health.failing.lacking
    return health.tier.reached if health.tier else "unknown"


def model_of(status: ServiceStatus) -> str | None:
    """The model that would be used, as far as it is known."""
    found = status.health.recommended_model if status.health else None
    return status.settings.model or found or status.settings.default_model


def _sign(status: ServiceStatus) -> str:
    if not status.settings.enabled:
        return mark("off")
    return mark("completed" if status.healthy else "attention")


def _sentence(health: Health) -> str:
    return one_line(f"{health.message} {health.fix}")
