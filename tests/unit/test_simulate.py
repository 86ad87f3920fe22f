"""What a rule would have changed, told from records alone, and honestly."""

import dataclasses
from typing import Any

import pytest

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Analysis, Candidate, Locality, Route, Skipped, TaskType
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.settings import PrivacySettings
from oxide_desktop.core.simulate import CAVEATS, MOST_TASKS, RuleTrial, simulate
from tests.unit.test_orchestrator import House, stub

CODING = TaskType.CODING
BOTH = Route((Candidate("qwen", 0.8, ("good at coding",)), Candidate("ollama", 0.5, ("stays on your machines",))))


def record(name: str = "id", route: Route | None = BOTH, **values: Any) -> TaskRecord:
    given = {
        "id": name,
        "status": TaskStatus.COMPLETED,
        "prompt": f"\n  prompt of {name}  \nmore",
        "created_at": 7.0,
        "source": "cli",
        "service": "qwen",
        "task_type": "coding",
        "route": route,
    }
    return TaskRecord(**{**given, **values})


def trial(*records: TaskRecord, service: str = "ollama") -> RuleTrial:
    return simulate(CODING, service, records)


def test_a_task_whose_other_candidate_the_rule_names_would_have_moved():
    found = trial(record("a"), record("b", task_type="general"))

    (moved,) = found.moved
    assert (moved.id, moved.prompt, moved.from_service, moved.to_service) == ("a", "prompt of a", "qwen", "ollama")
    assert moved.why == "choice 2 of 2 (0.50: stays on your machines)"
    assert (found.looked_at, found.of_type) == (2, 1)
    assert found.sentence == "would have moved 1 of the last 2 tasks"


def test_a_task_that_went_there_anyway_does_not_count():
    found = trial(record("a"), service="qwen")
    assert (found.moved, found.already_there) == ((), 1)
    assert found.sentence == "would have moved 0 of the last 1 task"


@pytest.mark.parametrize(
    "reason",
    [
        "every file must stay local",
        "the prompt holds what looks like a password",
        "needs about 90,000 tokens, holds 8,192",
        "not running: refused",
        "quota: 1 of 1 requests today, free again at 00:00",
    ],
)
def test_a_task_that_the_service_could_not_have_taken_does_not_count_and_says_why(reason: str):
    found = trial(record(route=dataclasses.replace(BOTH, skipped=(Skipped("gemini", reason),))), service="gemini")
    assert found.moved == ()
    assert [task.reason for task in found.could_not] == [reason]


def test_a_service_that_only_was_no_fallback_could_have_taken_it():
    route = Route(BOTH.candidates[:1], (Skipped("ollama", "fallback is switched off"),))
    assert trial(record(route=route)).moved[0].why == "it was able to take it, and fallback is switched off"


def test_a_candidate_without_reasons_shows_its_score():
    route = Route((Candidate("qwen", 0.8), Candidate("ollama", 0.5)))
    assert trial(record(route=route)).moved[0].why == "choice 2 of 2 (0.50)"


def test_who_named_a_service_would_have_got_it_and_an_analysis_goes_to_several():
    found = trial(
        record(preferences={"preferred_service": "qwen"}),
        record(analysis=Analysis()),
    )
    assert [task.reason for task in found.decided_otherwise] == [
        "you asked for qwen",
        "an analysis is shared out among several services",
    ]
    assert (found.of_type, found.moved) == (2, ())


def test_the_parts_of_an_analysis_are_no_tasks_of_their_own():
    assert trial(record(parent="whole")).looked_at == 0


def test_what_records_do_not_tell_is_called_unknown():
    found = trial(
        record(route=None),
        record(route=Route(BOTH.candidates[:1])),
        record(route=dataclasses.replace(BOTH, rule="coding → qwen", rule_from="project .oxide.yaml")),
        record(task_type=None),
    )
    assert [task.reason for task in found.unknown] == [
        "its route was not kept",
        "ollama was not configured then",
        "the rule of the project .oxide.yaml decided, and may stand above yours",
        "of no known type",
    ]
    assert found.of_type == 3


def test_long_and_empty_first_lines_are_fit_for_a_table():
    found = trial(record(prompt="x" * 500), record(prompt=" \n "))
    assert [len(task.prompt) for task in found.moved] == [200, 0]


def test_programs_get_all_of_it():
    told = trial(record("a"), record("b", route=None)).to_dict()
    assert told["moved"] == [
        {
            "id": "a",
            "prompt": "prompt of a",
            "from": "qwen",
            "to": "ollama",
            "why": "choice 2 of 2 (0.50: stays on your machines)",
            "in_part": None,
            "created_at": 7.0,
        }
    ]
    unknown = {"id": "b", "prompt": "prompt of b", "service": "qwen", "reason": "its route was not kept"}
    assert told["unknown"] == [{**unknown, "created_at": 7.0}]
    assert told["sentence"] == "coding → ollama would have moved 1 of the last 2 tasks."
    assert (told["task_type"], told["service"], told["looked_at"], told["of_type"]) == ("coding", "ollama", 2, 2)
    assert (told["already_there"], told["decided_otherwise"], told["could_not"]) == (0, [], [])
    assert told["caveats"] == list(CAVEATS)


async def test_a_task_that_would_have_gone_without_some_of_its_files_says_so(tmp_path):
    for name in ("secret.txt", "free.txt"):
        (tmp_path / name).write_text("text", encoding="utf-8")
    async with House(stub(name="first"), stub(name="second", locality=Locality.CLOUD)) as house:
        object.__setattr__(house.settings, "privacy", PrivacySettings(local_only=("secret.txt",)))
        asked = await house.ask("Write a function", cwd=tmp_path, files=("secret.txt", "free.txt"))
        (moved,) = (await house.orchestrator.try_rule(TaskType(asked.task_type), "second")).moved

    assert moved.in_part.startswith("1 file is held back: secret.txt")


async def test_the_engine_tries_a_rule_on_its_history_and_asks_nobody(tmp_path):
    (tmp_path / "secret.txt").write_text("text", encoding="utf-8")
    first = stub(*[["a"]] * 3, name="first")
    second = stub(name="second", locality=Locality.CLOUD)
    async with House(first, second) as house:
        object.__setattr__(house.settings, "privacy", PrivacySettings(local_only=("secret.txt",)))
        await house.ask("Write a function that sorts", cwd=tmp_path)
        await house.ask("Write a function that sorts", cwd=tmp_path, files=("secret.txt",))
        types = {record.task_type for record in house.history.records.values()}
        (task_type,) = types
        found = await house.orchestrator.try_rule(TaskType(task_type), "second")

        assert len(found.moved) == 1
        assert len(found.could_not) == 1
        assert second.calls == []
        assert house.rules.all() == {}
        for service, last in (("nobody", 5), ("second", 0), ("second", MOST_TASKS + 1)):
            with pytest.raises(UsageError):
                await house.orchestrator.try_rule(CODING, service, last)
