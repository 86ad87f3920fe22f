"""Who may use the HTTP API: the token of the private file, and browsers that came in by a one-time link."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from oxide_desktop.config.private_files import write_atomically
from oxide_desktop.core.errors import UsageError

LAUNCH_LIMIT_S = 300.0
SESSIONS_LIMIT = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43,}")


def load_token(path: Path) -> str:
    """The token of that file, made at the first time. Whatever is there and is no token of ours is replaced.

    Raises:
        OSError: It can be neither read nor written.
    """
    token = _read_token(path)
    if token is None:
        token = secrets.token_urlsafe(32)
        write_atomically(path, token.encode())
    return token


def adopt_token(given: Path, path: Path) -> str:
    """The token that a person has made, also kept where Oxide's other programs look for it.

    The file may be readable by others, as files of secrets are that a container's engine lays in.

    Raises:
        UsageError: It cannot be read, or holds no token.
        OSError: The other one cannot be written.
    """
    make_one = f"Make one: openssl rand -hex 32 > {given}"
    try:
        token = given.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        message = f"{given}, which web.token_file or OXIDE_TOKEN_FILE names, cannot be read: {error.strerror or error}."
        raise UsageError("The token cannot be used", message, make_one) from error
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            "The token cannot be used",
            f"{given} must hold 43 or more letters, digits, - and _, and nothing else.",
            make_one,
        )
    if _read_token(path) != token:
        write_atomically(path, token.encode())
    return token


def _read_token(path: Path) -> str | None:
    """What the file holds, if it is ours alone."""
    try:
        if path.is_symlink() or (os.name == "posix" and path.stat().st_mode & 0o077):
            return None  # others may have read it
        token = path.read_text().strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return token if _TOKEN.fullmatch(token) else None


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """What a browser that was let in shows: `cookie` for pages, `key` as well for everything else."""

    cookie: str
    key: str


class Access:
    """The credentials of one running server.

    A browser never gets the token: it gets two values of its own, which end with this process. Its cookie is shown to
    every server on this machine, whatever its port, so it opens nothing but the pages' files; the key stays with the
    page that it was given to.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.token = token
        self._clock = clock
        self._codes: dict[str, float] = {}
        self._sessions: list[Session] = []

    def is_token(self, credential: bytes) -> bool:
        """Whether that is the token."""
        return hmac.compare_digest(credential, self.token.encode())

    def is_browser(self, cookie: bytes) -> bool:
        """Whether that was given to a browser."""
        return _among(cookie, (session.cookie for session in self._sessions))

    def is_page(self, cookie: bytes, key: bytes) -> bool:
        """Whether the two were given to a browser together."""
        pairs = (f"{session.cookie} {session.key}" for session in self._sessions)
        return _among(b"%b %b" % (cookie, key), pairs)

    def launch_code(self) -> str:
        """A code that lets one browser in, once, within five minutes."""
        now = self._clock()
        self._codes = {code: ends for code, ends in self._codes.items() if ends > now}
        code = secrets.token_urlsafe(32)
        self._codes[code] = now + LAUNCH_LIMIT_S
        return code

    def redeem(self, code: str) -> Session | None:
        """A browser's values for a code that is still good, which it then no longer is."""
        ends = self._codes.pop(code, 0.0) if _among(code.encode(), self._codes) else 0.0
        if ends <= self._clock():
            return None
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        self._sessions = [*self._sessions[1 - SESSIONS_LIMIT :], session]
        return session


def _among(credential: bytes, known: Iterable[str]) -> bool:
    """Whether it is one of them, found out in a time that does not tell which."""
    return sum([hmac.compare_digest(credential, item.encode()) for item in known]) > 0
