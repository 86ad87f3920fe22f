"""What each feature says for each type, as it was learned: read once, verified, summed up."""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from oxide_desktop.core.errors import Bug
from oxide_desktop.core.model import TaskType

FILE = Path(__file__).with_name("weights.bin")
_DAMPED_FROM, _DAMPED_TO = 12, 40


def damping(known: int) -> float:
    """How much each of many features counts, so that long prompts are not surer than short ones by length alone."""
    return float((_DAMPED_TO / max(known, _DAMPED_FROM)) ** 0.5)


@dataclass(frozen=True, slots=True)
class Weights:
    """A table of small whole numbers: a row for each feature, a column for each type.

    Attributes:
        types: What the columns stand for.
        rows: The row of each feature.
        columns: By type, a number for each row.
        step: What one of those numbers is worth.
        bias: What each type starts with.
    """

    types: tuple[TaskType, ...]
    rows: Mapping[str, int]
    columns: tuple[Sequence[int], ...]
    step: float
    bias: tuple[float, ...]

    def scores(self, names: Iterable[str]) -> dict[TaskType, float]:
        """What all features together say."""
        rows = self.rows
        known = [rows[name] for name in names if name in rows]
        worth = self.step * damping(len(known))
        pick = itemgetter(*known) if len(known) > 1 else lambda column: [column[row] for row in known]
        return {
            task_type: bias + worth * sum(pick(column))
            for task_type, bias, column in zip(self.types, self.bias, self.columns, strict=True)
        }

    def pulls(self, names: Iterable[str], task_type: TaskType) -> dict[str, float]:
        """How much each of some features speaks for a type (the numbers of a row add up to about nothing)."""
        column, rows = self.columns[self.types.index(task_type)], self.rows
        return {name: self.step * column[rows[name]] for name in names if name in rows}


def pack(header: Mapping[str, Any], names: Sequence[str], columns: Sequence[Sequence[int]]) -> bytes:
    """The content of the file."""
    payload = "\n".join(names).encode() + b"\0" + b"".join(array("b", column).tobytes() for column in columns)
    told = {**header, "features": len(names)}
    return json.dumps({**told, "sha256": _digest(told, payload)}).encode() + b"\n" + zlib.compress(payload, 9)


def unpack(content: bytes) -> tuple[dict[str, Any], Weights]:
    """Header and weights of a file, if they are what was written."""
    head, _, packed = content.partition(b"\n")
    try:
        header = dict(json.loads(head))
        payload = zlib.decompress(packed)
    except (ValueError, TypeError, zlib.error) as error:
        raise _damaged() from error
    if header.pop("sha256", "") != _digest(header, payload):
        raise _damaged()
    names, _, numbers = payload.partition(b"\0")
    count = header["features"]
    columns = tuple(array("b", numbers[start : start + count]) for start in range(0, len(numbers), count))
    return header, Weights(
        types=tuple(TaskType(name) for name in header["types"]),
        rows={name: row for row, name in enumerate(names.decode().split("\n"))},
        columns=columns,
        step=header["step"],
        bias=tuple(header["bias"]),
    )


def _digest(header: Mapping[str, Any], payload: bytes) -> str:
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode() + b"\n" + payload).hexdigest()


def _damaged() -> Bug:
    return Bug("The classifier's weights are damaged", f"{FILE} is not as it was shipped.", "Install Oxide again.")


@cache
def weights() -> Weights:
    """Those that ship with Oxide."""
    return unpack(FILE.read_bytes())[1]
