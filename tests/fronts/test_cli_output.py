"""Tables, durations and lines for programs."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace

import pytest

from oxide_desktop.core.events import AnalysisProgress
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.cli import output
from oxide_desktop.fronts.cli.follow import Progress
from oxide_desktop.fronts.cli.text import width


def test_a_table_fits_eighty_columns_and_its_columns_are_aligned() -> None:
    rows = [
        [f"{output.mark('completed')} qwen", "answering", "日本語 " * 30],
        [f"{output.mark('failed')} a-much-longer-name", output.paint("signed out", "red"), "short"],
    ]
    lines = [output.click.unstyle(line) for line in output.table(["  NAME", "STATE", "WHAT"], rows)]
    assert all(width(line) <= 80 for line in lines)
    starts = {
        width(line[: line.index(word)]) for line, word in zip(lines, ["STATE", "answering", "signed"], strict=True)
    }
    assert len(starts) == 1
    assert lines[1].endswith("…")


def test_a_table_without_rows_is_its_header() -> None:
    assert [output.click.unstyle(line) for line in output.table(["A", "B"], [])] == ["A  B"]


@pytest.mark.parametrize(
    ("duration_s", "text"), [(None, ""), (0.04, "0.0 s"), (3.21, "3.2 s"), (41.4, "41 s"), (119.6, "2 min 0 s")]
)
def test_durations_read_as_people_say_them(duration_s: float | None, text: str) -> None:
    assert output.seconds(duration_s) == text


@pytest.mark.parametrize(
    ("ago_s", "text"), [(0, "just now"), (125, "2 min ago"), (7300, "2 h ago"), (200_000, "2 d ago"), (-5, "just now")]
)
def test_ages_read_as_people_say_them(ago_s: float, text: str) -> None:
    assert output.age(time.time() - ago_s) == text


def test_a_moment_that_never_was_is_empty() -> None:
    assert output.age(None) == output.moment_text(None) == ""
    assert output.moment_text(0.0).startswith("19")


def test_json_keeps_other_scripts_readable(capsys: pytest.CaptureFixture[str]) -> None:
    output.out_json({"prompt": "日本"})
    printed = capsys.readouterr().out
    assert "日本" in printed
    assert json.loads(printed) == {"prompt": "日本"}


def test_no_colour_and_no_progress_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.out(output.paint("red", "red"))
    output.say(output.mark("failed"))
    line = output.ProgressLine()
    line.show("● working")
    line.clear()
    assert capsys.readouterr() == ("red\n", "✕\n")


def test_a_model_s_text_is_left_alone_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    output.out_untrusted("\x1b[31mred")
    assert capsys.readouterr().out == "\x1b[31mred\n"


def test_an_estimate_that_has_proved_wrong_is_told_no_more() -> None:
    record = TaskRecord(id="t", status=TaskStatus.RUNNING, prompt="p", created_at=1.0, source="cli")
    progress = AnalysisProgress("t", files_done=173, files_total=200, parts_done=3, parts_running=1, left_s=900.0)
    task = SimpleNamespace(record=record, waiting=None, progress=progress)
    line = Progress(task, quiet=True)
    assert " left" in line._text()
    line._progress_since -= 899.5  # so long ago
    assert re.fullmatch(r"● 173 of 200 files, 1 being asked, \d+ s", line._text())
