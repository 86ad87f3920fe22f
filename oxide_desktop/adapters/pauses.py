"""How long a service asks to be left alone, in the headers and the words of its refusal, and for which quota."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

LONGEST_BUSY_S = 600.0
"""Who asks to be left alone for longer has a quota that is used up, and is not just busy."""

_UNITS_S = {"milli": 0.001, "ms": 0.001, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_UNIT = r"(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
_PART = re.compile(r"(\d+(?:\.\d+)?) ?(milli|ms|[dhms])")
SAID = re.compile(
    rf"\b(?:retry|again)(?: after| in)?\W{{0,3}}((?:\d+(?:\.\d+)? ?{_UNIT},? ?(?:and )?)+)", re.IGNORECASE
)
"""A pause in a sentence: `Please try again in 7m12s.`"""

_RESETS = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-ratelimit-reset")
_LONG_AGO = 1_000_000_000  # more is a moment in Unix time, and a thousand times as much one in milliseconds
_PER_DAY = re.compile(r"per[ _-]?day|daily", re.IGNORECASE)
_PER_MINUTE = re.compile(r"per[ _-]?minute", re.IGNORECASE)


def pause_s(headers: Mapping[str, str], body: bytes, text: str, now: float) -> float | None:
    """Seconds, from what says it best: a header for it, Google's details, the sentence, when a quota is renewed."""
    found = retry_after_s(headers, now)
    if found is None:
        found = _in_details(body)
    if found is None:
        found = said_s(text)
    return _until_reset(headers, now) if found is None else found


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """`Retry-After` as seconds or as a date, or OpenAI's milliseconds."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * scale
        except ValueError:
            seconds = _until(value, now)
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def said_s(text: str) -> float | None:
    """Seconds, as a sentence asks for them."""
    found = SAID.search(text)
    return _length_s(found[1]) if found else None


def violated(body: bytes) -> str:
    """Which quota Google names in the details of a refusal: `day`, `minute`, or nothing."""
    names = " ".join(
        str(violation.get("quotaId") or violation.get("subject") or "")
        for detail in _details(body)
        for violation in detail.get("violations") or ()
        if isinstance(violation, Mapping)
    )
    if _PER_DAY.search(names):
        return "day"
    return "minute" if _PER_MINUTE.search(names) else ""


def _in_details(body: bytes) -> float | None:
    delays = (detail.get("retryDelay") for detail in _details(body))
    return next((_length_s(delay) for delay in delays if isinstance(delay, str)), None)


def _details(body: bytes) -> list[Mapping[str, Any]]:
    """The details of an error as Google words it, in whichever envelope."""
    try:
        data = json.loads(body)
    except ValueError:
        return []
    data = data[0] if isinstance(data, list) and data else data
    error = data.get("error") if isinstance(data, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    return [detail for detail in details if isinstance(detail, Mapping)] if isinstance(details, list) else []


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Until the quota that is used up is renewed, where headers tell of several; the longest of those."""
    waits = []
    for name in _RESETS:
        left = headers.get(name.replace("reset", "remaining"), "")
        if left.strip() in ("0", "") and (wait := _reset_s(headers.get(name, ""), now)) is not None:
            waits.append(wait)
    return max(waits, default=None)


def _reset_s(value: str, now: float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return _length_s(value)
    if number > _LONG_AGO * 1000:
        number /= 1000
    return max(0.0, number - now) if number > _LONG_AGO else number


def _length_s(text: str) -> float | None:
    parts = _PART.findall(text.lower())
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts) if parts else None


def _until(date: str, now: float) -> float:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - 10 ms, for the rare date

    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):
        return math.nan
