"""What past tasks push a score by, and how they say so."""

from __future__ import annotations

import pytest

from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.experience import LAST_TASKS, Experience, RecentExperience, Try
from oxide_desktop.core.model import Preferences, TaskType
from tests.unit.test_orchestrator import House, request, stub


def tries(
    service: str, good: int, bad: int = 0, *, first_s: float | None = None, task_type: str = "coding"
) -> list[Try]:
    return [
        *(Try(task_type, service, answered=True, first_text_s=first_s) for _ in range(good)),
        *(Try(task_type, service, answered=False) for _ in range(bad)),
    ]


def opinion(*past: Try, of: str = "qwen", task_type: str = "coding"):
    return Experience(past).opinions(task_type, ["qwen", "gemini"]).get(of)


def test_a_few_tries_say_nothing():
    assert opinion(*tries("qwen", 0, 4)) is None


def test_tries_of_another_type_say_nothing():
    assert opinion(*tries("qwen", 0, 20, task_type="general")) is None


def test_a_service_that_always_answers_gains_a_little_and_one_that_never_does_loses_more():
    good, bad = opinion(*tries("qwen", 50)), opinion(*tries("qwen", 0, 50))
    assert good is not None
    assert bad is not None
    assert 0 < good.points <= 0.05
    assert bad.points == -0.15
    assert good.reason == "50 good answers of its last 50"
    assert bad.reason == "0 good answers of its last 50"


def test_what_is_as_usual_is_not_spoken_of():
    usual = opinion(*tries("qwen", 9, 1))
    assert usual is not None
    assert abs(usual.points) < 0.02
    assert usual.reason == ""


def test_an_answer_that_was_asked_for_again_elsewhere_was_not_good():
    again = opinion(*[Try("coding", "qwen", answered=True, asked_again=True)] * 10)
    assert again is not None
    assert again.points < -0.1


def test_the_clearly_quickest_gains_and_says_how_quick():
    past = [*tries("qwen", 9, 1, first_s=0.5), *tries("gemini", 9, 1, first_s=2.0)]
    quick, slow = opinion(*past), opinion(*past, of="gemini")
    assert quick is not None
    assert slow is not None
    assert quick.points == pytest.approx(slow.points + 0.05)
    assert quick.reason == "quickest of late (0.5 s to its first text)"


@pytest.mark.parametrize("other_s", [0.6, None])
def test_nobody_is_quickest_alone_or_by_a_hair(other_s: float | None):
    past = [*tries("qwen", 9, 1, first_s=0.5), *tries("gemini", 9, 1, first_s=other_s)]
    quick = opinion(*past)
    assert quick is not None
    assert "quickest" not in quick.reason


async def test_what_was_read_is_kept_for_a_moment_and_then_read_again():
    async with House(stub()) as house:
        await house.orchestrator.start()
        now, opened = [0.0], []

        async def opens():
            opened.append(now[0])
            return house.history

        recent = RecentExperience(opens, lambda: True, lambda: now[0])
        for moment in (0.0, 5.0, 11.0):
            now[0] = moment
            await recent.latest()
        assert opened == [0.0, 11.0]


async def test_without_a_history_none_is_made_and_a_broken_one_costs_the_experience_only():
    async def cannot():
        raise StoreError("The history could not be opened")

    none = RecentExperience(cannot, lambda: False)
    broken = RecentExperience(cannot, lambda: True)
    assert (await none.latest()).opinions("coding", ["qwen"]) == {}
    assert (await broken.latest()).opinions("coding", ["qwen"]) == {}


async def test_a_route_follows_what_was_seen_and_says_so_but_never_over_a_rule():
    coding = Preferences(task_type=TaskType.CODING)
    async with House(stub(["a"], name="one"), stub(["b"], name="two")) as house:
        house.settings.routing.per_type.clear()  # type: ignore[attr-defined]
        house.history.past += [*tries("one", 0, 20), *tries("two", 20)]
        found = await house.orchestrator.explain(request(preferences=coding))
        assert [item.service for item in found.route.candidates] == ["two", "one"]
        assert "20 good answers of its last 20" in found.route.candidates[0].reasons
        await house.orchestrator.set_rule(TaskType.CODING, "one")
        ruled = await house.orchestrator.explain(request(preferences=coding))
        assert ruled.route.candidates[0].service == "one"
    assert len(house.history.past[-LAST_TASKS:]) == 40
