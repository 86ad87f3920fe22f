"""Whether a value is a secret, or stands for one: placeholders, references, code, plain words."""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import Enum, auto

_SHORTEST = 6
_SHORTEST_WORD = 8
_SHORTEST_RANDOM = 8
_LEAST_ENTROPY = 3.0
_LONGEST_RUN = 3.0  # letters of one kind, or digits, in a row on average: what is drawn by lot changes more often
_FEWEST_KINDS = 5
_SHORTEST_ROW = 3

# A placeholder is a value made of these words, of counting and of signs, from its first character to its last.
_STANDING_IN = (
    "your|yours|example|examples|sample|dummy|fake|mock|test|testing|tests|tester|placeholder|changeme|changeit|change|"
    "replaceme|replace|replaced|insert|enter|put|set|here|goes|todo|fixme|redacted|removed|hidden|masked|omitted|secure|"
    "strong|super|long|random|real|actual|some|any|my|the|this|that|is|an|me|it|with|of|in|for|to|and|or|not|no|new|"
    "old|current|from|env|environment|var|variable|value|values|string|text|demo|temp|tmp|foo|foobar|bar|baz|qux|quux|"
    "none|null|nil|undefined|true|false|default|unset|empty|blank|required|optional|valid|invalid|deadbeef|"
    "wrong|bad|good|correct|incorrect|abc|abcd|abcdef|abcdefg|abcdefgh|xyz"
)
_NAMING = (
    "password|passwords|passwd|passphrase|passcode|pass|pwd|pw|secrets|secret|tokens|token|api|apikey|app|key|keys|"
    "credentials|credential|creds|cred|auth|access|private|public|client|account|user|username|name|id|oauth|bearer|"
    "basic|admin|root|guest|service|server|database|db|mysql|postgres|postgresql|redis|mongo|mongodb|rabbitmq|"
    "openai|anthropic|google|azure|aws|github|gitlab|hf|sk|pk|proj|live|prod|dev|jwt|session|cookie|csrf|login|"
    "encrypted|hashed|hash|plain|proxy|host|type|field|input|prompt|confirm|confirmation|reset|forgot|show|refresh"
)
_words = "|".join(sorted({*_STANDING_IN.split("|"), *_NAMING.split("|")}, key=len, reverse=True))
_COUNTING = (
    r"%[0-9a-f]{2}|(?<![a-z0-9])a(?![a-z0-9])|"
    r"0?1(?:2(?:3(?:4(?:5(?:6(?:7(?:8(?:9(?:0)?)?)?)?)?)?)?)?)?(?!\d)|0+(?!\d)|\d(?!\d)|(?P<one>[\w*.•#-])(?P=one){2,}+"
)
# Possessive: a word once taken is not tried another way, so that the time is that of reading it.
_PLACEHOLDER = re.compile(rf"(?:{_COUNTING}|{_words}|[\W_])++\Z", re.IGNORECASE)
_BRACKETED = re.compile(
    r"<[^<>]*>\Z|\{\{.*\}\}\Z|\$?\{[^{}]*\}\Z|\$\(.*|\$\{\{.*|#\{.*\}\Z|%\(?\w+\)?[%s]?\Z|%[sdr]\Z|\[[^\[\]]*\]\Z|__\w+__\Z|"
    r"@[\w.]+@\Z|\$[A-Za-z_][\w.:]*\Z|!\w+\b.*|[*&|>]\w*\Z|[|>][+-]?\Z|.*EXAMPLE(?:KEY)?\Z|"
    r"(?:.*\$\{\w+(?::-)?\w*\})+\Z|.*\]\{+\d|[a-z]+(?:\|[a-z_]+(?::[\w,]+)?)+\Z"
)
_DEFAULT = re.compile(r"\$\{[\w.]+(?::[-=]?|[-=])(?![?+])(.*?)\}?\Z")
_REFERENCE = re.compile(
    r"(?:os\.environ|process\.env|import\.meta\.env|env[.:\[]|ENV[.\[]|secrets?[.:\[]|vars?\.|vault:|keyring:|op://|"
    r"ssm:|arn:|data\.|local\.|module\.|self\.|this\.|config[.\[]|settings\.|file:|https?:|\$)[\w.:\[]",
)
_CALL_OR_INDEX = re.compile(r"[A-Za-z_][\w.:>-]*[!?]?[(\[]|[A-Za-z_]\w*(?:\??(?:\.|->|::)[A-Za-z_]\w*)+[);,]*\Z")
_PATH = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\](?:[\w. @-]+[/\\])*[\w. @-]*\Z|(?:[\w.@-]+/)+[\w-]+\.\w{1,5}\Z")
_NUMBERED_WORDS = re.compile(r"[A-Za-z]+(?:[_./:\\ -]+[A-Za-z]*\d{0,2})*\d{0,4}\Z")
_ONE_WORD = re.compile(r"(?:[a-z]+|[A-Z][a-z]+|[a-z]+(?:-[a-z]+){2,5})\Z")
_NOT_THE_WORD = re.compile(
    r"pass(?!age|ion|port\w)|secret|token|creden|auth|user|field|valu|hash|crypt|input|text|string|bytes|number|bool|"
    r"object|unicode|requir|option|disabl|enabl|prompt|undefin|kennwort|parol|senha|heslo|wachtwoord|mot-de|contras|"
    r"salasana|l.senord|jelsz|default|provid|generat|missing|invalid|unknown|integer|current|verif|protect|inherit|"
    r"instance|keyword|function|callable|nothing|anything|something|whatever|sensitive|replace|change|example",
    re.IGNORECASE,
)
_FEW_RUNS = 3
_LONGEST_RUN_OF_LETTERS = 2.6
_BASE_32 = re.compile(r"[A-Z0-9]+\Z")
_OF_A_TOKEN = re.compile(r"[\w~+/=-]+\Z")
_LONG = 16
_WORDS_IN_A_ROW = re.compile(
    r"(?:[A-Za-z]*[a-z]{2}\d{0,2}|[A-Za-z]|\d{1,2})(?:[-_](?:[A-Za-z]*[a-z]{2}\d{0,2}|[A-Za-z]{1,3}|\d{1,2}))+\Z"
)
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SIGN = re.compile(r"[^\w.\-/:\s,|=(){}\[\]<>\\]")


