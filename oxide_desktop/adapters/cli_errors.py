"""What command-line programs say when they fail, translated once into `ServiceError`."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from oxide_desktop.adapters import pauses
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.ports import Call

QUOTED_CHARS = 300
NO_SUCH_MODEL = "does not have that model"
_LAST_LINES = 6
_LAST_CHARS = 8000
_NOISE = re.compile(
    r"^\s+at |^\s*\^+\s*$|^node:|^\(node:|^\s*File \"|^Traceback|^[\s\[\]{}(),;]+$|^\s+\w+: |Full report available at"
    r"|^(\[\w+\] )?(Warning|Note|Info|Debug)\b|^\[STARTUP\]|^Ripgrep |^Loaded cached|^Node\.js v|^\s*(Usage|Options):",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"error|fail|invalid|denied|unauthori|forbidden|not found|quota|limit|exceed|must|cannot|can't|unable|refused"
    r"|timed? ?out|log ?in|sign|unknown|no such|missing|please|required|expired|not ",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"(?:^|API Error:|\bHTTP(?:/\d\S*)?|\bstatus|\brejected|\bcode\"?|\berror)\W{0,4}([45]\d\d)\b", re.IGNORECASE
)

SIGN_IN = re.compile(
    r"(please|need to|must|have to) (sign|log)[ -]?in|(sign|log)[ -]?in (to|with|at|using|required)"
    r"|not (currently )?(logged|signed) in|\brun \S*\s*/?(login|auth)\b"
    r"|(enter|paste|provide|type) (your |the |an? )?[\w ]{0,24}(api key|password|passphrase|token|code)\b"
    r"|waiting for (authentication|authorization|login|sign-?in|browser)"
    r"|press (any key|enter) to (continue|open|log|sign|authenticate)"
    r"|(open|visit|go to) (this|the following|the) (url|link|page)|device code|\b(user|pass)(name|word):\s*$",
    re.IGNORECASE,
)
"""What programs write that wait for somebody to sign in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Whose failure it is.

    Attributes:
        sign_in: What to do when it is not signed in, as a sentence.
    """

    service: str
    sign_in: str

    def error(self, kind: FailureKind, title: str, message: str, hint: str = "") -> ServiceError:
        """An error of this service's."""
        return ServiceError(kind, f"{self.service} {title}", message, hint)


class _Rule(NamedTuple):
    """What it means that a program says these words, or names one of these statuses."""

    kind: FailureKind
    title: str
    hint: str
    words: str
    statuses: Container[int] = ()

    def fits(self, text: str, status: int) -> bool:
        return status in self.statuses or bool(self.words and re.search(self.words, text, re.IGNORECASE))


