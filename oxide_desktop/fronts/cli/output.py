"""Where commands write: answers on standard output, everything else on standard error, colour only on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO

import click

from oxide_desktop.fronts.cli.failures import ReaderLeft
from oxide_desktop.fronts.cli.text import clean, cut, one_line, width, wrap

GAP = "  "
_SHORT_ID_CHARS = 8
MARKS = {
    "queued": ("◌", "bright_black"),
    "running": ("●", "cyan"),
    "completed": ("✓", "green"),
    "failed": ("✕", "red"),
    "partial": ("✕", "red"),
    "cancelled": ("⊘", "bright_black"),
    "interrupted": ("⊘", "yellow"),
    "attention": ("⚠", "yellow"),
    "off": ("·", "bright_black"),
}


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at it."""
    return stream.isatty()


def has_colour(stream: TextIO) -> bool:
    """Whether colours may be used on it: a terminal that knows them, and NO_COLOR is not set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """How wide lines may be: the terminal's width, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns if is_terminal(sys.stdout) or is_terminal(sys.stderr) else 80


def paint(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """`text` in a colour; `out` and `say` take the colour away again where there must be none."""
    return click.style(text, fg=colour, bold=bold or None, dim=dim or None)


def mark(state: str) -> str:
    """A state's sign in its colour."""
    sign, colour = MARKS[state]
    return paint(sign, colour)


def out(text: str = "", *, ends_line: bool = True) -> None:
    """A line that was asked for, or a piece of the text that was."""
    _write(text, colour=has_colour(sys.stdout), ends_line=ends_line)


def _write(text: str, *, colour: bool, ends_line: bool = True) -> None:
    try:
        click.echo(text, color=colour, nl=ends_line)
    except BrokenPipeError as error:  # click would end the program with a code of its own
        raise ReaderLeft from error


def say(text: str = "") -> None:
    """A line beside what was asked for."""
    with contextlib.suppress(OSError):  # nobody can be told, and the answer and the exit code count all the same
        click.echo(text, err=True, color=has_colour(sys.stderr))


def out_untrusted(text: str) -> None:
    """A model's text: as it is in a pipe, without control sequences on a terminal."""
    _write(clean(text) if is_terminal(sys.stdout) else text, colour=True)


def out_json(data: Any) -> None:  # noqa: ANN401 - whatever json takes
    """Data for a program."""
    _write(json.dumps(data, ensure_ascii=False, indent=2), colour=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], flexible: int = -1) -> list[str]:
    """Aligned lines that fit the terminal; the column `flexible` gives way where they would not.

    Cells may be painted; their text is taken as it is, so what others wrote goes through `one_line` first.
    """
    flexible %= len(header)
    plain = [[click.unstyle(cell) for cell in row] for row in rows]
    widths = [max(width(row[index]) for row in [list(header), *plain]) for index in range(len(header))]
    others = sum(widths) - widths[flexible] + len(GAP) * (len(header) - 1)
    widths[flexible] = max(min(widths[flexible], columns() - others), 8)
    lines = [paint(_line(header, widths), dim=True)]
    lines.extend(_line(row, widths) for row in rows)
    return lines


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Like `table`, but the last column keeps its whole text, on as many lines as it takes."""
    left = table(header[:-1], [row[:-1] for row in rows])
    start = max(width(click.unstyle(head)) for head in left) + len(GAP)
    texts = [paint(header[-1], dim=True), *(row[-1] for row in rows)]
    lines = []
    for head, text in zip(left, texts, strict=True):
        first, *rest = wrap(text, columns() - start)
        lines.append(head + " " * (start - width(click.unstyle(head))) + first)
        lines.extend(" " * start + line for line in rest)
    return lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(_cell(cell, room) for cell, room in zip(cells, widths, strict=True)).rstrip()


def _cell(cell: str, room: int) -> str:
    missing = room - width(click.unstyle(cell))
    return cell + " " * missing if missing >= 0 else cut(click.unstyle(cell), room)


def seconds(duration_s: float | None) -> str:
    """A duration as people say it."""
    if duration_s is None:
        return ""
    if duration_s < 10:  # noqa: PLR2004 - below, tenths are worth showing
        return f"{duration_s:.1f} s"
    minutes, rest_s = divmod(round(duration_s), 60)
    return f"{minutes} min {rest_s} s" if minutes else f"{rest_s} s"


def money(amount: float) -> str:
    """An amount in the price's currency, without zeros that say nothing."""
    return f"{amount:.6f}".rstrip("0").rstrip(".")


def short_id(task_id: str) -> str:
    """As much of a task's id as a person needs to name it."""
    return task_id[:_SHORT_ID_CHARS]


def age(moment: float | None) -> str:
    """How long ago, as people say it."""
    if moment is None:
        return ""
    passed_s = max(time.time() - moment, 0)
    for unit_s, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if passed_s >= unit_s:
            return f"{int(passed_s // unit_s)} {name} ago"
    return "just now"


def moment_text(moment: float | None) -> str:
    """A moment in the person's own time zone."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment is not None else ""


class ProgressLine:
    """One line on the terminal's standard error that rewrites itself; nothing at all without a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.visible = is_terminal(sys.stderr) and not quiet and os.environ.get("TERM") != "dumb"
        self._shown = False

    def show(self, text: str) -> None:
        """Put `text` in place of what stands there."""
        if self.visible:
            line = cut(one_line(text), columns() - 1)
            sign, rest = line[:1], line[1:]
            painted = paint(sign, "cyan") + rest if has_colour(sys.stderr) else line
            sys.stderr.write(f"\r\x1b[2K{painted}")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False
