"""Finding what looks like a secret in a text: a documented table of rules, quick enough for 10 MB.

A rule is only looked at where its keyword occurs, and a finding names the rule and the line, never the secret. The work
grows with the text and no faster, however long its lines are: what a rule has looked at it does not look at again, and
behind a finding it goes on in the next line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from oxide_desktop.core.secret_assignments import (
    AFTER_STEM,
    STEMS,
    Assignment,
    basic_is_secret,
    bearer_is_secret,
    default_is_secret,
)
from oxide_desktop.core.secret_rules import RULES
from oxide_desktop.core.secret_values import is_of_words, is_placeholder, is_reference

_MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What looks like a secret, and in which line (from 1)."""

    rule: str
    line: int

    def __str__(self) -> str:
        return f"{self.rule} (line {self.line})"


def scan_secrets(text: str) -> tuple[Finding, ...]:
    """What looks like a secret in `text`, one a line; at most 20 findings, for one is enough to hold a text back."""
    found: dict[int, str] = {}
    for position, name in _hits(text):
        found.setdefault(text.rfind("\n", 0, position) + 1, name)
        if len(found) >= _MOST_FINDINGS:
            break
    return tuple(_numbered(text, found))


def _numbered(text: str, found: Mapping[int, str]) -> Iterator[Finding]:
    """The findings in order; the lines are counted once for all of them."""
    line, counted = 1, 0
    for start in sorted(found):
        line += text.count("\n", counted, start)
        counted = start
        yield Finding(found[start], line)


_Accepts = Callable[[re.Match[str]], bool]
_compiled = cache(re.compile)
# What a header or a command line takes: how it is called, where that begins, what must follow, what must stand before.
_HEADER = (
    r"\\?[\"'`]?\s{0,3}[:=,]\s{0,3}\\?[\"'`]?(?P<how>bearer|basic|token|apikey)[ ]{1,3}(?P<value>[^\s\"'`,\\]{8,4000}+)"
)
_USER = r"[ =]?[\"']?[\w.@%+-]{1,80}:(?P<value>[^\s\"']{4,200}+)"
_GIVEN_WORD = r"[\"']?(?P<value>[^\s\"']{6,100}+)"
_SQL = r"(?P<how>[\"'])(?P<value>[^\s\"']{6,100}+)[\"']"
_COMMANDS = (
    (" -u", _USER, "curl"),
    (" --user", _USER, "curl"),
    (" -p", _GIVEN_WORD, "mysql"),
    (" -p ", _GIVEN_WORD, "sshpass"),
    (" -p ", _GIVEN_WORD, "docker login"),
    (" -a ", _GIVEN_WORD, "redis-cli"),
)
_GIVEN = (
    ("a sign-in header", "authorization", _HEADER, ""),
    ("a password in SQL", "identified by ", _SQL, ""),
    ("a password in SQL", " password ", _SQL, ""),
    ("a password in SQL", "set password", r"(?: for [^\n=]{1,80})?\s{0,3}=\s{0,3}(?:password\()?" + _SQL, ""),
    *(("a password on a command line", *command) for command in _COMMANDS),
)
_COMMAND_CHARS = 300
# A variable by its name, and what stands in for it: `os.environ.get("NAME") or "…"`, `process.env.NAME || "…"`.
_LOOK_UPS = ("environ", "getenv", "process.env", "env[", "env.fetch")
_STAND_IN = (
    r"(?:\.get)?[.(\[]?[\"']?(?P<name>[a-z]\w{0,60}+)[\"']?[)\]]?\s{0,3}(?:,(?:\s{0,3}default\s?=)?|\bor\b|\|\||\?\?|\?:)\s{0,3}"
    r"[\"'`](?P<value>[^\s\"'`]{6,300}+)[\"'`]"
)


def _hits(text: str) -> Iterator[tuple[int, str]]:
    for rule in RULES:
        if rule.start in text:
            for position in _positions(rule.expression, text, partial(_is_secret, len(rule.start))):
                yield position, rule.name
    # One character for one character, so that positions hold in both.
    lowered = text.encode("ascii", "replace").decode("ascii").lower()
    for name, expression, accepts in _named(text, lowered):
        for position in _positions(expression, lowered, accepts):
            yield position, name


def _named(text: str, lowered: str) -> Iterator[tuple[str, str, _Accepts]]:
    """What is to be looked for in the lower-case form: secrets that are known by what stands before them."""
    for name, start, rest, command in _GIVEN:
        if start in lowered:
            yield name, re.escape(start) + rest, partial(_is_given, text, lowered, command)
    for start in _LOOK_UPS:
        if start in lowered:
            yield "a password or key", re.escape(start) + _STAND_IN, partial(_is_stand_in, text)
    for stem in STEMS:
        if stem in lowered:
            yield "a password or key", re.escape(stem) + AFTER_STEM, partial(_is_assigned, text)


def _is_assigned(text: str, match: re.Match[str]) -> bool:
    return Assignment(text, match).is_secret


def _is_stand_in(text: str, match: re.Match[str]) -> bool:
    return default_is_secret(*(text[slice(*match.span(group))] for group in ("name", "value")))


def _is_given(text: str, lowered: str, command: str, match: re.Match[str]) -> bool:
    start = match.start()
    if command and command not in lowered[max(0, start - _COMMAND_CHARS) : start].rpartition("\n")[2]:
        return False
    value = text[slice(*match.span("value"))]
    if command:
        return not is_placeholder(value) and not is_reference(value)
    return basic_is_secret(value) if match["how"] == "basic" else bearer_is_secret(value)


def _positions(expression: str, text: str, accepts: _Accepts) -> Iterator[int]:
    """Where it matches and is accepted, once a line."""
    pattern, position = _compiled(expression), 0
    while match := pattern.search(text, position):
        position = match.end()
        if accepts(match):
            yield match.start()
            position = text.find("\n", match.start())
            if position < 0:
                return


def _is_secret(start_chars: int, match: re.Match[str]) -> bool:
    """Whether what has the form of a secret is one, rather than a line of a manual."""
    value = match[1] if match.re.groups else match[0][start_chars:]
    return not is_placeholder(value) and not is_of_words(value)
