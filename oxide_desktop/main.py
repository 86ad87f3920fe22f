"""The program: the only file that knows every front. What is slow to import is imported when it is needed."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_desktop import engine
    from oxide_desktop.config.paths import Paths
    from oxide_desktop.core.background import BackgroundTasks
    from oxide_desktop.core.errors import OxideError
    from oxide_desktop.core.orchestrator import Orchestrator
    from oxide_desktop.core.settings import Settings
    from oxide_desktop.fronts.cli.program import Listening, Program
    from oxide_desktop.ipc.server import Handler

_CANCELLED = 130
_CHILD_FLAGS = "--oxide-"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, or what a frozen bundle's own executable is besides; answers the exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args and args[0].startswith(_CHILD_FLAGS) and (child := _child_program(args[0])):
        return child(args[1:])
    try:
        return _run(args)
    except KeyboardInterrupt:  # while the command line, which hears it later, was being imported
        return _CANCELLED


def _child_program(flag: str) -> Callable[[list[str]], int] | None:
    """What else a frozen bundle's one executable is, by its first argument. Neither program imports much."""
    from oxide_desktop.adapters import builtin_server  # noqa: PLC0415 - for a child only
    from oxide_desktop.runtime import guard, guard_protocol  # noqa: PLC0415 - likewise

    programs = {guard_protocol.GUARD_FLAG: guard.main, builtin_server.SERVER_FLAG: lambda _: builtin_server.main()}
    return programs.get(flag)


def _run(args: list[str]) -> int:
    from oxide_desktop.fronts.cli.commands import oxide  # noqa: PLC0415 - so that `main` hears Ctrl-C meanwhile
    from oxide_desktop.fronts.cli.failures import ending  # noqa: PLC0415 - likewise
    from oxide_desktop.fronts.cli.program import Program  # noqa: PLC0415 - likewise

    # Before the interpreter ends it looks through everything for garbage: a sixth of what a short command costs.
    atexit.register(gc.freeze)
    _prepare_streams()
    program = Program(
        build=build, serve_fronts=serve_fronts, no_app_reason=no_app_reason, run_app=run_app, tell=tell_on_screen
    )
    return ending(args, lambda: oxide.main(args, prog_name="oxide", standalone_mode=False, obj=program))


