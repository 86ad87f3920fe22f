"""Failures of HTTP services, translated once into `ServiceError`: what went wrong, and the one thing to do."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from oxide_desktop.adapters import pauses
from oxide_desktop.config.masking import masked
from oxide_desktop.core.errors import FailureKind, ServiceError

_QUOTED_CHARS = 300
_ENDS = ("!", "?", "…")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_STATUS_OF_TYPE = {"authentication_error": 401, "permission_error": 403, "not_found_error": 404, "rate_limit": 429}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The service an error is about.

    Attributes:
        url: Its base URL, for people.
        key_fix: What to do about its API key.
        has_key: Whether it is sent one.
        fix: What to do when nothing answers there.
    """

    service: str
    url: str
    key_fix: str
    fix: str
    has_key: bool = True


class Refused(ServiceError):
    """The service answered with an error.

    Attributes:
        http_status: Its status code, 0 if the error came inside a stream that had begun well.
        text: What it said, shortened.
        about_model: Whether it does not have the model that was asked for.
    """

    def __init__(
        self, peer: Peer, kind: FailureKind, title: str, text: str, hint: str, *, http_status: int = 0
    ) -> None:
        status = f" (HTTP {http_status})" if http_status else ""
        said = f"It said: {text.rstrip('.')}{status}" if text else f"It gave no reason{status}"
        super().__init__(kind, f"{peer.service} {title}", said if said.endswith(_ENDS) else f"{said}.", hint)
        self.http_status = http_status
        self.text = text
        self.about_model = False


def translated(peer: Peer, error: Exception) -> ServiceError:
    """What an exception of httpx means for the attempt."""
    import httpx  # noqa: PLC0415 - slow to import, and loaded already when it raises

    said = _quoted(str(error)) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return unreachable(peer, "no connection in time")
    if isinstance(error, httpx.ConnectError):
        return _no_connection(peer, error)
    if isinstance(error, httpx.ProxyError):
        problem = f"The proxy on the way to {peer.url} refused: {said}."
        return _failure(peer, FailureKind.MISSING, "cannot be reached", problem, "Check the proxy settings.")
    if isinstance(error, httpx.TimeoutException):
        return _failure(peer, FailureKind.TIMEOUT, "timed out", f"{peer.url} took too long.")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        problem = f"No request can be made for {peer.url}: {said}."
        return _failure(peer, FailureKind.MISSING, "cannot be asked", problem, _CHECK_URL.format(service=peer.service))
    return _failure(peer, FailureKind.TRANSIENT, "broke off", f"The connection to {peer.url} was lost ({said}).")


def reason(error: Exception) -> str:
    """Why a connection could not be made, in a few words: those of the system's own error, where one is behind it."""
    error = next((cause for cause in reversed(_causes(error)) if isinstance(cause, OSError)), error)
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "there is no machine of that name"
    if isinstance(error, OSError):  # without a number it stands for several, one for each address
        return os.strerror(error.errno) if error.errno else "no address of it takes connections"
    return _quoted(str(error))


def _causes(error: Exception) -> list[Exception]:
    """An error and what it came of."""
    found, cause = [error], error.__cause__ or error.__context__
    while isinstance(cause, Exception):
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def _no_connection(peer: Peer, error: Exception) -> ServiceError:
    cause = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
    if cause is None:
        return unreachable(peer, reason(error))
    problem = f"No secure connection to {peer.url} ({_quoted(str(cause))})."
    return _failure(peer, FailureKind.MISSING, "cannot be reached", problem, _CHECK_URL.format(service=peer.service))


def unreachable(peer: Peer, reason: str) -> ServiceError:
    """Nothing answers where the service should be."""
    problem = f"Nothing answers at {peer.url} ({reason})."
    return _failure(peer, FailureKind.MISSING, "cannot be reached", problem, peer.fix)


def web_page(peer: Peer) -> ServiceError:
    """Something for people answers there: asking again would bring the same."""
    problem = f"A web page came from {peer.url} instead of an answer."
    hint = _CHECK_URL.format(service=peer.service)
    return _failure(peer, FailureKind.MISSING, "is not what answers there", problem, hint)


def garbage(peer: Peer, what: str) -> ServiceError:
    """The service answered with something that cannot be read."""
    return _failure(peer, FailureKind.TRANSIENT, "gave an answer that cannot be read", what)


def empty(peer: Peer) -> ServiceError:
    """The service answered with nothing at all, and properly so."""
    return garbage(peer, "It sent an empty answer.")


def ended_early(peer: Peer) -> ServiceError:
    """The stream stopped before the service said that it was done."""
    return _failure(peer, FailureKind.TRANSIENT, "stopped in the middle", "The connection ended early.")


def no_text(peer: Peer, *, at_limit: bool) -> ServiceError:
    """The service said that it was done, and there was nothing to see."""
    if at_limit:
        problem = "The model came to its limit before it wrote anything that can be shown."
        hint = "Use a model with a larger window, or one that does not reason first."
        return _failure(peer, FailureKind.CONTEXT, "gave no answer", problem, hint)
    return _failure(peer, FailureKind.TRANSIENT, "gave no answer", "It ended without any text.")


def held_back(peer: Peer) -> ServiceError:
    """The service's own rules kept the whole answer back."""
    return _failure(peer, FailureKind.POLICY, "gave no answer", "Its content rules held the answer back.")


def refused(peer: Peer, status: int, headers: Mapping[str, str], body: bytes) -> Refused:
    """What an error status means for the attempt."""
    text = _said(body)
    pause = pauses.pause_s(headers, body, text, time.time())
    spent = status == HTTPStatus.TOO_MANY_REQUESTS and (pause or 0) > pauses.LONGEST_BUSY_S
    error = _judged(peer, status, text, quota=pauses.violated(body) or ("day" if spent else ""))
    error.retry_after_s = pause
    return error