_SEE_PLAN = "See to the plan of {service}, or wait until it grants more."
_NETWORK = "Check the connection, and the address in its settings."
_IN_A_MOMENT = "Try again in a moment."
# The first that fits decides.
_RULES = (
    _Rule(
        FailureKind.LICENCE,
        "may not be used",
        "See what {service} says of plans, or use another service.",
        r"discontinued|no longer (available|supported|served|offered)|not (available|supported) in your (country|region"
        r"|location)|not (eligible|entitled|included in your plan)|requires a (paid |different )?(plan|subscription)",
    ),
    _Rule(
        FailureKind.QUOTA,
        "has used up its quota",
        _SEE_PLAN,
        r"insufficient[_ ](quota|credit|balance)|credit balance|out of credits|exhausted your [\w ]*quota"
        r"|(daily|per[ _-]?day|weekly|monthly) (\w+ )?(quota|limit)|usage limit (reached|exceeded)"
        r"|hit your (\w+ )?limit",
        {402},
    ),
    _Rule(FailureKind.BUSY, "is busy", _IN_A_MOMENT, pauses.SAID.pattern),
    _Rule(
        FailureKind.QUOTA,
        "has used up its quota",
        _SEE_PLAN,
        r"exceeded your current quota|check your plan and billing",
    ),
    _Rule(
        FailureKind.BUSY,
        "is busy",
        _IN_A_MOMENT,
        r"rate[ _-]?limit|too many requests|overloaded|at capacity|resource_exhausted",
        {429, 529},
    ),
    _Rule(
        FailureKind.AUTH,
        "was refused",
        "{sign_in}",
        r"(invalid|incorrect|missing|expired|no|bad|wrong)\b.{0,24}\b(api[ _-]?key|credentials?|token)\b"
        r"|api[ _-]?key\b.{0,24}\b(not valid|invalid|expired|required|missing|not set|not found)"
        r"|unauthori[sz]ed|unauthenticated|authenticat(ion|e)\b|no auth type|auth method"
        r"|environment variable: \W?\w+_KEY|_API_KEY\b.{0,40}\benviron"
        f"|{SIGN_IN.pattern}",
        {401, 403},
    ),
    _Rule(
        FailureKind.CONTEXT,
        "cannot take a prompt of that size",
        "Send fewer files, or use a model with a larger window.",
        r"context[ _-]?(length|size|window)|maximum context|too many (input )?tokens|(prompt|context) is too (long"
        r"|large)|input token count|exceeds? the (maximum|limit)[\w ]* tokens|reduce the length",
        {413},
    ),
    _Rule(
        FailureKind.MISSING,
        NO_SUCH_MODEL,
        "Set services.{service}.model to one that it offers.",
        r"\bmodels?\b.{0,120}\b(not found|doesn.t exist|does not exist|not available|not supported)\b|model_not_found"
        r"|\b(unknown|invalid|no such) model\b",
    ),
    _Rule(
        FailureKind.POLICY,
        "gave no answer",
        "Its own content rules forbid it: say it another way.",
        r"content[_ ](filter|policy|management)|safety settings|blocked due to|recitation",
    ),
    _Rule(
        FailureKind.MISSING,
        "cannot reach its service",
        _NETWORK,
        r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|connection refused|could not resolve|name or service not known",
    ),
    _Rule(
        FailureKind.MISSING,
        "needs another version of Node.js",
        "Install a current Node.js beside it.",
        r"requires? node|unsupported engine|node\.?js (version )?\S+ or (newer|higher|later)|ERR_UNKNOWN_BUILTIN_MODULE"
        r"|bad option: --",
    ),
    _Rule(
        FailureKind.MISSING,
        "does not know an option",
        "Mend services.{service}.args, or update the program.",
        r"(unknown|unrecogni[sz]ed|unexpected|no such) (option|argument|flag|command)",
    ),
    _Rule(
        FailureKind.CRASHED,
        "wants a terminal",
        "Put the option that makes it work without one into services.{service}.args.",
        r"not a (tty|terminal)|requires? a (tty|terminal)|raw mode is not supported|no terminal to",
    ),
    _Rule(
        FailureKind.TRANSIENT,
        "failed at its service",
        _IN_A_MOMENT,
        r"internal (server )?error|timed? ?out|ECONNRESET|ETIMEDOUT|socket hang up|fetch failed|connection error"
        r"|terminated|other side closed|bad gateway|service unavailable|empty response|try again|not valid JSON",
        range(500, 600),
    ),
    _Rule(FailureKind.INVALID, "refused the request", "", "", {400, 422}),
)
_ENDED_FROM_OUTSIDE = {-15, -2, -1, 130, 143, 129}
_NOT_STARTED = {126, 127}


def failure(teller: Teller, said: str, *, code: int = 0) -> ServiceError:
    """What a program's words and its exit code mean for the attempt. `said` may be all that it wrote."""
    said = _unwrapped(said)
    text = telling_lines(said)
    plain = "\n".join(_plain_lines(said))
    status = _status_in(plain)
    for rule in _RULES:
        if rule.fits(plain, status):
            hint = rule.hint.format(service=teller.service, sign_in=teller.sign_in)
            error = teller.error(rule.kind, rule.title, f"It said: {text}", hint)
            error.retry_after_s = pauses.said_s(said)
            if rule.kind is FailureKind.BUSY and (error.retry_after_s or 0) > pauses.LONGEST_BUSY_S:
                error.kind = FailureKind.QUOTA
            return error
    return _by_code(teller, text, code)


def blame_request(error: ServiceError, call: Call) -> None:
    """Note that it is the caller who insists on a model that is not there, if that is so."""
    error.about_request = error.about_request or bool(call.model and error.title.endswith(NO_SUCH_MODEL))


