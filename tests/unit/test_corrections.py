"""What a person said a prompt was, and what that moves."""

from __future__ import annotations

import dataclasses

import pytest

from oxide_desktop.core.corrections import Correction, Corrections
from oxide_desktop.core.errors import NotFoundError, UsageError
from oxide_desktop.core.events import CorrectionsChanged
from oxide_desktop.core.model import Preferences, Profile, TaskType
from tests.unit.test_orchestrator import House, request, stub

SAID = "check whether the login page does what the ticket says"


def correction(prompt: str = SAID, said: TaskType = TaskType.CODE_REVIEW) -> Correction:
    return Correction("task-1", prompt, TaskType.GENERAL, said, 1000.0)


def profile(confidence: float, task_type: TaskType = TaskType.GENERAL) -> Profile:
    return Profile(task_type=task_type, confidence=confidence, complexity=0.3, reasons=("a short prompt",))


def test_the_same_prompt_takes_the_type_that_was_said_however_sure_the_classifier_is():
    moved = Corrections([correction()]).apply(SAID.upper(), profile(0.97))
    assert moved.task_type is TaskType.CODE_REVIEW
    assert moved.second is TaskType.GENERAL
    assert moved.reasons == ("you said so of “check whether the login page does what …”", "a short prompt")


def test_capitals_and_stops_make_no_other_prompt_of_it():
    made = Corrections([correction("fix the crash in my parser", TaskType.REFACTORING)])
    sure = Profile(task_type=TaskType.BUG_SEARCH, confidence=0.99, complexity=0.5)
    assert made.apply("FIX THE CRASH IN MY PARSER!!!", sure).task_type is TaskType.REFACTORING
    assert made.apply("???", sure) == sure


def test_a_prompt_like_it_is_moved_only_where_the_classifier_is_in_doubt():
    cousin = "check whether the logout page does what the ticket asked"
    kept = Corrections([correction()])
    assert kept.apply(cousin, profile(0.4)).task_type is TaskType.CODE_REVIEW
    assert kept.apply(cousin, profile(0.99)).task_type is TaskType.GENERAL


def test_another_prompt_is_left_alone():
    sure = profile(0.1)
    assert Corrections([correction()]).apply("write a parser for dates", sure) is sure
    assert Corrections().apply(SAID, sure) is sure
    assert Corrections([correction("a")]).apply("b", sure) is sure


def test_what_was_found_anyway_is_left_as_it_is():
    found = profile(0.5, TaskType.CODE_REVIEW)
    assert Corrections([correction()]).apply(SAID, found) is found


async def test_a_correction_moves_the_next_route_and_can_be_seen_and_forgotten():
    async with House(stub(["a"])) as house:
        asked = await house.ask(SAID)
        assert asked.task_type != "refactoring"
        made = await house.orchestrator.correct(asked.id, TaskType.REFACTORING)
        assert (await house.orchestrator.explain(request(SAID))).profile.task_type is TaskType.REFACTORING
        assert await house.orchestrator.corrections() == (made,)
        assert made.to_dict()["said"] == "refactoring"
        await house.orchestrator.forget_correction(asked.id[:6])
        assert (await house.orchestrator.explain(request(SAID))).profile.task_type == asked.task_type
        with pytest.raises(NotFoundError, match="No corrected task starts with"):
            await house.orchestrator.forget_correction(asked.id)


async def test_correcting_twice_remembers_what_the_classifier_had_found():
    async with House(stub(["a"])) as house:
        asked = await house.ask(SAID)
        await house.orchestrator.correct(asked.id, TaskType.REFACTORING)
        again = await house.orchestrator.correct(asked.id, TaskType.CODING)
        assert (again.was.value, again.said) == (asked.task_type, TaskType.CODING)
        assert await house.orchestrator.clear_corrections() == 1
        assert house.events.count(CorrectionsChanged()) == 3
        assert await house.orchestrator.corrections() == ()


async def test_what_the_caller_says_of_a_prompt_stands_above_what_was_said_of_one_like_it():
    async with House(stub(["a"])) as house:
        asked = await house.ask(SAID)
        await house.orchestrator.correct(asked.id, TaskType.REFACTORING)
        wishes = Preferences(task_type=TaskType.CODING)
        assert (
            await house.orchestrator.explain(request(SAID, preferences=wishes))
        ).profile.task_type is TaskType.CODING


async def test_a_task_that_was_never_profiled_cannot_be_corrected():
    async with House(stub(["a"])) as house:
        failed = await house.ask("why?", files=("nowhere.py",))
        with pytest.raises(UsageError, match="never profiled"):
            await house.orchestrator.correct(failed.id, TaskType.CODING)


async def test_an_ancestor_s_task_with_a_type_of_its_own_cannot_be_corrected():
    async with House(stub(["a"])) as house:
        asked = await house.ask(SAID)
        house.history.records[asked.id] = dataclasses.replace(asked, task_type="testing")
        with pytest.raises(UsageError, match="'testing', which is no type"):
            await house.orchestrator.correct(asked.id, TaskType.CODING)
