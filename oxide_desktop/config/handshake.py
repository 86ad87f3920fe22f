"""Proves that an MCP server answers: starts it as its client would, shakes hands, lists its tools."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired  # noqa: TID251 - prove() gives the reason
from typing import IO, Any

from oxide_desktop import __version__
from oxide_desktop.config.programs import find_executable, find_not_executable
from oxide_desktop.core.errors import OxideError

LIMIT_S = 40.0
_END_LIMIT_S = 5.0
_LAST_WORDS_BYTES = 2000
_PROTOCOL = "2025-06-18"


@dataclass(frozen=True, slots=True)
class Proof:
    """A server that has answered."""

    server: str
    version: str
    tools: tuple[str, ...]
    duration_s: float


def prove(command: Sequence[str], env: Mapping[str, str], cwd: Path, limit_s: float = LIMIT_S) -> Proof:
    """Shake hands with the server that a command starts. Blocks.

    Raises:
        OxideError: It does not start, does not answer, or not in time.
    """
    program = find_executable(command[0])
    if program is None:
        there = find_not_executable(command[0])
        raise _failed(f"{there} is not executable." if there else f"There is no program {command[0]}.")
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        try:
            # Not a child to guard: it may start Oxide's app, which is to outlive this program.
            server = Popen(  # noqa: S603
                [str(program), *command[1:]], stdin=PIPE, stdout=PIPE, stderr=said, env={**os.environ, **env}, cwd=cwd
            )
        except OSError as error:
            raise _failed(f"{program} cannot be started: {error.strerror}.") from error
        alarm = threading.Timer(limit_s, server.kill)
        alarm.start()
        try:
            return _shake_hands(server, began)
        except (EOFError, OSError) as error:
            in_time = time.monotonic() - began < limit_s
            raise _failed(_last_words(said) if in_time else f"It did not answer within {limit_s:g} s.") from error
        except ValueError as error:
            raise _failed("What it writes is not MCP.") from error
        finally:
            alarm.cancel()
            _end(server)


def _shake_hands(server: Popen[bytes], began: float) -> Proof:
    hello = {
        "protocolVersion": _PROTOCOL,
        "capabilities": {},
        "clientInfo": {"name": "oxide", "version": __version__},
    }
    told = _ask(server, 1, "initialize", hello)
    _write(server, {"method": "notifications/initialized"})
    tools = _ask(server, 2, "tools/list", {})["tools"]
    info = told["serverInfo"]
    names = tuple(str(tool["name"]) for tool in tools)
    return Proof(str(info["name"]), str(info.get("version", "")), names, time.monotonic() - began)


def _ask(server: Popen[bytes], number: int, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    _write(server, {"id": number, "method": method, "params": params})
    assert server.stdout is not None  # noqa: S101 - PIPE was asked for
    while line := server.stdout.readline():
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("no message")  # noqa: TRY004 - all that is not MCP is one kind of error
        if message.get("id") != number:
            continue  # a notification, or a question to us that we need not answer
        if "error" in message:
            raise _failed(str(message["error"].get("message", message["error"])))
        return dict(message["result"])
    raise EOFError


def _write(server: Popen[bytes], message: Mapping[str, Any]) -> None:
    assert server.stdin is not None  # noqa: S101 - PIPE was asked for
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    server.stdin.flush()


def _end(server: Popen[bytes]) -> None:
    """As its client would: close its input, and wait a little."""
    for stream in (server.stdin, server.stdout):
        if stream is not None:
            _close(stream)
    try:
        server.wait(_END_LIMIT_S)
    except TimeoutExpired:
        server.kill()
        server.wait()


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        return  # it has gone, with something of ours unread


def _last_words(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
    lines = said.read(_LAST_WORDS_BYTES).decode("utf-8", "replace").split("\n")
    last = [line.strip() for line in lines if line.strip()][-1:]
    return f"It ended without an answer{': ' + last[0] if last else '.'}"


def _failed(why: str) -> OxideError:
    return OxideError("It does not answer", why)
