from __future__ import annotations

from typing import Any

import pytest

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.health import Health, ServiceInfo, ServiceStatus, Tier
from oxide_desktop.core.model import Candidate, Locality, Preferences, Profile, Route, Skipped, TaskType
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.route import HeldFiles, choose_route
from oxide_desktop.core.secret_scan import Finding
from oxide_desktop.core.settings import RoutingSettings, ServiceSettings, ServiceType, TypeRouting
from oxide_desktop.core.telling import route_sentence

NAMED = "0.py, 1.py (matches *.py)"


def held(count: int, total: int) -> HeldFiles:
    reason = "local only: matches *.py"
    return HeldFiles(tuple(FileReceipt(f"{n}.py", ReadStatus.SKIPPED, reason) for n in range(count)), total)


def service(
    name: str,
    *,
    local: bool = False,
    window: int | None = 128_000,
    good_at: tuple[TaskType, ...] = (),
    enabled: bool = True,
    kind: str | None = None,
    adapter: bool = True,
    last: bool = False,
    failing: str | None = None,
    tier: Tier | None = Tier.AUTHENTICATED,
) -> ServiceStatus:
    locality = Locality.LOCAL if local else Locality.CLOUD
    settings = ServiceSettings(
        name=name, type=ServiceType.HTTP, kind=kind or "openai_compatible", enabled=enabled, locality=locality
    )
    info = ServiceInfo(
        name=name,
        kind=settings.kind,
        description="",
        locality=locality,
        max_context_tokens=window,
        capabilities=good_at,
        last_resort=last,
    )
    health = Health(
        service=name, tier=tier, failing=Tier.AUTHENTICATED if failing is not None else None, message=failing or ""
    )
    return ServiceStatus(settings=settings, info=info if adapter else None, health=health if tier else None)


QWEN = service("qwen", kind="qwen", window=256_000)
GEMINI = service("gemini", kind="gemini", window=2_000_000)
OLLAMA = service("ollama_local", kind="ollama", local=True, window=32_000)
BUILTIN = service("builtin", kind="builtin", local=True, window=8_192, last=True)
ALL = (GEMINI, QWEN, OLLAMA, BUILTIN)


def route(task_type: TaskType = TaskType.CODE_REVIEW, services: tuple[ServiceStatus, ...] = ALL, **more: Any) -> Route:
    profile = Profile(
        task_type=task_type, confidence=0.9, complexity=more.pop("complexity", 0.5), second=more.pop("second", None)
    )
    given = {
        "preferences": Preferences(),
        "rules": {},
        "routing": RoutingSettings(),
        "tokens": 1000,
        "answer_tokens": 2048,
        **more,
    }
    return choose_route(profile=profile, services=services, **given)


def order(found: Route) -> list[str]:
    return [item.service for item in found.candidates]


def why(found: Route, name: str) -> str:
    reasons = [", ".join(item.reasons) for item in found.candidates if item.service == name]
    return [*reasons, *(item.reason for item in found.skipped if item.service == name)][0]


@pytest.mark.parametrize(
    ("task_type", "first"),
    [
        (TaskType.CODING, "qwen"),
        (TaskType.CODE_REVIEW, "qwen"),
        (TaskType.BUG_SEARCH, "qwen"),
        (TaskType.REFACTORING, "qwen"),
        (TaskType.DOCUMENTATION, "gemini"),
        (TaskType.CODEBASE_ANALYSIS, "gemini"),
        (TaskType.QUICK_QUERY, "ollama_local"),
        (TaskType.GENERAL, "ollama_local"),
    ],
)
def test_each_type_goes_to_the_service_that_suits_it(task_type, first):
    found = route(task_type)
    assert order(found)[0] == first
    assert order(found)[-1] == "builtin"
    assert found.skipped == ()
    assert [item.score for item in found.candidates] == sorted((item.score for item in found.candidates), reverse=True)


def test_the_persons_rule_is_read_and_comes_first_with_the_others_behind_it():
    found = route(rules={TaskType.CODE_REVIEW: "ollama_local"})
    assert order(found) == ["ollama_local", "qwen", "gemini", "builtin"]
    assert found.rule == "code_review → ollama_local"
    assert found.candidates[0].reasons[0] == "your rule"


def test_a_rule_for_another_type_changes_nothing():
    assert route(rules={TaskType.CODING: "gemini"}).rule is None


def test_a_rule_may_name_the_last_resort():
    assert order(route(rules={TaskType.CODE_REVIEW: "builtin"}))[0] == "builtin"


def test_a_rule_that_cannot_be_followed_is_said():
    off = service("qwen", enabled=False)
    found = route(services=(GEMINI, off), rules={TaskType.CODE_REVIEW: "qwen"})
    assert (order(found), found.rule, why(found, "qwen")) == (["gemini"], None, "switched off")
    gone = route(services=(GEMINI,), rules={TaskType.CODE_REVIEW: "old"})
    assert why(gone, "old") == "your rule names it, but it is not among the services that may take this"


