"""`oxide doctor`: proves what works, tier by tier, and names the fix for what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from oxide_desktop import __version__
from oxide_desktop.core.errors import ConfigError, OxideError
from oxide_desktop.core.health import Depth, ServiceStatus, Tier
from oxide_desktop.core.model import Locality
from oxide_desktop.fronts.cli.house import Finding, look_at_engine, look_at_house
from oxide_desktop.fronts.cli.output import ProgressLine, columns, mark, out, out_json, paint
from oxide_desktop.fronts.cli.program import Program, pass_program
from oxide_desktop.fronts.cli.text import one_line, wrap

if TYPE_CHECKING:
    from oxide_desktop.engine import Orchestrator

SIDE_BY_SIDE = 4
FINE, BROKEN, MISCONFIGURED, NO_SERVICE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at with an engine. `unplugged` says why a service has no adapter."""

    findings: list[Finding] = field(default_factory=list)
    services: tuple[ServiceStatus, ...] = ()
    unplugged: Mapping[str, OxideError] = field(default_factory=dict)


@click.command()
@click.option("--no-ask", is_flag=True, help="Do not ask cloud services a question; look as far as is free.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings for a program.")
@pass_program
def doctor(program: Program, *, no_ask: bool, as_json: bool) -> int:
    """Prove what works, and name the fix for what does not.

    Each service that can be reached is asked one tiny question, which a cloud service may charge for: --no-ask leaves
    those at what is free.

    Exit codes: 0 all is well, 1 something of Oxide's own is broken, 2 the settings cannot be used, 3 no service can
    take a task.
    """
    house = look_at_house(program)
    found = Found()
    try:
        program.settings  # noqa: B018 - asked for what it raises
    except ConfigError as error:
        house.extend(Finding("settings", problem=str(problem), fix=error.hint) for problem in error.problems)
        code = MISCONFIGURED
    else:
        found = program.run(lambda engine: _look(program, engine, ask_cloud=not no_ask))
        house.extend(found.findings)
        code = _verdict(house, found.services)
    if as_json:
        out_json(_to_dict(house, found, code))
    else:
        _show(house, found)
    return code


async def _look(program: Program, engine: Orchestrator, *, ask_cloud: bool) -> Found:
    findings = await look_at_engine(program, engine)
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    line = ProgressLine()
    waiting = [status.settings.name for status in engine.services() if status.settings.enabled and status.info]

    async def examine(name: str) -> None:
        async with gate:
            local = engine.settings.services[name].locality is Locality.LOCAL
            health = await engine.check_service(name, Depth.PROBE)
            if health.healthy and (local or ask_cloud):
                await engine.check_service(name, Depth.PROVE)
        waiting.remove(name)
        line.show(f"● looking at {', '.join(waiting)}")

    line.show(f"● looking at {', '.join(waiting)}")
    try:
        await asyncio.gather(*(examine(name) for name in tuple(waiting)))
    finally:
        line.clear()
    return Found(findings, engine.services(), engine.adapter_problems)


def _verdict(house: list[Finding], services: tuple[ServiceStatus, ...]) -> int:
    if any(finding.problem and not finding.minor for finding in house):
        return BROKEN
    return FINE if any(status.healthy for status in services) else NO_SERVICE


def _to_dict(house: list[Finding], found: Found, code: int) -> dict[str, Any]:
    return {
        "ok": code == FINE,
        "version": __version__,
        "checks": [finding.to_dict() for finding in house],
        "services": {status.settings.name: _service_to_dict(status, found) for status in found.services},
    }


def _service_to_dict(status: ServiceStatus, found: Found) -> dict[str, Any]:
    data = {**status.to_dict(), "tiers": {tier.value: _reached(status, tier) for tier in Tier}}
    if error := found.unplugged.get(status.settings.name):
        data |= {"message": f"{error.title}: {error.message}", "fix": error.hint}
    return data


def _show(house: list[Finding], found: Found) -> None:
    out(paint(f"Oxide {__version__}", bold=True))
    for finding in house:
        sign = mark("completed") if not finding.problem else mark("attention" if finding.minor else "failed")
        first, *rest = wrap(one_line(finding.problem or finding.found), columns() - 12)
        out(f"{sign} {finding.name:<10}{first}")
        for line in [*rest, *(wrap(f"Fix: {one_line(finding.fix)}", columns() - 12) if finding.fix else [])]:
            out(f"{'':<12}{line}")
    for status in found.services:
        settings = status.settings
        out(f"\n{paint(one_line(settings.name), bold=True)}  {settings.kind}, {settings.locality.value}")
        _show_service(status, found)


def _show_service(status: ServiceStatus, found: Found) -> None:
    """How far it is usable, what was found, the fix last."""
    if not status.settings.enabled:
        out(f"  {mark('off')} switched off in the settings")
    elif error := found.unplugged.get(status.settings.name):
        out(f"  {mark('failed')} {error.title}")
        _show_sentences(error.message, error.hint)
    else:
        out("  " + "  ".join(_tier_text(status, tier) for tier in Tier))
        if status.health is not None:
            _show_sentences(status.health.message, status.health.fix)


def _show_sentences(message: str, fix: str) -> None:
    for text in (message, f"Fix: {fix}" if fix else ""):
        for line in wrap(one_line(text), columns(), indent="  ") if text else []:
            out(line)


def _tier_text(status: ServiceStatus, tier: Tier) -> str:
    sign = {True: mark("completed"), False: mark("failed"), None: mark("off")}[_reached(status, tier)]
    return f"{sign} {tier.value}"


def _reached(status: ServiceStatus, tier: Tier) -> bool | None:
    """Whether a tier was shown; `None` where nobody looked that far."""
    health = status.health
    if health is None:
        return None
    order = list(Tier)
    if health.tier is not None and order.index(tier) <= order.index(health.tier):
        return True
    return False if health.failing is tier else None
