"""Errors, types and service states, as they are shown."""

import pytest

from oxide_desktop.core.errors import FailureKind, RouteError, ServiceError, UsageError
from oxide_desktop.core.health import Health, ServiceStatus, Tier, lacking_after_attempt, lacking_after_look
from oxide_desktop.core.model import Candidate, Profile, Route, Skipped, TaskType
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus
from oxide_desktop.core.settings import without_userinfo
from oxide_desktop.core.telling import way_taken
from tests.fakes.scripted_adapter import ScriptedAdapter, service


def test_an_error_is_one_sentence_after_the_other():
    assert str(UsageError("Bad", "It is bad.", "Do better.")) == "Bad: It is bad. Do better."
    assert str(UsageError("Bad")) == "Bad"
    assert RouteError("No", "why", "how").to_dict() == {"title": "No", "message": "why", "hint": "how"}


def test_only_what_nobody_may_take_stops_the_route():
    assert {kind for kind in FailureKind if kind.final} == {FailureKind.INVALID, FailureKind.POLICY}
    assert {kind for kind in FailureKind if kind.retriable} == {FailureKind.TRANSIENT, FailureKind.BUSY}


def test_every_type_has_a_label_a_description_and_a_recommendation():
    assert len({kind.label for kind in TaskType}) == len({kind.description for kind in TaskType}) == 8
    assert all(kind.recommended_services for kind in TaskType)


def test_a_named_type_takes_the_place_of_the_found_one():
    found = Profile(task_type=TaskType.CODING, confidence=0.4, complexity=0.2, second=TaskType.GENERAL)

    assert found.told(None) is found
    told = found.told(TaskType.CODE_REVIEW)
    assert (told.task_type, told.confidence, told.reasons, told.second) == ("code_review", 1.0, ("you said so",), None)


def test_each_tier_has_words_for_both_its_states():
    assert [tier.reached for tier in Tier] == ["installed", "running", "ready", "answering"]
    assert [tier.lacking for tier in Tier] == ["not installed", "not running", "signed out", "not answering"]


def test_an_address_is_shown_without_the_password_in_it():
    settings = service("lab", base_url="http://bob:p@ss:word@lab:1234/v1")
    shown = ServiceStatus(settings=settings, info=None, health=None).to_dict()

    assert shown["base_url"] == "http://lab:1234/v1"
    assert without_userinfo("http://lab/@home") == "http://lab/@home"
    assert without_userinfo("https://token@lab") == "https://lab"


@pytest.mark.parametrize(
    ("kind", "attempt", "look"),
    [
        (FailureKind.MISSING, Tier.STARTS, Tier.STARTS),
        (FailureKind.AUTH, Tier.AUTHENTICATED, Tier.AUTHENTICATED),
        (FailureKind.LICENCE, Tier.AUTHENTICATED, Tier.AUTHENTICATED),
        (FailureKind.QUOTA, Tier.ANSWERS, Tier.ANSWERS),
        (FailureKind.CRASHED, Tier.ANSWERS, Tier.STARTS),
        (FailureKind.BUSY, None, Tier.ANSWERS),
        (FailureKind.TIMEOUT, None, Tier.STARTS),
    ],
)
def test_a_failure_shows_which_tier_is_lacking(kind: FailureKind, attempt: Tier | None, look: Tier):
    assert lacking_after_attempt(kind) is attempt
    assert lacking_after_look(kind, Tier.STARTS) is look


def test_a_failure_is_about_the_service_unless_it_says_otherwise():
    assert not ServiceError(FailureKind.MISSING, "No").about_request


def test_a_service_shows_what_is_known_and_no_secret():
    adapter = ScriptedAdapter(service("qwen", api_key="sk-secret", env={"KEY": "sk-secret"}))
    health = Health(service="qwen", tier=Tier.STARTS, failing=Tier.AUTHENTICATED, message="No key.", fix="Set one.")
    shown = ServiceStatus(settings=adapter.settings, info=adapter.info, health=health).to_dict()

    assert (shown["tier"], shown["failing"], shown["healthy"], shown["fix"]) == (
        "starts",
        "authenticated",
        False,
        "Set one.",
    )
    assert "sk-secret" not in str(shown)
    assert health.to_dict()["healthy"] is False


def test_a_service_without_an_adapter_says_so():
    shown = ServiceStatus(settings=service("mine"), info=None, health=None).to_dict()

    assert "no adapter" in shown["description"]
    assert (shown["healthy"], shown["tier"], shown["capabilities"]) == (False, None, [])


def record(*attempts: Attempt, **values: object) -> TaskRecord:
    route = Route((Candidate("a", 2.0, ("set for coding",)), Candidate("b", 1.5)), (Skipped("c", "signed out: 401"),))
    known = {"id": "t", "status": TaskStatus.COMPLETED, "prompt": "p", "created_at": 1.0, "source": "cli"}
    return TaskRecord(**{**known, "task_type": "coding", "route": route, "attempts": attempts, **values})


def attempt(name: str, status: AttemptStatus) -> Attempt:
    return Attempt(service=name, started_at=1.0, status=status)


def test_the_way_taken_is_the_route_where_the_first_one_answered():
    taken = way_taken(record(attempt("a", AttemptStatus.COMPLETED), service="a"))

    assert taken == "coding · a · because: set for coding; c skipped: signed out"


def test_the_way_taken_names_who_answered_and_who_had_failed_before():
    tried = (
        attempt("a", AttemptStatus.FAILED),
        attempt("a", AttemptStatus.FAILED),
        attempt("b", AttemptStatus.COMPLETED),
    )

    assert way_taken(record(*tried, service="b")) == "coding · b · because: a failed; c skipped: signed out"


def test_without_a_route_there_is_no_way_to_tell():
    assert way_taken(record(route=None)) == ""
    assert way_taken(record(task_type=None)) == ""


def test_a_service_without_an_adapter_is_described_by_why_it_has_none():
    off, unknown = service(enabled=False), service()
    told = [ServiceStatus(settings=item, info=None, health=None).to_dict()["description"] for item in (off, unknown)]
    assert told == ["switched off", "no adapter is installed for 'scripted'"]
