"""What `main` hands to every command: where the files are, how an engine is built, how the app is started."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

if TYPE_CHECKING:
    from oxide_desktop.config.paths import Paths
    from oxide_desktop.core import orchestrator as core
    from oxide_desktop.core.errors import ConfigError, OxideError
    from oxide_desktop.core.settings import Settings
    from oxide_desktop.engine import Orchestrator

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a running Oxide can be reached; `url` and `launch_link` are `None` where the web front is switched off."""

    socket: str
    url: str | None
    launch_link: Callable[[], str] | None = None


class ServeFronts(Protocol):
    """Serves every front but the desktop, for as long as its context is open."""

    def __call__(
        self, orchestrator: core.Orchestrator, paths: Paths, settings: Settings, leave: Callable[[], None]
    ) -> AbstractAsyncContextManager[Listening]:
        """Open while they serve."""
        ...


@dataclass
class Program:
    """One run of the program.

    Attributes:
        build: Makes an engine on these settings.
        serve_fronts: Serves what needs no screen.
        no_app_reason: Why the tray app cannot run here, as a sentence; `None` where it can.
        run_app: Runs the tray app to its end and answers its exit code.
        tell: Shows an error on the screen.
        in_tray: Whether it begins without a window.
    """

    build: Callable[[Settings], Orchestrator]
    serve_fronts: ServeFronts
    no_app_reason: Callable[[], str | None]
    run_app: Callable[[Program], int]
    tell: Callable[[OxideError], None]
    in_tray: bool = False

    @cached_property
    def paths(self) -> Paths:
        """Where Oxide's files are; the home is made if it is not there, and one that is read-only is told of.

        Raises:
            OxideError: It cannot be made.
        """
        from oxide_desktop.config.paths import Paths  # noqa: PLC0415 - `--help` needs no files
        from oxide_desktop.fronts.cli.output import mark, say  # noqa: PLC0415 - likewise

        paths = Paths.from_environment()
        paths.prepare()
        if paths.is_read_only:
            told = "can only be read: what is there can be looked at, nothing can be asked."
            say(f"{mark('attention')} {paths.home} {told}")
        return paths

    @cached_property
    def settings(self) -> Settings:
        """The person's settings over the shipped ones.

        Raises:
            ConfigError: They hold values that are refused.
        """
        from oxide_desktop.config.settings import load_config  # noqa: PLC0415 - brings YAML
        from oxide_desktop.core import errors  # noqa: PLC0415 - `--help` needs none

        try:
            return load_config()
        except errors.ConfigError as error:
            self._log_refusal(error)
            raise

    def _log_refusal(self, error: ConfigError) -> None:
        """Whoever started Oxide without a terminal looks into the log. A refused value may be a key, and stays out."""
        from oxide_desktop.config.logs import configure_logs  # noqa: PLC0415 - only where settings are refused
        from oxide_desktop.core.settings import LoggingSettings  # noqa: PLC0415 - likewise

        configure_logs(LoggingSettings(), self.paths)
        for problem in error.problems:
            log.error("the settings cannot be used, see %s:%s: %s", problem.file, problem.line or 1, problem.key)

    def engine(self) -> Orchestrator:
        """A new engine of our own on the same files; whoever asks for it closes it."""
        from oxide_desktop.fronts.cli.output import say  # noqa: PLC0415 - `--help` says nothing

        self.paths  # noqa: B018 - asked for what it says and raises
        engine = self.build(self.settings)
        engine.tell_waits(say)
        return engine

    def run(self, work: Callable[[Orchestrator], Coroutine[Any, Any, T]]) -> T:
        """Run `work` with an engine, which is closed behind it."""
        from oxide_desktop.fronts.cli.interrupt import run_interruptible  # noqa: PLC0415 - brings asyncio

        return run_interruptible(self._with_engine(work))

    async def _with_engine(self, work: Callable[[Orchestrator], Coroutine[Any, Any, T]]) -> T:
        engine = self.engine()
        try:
            return await work(engine)
        finally:
            await engine.aclose()


pass_program = click.make_pass_decorator(Program)