def _prepare_streams() -> None:
    """UTF-8 whatever the locale says, since no answer may end in an encoding error; and streams where there are none.

    A program without a console on Windows has none, and neither has one that was started with `>&-`.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def build(settings: Settings) -> engine.Orchestrator:
    """A new engine; its front closes it."""
    from oxide_desktop.config.logs import configure_logs  # noqa: PLC0415 - `--help` needs no engine
    from oxide_desktop.engine import Orchestrator  # noqa: PLC0415 - likewise

    made = Orchestrator(settings)
    configure_logs(settings.logging, made.paths)  # here only: in somebody else's program logging is theirs
    return made


@contextlib.asynccontextmanager
async def serve_fronts(
    orchestrator: Orchestrator,
    paths: Paths,
    settings: Settings,
    leave: Callable[[], None],
    show: Callable[[], None] | None = None,
) -> AsyncIterator[Listening]:
    """Serve MCP over the socket, and HTTP unless it is switched off, on the running loop.

    At the end tasks are stopped first, so that their clients are still told of it.

    Args:
        orchestrator: The engine, started.
        paths: Where the socket and the token are.
        settings: The HTTP port.
        leave: Begins the end of it all; `oxide stop` asks for it where there are no signals.
        show: Brings up the window, where there is one; a second `oxide` asks for it.
    """
    from oxide_desktop.fronts.cli.program import Listening  # noqa: PLC0415 - so that `main` hears Ctrl-C meanwhile
    from oxide_desktop.fronts.mcp.server import McpFront  # noqa: PLC0415 - `--help` needs no front
    from oxide_desktop.ipc.channel import STARTED_BY_SHIM, address_of  # noqa: PLC0415 - likewise

    async with contextlib.AsyncExitStack() as stack:
        url, link, mcp = None, None, McpFront(orchestrator)
        if settings.web.enabled or _web_is_wanted():
            from oxide_desktop.fronts.web import server as web_server  # noqa: PLC0415 - half a second

            served = web_server.serve(orchestrator, paths, settings, beside={"/mcp": mcp.http})
            web = await stack.enter_async_context(served)
            url, link = web.url, web.launch_link
        # After the web, because MCP goes on to import in a thread: two threads that import uvicorn at once, whose
        # modules import each other, see half of it.
        await stack.enter_async_context(mcp.serve(paths, beside=_wishes(leave=leave, show=show)))
        if settings.updates.check:
            stack.push_async_callback(_look_for_newer(paths, settings).close)
        stack.push_async_callback(orchestrator.end_tasks)
        if os.environ.pop(STARTED_BY_SHIM, None):
            _let_go_of_stderr()
        yield Listening(socket=address_of(str(paths.socket)), url=url, launch_link=link)


def _look_for_newer(paths: Paths, settings: Settings) -> BackgroundTasks:
    """Keep knowing whether there is a newer version, for who wants that."""
    from oxide_desktop.config.updates import keep_looking  # noqa: PLC0415 - for those only
    from oxide_desktop.core.background import BackgroundTasks  # noqa: PLC0415 - `--help` needs none

    background = BackgroundTasks()
    background.start(keep_looking(paths, settings.updates), "looking for a newer version")
    return background


def _wishes(**known: Callable[[], None] | None) -> dict[str, Handler]:
    """What the socket does for other commands: its own welcome is all that they wait for."""

    def handler(work: Callable[[], None]) -> Handler:
        async def handle(_hello: object, _reader: object, _writer: object) -> None:
            work()

        return handle

    return {name: handler(work) for name, work in known.items() if work}


def _let_go_of_stderr() -> None:
    """Whoever started this program has seen that it works; what it says from now on would fill a file nobody reads."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _web_is_wanted() -> bool:
    """Whether an MCP client's configuration asks for the web front, as it could ask the ancestor."""
    return os.environ.get("OXIDE_AUTO_START_WEB", "").strip().lower() in ("1", "true", "yes", "on")


def no_app_reason() -> str | None:
    """Why the tray app cannot run here, `None` where it can."""
    if sys.platform.startswith("linux"):
        from oxide_desktop.fronts.desktop.display import why_unreachable  # noqa: PLC0415 - `--help` needs no screen

        if reason := why_unreachable():
            return reason
    missing = [name for name in ("PySide6", "qasync") if importlib.util.find_spec(name) is None]
    if missing:
        return f"The tray app needs {' and '.join(missing)} (pip install 'oxide-desktop[desktop]')."
    try:
        import PySide6.QtWidgets  # noqa: F401, PLC0415 - Qt's own libraries may be missing: only loading them shows
    except ImportError as error:
        return f"The tray app's libraries cannot be loaded ({error})."
    return None


def tell_on_screen(error: OxideError) -> None:
    """Show why Oxide does not start to somebody who started it from a menu."""
    from oxide_desktop.fronts.desktop import app  # noqa: PLC0415 - brings Qt
    from oxide_desktop.ipc.channel import STARTED_BY_SHIM  # noqa: PLC0415 - `--help` needs no socket

    if STARTED_BY_SHIM not in os.environ:  # the shim tells its client
        app.tell(error)


def run_app(program: Program) -> int:
    """The tray app, from its start to its end, with the other fronts beside it."""
    from oxide_desktop.fronts.desktop import app  # noqa: PLC0415 - brings Qt
    from oxide_desktop.ipc.channel import STARTED_BY_SHIM  # noqa: PLC0415 - `--help` needs no socket
    from oxide_desktop.runtime.signals import watch_signals  # noqa: PLC0415 - `--help` needs no loop

    def fronts(
        orchestrator: Orchestrator, show: Callable[[], None], leave: Callable[[], None]
    ) -> AbstractAsyncContextManager[Listening]:
        return serve_fronts(orchestrator, program.paths, program.settings, leave, show)

    in_tray = program.in_tray or STARTED_BY_SHIM in os.environ
    return app.run(program.engine, fronts, watch_signals, program.paths.home / "desktop.ini", in_tray=in_tray)
