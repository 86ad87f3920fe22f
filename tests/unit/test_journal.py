"""The log tells what happened to tasks and services, and never what was asked."""

import logging
import subprocess
import sys

import pytest

from oxide_desktop.core.breaker import FAILURES_TO_OPEN, Breakers
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.journal import without_prompt
from tests.unit.test_orchestrator import BROKEN, BUSY, House, stub

PROMPT = "What is the\nsecret plan of 2027?"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="oxide_desktop")
    return lambda: [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


async def test_a_task_is_told_from_its_start_to_its_end(lines):
    async with House(stub(["Four."])) as house:
        record = await house.ask(PROMPT)

    start, _, routed, answers, end = lines()
    assert start == f"INFO task {record.id} asked by python: 32 characters, 0 paths"
    assert routed == f"INFO task {record.id} is {record.task_type} and goes to stub"
    assert answers == "INFO health of stub: answers"
    assert end == f"INFO task {record.id} completed by stub in {record.duration:.1f} s, attempts: 1"


async def test_failures_retries_and_fallbacks_are_told_with_their_kind_and_without_the_prompt(lines):
    echo = ServiceError(FailureKind.AUTH, "one refused", f"It cannot do: {PROMPT}\n(401)")
    async with House(stub([BUSY], [echo], name="one"), stub([BROKEN], name="two", max_retries=0)) as house:
        record = await house.ask(PROMPT)

    told = [line.replace(record.id, "T") for line in lines()]
    assert "WARNING task T: one failed (busy): stub is busy: 429." in told
    assert "INFO task T: try 2 on one in 0.0 s" in told
    assert "WARNING task T: one failed (auth): one refused: It cannot do: [the prompt] (401)" in told
    assert "INFO task T: falls back from one to two (one refused)" in told
    assert "WARNING task T: two failed (transient): stub broke: Connection reset." in told
    assert any(line.startswith("WARNING task T failed after ") for line in told)
    assert "INFO health of one: signed out (one refused)" in told
    assert all("\n" not in line and "secret plan" not in line for line in told)


def test_a_breaker_that_opens_is_told(lines):
    breakers = Breakers()
    for _ in range(FAILURES_TO_OPEN):
        breakers.failed("stub", FailureKind.BUSY)
    assert lines() == ["WARNING stub failed 5 times in a row and is left alone for 30 s"]


def test_an_error_is_one_line_of_bounded_length():
    assert without_prompt("a\nb", "") == "a b"
    sentence = "f_garbage gave an answer that cannot be read"
    assert without_prompt(sentence, "g") == sentence
    assert without_prompt(sentence, "garb") == sentence
    assert without_prompt(f"{sentence}: Who?", "Who?") == f"{sentence}: [the prompt]"
    assert without_prompt("x" * 1000, "y") == "x" * 400 + "…"


def test_a_program_that_uses_oxide_and_sets_up_no_logging_gets_no_lines_on_standard_error():
    program = "from oxide_desktop import engine; engine.log.warning('a line')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
