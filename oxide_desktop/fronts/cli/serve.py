"""`oxide serve`, and plain `oxide` where there is no screen: every front but the desktop, until a signal comes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from oxide_desktop import __version__
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.health import Depth, ServiceStatus
from oxide_desktop.core.model import Locality, Preferences, Request, Source
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.settings import Listen, WebSettings
from oxide_desktop.fronts.cli import instance
from oxide_desktop.fronts.cli.follow import say_notices, watch
from oxide_desktop.fronts.cli.interrupt import run_interruptible
from oxide_desktop.fronts.cli.output import columns, is_terminal, mark, paint, say
from oxide_desktop.fronts.cli.program import Listening, Program, pass_program
from oxide_desktop.fronts.cli.services import state
from oxide_desktop.fronts.cli.text import one_line, wrap

if TYPE_CHECKING:
    from pathlib import Path

    from oxide_desktop.core.orchestrator import Orchestrator

FIRST_QUESTION = "What is 2+2?"


def _checked_hosts(_: click.Context, __: click.Parameter, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Names as the settings' file takes them."""
    from oxide_desktop.config.schema import fields_of  # noqa: PLC0415 - `--help` needs no settings

    if form := fields_of(WebSettings)["allowed_hosts"].form:
        pattern, wanted = form
        for host in hosts:
            if not pattern.fullmatch(host):
                raise click.BadParameter(f"{host!r} is not of the form that is wanted: {wanted}.")
    return hosts


@click.command()
@click.option(
    "--listen",
    type=click.Choice([item.value for item in Listen]),
    envvar="OXIDE_LISTEN",
    help="Who can reach HTTP: loopback, this machine; all, everyone, which wants a token file (web.listen).",
)
@click.option(
    "--token-file", envvar="OXIDE_TOKEN_FILE", metavar="FILE", help="A token of your own making (web.token_file)."
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    envvar="OXIDE_ALLOWED_HOSTS",
    metavar="NAME:PORT",
    callback=_checked_hosts,
    help="A name by which it may be called besides 127.0.0.1 and localhost (web.allowed_hosts).",
)
@pass_program
def serve(program: Program, *, listen: str | None, token_file: str | None, hosts: tuple[str, ...]) -> int:
    """Run without a screen: HTTP for people and scripts, the socket for Claude Code.

    It runs until Ctrl-C, SIGTERM or `oxide stop`, cancels what is being worked on, and ends with exit code 0. If Oxide
    runs already, it says so and ends with 0 as well.
    """
    web = program.settings.web
    program.settings = replace(
        program.settings,
        web=replace(
            web,
            listen=Listen(listen) if listen else web.listen,
            token_file=token_file or web.token_file,
            allowed_hosts=hosts or web.allowed_hosts,
        ),
    )
    return _serve_once(program, greet=is_terminal(sys.stderr))


def start(program: Program) -> int:
    """Plain `oxide`: the app in the tray, or this where there is no screen."""
    if reason := program.no_app_reason():
        say(f"{reason} So Oxide runs without its tray app.")
        return _serve_once(program, greet=True)
    try:
        return _unless_it_runs(lambda: program.run_app(program), program, show=not program.in_tray)
    except OxideError as error:
        if not is_terminal(sys.stderr):  # started from a menu or with the session: nobody would read it there
            program.tell(error)
        raise


def _serve_once(program: Program, *, greet: bool) -> int:
    return _unless_it_runs(lambda: run_interruptible(_serve(program, greet=greet)), program)


def _unless_it_runs(work: Callable[[], int], program: Program, *, show: bool = False) -> int:
    """Do `work` as the one instance; where there is one already, show its window if wanted, else say which it is."""
    program.settings  # noqa: B018 - what is wrong with them is told before anything starts
    try:
        with instance.held(program.paths):
            return work()
    except instance.AlreadyRunningError as error:
        if show and instance.show(program.paths):
            say(f"{error.title}: its window comes up.")
        else:
            say(f"{error.title}: {error.message} {error.hint}")
        return 0


async def _serve(program: Program, *, greet: bool) -> int:
    """Serve until cancelled, which is the way it ends."""
    engine, serving = program.engine(), asyncio.current_task()

    def leave() -> None:
        if serving is not None:
            serving.cancel()

    try:
        await engine.start()
        async with program.serve_fronts(engine, program.paths, program.settings, leave) as listening:
            _tell_where(listening)
            if listening.url and program.settings.web.listen is Listen.ALL:
                say("  reach   from everywhere, with the token")
            say_notices(engine)
            found = await engine.check_services(Depth.PROBE)
            _tell_services(found)
            engine.watch_services()
            if greet:
                await _greet(engine, program.paths.home)
            await asyncio.Event().wait()  # the program's life: a signal ends it
    except asyncio.CancelledError:
        say("Stopping.")
    finally:
        await engine.aclose()
    return 0


def _tell_where(listening: Listening) -> None:
    say(f"{mark('running')} Oxide {__version__} is running.")
    if listening.url:
        say(f"  web     {listening.url} (let a browser in: oxide status --link)")
    if listening.launch_link and is_terminal(sys.stderr):  # a log would keep it
        say(f"  open    {listening.launch_link()} (works once, for five minutes)")
    say(f"  socket  {listening.socket}")
    say('  ask     oxide run "…"     stop it with Ctrl-C or `oxide stop`')


def _tell_services(found: tuple[ServiceStatus, ...]) -> None:
    """Which services can be used, and what each of the others needs."""
    say("Services:")
    for status in found:
        if not status.settings.enabled:
            continue
        say(f"  {mark('completed' if status.healthy else 'attention')} {status.settings.name}: {state(status)}")
        if status.health and not status.healthy:
            for line in wrap(one_line(f"{status.health.message} {status.health.fix}"), columns(), indent="      "):
                say(paint(line, dim=True))


async def _greet(engine: Orchestrator, home: Path) -> None:
    """Where nothing was ever asked, ask something small, so that a stranger sees a real answer.

    On this machine only: a program that has just been started sends nothing away unasked.
    """
    page = await engine.history.list(TaskFilter(), limit=1)
    usable = [status.settings for status in engine.services() if status.healthy]
    local = [settings.name for settings in usable if settings.locality is Locality.LOCAL]
    if page.total or not local:
        return
    say(f"\nA first question, asked on this machine: {FIRST_QUESTION}")
    wishes = Preferences(preferred_service=local[0] if len(local) < len(usable) else None)
    request = Request(prompt=FIRST_QUESTION, preferences=wishes, source=Source.CLI, cwd=home)
    await watch(await engine.submit(request))
