"""One MCP client as far as Oxide knows it: its project, its patience, its calls that are on their way."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.running import RunningTask

log = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]

_ROOTS_LIMIT_S = 5.0
# Many clients give up on a call after 60 s whatever progress they see. Claude Code waits as long as progress comes;
# under five minutes, what its model has read until then is still cached.
_PATIENCE_S = 45.0
_PATIENCE_OF_S = {"claude-code": 240.0}


class Call:
    """A tool call on its way to its task, or waiting for it."""

    def __init__(self) -> None:
        self.task: RunningTask | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """The client wants neither the answer nor the task any more."""
        self.cancelled = True
        if self.task:
            self.task.cancel()


class Client:
    """Who is on the other end of a connection, or, over HTTP, of all connections that name no project.

    Attributes:
        project: The folder that relative paths mean; `None` where there is none.
    """

    def __init__(self, project: Path | None = None) -> None:
        # A desktop program starts its servers in the root of the file system, and means nothing by that.
        self.project = None if project is None or project.parent == project else project
        self._calls: dict[str, Call] = {}

    # -- calls -------------------------------------------------------------------------------------

    @contextmanager
    def call(self, context: Context) -> Iterator[Call]:
        """Note a call while it is on its way, so that its client may cancel it."""
        self._calls = {key: call for key, call in self._calls.items() if not (call.task and call.task.ended)}
        key = _key(context, context.request_id)
        call = self._calls[key] = Call()
        try:
            yield call
        except anyio.get_cancelled_exc_class():
            if call.cancelled or _closing_means_cancel(context):
                call.cancel()
            raise  # and it stays noted: the SDK ends a call before its client's wish to cancel it comes here
        except Exception:
            self._calls.pop(key, None)
            raise
        self._calls.pop(key, None)

    def cancel(self, context: Context) -> None:
        """Do what `notifications/cancelled` asks for."""
        params = context.params or {}
        if call := self._calls.pop(_key(context, params.get("requestId")), None):
            call.cancel()

    # -- what it lets us do ------------------------------------------------------------------------

    async def reach(self, context: Context, paths: tuple[str, ...]) -> tuple[Path, tuple[Path, ...] | None]:
        """What relative paths mean, and where files may be read; `None` leaves that to the settings.

        Raises:
            UsageError: One of the paths is relative, and nobody knows to what.
        """
        roots = await _roots(context) if paths else None
        project = self.project
        if roots:
            inside = project is not None and any(project.is_relative_to(root) for root in roots)
            return (project if project is not None and inside else roots[0]), roots
        if project is not None:
            return project, (project,)
        if relative := [path for path in paths if not path.startswith("~") and not Path(path).is_absolute()]:
            raise UsageError(
                "No project directory is known here",
                f"{relative[0]!r} is a relative path, and this client names no directory.",
                "Send absolute paths.",
            )
        return Path.home(), None


def patience_s(context: Context, configured_s: float | None) -> float:
    """How long a call may take before it is answered with what there is."""
    if configured_s is not None:
        return configured_s
    known = context.session.client_params
    return _PATIENCE_OF_S.get(known.client_info.name, _PATIENCE_S) if known else _PATIENCE_S


def _closing_means_cancel(context: Context) -> bool:
    """Whether a client has no other way to cancel than to close the stream: HTTP since 2026."""
    return context.request is not None and context.protocol_version in MODERN_PROTOCOL_VERSIONS


def _key(context: Context, request_id: object) -> str:
    """Ids are a session's own; over HTTP several sessions come through one connection's worth of state."""
    session = context.request.headers.get("mcp-session-id", "") if context.request is not None else ""
    return f"{session}/{request_id}"


async def _roots(context: Context) -> tuple[Path, ...] | None:
    """The folders that the client names, `None` if it names none."""
    capabilities, session = context.session.client_capabilities, context.session
    if capabilities is None or capabilities.roots is None or not session.can_send_request:
        return None
    try:
        found = await session.send_request(
            types.ListRootsRequest(),
            types.ListRootsResult,
            request_read_timeout_seconds=_ROOTS_LIMIT_S,
            metadata=ServerMessageMetadata(related_request_id=context.request_id),
        )
    except (MCPError, ValidationError) as error:
        log.info("a client did not name its roots: %s", error)
        return None
    folders = (urlsplit(str(root.uri)) for root in found.roots)
    return tuple(Path(url2pathname(uri.path)) for uri in folders if uri.scheme == "file") or None