def test_the_settings_order_comes_next_and_the_last_resort_stays_last():
    wishes = TypeRouting(primary="gemini", fallback=("builtin", "ollama_local"))
    found = route(routing=RoutingSettings(per_type={TaskType.CODE_REVIEW: wishes}))
    assert order(found) == ["gemini", "ollama_local", "qwen", "builtin"]
    assert why(found, "gemini").startswith("set for code review")
    assert why(found, "ollama_local").startswith("set as fallback")
    ruled = route(
        routing=RoutingSettings(per_type={TaskType.CODE_REVIEW: wishes}), rules={TaskType.CODE_REVIEW: "qwen"}
    )
    assert order(ruled) == ["qwen", "gemini", "ollama_local", "builtin"]


def test_the_order_of_fallbacks_is_kept():
    wishes = TypeRouting(fallback=("ollama_local", "gemini", "qwen"))
    assert order(route(routing=RoutingSettings(per_type={TaskType.CODE_REVIEW: wishes})))[:3] == list(wishes.fallback)


def test_whoever_cannot_take_it_is_skipped_with_the_reason():
    services = (
        service("off", enabled=False),
        service("strange", kind="nope", adapter=False),
        service("busy"),
        service("out", failing="The key was refused."),
        service("mute", failing=""),
        OLLAMA,
    )
    found = route(services=services, unavailable={"busy": "failed 5 times in a row"})
    assert found.skipped == (
        Skipped("off", "switched off"),
        Skipped("strange", "no adapter is installed for 'nope'"),
        Skipped("busy", "failed 5 times in a row"),
        Skipped("out", "signed out: The key was refused"),
        Skipped("mute", "signed out"),
    )
    assert order(found) == ["ollama_local"]


def test_no_candidate_is_an_answer_too():
    assert route(services=()) == Route()


def test_fallback_can_be_switched_off():
    found = route(routing=RoutingSettings(fallback_enabled=False))
    assert order(found) == ["qwen"]
    assert {item.reason for item in found.skipped} == {"fallback is switched off"}


def test_a_window_that_is_too_small_is_skipped_with_both_numbers():
    found = route(tokens=10_000)
    assert why(found, "builtin") == "needs about 12,048 tokens, holds 8,192"
    assert order(found) == ["qwen", "gemini", "ollama_local"]


def test_a_service_of_unknown_window_is_given_the_benefit_of_the_doubt():
    assert order(route(services=(service("x", window=None),), tokens=10**7)) == ["x"]


def test_where_nobody_holds_it_the_one_that_holds_most_stays():
    found = route(services=(BUILTIN, OLLAMA), tokens=100_000)
    assert order(found) == ["ollama_local"]
    assert why(found, "ollama_local").endswith("will be cut to fit")
    assert why(found, "builtin") == "needs about 102,048 tokens, holds 8,192"


def test_an_explicit_wish_is_the_only_candidate_even_if_it_last_failed():
    out = service("out", failing="The key was refused.")
    found = route(
        services=(out, QWEN), preferences=Preferences(preferred_service="out"), rules={TaskType.CODE_REVIEW: "qwen"}
    )
    assert (order(found), why(found, "out"), found.rule) == (["out"], "you asked for it", None)
    assert why(found, "qwen") == "you asked for out"


def test_those_that_were_only_not_asked_for_are_told_of_as_one():
    one = route(preferences=Preferences(preferred_service="qwen"))
    assert len(one.skipped) > 1
    assert one.passed_over == (Skipped(f"{len(one.skipped)} others", "you asked for qwen"),)
    assert one.telling == ()
    two = route(services=(QWEN, GEMINI), preferences=Preferences(preferred_service="qwen"))
    assert two.passed_over == two.skipped
    resting = route(preferences=Preferences(preferred_service="qwen"), unavailable={"qwen": "it rests"})
    assert resting.passed_over[0] == Skipped("qwen", "it rests") == resting.telling[0]
    assert len(resting.passed_over) == 2


def test_an_explicit_wish_that_is_too_small_is_cut_to():
    found = route(preferences=Preferences(preferred_service="builtin"), tokens=50_000)
    assert why(found, "builtin") == "you asked for it, will be cut to fit"


@pytest.mark.parametrize(
    ("services", "more", "reason"),
    [
        ((service("x", adapter=False),), {}, "no adapter is installed for 'openai_compatible'"),
        ((service("x"),), {"unavailable": {"x": "the day's quota is used up"}}, "the day's quota is used up"),
        ((service("x"),), {"held_files": held(2, 2)}, f"every file must stay local: {NAMED}"),
    ],
)
def test_an_explicit_wish_that_cannot_be_met_leaves_no_candidate(services, more, reason):
    found = route(services=services, preferences=Preferences(preferred_service="x"), **more)
    assert (order(found), why(found, "x")) == ([], reason)


