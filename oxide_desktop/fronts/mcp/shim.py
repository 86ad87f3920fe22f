"""`oxide-mcp`: what an MCP client starts. It pumps JSON lines between its client and the app, and is no server itself.

It starts the app when none runs, lives on when the app ends or restarts, and ends when its client does. Standard
library only: a client waits for it. Three threads: one reads the client, the main one forwards, one reads the app.
"""

# os.path, since pathlib would be a tenth of the start.
# ruff: noqa: PTH109, PTH111

from __future__ import annotations

import json
import os
import queue
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from oxide_desktop import __version__
from oxide_desktop.ipc.channel import (
    FRAME_LIMIT,
    Connection,
    connect,
    home_folder,
    socket_path,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

USAGE = """\
usage: oxide-mcp [--help] [--version]

Connects an MCP client, such as Claude Code, to Oxide. The client starts it and speaks JSON over its standard input
and output; started by hand it waits for that. Oxide itself is started when it does not run.

To connect Claude Code:  oxide mcp install   (others: --client cursor, vscode, gemini, codex, claude-desktop)

OXIDE_HOME            where Oxide's files are, if not in ~/.oxide
OXIDE_AUTO_START_WEB  true: an app that is started here serves its web page even if web.enabled is false
"""
APP_GONE = "Oxide ended while it worked on this. What it had finished is in its history. Call again to repeat it."
_MESSAGE_KEYS = ("method", "result", "error")
_LINE_LIMIT = 4 * FRAME_LIMIT  # up to here a line is read whole, so that its refusal can name its id wherever that is
_ID_WITHIN = 65536
_PIECE = re.compile(rb'("(?:\\.|[^"\\])*")\s*:|"(?:\\.|[^"\\])*"|[{}\[\]]|[^\s{}\[\]",:]+')
_LAST_ANSWERS_S = 1.5  # clients that wait for our end do so for two seconds or more
_FIRST_ANSWERS_S = 10.0
_LAST_START_S = 20.0  # an app that is starting when the client goes may still answer what the client has said
_APP_GONE = -32000
_APP_UNREACHABLE = -32001
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600


class Shim:
    """The pump. What it knows of the protocol: which requests wait for an answer, and how the session was opened."""

    def __init__(self, client_in: BinaryIO, client_out: BinaryIO) -> None:
        self._client_in = client_in
        self._client_out = client_out
        self._speaking = threading.Lock()
        self._from_client: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._given_up = threading.Event()  # nobody waits any longer for the app to come up
        self._state = threading.Condition()
        self._starting = False
        self._last_answers_s = _LAST_ANSWERS_S
        self._connection: Connection | None = None
        self._waiting: dict[str, Any] = {}  # requests that the app has and has not answered: id as JSON -> id
        self._opening: dict[str, bytes] = {}  # the session's first words, to say again to a new app
        self._replayed: set[str] = set()  # ids whose next answer the client has had already

    def run(self) -> None:
        """Pump until the client is gone."""
        threading.Thread(target=self._read_client, name="client", daemon=True).start()
        while (line := self._from_client.get()) is not None:
            self._forward(line)
        with self._state:  # a script that pipes its requests in still wants the answers
            self._state.wait_for(lambda: not self._waiting, timeout=self._last_answers_s)

    # -- from the client ---------------------------------------------------------------------------

    def _read_client(self) -> None:
        while line := self._client_in.readline(_LINE_LIMIT):
            self._from_client.put(line)
            while line and not line.endswith(b"\n"):  # the rest of what is too long to be kept
                line = self._client_in.readline(_LINE_LIMIT)
        self._from_client.put(None)
        self._bound_the_end()

    def _bound_the_end(self) -> None:
        """End this process if the main thread does not: an app that hangs holds it in a write."""
        with self._state:
            while self._state.wait_for(lambda: self._starting, timeout=self._last_answers_s):
                if not self._state.wait_for(lambda: not self._starting, timeout=_LAST_START_S):
                    self._given_up.set()
                    self._state.wait_for(lambda: not self._starting, timeout=self._last_answers_s)
                    break
        os._exit(0)

    def _forward(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = json.loads(line) if len(line) < _LINE_LIMIT else {"method": "", "id": _first_id(line)}
        except (ValueError, RecursionError):
            self._refuse(None, _PARSE_ERROR, "This line is not JSON.")
            return
        if not isinstance(message, dict) or message.keys().isdisjoint(_MESSAGE_KEYS):
            known = message.get("id") if isinstance(message, dict) else None
            self._refuse(known, _INVALID_REQUEST, "This is no JSON-RPC message; each line must hold one.")
            return
        is_request = "method" in message and message.get("id") is not None
        request_id = message["id"] if is_request else None
        if is_request and (isinstance(request_id, bool) or not isinstance(request_id, str | int)):
            self._refuse(None, _INVALID_REQUEST, "The id of a request is a text or a whole number.")
        elif len(line) > FRAME_LIMIT:
            too_long = f"This message is over {FRAME_LIMIT >> 20} MiB. Name files by their paths instead."
            self._refuse(request_id, _INVALID_REQUEST, too_long)
        elif is_request:
            self._ask(line, request_id, message["method"])
        else:
            self._tell(line, message)

    def _ask(self, line: bytes, request_id: Any, method: str) -> None:  # noqa: ANN401 - an id is any JSON scalar
        if method == "initialize":
            self._opening = {"initialize": line}
        try:
            connection = self._connected(replay=method != "initialize")
        except OSError as error:
            problem = f"Oxide could not be reached: {error}"
            sys.stderr.write(f"oxide-mcp: {problem}\n")
            self._refuse(request_id, _APP_UNREACHABLE, problem)
            return
        with self._state:
            still_there = self._connection is connection  # it may have died since
            if still_there:
                self._waiting[json.dumps(request_id)] = request_id
        if still_there:
            self._send(connection, line)
        else:
            self._refuse(request_id, _APP_GONE, APP_GONE)

    def _tell(self, line: bytes, message: dict[str, Any]) -> None:
        """Pass on what needs no answer. It concerns the app that runs, so that none is started for it."""
        method, params = message.get("method"), message.get("params")
        if method == "notifications/initialized":
            self._opening["initialized"] = line
        elif method == "notifications/cancelled" and isinstance(params, dict):
            self._settled(json.dumps(params.get("requestId")))  # it will not be answered
        if (connection := self._connection) is not None:
            self._send(connection, line)

    def _send(self, connection: Connection, line: bytes) -> None:
        try:
            connection.write(line if line.endswith(b"\n") else line + b"\n")
        except OSError:
            self._lost(connection)

    # -- to the client -----------------------------------------------------------------------------

    def _read_app(self, connection: Connection) -> None:
        try:
            while (line := connection.read_line()).endswith(b"\n"):
                if self._settle(line):
                    self._say(line)
        except ValueError as error:  # no JSON: whatever speaks there is not the app, or not of this version
            sys.stderr.write(f"oxide-mcp: Oxide's answer cannot be read: {error}\n")
        finally:
            self._lost(connection)

    def _settle(self, line: bytes) -> bool:
        """Note which request this answers; `False` if the client has had that answer before."""
        message = json.loads(line)
        if "method" in message:
            return True
        key = json.dumps(message.get("id"))
        with self._state:
            if key in self._replayed:
                self._replayed.discard(key)
                return False
        self._settled(key)
        return True

    def _settled(self, key: str) -> None:
        with self._state:
            self._waiting.pop(key, None)
            self._state.notify_all()

    def _lost(self, connection: Connection) -> None:
        """The app is gone: every request it had gets an answer, and the next one will look for a new app."""
        with self._state:
            if self._connection is not connection:
                return
            self._connection = None
            waiting, self._waiting = self._waiting, {}
            self._replayed = set()
            self._state.notify_all()
        connection.close()
        for request_id in waiting.values():
            self._refuse(request_id, _APP_GONE, APP_GONE)

    def _refuse(self, request_id: Any, code: int, message: str) -> None:  # noqa: ANN401 - an id is any JSON scalar
        answer = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
        self._say(json.dumps(answer).encode() + b"\n")

    def _say(self, line: bytes) -> None:
        try:
            with self._speaking:
                self._client_out.write(line)
                self._client_out.flush()
        except OSError:
            os._exit(0)  # the client is gone; another thread may be blocked in a read that nothing can end

    # -- the app -----------------------------------------------------------------------------------

    def _connected(self, *, replay: bool) -> Connection:
        """The connection there is, or a new one that has heard how the session was opened."""
        if (connection := self._connection) is not None:
            return connection
        connection = self._reach()
        with self._state:
            self._connection = connection
            if replay and "initialize" in self._opening:
                self._replayed.add(json.dumps(json.loads(self._opening["initialize"])["id"]))
        threading.Thread(target=self._read_app, args=(connection,), name="app", daemon=True).start()
        if replay:
            for line in self._opening.values():
                self._send(connection, line)
        return connection

    def _reach(self) -> Connection:
        """Connect, and start the app if nobody listens.

        Raises:
            OSError: It did not come up in time.
        """
        hello = {"wish": "mcp", "cwd": _cwd(), "client": "oxide-mcp", "version": __version__, "pid": os.getpid()}

        def look() -> Connection:
            return connect(socket_path(home_folder()), hello)

        try:
            return look()
        except OSError:
            from oxide_desktop.fronts.mcp.starting import Starter  # noqa: PLC0415 - most find the app running

            self._note_start(under_way=True)
            try:
                with Starter() as starter:
                    return starter.bring_up(look, self._given_up)
            finally:
                self._note_start(under_way=False)

    def _note_start(self, *, under_way: bool) -> None:
        with self._state:
            self._starting = under_way
            self._last_answers_s = _FIRST_ANSWERS_S  # an app that has just come up is slow with its first answers
            self._state.notify_all()


def _first_id(line: bytes) -> str | int | None:
    """The id of a message that is too long to be read whole, if it stands before what is so long."""
    depth, key = 0, None
    for piece in _PIECE.finditer(line, 0, _ID_WITHIN):
        if depth == 1 and key == b'"id"':
            try:
                found = json.loads(piece[0])
            except ValueError:
                return None
            return found if isinstance(found, str | int) else None
        key = piece[1]
        depth += (piece[0] in (b"{", b"[")) - (piece[0] in (b"}", b"]"))
    return None


def _cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # the client was started in a folder that has been deleted since
        return os.path.expanduser("~")


def _private_stdout() -> BinaryIO:
    """The real standard output, where nothing but this module writes; whatever prints gets standard error."""
    sys.stdout.flush()
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return private


def main(argv: Sequence[str] | None = None) -> int:
    """Run the shim; answers its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        sys.stdout.write(f"oxide-mcp {__version__}\n")
    elif arguments in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
    elif arguments:
        sys.stderr.write(USAGE)
        return 2
    elif sys.stdin is None or sys.stdout is None:
        complaint = "oxide-mcp: Standard input and output are closed; its client speaks there. See oxide-mcp --help.\n"
        if sys.stderr is not None:
            sys.stderr.write(complaint)
        return 2
    else:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # end at once, whatever the threads are waiting for
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        Shim(sys.stdin.buffer, _private_stdout()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
