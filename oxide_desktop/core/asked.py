"""What is asked for in a prompt, apart from what was pasted with it: code, logs, the role a template gives."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_HEAD_CHARS, _TAIL_CHARS = 1_500, 750
_LINE_HEAD_CHARS, _LINE_TAIL_CHARS = 350, 150
_FIRST_CHARS, _LAST_CHARS = 600, 300  # of the request, lines whole
_MOST_ROLE_LINES = 4
_LABEL_CHARS, _COLONS = 40, ":："  # noqa: RUF001 - as people type it

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE_LINE = re.compile(
    r"\s{4,}\S|\t\S|(?=\W*$).*[;{}()\]>,]\s*$|@\w+(?:\([^)]*\))?$|"
    r"\s*(?:def|class|import|from|return|const|let|var|public|private|func|fn|if|for|while|#include|else|elif|try)\b"
    r".{0,300}(?:[(:;={<>]|\.\w)|\s*</?\w+[^>]{0,200}>|\s*(?:>>>|\$) |\s*//|\w[\w.]{0,60} ?[-+*/|]?= ?\S|"
    r"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER) .{0,200}(?:FROM|INTO|SET|TABLE)\b"
)
_CODE_ENDS = (";", "{", "}")
_SLOT_AT_END = re.compile(r"\{{1,2}[^{}=;]{1,60}\}{1,2}\s*$")  # "Title: {title}" is no code
_INDENTED_PROSE = re.compile(  # a whole sentence that a template has set in by some spaces
    r"\s{4,}(?:[A-ZÀ-ÞА-ЯЁІЇЄ][\w'-]*(?: [\w',-]+){3,}[.!?]|"
    r"[\u3040-\u9fff\uac00-\ud7af][^;={}()]{5,200}[.?!。？！])\s*$"  # noqa: RUF001
)
LIST_MARK = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)]|\[[ x]\])\s")
_TRACES = tuple(  # what has to be in a text before it is worth looking for the rest
    (needle, re.compile(pattern, re.MULTILINE))
    for needle, pattern in (
        ("Traceback (most recent", "Traceback"),
        (" at ", r"^[ \t]{1,40}at .{3,200}[(:]\d*"),
        (", line ", r"^[ \t]{0,40}File \".{1,300}\", line \d+"),
        ("Error", r"Error ?:"),
        ("Exception", r"Exception ?[:\n]|Exception in thread|Exception$"),
        ("rror", r"^(?:Error|ERROR|error)\b.{0,20}:|: error:|error\[E\d+\]|^error TS\d"),
        ("panic", r"panic: |panicked at"),
        ("egmentation fault", "egmentation fault"),
        ("exit ", r"exit (?:code|status) [1-9]"),
        ("npm ERR", "npm ERR"),
        ("fatal: ", "^fatal: "),
        ("FATAL", r"FATAL\b ?:"),
        ("ERROR", r"ERROR[:\] ]|ERROR\t"),
        ("WARN", r"^\W{0,3}\d{4}-\d\d-\d\d.{6,40}WARN"),
        (
            "E",
            r"\bE(?:ACCES|ADDRINUSE|CONNREFUSED|CONNRESET|EXIST|INVAL|ISDIR|NOENT|NOSPC|NOTEMPTY|PERM|PIPE|TIMEDOUT)\b",
        ),
    )
)
_DIFF = re.compile(
    r"^diff --git |^@@ .*@@|^--- a/|^\+\+\+ b/|^```diff|^-[^-\n].*\n\+[^+\n]|^\+[^+\n].*\n(?:-[^-\n]|\+ )", re.MULTILINE
)
_DIFF_LINE = re.compile(r"[-+@]|diff |index ")
_ROLE_LINE = re.compile(
    r"\W{0,6}(?:role|rol|rôle|rolle|ruolo|papel|função|роль|角色|역할|役割|persona)\b.{0,20}?[:：]",  # noqa: RUF001
    re.IGNORECASE,
)
# Tags with which people mark the parts of a prompt, and which are no code.
_PROMPT_TAG = re.compile(
    r"</?(?:role|context|task|steps?|instructions?|input|output|rules?|requirements?|constraints?|goals?|objectives?|"
    r"format|query|question|prompt|user|system|background|description|details|language|standards|role_definition)>",
    re.IGNORECASE,
)
_ROLE_TAG = re.compile(r"<role>", re.IGNORECASE)
_TASK_LABEL = re.compile(
    r"\W{0,6}(?:task|request|aufgabe|anfrage|auftrag|tâche|requête|demande|tarea|petición|solicitud|tarefa|pedido|"
    r"solicitação|compito|richiesta|задача|запрос|задание|завдання|zadanie|prośba|görev|istek|taak|opdracht|uppgift|"
    r"任务|请求|要求|依頼|リクエスト|タスク|요청|과제|작업)\b.{0,14}?[:：]\W{0,4}",  # noqa: RUF001
    re.IGNORECASE,
)
_ROLE_SENTENCE = re.compile(
    r"\W{0,6}(?:you are (?:an?|the|now)|you're an?|as an? (?:\w+ ){1,4}(?:engineer|developer|expert|architect),|"
    r"act as an? |actúa como|aja como|agis comme|agis en tant que|agisci come|handle als ein|"
    r"du bist ein|sie sind ein|tu es une?|vous êtes une?|eres une?|usted es|você é um|sei un|jesteś|je bent een|"
    r"ты\b.{0,3}(?:опытный|senior|эксперт|старший|профессиональный)|你是|你现在是|너는|당신은|あなたは)"
    r".{0,400}?(?:[.!:;。！：]|(?<=다)\.|$)",  # noqa: RUF001
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt taken apart.

    Attributes:
        lines: What the person says, line by line.
        role: What a template says the model is to be.
        length: Characters of the whole prompt.
        fenced: Whether it has code between fences.
        code_lines: Lines outside of fences that look like code.
        listed: Lines that are items of lists.
        trace: Whether it has an error message of a program.
        diff: Whether it has a diff.
    """

    lines: tuple[str, ...]
    role: str
    length: int
    fenced: bool
    code_lines: int
    listed: int
    trace: bool
    diff: bool


