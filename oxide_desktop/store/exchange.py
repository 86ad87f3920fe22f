"""An ancestor's `tasks.json`: read piece by piece, so that its size does not matter, and written in the same shape."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import apsw

from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.store import tasks
from oxide_desktop.store.rows import interrupted

UNFINISHED = "The task had not ended in the file that it was imported from."
_PIECE_CHARS = 1 << 20
_LATEST_TIME_S = 1e11
_BLANK = " \t\n\r"
_TEXTS = ("service", "model", "task_type", "result", "error", "source", "cwd")
_NUMBERS = ("started_at", "completed_at", "duration", "cost")


class UnreadableFileError(StoreError):
    """The file is not a `tasks.json`, or a damaged one. Nothing was taken from it."""


class RefusedError(Exception):
    """An entry is no record, and why."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was set aside."""

    id: str
    reason: str


def members(connection: apsw.Connection, after: int, up_to: int) -> tuple[int, str]:
    """A few members of the object that `tasks.json` is (id -> record), empty at its end, and the last one's place."""
    place, records = tasks.following(connection, after, up_to)
    if not records:
        return place, ""
    text = json.dumps({record.id: record.to_dict() for record in records}, ensure_ascii=False, indent=2)
    return place, text.removeprefix("{\n").removesuffix("\n}")


def verify(path: Path) -> None:
    """Read the whole file once, so that a damaged one is refused before anything was taken from it.

    Raises:
        UnreadableFileError: It is damaged, or none.
    """
    for _ in entries(path):
        pass


def read(path: Path) -> Generator[TaskRecord | Refused, None, None]:
    """Each record of the file, or why it was set aside.

    Raises:
        UnreadableFileError: The file is damaged, or none.
    """
    for key, data in entries(path):
        try:
            yield record_of(key, data)
        except RefusedError as error:
            yield Refused(key, str(error))


def entries(path: Path, piece_chars: int = _PIECE_CHARS) -> Iterator[tuple[str, Any]]:
    """Each key of the file's JSON object with its value, of which `piece_chars` are read at a time.

    Raises:
        UnreadableFileError: The file cannot be read, or is not one JSON object.
    """
    if not path.is_file():
        raise _unreadable(path, "it is not a file" if path.exists() else "it is not there")
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _Pieces(file, piece_chars).entries()
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, reason: object) -> UnreadableFileError:
    return UnreadableFileError(
        "The file cannot be imported",
        f"{path} is not a readable tasks.json ({str(reason).rstrip('.')}). Nothing was taken from it.",
        "Mend the file or take a copy of it from a backup, then run `oxide history import` with it.",
    )


class _Pieces:
    """A decoder that holds a piece of the text, and as much more as the value it is at needs."""

    def __init__(self, file: TextIO, piece_chars: int) -> None:
        self._file = file
        self._piece_chars = piece_chars
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def entries(self) -> Iterator[tuple[str, Any]]:
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
        else:
            yield self._entry()
            while self._expect(",}") == ",":
                yield self._entry()
        if self._peek():
            raise ValueError("there is more after its end")

    def _entry(self) -> tuple[str, Any]:
        if self._peek() != '"':
            raise ValueError("a key is missing")
        key = self._value()
        self._expect(":")
        self._peek()
        return key, self._value()

    def _expect(self, signs: str) -> str:
        sign = self._peek()
        if not sign or sign not in signs:
            raise ValueError(f"{sign!r} stands where {' or '.join(signs)} should" if sign else "it ends too early")
        self._at += 1
        return sign

    def _peek(self) -> str:
        """The next sign that is not blank, empty at the end."""
        while True:
            rest = self._text[self._at : self._at + 1]
            if rest and rest not in _BLANK:
                return rest
            if rest:
                self._at += 1
            elif not self._more(self._piece_chars):
                return ""

    def _value(self) -> Any:  # noqa: ANN401 - whatever stands there
        wanted = self._piece_chars
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                if self._ended:
                    raise
            else:
                if end < len(self._text) or self._ended:  # a number could go on in the next piece
                    self._at = end
                    return value
            self._more(wanted)
            wanted *= 2  # so that a long value is not tried once for each piece

    def _more(self, wanted: int) -> bool:
        piece = self._file.read(wanted)
        self._text = self._text[self._at :] + piece
        self._at = 0
        self._ended = not piece
        return bool(piece)


def record_of(key: str, data: Any) -> TaskRecord:  # noqa: ANN401 - whatever stands in the file
    """The record of one entry; a task that had not ended is interrupted, since nobody works on it any more.

    Raises:
        RefusedError: It is none.
    """
    if not isinstance(data, Mapping):
        raise RefusedError("it is not an object")
    if not key:
        raise RefusedError("its id is empty")
    _check_texts(data)
    _check_times(data)
    try:
        record = TaskRecord.from_dict({**data, "id": key, "source": data.get("source") or "ancestor"})
        record.to_dict()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RefusedError(f"parts of it are of another shape ({error!r})") from error
    return record if record.status.ended else interrupted(record, UNFINISHED)


def _check_texts(data: Mapping[str, Any]) -> None:
    if not isinstance(data.get("prompt"), str):
        raise RefusedError("it has no prompt")
    if data.get("status") not in tuple(TaskStatus):
        raise RefusedError(f"its status {data.get('status')!r} is unknown")
    for name in _TEXTS:
        if not isinstance(data.get(name), str | None):
            raise RefusedError(f"its {name} is not a text")
    files = data.get("files") or []
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
        raise RefusedError("its files are not a list of texts")


def _check_times(data: Mapping[str, Any]) -> None:
    if data.get("created_at") is None:
        raise RefusedError("it has no created_at")
    for name in ("created_at", *_NUMBERS):
        if (value := data.get(name)) is not None and not _is_sensible(value):
            raise RefusedError(f"its {name} is not a sensible number")


def _is_sensible(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST_TIME_S
