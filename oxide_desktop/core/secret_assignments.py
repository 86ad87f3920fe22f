"""Secrets that are known by what they are assigned to: `password: …`, `API_KEY=…`, `"client_secret": "…"`.

A name is found by a stem, in whatever spelling; what follows it is looked at where it is in quotes, where it is the
rest of a line of settings, or where a command line, a header or a connection string takes it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from oxide_desktop.core.secret_values import Look, is_placeholder, look_of

STEMS = (
    "pass", "pw", "kennwort", "secret", "token", "credential", "_auth", "_key", ".key", "client-key",
    "apikey", "api-key", "api key", "accesskey", "access-key", "privatekey",
    "private-key", "accountkey", "authkey", "encryptionkey", "signing_key",
    "signingkey", "masterkey",
)  # fmt: skip
# What may follow a stem: the rest of the name, then a separator, then a value in quotes or up to a space.
AFTER_STEM = (
    r"(?P<rest>[\w.\-]{0,40}+)(?P<close>(?:\\{0,3}[\"'`]|\*\*?)?\]?)"
    r"(?:\s{0,8},?\s{0,40}(?:[\"']?value[\"']?|default)\s{0,3}[:=]|[ \t]{0,8}"
    r"(?P<sep>:=|=>|={1,3}|!==?|:\s{0,3}[\w.\[\]|?]{1,30}[ \t]{0,3}=(?!=)|:|,|\(|>|\bis:?)|(?=[ \t]))"
    r"(?:\*\*?|[ \t]{0,3}[|>][+-]?[ \t]{0,8}\r?\n)?[ \t]{0,8}"
    r"(?:@?[rbfu]{0,2}\\{0,3}(?P<quote>[\"'`])(?P<quoted>[^\"'`\n\\]{4,300}+)(?P<end>\\{0,3}[\"'`])?"
    r"|(?P<plain>[^\s\"'`]{4,300}+)(?P<tail>[ \t]{0,20}(?:[#;][^\n]{0,200})?(?:\r?\n|\Z))?)"
)
_NAME = re.compile(r"[\w.\-]*\Z")
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LINE_HEAD = re.compile(
    r"[ \t]*(?:(?:[-#;*+>]|//)[ \t]*)?(?:\*\*)?"
    r"(?:export |set |setx |env |arg |declare -x |\$env:|environment=)?[ \t]*[\"'`]?\Z",
    re.IGNORECASE,
)
_BARE_HEAD = re.compile(r"(?:[ \t]*- ?|# ?)?(?:export |set |env |arg |\$env:|environment=)?[\"'`]?\Z", re.IGNORECASE)
_SPACE_HEAD = re.compile(r"\blogin\s{1,5}\S{1,80}\s{1,20}\Z|^ENV \Z|\bconfigure set \Z", re.MULTILINE)
_ENDS = re.compile(r"[&;,\\)}\]]")
_DSN_HEAD = re.compile(r"(?:\w+=\S+[ ;]\s?|[?&;])\Z")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode", "pwd", "passwort", "kennwort")
_KEYS = ("secret", "token", "credential", "credentials", "apikey", "accesskey", "privatekey", "accountkey", "authkey",
         "encryptionkey", "signingkey", "masterkey")  # fmt: skip
_BEFORE_KEY = frozenset({
    "api", "access", "private", "secret", "account", "auth", "encryption", "signing", "master", "shared", "client",
})  # fmt: skip
_NO_SECRET_TOKENS = frozenset({
    "next", "page", "continuation", "sync", "csrf", "xsrf", "pad", "eos", "bos", "unk", "mask", "cls", "sep", "start",
    "end", "special", "stop", "public", "publishable", "cancel", "cancellation", "last", "prev", "previous", "first",
})  # fmt: skip
_NO_SECRET_KEYS = frozenset({
    "public", "primary", "foreign", "cache", "sort", "partition", "publishable", "site", "host", "idempotency", "row",
    "object", "pub", "index", "group", "event", "dedup", "routing", "translation", "message", "resource", "issue",
})  # fmt: skip
_TRAILING = frozenset({
    "base", "prod", "production", "dev", "stage", "staging", "test", "live", "main", "primary", "secondary", "old",
    "new", "default", "data", "raw", "plain", "plaintext", "string", "str", "text", "value", "val", "b", "hex", "pem",
    "encoded", "v",
})  # fmt: skip
_ELSEWHERE = frozenset({
    "id", "ids", "name", "url", "uri", "hash", "hashed", "digest", "file", "filename", "path", "type", "types", "regex",
    "field", "label", "title", "message", "error", "hint", "help", "ref", "reference", "arn", "version", "format",
    "expires", "expiry", "ttl", "length", "size", "count", "limit", "index", "class", "icon", "html", "css", "js",
    "map", "pattern", "endpoint", "host", "policy", "module", "package", "salt", "iv", "nonce", "checksum", "sha",
    "desc", "description", "placeholder", "method", "mode", "script", "color", "style", "image", "link",
})  # fmt: skip


class Family(Enum):
    """What a name promises of its value."""

    PASSWORD = auto()
    KEY = auto()
    MAYBE = auto()  # a secret is only spoken of
    NONE = auto()


@lru_cache(maxsize=1024)
def family_of(name: str) -> Family:
    """What the value of a name is, judged by its last words."""
    words = [word.lower() for word in _NAME_WORDS.findall(name)]
    while words and (words[-1] in _TRAILING or words[-1].isdigit()) and len(words) > 1:
        words.pop()
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in {"pass", "pw"} or last.endswith(_PASSWORDS):
        return Family.PASSWORD
    if last.endswith(_KEYS):
        return Family.NONE if _NO_SECRET_TOKENS.intersection(words) else Family.KEY
    if (last == "key" and before in _BEFORE_KEY) or last == "auth":
        return Family.KEY
    if last == "key":
        return Family.NONE if _NO_SECRET_KEYS.intersection(words) else Family.MAYBE
    speaks = any(word.endswith((*_PASSWORDS, *_KEYS)) for word in words)
    return Family.MAYBE if speaks and last not in _ELSEWHERE else Family.NONE


@dataclass(frozen=True, slots=True)
class Assignment:
    """One name with what stands behind it.

    Attributes:
        text: All of it.
        match: Where `AFTER_STEM` matched in its lower-case form, whose positions are the same.
    """

    text: str
    match: re.Match[str]

    @property
    def is_secret(self) -> bool:
        """Whether a secret is assigned."""
        if self.match["sep"] is None and not self._spelled_out and not self._takes_space:
            return False
        family = family_of(self._name)
        if family is Family.NONE:
            return False
        if self.match["quoted"]:
            return self._quoted(family, self._value("quoted"))
        return self._plain(family, self._value("plain"))

    @property
    def _name(self) -> str:
        return self._prefix.rpartition(".")[2].lstrip("-") + self.text[self.match.start() : self.match.start("close")]

    @property
    def _separator(self) -> str:
        """What stands between name and value; `=` where there is a type as well."""
        return "=" if (found := self.match["sep"] or "").endswith("=") and found[0] == ":" != found[:-1] else found

    @property
    def _between(self) -> str:
        return self.text[self.match.end("close") : self.match.start("quote" if self.match["quoted"] else "plain")]

    @property
    def _spelled_out(self) -> bool:
        """`name: DB_PASSWORD, value: …`."""
        return bool(self._between.strip())

    @property
    def _before(self) -> str:
        start = self.match.start()
        return self.text[max(0, start - _LOOK_BACK) : start]

    @property
    def _prefix(self) -> str:
        """What of the name stands before the stem."""
        found = _NAME.search(self._before)
        return found[0] if found else ""

    @property
    def _head(self) -> str | None:
        """What of its line stands before the name, `None` if that is too much to look at."""
        before = self._before.removesuffix(self._prefix)
        if "\n" not in before and self.match.start() > _LOOK_BACK:
            return None
        return before.rpartition("\n")[2]

    @property
    def _is_option(self) -> bool:
        return self._prefix.startswith("-")

    @property
    def _takes_space(self) -> bool:
        """An option of a command, `.netrc`, a Dockerfile."""
        return self._is_option or bool(_SPACE_HEAD.search(self._before.removesuffix(self._prefix)))

    def _value(self, group: str) -> str:
        return self.text[slice(*self.match.span(group))]

    def _quoted(self, family: Family, value: str) -> bool:
        if not self.match["end"] or " " in value:
            return False
        look = look_of(value)
        if self._separator == "(" and self._name.lower() not in _SETTERS:
            return look is Look.RANDOM and len(value) >= _LONG
        if look is Look.RANDOM:
            return family is not Family.MAYBE or len(value) >= _LONG
        if family is not Family.PASSWORD or self._separator == ",":
            return False
        return look is Look.MIXED or (look is Look.WORD and self._stands_alone)

    @property
    def _stands_alone(self) -> bool:
        """`"password": "…"` on a line of its own, `PASSWORD="…"` at the start of one: as in files of settings."""
        if self._head is None:
            return False
        form = _LINE_HEAD if self._separator == ":" else _BARE_HEAD
        return bool(form.match(self._head)) and self._separator in {":", "="}

    def _plain(self, family: Family, value: str) -> bool:
        if family is Family.MAYBE and len(value) < _LONG:
            return False
        if not self._separator and not self._spelled_out:
            return _accepted(family, look_of(value), word=not self._is_option)
        if self._separator == ">":
            inner, closed, _ = value.partition("</")
            return bool(closed) and _accepted(family, look_of(inner), word=True)
        if self._separator.startswith("is"):
            return family is Family.PASSWORD and look_of(value.rstrip(".,;!?")) in _NO_WORDS
        if self._separator not in {"=", ":", ""}:
            return False
        if self.match["tail"] is not None and self._head is not None and _LINE_HEAD.match(self._head):
            return self._rest_of_line(family, value)
        return self._in_between(family, value)

    def _rest_of_line(self, family: Family, value: str) -> bool:
        """`name: value` and `NAME=value`, and nothing else in the line."""
        spaced = self._between != self._between.rstrip()
        if self._separator == "=":
            bare = bool(_BARE_HEAD.match(self._head or ""))
            return _accepted(family, look_of(value), word=bare and (not spaced or self._in_section))
        return _accepted(family, look_of(value), word=spaced or self._spelled_out)

    @property
    def _in_section(self) -> bool:
        """Whether the line stands under a `[section]`."""
        start = self.match.start()
        return bool(_SECTION.search(self.text[max(0, start - _SECTION_CHARS) : start]))

    def _in_between(self, family: Family, value: str) -> bool:
        """In a query, a connection string or an option, up to what ends it there."""
        look = look_of(_ENDS.split(value, maxsplit=1)[0])
        if look is Look.RANDOM:
            return family is not Family.MAYBE
        return self._is_given and _accepted(family, look, word=False)

    @property
    def _is_given(self) -> bool:
        """Whether it stands where strings of settings are, rather than in code."""
        return self._is_option or (self._separator == "=" and bool(_DSN_HEAD.search(self._head or "")))


def _accepted(family: Family, look: Look, *, word: bool) -> bool:
    """Whether a value that stands where settings do is a secret."""
    if look is Look.RANDOM:
        return True
    return family is Family.PASSWORD and (look is Look.MIXED or (word and look is Look.WORD))


def default_is_secret(name: str, value: str) -> bool:
    """Whether the value that stands in for a variable that is not set is a secret."""
    family, look = family_of(name), look_of(value)
    if look is Look.RANDOM:
        return family in {Family.PASSWORD, Family.KEY} or (family is Family.MAYBE and len(value) >= _LONG)
    return family is Family.PASSWORD and look is Look.MIXED


def basic_is_secret(value: str) -> bool:
    """Whether base64 of `name:password` holds a password."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return False
    password = plain.partition(":")[2]
    return len(password) >= _FEW and not is_placeholder(password)


def bearer_is_secret(value: str) -> bool:
    """Whether what follows `Bearer` is a token."""
    return look_of(value) in _NO_WORDS


_NO_WORDS = (Look.RANDOM, Look.MIXED)
_SECTION = re.compile(r"^\[[\w .:-]{1,40}\]\s*$", re.MULTILINE)
_SECTION_CHARS = 1_000
_SETTERS = frozenset({"password", "setpassword", "withpassword", "set_password", "with_password"})
_LOOK_BACK, _LONG, _FEW = 120, 16, 4