def with_pasted(typed: str, piped: str) -> str:
    """A request with what was piped in pasted below it, if that is code, a log or a diff: prose would drown it out."""
    if not typed.strip():
        return piped
    ends = _beginning_and_end(piped)
    seen = take_apart(ends)
    is_code = seen.trace or seen.diff or seen.code_lines * 2 > sum(map(bool, map(str.strip, ends.splitlines())))
    return f"{typed}\n```\n{ends.replace('```', '')}\n```" if is_code else typed


def take_apart(prompt: str) -> Asked:
    """Tell the request from the rest; of a very long prompt its beginning and end are enough."""
    text = _beginning_and_end(prompt).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "</" in text:
        text = _PROMPT_TAG.sub(" ", _ROLE_TAG.sub("Role: ", text))
    diff, trace, fenced = bool(_DIFF.search(text)), _has_trace(text), "```" in text
    plain = _FENCE.sub("\n", text) if fenced else text
    lines = [_shortened(line) for line in plain.splitlines() if line and not line.isspace()]
    said = [line for line in lines if not _pasted(line, diff=diff, trace=trace)]
    role, asked = _role_and_rest(said)
    asked = asked or (said and _set_in(lines, diff=diff, trace=trace)) or said or lines
    return Asked(
        lines=tuple(_ends_of(asked)),
        role=role,
        length=len(prompt),
        fenced=fenced,
        code_lines=len(lines) - len(said),
        listed=sum(1 for line in said if LIST_MARK.match(line)),
        trace=trace,
        diff=diff,
    )


def _without_label(line: str) -> str:
    if not any(colon in line[:_LABEL_CHARS] for colon in _COLONS):
        return line
    label = _TASK_LABEL.match(line)
    return line[label.end() :] if label else line


def _shortened(line: str) -> str:
    if len(line) <= _LINE_HEAD_CHARS + _LINE_TAIL_CHARS:
        return line
    return f"{line[:_LINE_HEAD_CHARS]} {line[-_LINE_TAIL_CHARS:]}"


def _ends_of(lines: list[str]) -> list[str]:
    """The first lines and the last, which say what is wanted."""
    last = len(lines)
    room = _LAST_CHARS
    while last and len(lines[last - 1]) <= room:
        last -= 1
        room -= len(lines[last])
    first, room = 0, _FIRST_CHARS
    while first < last and room > 0:
        room -= len(lines[first])
        first += 1
    return lines[:first] + lines[last:]


def _has_trace(text: str) -> bool:
    return any(needle in text and pattern.search(text) for needle, pattern in _TRACES)


def _pasted(line: str, *, diff: bool, trace: bool) -> bool:
    if diff and _DIFF_LINE.match(line):
        return True
    if LIST_MARK.match(line):
        return False
    if trace and _has_trace(line):
        return True
    if _INDENTED_PROSE.match(line):
        return False
    if _CODE_LINE.match(line):
        return True
    return line.rstrip().endswith(_CODE_ENDS) and not _SLOT_AT_END.search(line)


def _beginning_and_end(text: str) -> str:
    if len(text) <= _HEAD_CHARS + _TAIL_CHARS:
        return text
    return f"{text[:_HEAD_CHARS]}\n{text[-_TAIL_CHARS:]}"


def _set_in(lines: Sequence[str], *, diff: bool, trace: bool) -> list[str]:
    """What is set in by spaces and no code: the request, where nothing but a role or a label stands at the margin."""
    return [line.strip() for line in lines if line[:1].isspace() and not _pasted(line.strip(), diff=diff, trace=trace)]


def _role_and_rest(lines: list[str]) -> tuple[str, list[str]]:
    """The role that the first lines give, and what they say besides, without the words "Task:"."""
    roles: list[str] = []
    rest: list[str] = []
    for line in lines[:_MOST_ROLE_LINES]:
        if _ROLE_LINE.match(line):
            roles.append(line)
            continue
        if found := _ROLE_SENTENCE.match(line):
            roles.append(found[0])
            line = line[found.end() :].strip()  # noqa: PLW2901 - what is left of it
        if line:
            rest.append(line)
    asked = (*rest, *lines[_MOST_ROLE_LINES:])
    return " ".join(roles), [said for line in asked if (said := _without_label(line))]
