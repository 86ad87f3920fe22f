"""Finding what looks like a secret in a text: a documented table of rules, quick enough for 10 MB.

A rule is only looked at where its keyword occurs, and a finding names the rule and the line, never the secret. The work
grows with the text and no faster, however long its lines are: what a rule has looked at it does not look at again, and
behind a finding it goes on in the next line.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

_MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What looks like a secret, and in which line (from 1)."""

    rule: str
    line: int

    def __str__(self) -> str:
        return f"{self.rule} (line {self.line})"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret.

    Attributes:
        name: What people read, with its article.
        start: How it begins, literally; not looked at further where a longer word goes on.
        rest: What must follow, a regular expression that is compiled when it is first needed. A group, if there is
            one, is the secret's value and must not be a placeholder.
    """

    name: str
    start: str
    rest: str

    @property
    def expression(self) -> str:
        """The whole of it: literal first, which is what is quick to search for."""
        start = re.escape(self.start)
        # Not the middle of a longer word, such as base64 that happens to hold these letters.
        return start + (rf"(?<![^\W_]{start})" if self.start[0].isalnum() else "") + self.rest


RULES: tuple[Rule, ...] = (
    *(Rule("an AWS access key", start, r"[A-Z2-7]{16}(?![A-Za-z0-9])") for start in ("AKIA", "ASIA", "ABIA")),
    *(
        Rule("an AWS secret key", start, r"[\"']?\s{0,5}[:=]\s{0,5}[\"']?([A-Za-z0-9/+]{40})")
        for start in ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY")
    ),
    Rule("an Azure storage key", "AccountKey=", r"[A-Za-z0-9+/]{60,100}={0,2}"),
    Rule("a DigitalOcean token", "dop_v1_", r"[a-f0-9]{64}"),
    Rule("a Docker token", "dckr_pat_", r"[\w-]{20}"),
    Rule("a GitHub token", "github_pat_", r"\w{22}"),
    *(Rule("a GitHub token", start, r"[A-Za-z0-9]{36}") for start in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    Rule("a GitLab token", "glpat-", r"[\w-]{20}"),
    Rule("a Google API key", "AIza", r"[\w-]{35}"),
    Rule("a Google client secret", "GOCSPX-", r"[\w-]{28}"),
    Rule("a Google access token", "ya29.", r"[\w-]{30}"),
    Rule("a Hugging Face token", "hf_", r"[A-Za-z0-9]{34}"),
    Rule("an npm token", "npm_", r"[A-Za-z0-9]{36}"),
    Rule("an npm token", "_authToken", r"\s{0,3}=\s{0,3}[\"']?([^\s\"'$]{16,200})"),
    Rule("an Anthropic key", "sk-ant-", r"[\w-]{24}"),
    Rule("an API key", "sk-", r"(?!ant-)([\w-]{32,200})"),
    Rule("a PyPI token", "pypi-AgE", r"[\w-]{50}"),
    Rule("a SendGrid key", "SG.", r"[\w-]{22}\.[\w-]{43}"),
    Rule("a Slack token", "xox", r"[abeoprs](?:\.xox[bp])?-[\w-]{10}"),
    Rule("a Slack webhook", "hooks.slack.com/services/", r"T\w{6,20}/B\w{6,20}/\w{16}"),
    *(Rule("a Stripe key", start, r"[0-9A-Za-z]{20}") for start in ("sk_live_", "rk_live_")),
    Rule("a Stripe webhook secret", "whsec_", r"[0-9A-Za-z]{24}"),
    Rule("a JSON web token", "eyJ", r"[\w-]{10,300}+\.eyJ[\w-]{10,3000}+\.[\w-]{10}"),
    Rule(
        "a private key",
        "-----BEGIN ",
        r"(?:[A-Z]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:\\r|\\n|[\s\"'+,\\]){0,40}+(?:[A-Z][\w-]{2,20}+: [^\n]{0,120}+\s{1,40}+){0,4}[A-Za-z0-9+/=]{40}",
    ),
    Rule("a password in an address", "://", r"[^\s:/@,\"']{1,64}+:([^\s/@,\"']{6,80}+)@"),
)

# Where any of these stands, what is assigned to it is looked at: in quotes, or in capitals up to the end of its line.
_ASSIGNED = ("passw", "pwd", "secret", "token", "api_key", "apikey", "api-key", "access_key", "private_key")
_QUOTED = (
    r"[\w.?\-]{0,40}+[\"']?\]?\s{0,5}(?::=|=>|=|:)\s{0,5}[rbf]?([\"'`])"
    r"(?=[^\"'`\s]{0,199}[0-9])(?P<value>[^\"'`\s]{8,200}+)\1"
)
_PLAIN = r"[A-Z0-9_]{0,40}+=(?P<value>[^\s\"'#(){}\[\]<>$,;]{12,200}+)[^\S\n]{0,50}+(?:#|\n|\Z)"
_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|change.?me|replace|insert|placeholder|your|passw|secret|token|x{4}|\*{3}|\.{3}|1234|abcd|"
    r"[{}]|%\(|^\$|^<|^\[|\bnull\b|\bnone\b|process\.env|os\.environ|getenv|keyring:",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z_./:\\-]+\d{0,2}\Z")
_LEAST_ENTROPY = 3.0


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


_compiled = cache(re.compile)


def _hits(text: str) -> Iterator[tuple[int, str]]:
    for rule in RULES:
        if rule.start in text:
            for position in _positions(rule.expression, text, _is_secret):
                yield position, rule.name
    for position in _assignments(text):
        yield position, "a password or key"


def _assignments(text: str) -> Iterator[int]:
    # One character for one character, so that positions hold in both.
    lowered = text.encode("ascii", "replace").decode("ascii").lower()

    def accepts(match: re.Match[str]) -> bool:
        return _looks_secret(text[slice(*match.span("value"))])

    for word in _ASSIGNED:
        for start, rest, where in ((word, _QUOTED, lowered), (word.upper(), _PLAIN, text)):
            if start in where:
                yield from _positions(re.escape(start) + rest, where, accepts)


def _positions(expression: str, text: str, accepts: Callable[[re.Match[str]], bool]) -> Iterator[int]:
    """Where it matches and is accepted, once a line."""
    pattern, position = _compiled(expression), 0
    while match := pattern.search(text, position):
        position = match.end()
        if accepts(match):
            yield match.start()
            position = text.find("\n", match.start())
            if position < 0:
                return


def _is_secret(match: re.Match[str]) -> bool:
    return _looks_secret(match[1]) if match.re.groups else "EXAMPLE" not in match[0]


def _looks_secret(value: str) -> bool:
    """Mixed enough to be a secret: no placeholder, no plain words, no path."""
    if not any(map(str.isdigit, value)) or _WORDS.match(value):
        return False
    return _entropy(value) >= min(_LEAST_ENTROPY, math.log2(len(value)) - 0.5) and not _PLACEHOLDER.search(value)


def _entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    length = len(value)
    return -sum(count / length * math.log2(count / length) for count in Counter(value).values())
