"""Errors are told once, in one place, with their exit code."""

from __future__ import annotations

import errno
import json
import os

import pytest

from oxide_desktop.core.errors import OxideError, RouteError, StoreError, UsageError
from oxide_desktop.fronts.cli.failures import ending


def fails(error: BaseException) -> object:
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OxideError("It failed"), 1),
        (UsageError("It failed"), 2),
        (RouteError("It failed"), 3),
        (StoreError("It failed"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: OxideError, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending([], lambda: fails(error)) == code
    assert capsys.readouterr() == ("", "✕ It failed\n")


def test_an_error_says_what_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    ending([], lambda: fails(OxideError("It failed", "The disk is full.", "Make room.")))
    assert capsys.readouterr().err == "✕ It failed: The disk is full.\n  Make room.\n"


def test_a_message_of_several_lines_begins_on_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    ending([], lambda: fails(OxideError("It failed", "one\ntwo")))
    assert capsys.readouterr().err == "✕ It failed:\none\ntwo\n"


def test_control_sequences_in_a_message_reach_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    ending([], lambda: fails(OxideError("It failed", "\x1b]0;owned\x07text")))
    assert capsys.readouterr().err == "✕ It failed: text\n"


def test_a_program_gets_the_three_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(["run", "--json"], lambda: fails(OxideError("It failed", "Why.", "Do this."))) == 1
    assert json.loads(capsys.readouterr().out) == {
        "error": {"title": "It failed", "message": "Why.", "hint": "Do this."}
    }


@pytest.mark.parametrize(
    ("number", "title"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EROFS, "A file cannot be written"),
        (errno.EIO, "Oxide made a mistake"),
    ],
)
def test_a_file_system_that_refuses_is_no_bug_of_ours(
    number: int, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending([], lambda: fails(OSError(number, os.strerror(number), "/there"))) == 1
    assert title in capsys.readouterr().err


def test_a_bug_of_ours_is_called_one_and_leaves_its_trace(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert ending([], lambda: fails(ZeroDivisionError("by nothing"))) == 1
    assert "Oxide made a mistake" in capsys.readouterr().err
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt()])
def test_a_cancelled_command_ends_with_130(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(["--json"], lambda: fails(error)) == 130
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["title"] == "Cancelled"
    assert shown.err == "Cancelled.\n"


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (3, 3), ("text", 0)])
def test_what_a_command_answers_is_the_exit_code(answer: object, code: int) -> None:
    assert ending([], lambda: answer) == code