class Look(Enum):
    """What a value looks like."""

    RANDOM = auto()  # drawn by lot
    MIXED = auto()  # letters with digits or signs, as people make passwords
    WORD = auto()  # a word: a secret only where nothing but a password can stand
    HARMLESS = auto()  # a placeholder, a reference, code, a path


def look_of(value: str) -> Look:
    """What a value looks like, quotes taken off; of `${VARIABLE:-value}` what counts is the value."""
    while default := _DEFAULT.match(value):
        value = default[1]
    if len(value) < _SHORTEST or is_placeholder(value) or _PATH.match(value):
        return Look.HARMLESS
    if any(len(part) >= _LONG and _OF_A_TOKEN.match(part) and is_random(part) for part in value.split(".")):
        return Look.RANDOM
    if is_reference(value):
        return Look.HARMLESS
    if is_random(value):
        return Look.RANDOM
    if _NUMBERED_WORDS.match(value):
        return _look_of_words(value)
    return Look.MIXED if _is_mixed(value) else Look.HARMLESS


def _is_mixed(value: str) -> bool:
    if value.isdigit():
        return len(value) >= _SHORTEST_WORD
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]")) + bool(_SIGN.search(value))
    return kinds > 2 or (kinds > 1 and any(map(str.isdigit, value)))  # noqa: PLR2004 - of four kinds


def _look_of_words(value: str) -> Look:
    if _NOT_THE_WORD.search(value):
        return Look.HARMLESS
    if (value[-1].isdigit() and value.rstrip("0123456789").isalpha()) or _changes_case(value):
        return Look.MIXED
    return Look.WORD if len(value) >= _SHORTEST_WORD and _ONE_WORD.match(value) else Look.HARMLESS


def _changes_case(value: str) -> bool:
    """Letters alone, large and small as if by lot."""
    runs = _RUN.findall(value)
    return value.isalpha() and len(runs) > _FEW_RUNS and len(value) <= _LONGEST_RUN_OF_LETTERS * len(runs)


def is_random(value: str) -> bool:
    """Whether letters and digits change as often as where each is drawn by lot."""
    if len(value) < _SHORTEST_RANDOM or not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    if len(value) >= _LONG and _BASE_32.match(value):
        return True
    runs = _RUN.findall(value)
    if sum(map(len, runs)) > _LONGEST_RUN * len(runs) or len(runs) < _FEWEST_KINDS - 1:
        return False
    return _entropy(value) >= min(_LEAST_ENTROPY, math.log2(len(value)) - 0.5)


def is_placeholder(value: str) -> bool:
    """Whether a value, as a whole, only shows where a secret would stand."""
    if len(set(value)) < _FEWEST_KINDS or counts_up(value):
        return True
    return bool(_PLACEHOLDER.match(value) or _BRACKETED.match(value))


def is_reference(value: str) -> bool:
    """Whether a value says where the secret is: a variable, a call, an address."""
    return bool(_REFERENCE.match(value) or _CALL_OR_INDEX.match(value))


def is_of_words(value: str) -> bool:
    """Whether a long value is a name made of words: `documentation-of-the-second-part`."""
    return len(value) >= _LONG and bool(_WORDS_IN_A_ROW.match(value))


def counts_up(value: str) -> bool:
    """Whether it is counting as a whole, as `abcdef012345` is: each letter and digit stands in a row of its kind."""
    rows, last = [0], ""
    for char in value.lower():
        if last and ord(char) - ord(last) != 1 and last + char != "90":
            rows.append(0)
        rows[-1] += char.isalnum()
        last = char
    lengths = [length for length in rows if length]
    return bool(lengths) and min(lengths) >= _SHORTEST_ROW


def _entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    length = len(value)
    return -sum(count / length * math.log2(count / length) for count in Counter(value).values())
