"""Whether there is a newer Oxide: asked at most once a day, of the address in the settings, and only if it is wanted.

What is asked is one small JSON; nothing is sent with it but the name of the program, nothing is downloaded or
installed, and whatever goes wrong is a sentence in `oxide doctor` and nowhere else. The answer is kept in a file of the
home, so that all of Oxide's processes together ask once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from oxide_desktop import __version__
from oxide_desktop.config.private_files import write_atomically
from oxide_desktop.core.versions import Release, is_newer, release_in

if TYPE_CHECKING:
    import httpx

    from oxide_desktop.config.paths import Paths
    from oxide_desktop.core.settings import UpdateSettings

ASK_EVERY_S = 24 * 3600.0
LOOK_EVERY_S = 3600.0
ANSWER_LIMIT_S = 10.0
ANSWER_LIMIT_BYTES = 1024 * 1024
_OK = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What the last look has shown.

    Attributes:
        url: Who was asked.
        asked_at: Unix seconds.
        version: The newest version that was named, if one was.
        page: Where it is told of.
        failure: Why nothing was found out.
    """

    url: str
    asked_at: float
    version: str = ""
    page: str = ""
    failure: str = ""

    @property
    def newer(self) -> Release | None:
        """The release that is newer than this program."""
        return Release(self.version, self.page) if is_newer(self.version, __version__) else None


class _AnswerError(Exception):
    """There is an answer, and it is of no use."""


def known(paths: Paths, settings: UpdateSettings) -> Found | None:
    """What was found out last, of the address that is asked now; `None` where nothing was, or nothing is wanted."""
    if not settings.check or settings.url is None:
        return None
    try:
        told = json.loads(paths.updates_file.read_text(encoding="utf-8"))
        words = {name: str(told[name]) for name in ("url", "version", "page", "failure")}
        found = Found(asked_at=float(told["asked_at"]), **words)
    except (OSError, ValueError, TypeError, LookupError):  # none yet, or not one of ours
        return None
    return found if found.url == settings.url and found.asked_at <= time.time() else None


async def look(paths: Paths, settings: UpdateSettings, limit_s: float = ANSWER_LIMIT_S) -> Found | None:
    """What is known, after asking if that is wanted and was not done within a day. Never raises."""
    found = await asyncio.to_thread(known, paths, settings)
    is_fresh = found is not None and found.asked_at > time.time() - ASK_EVERY_S
    if not settings.check or settings.url is None or is_fresh:
        return found
    # Before, so that whatever happens now, a program that is started again and again asks once.
    asking = Found(settings.url, time.time(), failure="It was interrupted.")
    if not await asyncio.to_thread(_keep, paths, asking):
        return found
    found = await _ask(settings.url, limit_s)
    await asyncio.to_thread(_keep, paths, found)
    return found


async def keep_looking(paths: Paths, settings: UpdateSettings) -> None:
    """Look as long as the program runs, for programs that stay: hourly, which asks once a day."""
    while True:
        await look(paths, settings)
        await asyncio.sleep(LOOK_EVERY_S)


def _keep(paths: Paths, found: Found) -> bool:
    try:
        write_atomically(paths.updates_file, json.dumps(asdict(found)).encode())
    except OSError as error:
        log.info("what is known of newer versions cannot be kept: %s", error)
        return False
    return True


async def _ask(url: str, limit_s: float) -> Found:
    try:
        async with asyncio.timeout(limit_s):
            release = release_in(json.loads(await _fetch(url)))
    except TimeoutError:
        failure = f"It did not answer within {limit_s:g} s."
    except _AnswerError as error:
        failure = str(error)
    except ValueError:
        failure = "It answered with something that is no JSON."
    except Exception as error:  # noqa: BLE001 - httpx has many, and none of them is worth more than a sentence
        failure = f"It cannot be reached ({type(error).__name__})."
    else:
        if release:
            return Found(url, time.time(), release.version, release.page)
        failure = "It named no version that is finished."
    log.info("no newer version could be looked for at %s: %s", url, failure)
    return Found(url, time.time(), failure=failure)


async def _fetch(url: str) -> bytes:
    """The answer, at most so long. A server that sends us elsewhere is not followed: only what was set is asked."""
    client = await asyncio.to_thread(_client)
    async with client, client.stream("GET", url) as response:
        if response.status_code != _OK:
            raise _AnswerError(f"It answered with status {response.status_code}.")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > ANSWER_LIMIT_BYTES:
                raise _AnswerError("Its answer is too long.")
        return bytes(body)


def _client() -> httpx.AsyncClient:
    """Slow to make, hence for a thread."""
    import httpx  # noqa: PLC0415 - 150 ms, at most once a day

    headers = {"User-Agent": "oxide-desktop", "Accept": "application/json", "Accept-Encoding": "identity"}
    return httpx.AsyncClient(headers=headers)