def refused_in_stream(peer: Peer, said: object) -> Refused:
    """What an error object means that came instead of more text."""
    status = 0
    if isinstance(said, Mapping):
        code = said.get("code") or said.get("status")
        known = str(code).isdecimal()  # some write the number as text
        status = int(str(code)) if known else _STATUS_OF_TYPE.get(str(said.get("type")), 0)
    return _judged(peer, status, _quoted(_message(said)), in_stream=True)


def _judged(peer: Peer, status: int, text: str, *, in_stream: bool = False, quota: str = "") -> Refused:
    rule = _QUOTAS.get(quota) or next(rule for rule in _RULES if rule.fits(status, text))
    hint = rule.hint.format(key_fix=peer.key_fix, service=peer.service)
    title = "wants a key" if rule is _KEY_REFUSED and not peer.has_key else rule.title
    error = Refused(peer, rule.kind, title, text, hint, http_status=0 if in_stream else status)
    error.about_model = rule is _NO_SUCH_MODEL
    return error


class _Rule(NamedTuple):
    """What an error means if its status, and its words where they matter, fit."""

    statuses: Container[int]
    words: str
    kind: FailureKind
    title: str
    hint: str

    def fits(self, status: int, text: str) -> bool:
        return status in self.statuses and bool(re.search(self.words, text, re.IGNORECASE))


_ANY_STATUS = range(1000)
_CLIENT_ERRORS = range(400, 500)
_IN_A_MOMENT = "Try again in a moment."
_SEE_PLAN = "See to the plan of {service}, or wait until it grants more."
_CHECK_URL = "Check services.{service}.base_url in the settings."
_NO_SUCH_MODEL = _Rule(
    _ANY_STATUS,
    r"\bmodel\b.{0,120}\b(not found|doesn.t exist|does not exist|not loaded|not available)\b"
    r"|model_not_found|\b(no|unknown|invalid) models?\b|not a valid model",
    FailureKind.MISSING,
    "does not have that model",
    "See `oxide services models {service}`, and set services.{service}.model to one of those.",
)
_KEY_REFUSED = _Rule({401, 403}, "", FailureKind.AUTH, "refused the key", "{key_fix}")
_SPENT = _Rule(
    {429},
    r"insufficient[_ ](quota|credit|balance)|daily|weekly|monthly|per[ _-]?day|billing|out of credits|usage limit",
    FailureKind.QUOTA,
    "has used up its quota",
    _SEE_PLAN,
)
_BUSY = _Rule({429, 529}, "", FailureKind.BUSY, "is busy", _IN_A_MOMENT)
_QUOTAS = {"day": _SPENT, "minute": _BUSY}
# The first that fits decides; the last fits everything.
_RULES = (
    _Rule({403}, r"\bquota\b", FailureKind.QUOTA, "has used up its quota", _SEE_PLAN),
    _Rule(
        {403}, r"\b(plan|licen[cs]e|subscription|country|region)\b", FailureKind.LICENCE, "may not be used", _SEE_PLAN
    ),
    _KEY_REFUSED,
    _Rule({402}, "", FailureKind.QUOTA, "has used up its quota", _SEE_PLAN),
    _SPENT,
    _BUSY,
    _Rule({413}, "", FailureKind.CONTEXT, "cannot take a prompt of that size", "Send fewer files."),
    _Rule(
        _ANY_STATUS,
        r"context[ _-]?(length|size|window)|exceed_context|maximum context|too many (input )?tokens"
        r"|prompt is too long|reduce the length|(input|prompt) tokens? (limit|exceed)",
        FailureKind.CONTEXT,
        "cannot take a prompt of that size",
        "Send fewer files, or use a model with a larger window.",
    ),
    _NO_SUCH_MODEL,
    _Rule(
        _CLIENT_ERRORS,
        r"content[_ ](filter|policy|management)",
        FailureKind.POLICY,
        "refused the prompt",
        "Its own content rules forbid it: say it another way.",
    ),
    _Rule({503}, "loading|warming up|not ready|overloaded", FailureKind.BUSY, "is not ready yet", _IN_A_MOMENT),
    _Rule({*range(300, 400), 404, 405}, "", FailureKind.MISSING, "is not what answers there", _CHECK_URL),
    _Rule({408}, "", FailureKind.TRANSIENT, "gave up waiting", ""),
    _Rule(_CLIENT_ERRORS, "", FailureKind.INVALID, "refused the request", ""),
    _Rule(_ANY_STATUS, "", FailureKind.TRANSIENT, "failed", ""),
)


def _failure(peer: Peer, kind: FailureKind, title: str, message: str, hint: str = "") -> ServiceError:
    return ServiceError(kind, f"{peer.service} {title}", message, hint)


def _said(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        return _quoted(_message(json.loads(text)))
    except ValueError:
        return "" if text.lstrip().startswith("<") else _quoted(text)  # a page of HTML says nothing to anyone


def _message(said: object) -> str:
    """The sentence in the error objects of the dialects: `error.message`, `error`, `message`, `detail`."""
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, Mapping):
        return str(said)
    for key in ("error", "message", "detail", "msg"):
        if inner := said.get(key):
            code = said.get("type") or said.get("code")
            text = _message(inner)
            return f"{text} [{code}]" if isinstance(code, str) and code not in text else text
    return json.dumps(said)


def _quoted(text: str) -> str:
    text = masked(_UNPRINTABLE.sub(" ", text).strip())  # before a cut could leave half a key
    return text if len(text) <= _QUOTED_CHARS else text[:_QUOTED_CHARS] + "…"