def test_an_explicit_wish_for_what_is_not_there_is_refused_with_the_names():
    with pytest.raises(UsageError, match=r"'x' is not configured\. Configured: gemini, qwen, ollama_local, builtin"):
        route(preferences=Preferences(preferred_service="x"))
    with pytest.raises(UsageError, match="Configured: none"):
        route(services=(), preferences=Preferences(preferred_service="x"))


def test_an_explicit_wish_for_what_is_switched_off_is_refused():
    with pytest.raises(UsageError, match="x is not enabled"):
        route(services=(service("x", enabled=False),), preferences=Preferences(preferred_service="x"))


def test_a_type_that_the_caller_names_counts_instead_of_the_classifiers():
    found = route(preferences=Preferences(task_type=TaskType.CODEBASE_ANALYSIS))
    assert order(found)[0] == "gemini"


def test_a_secret_in_the_prompt_keeps_it_from_cloud_services():
    found = route(prompt_findings=[Finding("an AWS access key", 3)])
    assert order(found) == ["ollama_local", "builtin"]
    assert why(found, "qwen") == "the prompt holds what looks like an AWS access key (line 3)"


def test_files_that_must_stay_local_count_against_cloud_services():
    assert order(route(held_files=held(3, 3))) == ["ollama_local", "builtin"]
    some = route(held_files=held(1, 3))
    assert order(some)[0] == "ollama_local"
    assert why(some, "qwen").endswith("1 file is held back: 0.py (matches *.py)")
    assert why(route(held_files=held(2, 3)), "qwen").endswith(f"2 files are held back: {NAMED}")


def test_preferring_local_moves_easy_work_to_ones_own_machines_and_leaves_hard_work():
    local = RoutingSettings(prefer_local=True)
    easy = route(TaskType.CODING, complexity=0.2, routing=local)
    assert order(easy)[0] == "ollama_local"
    assert "stays on your machines" in why(easy, "ollama_local")
    hard = route(TaskType.CODING, complexity=0.8, routing=local)
    assert order(hard)[0] == "qwen"
    assert "a hard task" in why(hard, "qwen")


def test_a_large_task_goes_where_the_context_is_large():
    found = route(
        TaskType.GENERAL, services=(service("small", window=64_000), service("large", window=1_000_000)), tokens=40_000
    )
    assert order(found) == ["large", "small"]
    assert why(found, "large") == "large context"


def test_what_a_service_says_it_is_good_at_counts():
    good = service("mine", good_at=(TaskType.CODE_REVIEW,))
    found = route(services=(service("other"), good))
    assert order(found) == ["mine", "other"]
    assert why(found, "mine") == "good at code review"
    assert why(found, "other") == "nothing speaks against it"


def test_a_service_that_also_serves_the_second_type_is_preferred():
    both = service("both", good_at=(TaskType.BUG_SEARCH,))
    found = route(TaskType.GENERAL, services=(service("other"), both), second=TaskType.BUG_SEARCH)
    assert order(found) == ["both", "other"]
    assert why(found, "both") == "good at bug search"


def test_between_equals_what_has_shown_more_comes_first():
    proven, unproven = service("proven", tier=Tier.ANSWERS), service("unproven", tier=None)
    found = route(services=(unproven, proven))
    assert order(found) == ["proven", "unproven"]
    assert found.candidates[0].score == found.candidates[1].score


def test_ties_keep_the_order_of_the_settings():
    assert order(route(services=(service("b"), service("a"), service("c")))) == ["b", "a", "c"]


def test_the_sentence_tells_where_and_why():
    out = service("gemini", kind="gemini", failing="signed out")
    found = route(services=(out, QWEN, service("x", enabled=False)), rules={TaskType.CODE_REVIEW: "qwen"})
    sentence = 'code review · qwen · because: rule "code_review → qwen"; gemini skipped: signed out'
    assert route_sentence("code_review", found) == sentence
    plain = route(services=(QWEN, OLLAMA), preferences=Preferences(preferred_service="qwen"))
    assert route_sentence("code_review", plain) == "code review · qwen · because: you asked for it"
    assert route_sentence("coding", Route((), found.skipped)) == "coding · no service · gemini skipped: signed out"
    assert route_sentence("coding", Route()) == "coding · no service · none is switched on"


def test_the_sentence_shows_of_a_reason_only_its_first_words():
    found = Route((Candidate("qwen", 2.0, ("set for coding",)),), (Skipped("gemini", "signed out: No key: none."),))

    assert route_sentence("coding", found) == "coding · qwen · because: set for coding; gemini skipped: signed out"
