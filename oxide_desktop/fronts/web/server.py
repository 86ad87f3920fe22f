"""The web front's door: binds the port, leaves word where it is, and serves behind the gate."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_desktop import __version__
from oxide_desktop.config.private_files import unwritable, write_atomically
from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.settings import Listen, Settings, WebSettings
from oxide_desktop.fronts.web.access import Access, adopt_token, load_token
from oxide_desktop.fronts.web.limits import Limits, limits_of_this_process

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from oxide_desktop.config.paths import Paths


@dataclass(frozen=True, slots=True)
class WebFront:
    """A server that listens. Whoever has the token may do everything."""

    port: int
    url: str
    access: Access = field(repr=False)

    @property
    def token(self) -> str:
        """What programs send as `Authorization: Bearer TOKEN`."""
        return self.access.token

    def launch_link(self) -> str:
        """An address that lets one browser in, once, within five minutes."""
        return f"{self.url}/launch?code={self.access.launch_code()}"


@asynccontextmanager
async def serve(
    orchestrator: Orchestrator,
    paths: Paths,
    settings: Settings,
    limits: Limits | None = None,
    beside: Mapping[str, ASGIApp] | None = None,
) -> AsyncIterator[WebFront]:
    """Serve HTTP and WebSockets, on the loopback address unless the settings say otherwise, inside the block.

    Applications of other fronts may stand `beside` it at addresses of theirs, behind the same gate.

    Raises:
        OxideError: No port is free, or the private files cannot be written.
    """
    await asyncio.to_thread(_import_slow_modules)
    from oxide_desktop.fronts.web.app import build_app  # noqa: PLC0415 - at hand by now
    from oxide_desktop.fronts.web.gate import Gate  # noqa: PLC0415 - as above
    from oxide_desktop.fronts.web.listener import bind, serve_app  # noqa: PLC0415 - as above

    await orchestrator.start()
    limits = limits or limits_of_this_process()
    try:
        access = Access(_token(paths, settings.web))
    except OSError as error:
        raise unwritable(error, paths.token_file) from error
    try:
        listener = await asyncio.to_thread(bind, settings.web.port, settings.web.listen)
    except OSError as error:
        raise OxideError("The web server cannot start", f"{error}.", "Free a port, or set another web.port.") from error
    with listener:
        port = listener.getsockname()[1]
        front = WebFront(port, f"http://127.0.0.1:{port}", access)
        app = build_app(orchestrator, limits, beside, paths)
        gate = Gate(app, access, port, limits, settings.web.allowed_hosts)
        async with serve_app(gate, listener, limits):
            await asyncio.to_thread(_leave_word, paths.web_file, front)
            try:
                yield front
            finally:
                paths.web_file.unlink(missing_ok=True)


def _token(paths: Paths, web: WebSettings) -> str:
    """The person's own token, or one of Oxide's making; beyond this machine only the person's own will do.

    Raises:
        UsageError: There is none of the person's where one is needed, or it cannot be used.
        OSError: A file can be neither read nor written.
    """
    if web.token_file is not None:
        return adopt_token(Path(web.token_file).expanduser(), paths.token_file)
    if web.listen is Listen.ALL:
        raise UsageError(
            "Oxide does not listen on all interfaces without a token of yours",
            "web.listen is all, and web.token_file is not set.",
            "Make a token (openssl rand -hex 32 > FILE) and set web.token_file, or listen on loopback.",
        )
    return load_token(paths.token_file)


def _import_slow_modules() -> None:
    """Half a second, in a thread: a window may be waiting for the loop."""
    from oxide_desktop.fronts.web import app, gate, listener  # noqa: F401, PLC0415 - for their side effect


def _leave_word(path: Path, front: WebFront) -> None:
    """Tell other programs of this person where the server is.

    Raises:
        OxideError: That could not be written.
    """
    import psutil  # noqa: PLC0415 - 55 ms that are spent here, off the loop

    word = {
        "pid": os.getpid(),
        "create_time": psutil.Process().create_time(),
        "port": front.port,
        "url": front.url,
        "version": __version__,
    }
    try:
        write_atomically(path, json.dumps(word).encode())
    except OSError as error:
        raise unwritable(error, path) from error