def _unwrapped(said: str) -> str:
    """The sentence and the status instead of the object that some programs print around them."""
    start = said.find('{"error"')
    if start < 0:
        return said
    try:
        data, end = json.JSONDecoder().raw_decode(said, start)
    except ValueError:
        return said
    error = data["error"]
    if not isinstance(error, Mapping) or "message" not in error:
        return said
    return f"{said[:start]}{error.get('code', '')} {error['message']}{said[end:]}"


def _status_in(said: str) -> int:
    found = _STATUS.search(said)
    return int(found[1]) if found else 0


def _by_code(teller: Teller, text: str, code: int) -> ServiceError:
    message = f"{_ended(code) if code else ''} It said: {text}" if text else f"{_ended(code)} It gave no reason."
    message = message.strip()
    if code in _NOT_STARTED:
        return teller.error(FailureKind.MISSING, "cannot be started", message, "Install it again.")
    if code in _ENDED_FROM_OUTSIDE:
        return teller.error(FailureKind.TRANSIENT, "was ended", message, "Try again.")
    hint = f"Try it in a terminal, then mend services.{teller.service}."
    return teller.error(FailureKind.CRASHED, "failed", message, hint)


def _ended(code: int) -> str:
    return f"It was ended by signal {-code}." if code < 0 else f"It ended with code {code}."


def telling_lines(said: str) -> str:
    """The lines that tell what went wrong, on one line and short: no stack, no warnings."""
    lines = [line.replace("[API Error: ", "").rstrip("]") for line in _plain_lines(said)]
    chosen = dict.fromkeys([line for line in lines if _TELLING.search(line)] or lines[-_LAST_LINES:])
    text = " ".join("".join(char if char.isprintable() else " " for char in line) for line in chosen)
    return text if len(text) <= QUOTED_CHARS else f"{text[:QUOTED_CHARS]}…"


def _plain_lines(said: str) -> list[str]:
    """The last lines without stack and warnings: what came long before is not why it failed."""
    lines = [line.strip() for line in said[-_LAST_CHARS:].splitlines() if line.strip() and not _NOISE.search(line)]
    return lines[-2 * _LAST_LINES :]


def sign_in_wanted(teller: Teller, said: str) -> ServiceError | None:
    """The failure of a program that waits for somebody to sign in, if that is what its last words mean."""
    tail = said[-2000:]
    if not SIGN_IN.search(tail):
        return None
    message = f"It waits for somebody to sign in: {telling_lines(tail)}"
    return teller.error(FailureKind.AUTH, "is not signed in", message, teller.sign_in)


@contextmanager
def own_files(teller: Teller) -> Iterator[None]:
    """Inside the block files of Oxide's own are made, for a program to read.

    Raises:
        ServiceError: They cannot be.
    """
    try:
        yield
    except OSError as error:
        message = f"What it is to read cannot be written: {error.strerror or error}."
        hint = "Make room where temporary files go."
        raise teller.error(FailureKind.CRASHED, "cannot be asked", message, hint) from error


def nothing_said(teller: Teller, stderr: str) -> ServiceError:
    """It ended well, and there was no answer."""
    if (error := failure(teller, stderr)).kind not in (FailureKind.CRASHED, FailureKind.INVALID):
        return error
    said = f" It said: {text}" if (text := telling_lines(stderr)) else ""
    message = f"It ended without an error and without an answer.{said}"
    return teller.error(FailureKind.TRANSIENT, "answered nothing", message, "Try it in a terminal.")


def wrote_too_much(teller: Teller, limit_bytes: int) -> ServiceError:
    """It was stopped because it would not stop writing."""
    message = f"It wrote more than {limit_bytes // (1024 * 1024)} MB and was ended there."
    return teller.error(FailureKind.CRASHED, "would not stop writing", message, "Ask for less at once.")


def ended_early(teller: Teller, stderr: str, code: int) -> ServiceError:
    """It ended before it had said that it was done, whatever its exit code says."""
    if code and (error := failure(teller, stderr, code=code)).kind is not FailureKind.CRASHED:
        return error
    said = f" It said: {text}" if (text := telling_lines(stderr)) else ""
    return teller.error(FailureKind.TRANSIENT, "stopped in the middle", f"{_ended(code)}{said}", "Try again.")
