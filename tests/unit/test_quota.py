"""Quotas: a service is left alone before it refuses, and for as long as it says once it has."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from oxide_desktop.config.paths import Paths
from oxide_desktop.core.errors import FailureKind, RouteError, ServiceError
from oxide_desktop.core.health import Depth
from oxide_desktop.core.model import Preferences
from oxide_desktop.core.quota import (
    LONGEST_REST_S,
    Limit,
    Quotas,
    ServiceUse,
    UsedUp,
    clock,
    first_free,
    limits_of,
    midnight,
)
from oxide_desktop.core.settings import Quota, ServiceSettings
from oxide_desktop.core.telling import route_sentence
from oxide_desktop.store.rests import RestFile
from tests.fakes.memory import MemoryHistory
from tests.fakes.scripted_adapter import service
from tests.unit.test_orchestrator import House, request, stub

NOON = dt.datetime(2026, 3, 4, 12, 0, 30).astimezone().timestamp()
USED = ServiceError(FailureKind.QUOTA, "first has used up its quota", "429.", retry_after_s=3600.0)


class Clock:
    """A time that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def quotas(clock: Clock, **services: Quota | None) -> tuple[Quotas, MemoryHistory]:
    history = MemoryHistory()

    async def opened() -> MemoryHistory:
        return history

    return Quotas({name: service(name, quota=quota) for name, quota in services.items()}, opened, clock), history


def at_noon(hour: int, minute: int, second: int = 0, day: int = 4) -> float:
    return dt.datetime(2026, 3, day, hour, minute, second).astimezone().timestamp()


async def test_a_service_at_its_quota_is_passed_over_with_the_reason_and_the_next_one_is_asked():
    async with House(stub(["a"], ["b"], name="first", quota=Quota(per_day=1)), stub(["c"], name="second")) as house:
        one, two = await house.ask(), await house.ask()
        plan = await house.orchestrator.explain(request())

    assert (one.service, two.service) == ("first", "second")
    reason = "quota: 1 of 1 requests today, free again at 00:00"
    assert [(item.service, item.reason) for item in two.route.skipped] == [("first", reason)]
    assert "first skipped: quota" in route_sentence("general", plan.route)


async def test_a_named_service_at_its_quota_says_so_and_nobody_else_is_asked():
    async with House(stub(["a"], name="first", quota=Quota(per_minute=1)), stub(name="second")) as house:
        await house.ask()
        record = await house.ask(preferences=Preferences(preferred_service="first"))

    assert "first: quota: 1 of 1 requests in the last minute, free again at " in record.error
    assert house.adapters["second"].calls == []


async def test_a_check_that_asks_a_real_question_counts_and_asks_none_once_the_quota_is_used_up():
    first = stub(name="first", quota=Quota(per_day=2))
    async with House(first) as house:
        for depth in (Depth.GLANCE, Depth.PROBE, Depth.PROVE, Depth.PROVE):
            assert (await house.orchestrator.check_service("first", depth)).message == ""
        refused = await house.orchestrator.check_service("first", Depth.PROVE)
        use = await house.orchestrator.todays_use("first")

    assert (use.use.requests, use.left_today) == (2, 0)
    assert refused.message == "first has used up its quota: 2 of 2 requests today."
    assert first.depths == [Depth.GLANCE, Depth.PROBE, Depth.PROVE, Depth.PROVE, Depth.PROBE]


async def test_where_all_are_at_their_quotas_the_error_says_who_is_free_first():
    first = stub(["a"], name="first", quota=Quota(per_day=1))
    second = stub(["b"], name="second", quota=Quota(per_minute=1, per_day=5))
    async with House(first, second) as house:
        await house.ask()
        await house.ask()
        task = await house.orchestrator.submit(request())
        await task.finished()

    assert isinstance(task.error, RouteError)
    assert task.error.hint.startswith("second is free again at ")
    assert "first: quota: 1 of 1 requests today, free again at 00:00" in task.error.message


async def test_requests_that_were_planned_together_do_not_pass_the_quota_together():
    first = stub(*[["a"]] * 9, name="first", quota=Quota(per_day=3))
    async with House(first, stub(*[["b"]] * 9, name="second")) as house:
        records = await asyncio.gather(*(house.ask() for _ in range(8)))

    assert len(first.calls) == 3
    assert sorted(record.service for record in records) == ["first"] * 3 + ["second"] * 5


async def test_the_last_reserved_request_leaves_a_clear_error_where_there_is_nobody_else():
    first = stub(*[["a"]] * 3, name="first", quota=Quota(per_day=1))
    async with House(first) as house:
        tasks = [await house.orchestrator.submit(request()) for _ in range(3)]
        for task in tasks:
            await task.finished()

    errors = [task.error for task in tasks if task.error]
    assert len(errors) == 2
    assert all(isinstance(error, RouteError) for error in errors)
    assert all("1 of 1 requests today" in str(error) and "00:00" in str(error) for error in errors)


async def never() -> MemoryHistory:
    raise AssertionError("opened")


async def test_without_a_quota_nothing_is_counted_and_no_history_opened():
    assert await Quotas({"free": service("free")}, never).used_up() == {}


async def test_a_service_that_says_when_its_quota_is_back_rests_until_then_and_is_not_called_ill():
    async with House(stub([USED], name="first"), stub(["b"], ["c"], name="second")) as house:
        await house.ask()
        record = await house.ask()
        (status, _) = house.orchestrator.services()

    assert record.service == "second"
    (skipped,) = record.route.skipped
    back = clock(time.time() + 3600, time.time())
    assert skipped.reason[:-2] == f"quota: used up, as the service says, free again at {back}"[:-2]
    assert status.health is not None
    assert status.health.failing is None


async def test_a_rest_ends_when_the_service_said_and_is_bounded():
    moment = Clock()
    book, _ = quotas(moment, first=None, second=None)
    assert book.refused("first", USED)
    forever = ServiceError(FailureKind.QUOTA, "used up", retry_after_s=1e9)
    assert book.refused("second", forever)
    assert {name: item.free_at - NOON for name, item in (await book.used_up()).items()} == {
        "first": 3600.0,
        "second": LONGEST_REST_S,
    }
    with pytest.raises(ServiceError, match=r"Used up, as the service says\. first is free again at 13:00") as caught:
        await book.reserve("first")
    assert caught.value.kind is FailureKind.QUOTA
    moment.now += 3600.0
    assert list(await book.used_up()) == ["second"]
    assert await book.reserve("first") == moment.now


async def test_what_a_service_has_said_is_known_to_other_processes_until_its_account_is_another_one(tmp_path: Path):
    paths = Paths(tmp_path)
    paths.prepare()
    names = {name: service(name, api_key="keyring:ONE") for name in ("first", "second")}

    def process(services: Mapping[str, ServiceSettings] = names) -> Quotas:
        return Quotas(services, never, Clock(), RestFile(paths.rests_file, services))

    assert process().refused("first", USED)
    assert [(name, item.free_at) for name, item in (await process().used_up()).items()] == [("first", NOON + 3600)]
    assert await process({**names, "first": service("first", api_key="keyring:TWO")}).used_up() == {}
    for damaged in ("[", "[]", '{"first": 5}', '{"first": {"free_at": "x"}}'):
        paths.rests_file.write_text(damaged)
        assert await process().used_up() == {}
    assert process().refused("second", USED)
    assert list(await process().used_up()) == ["second"]
    paths.rests_file.unlink()
    paths.rests_file.mkdir()
    alone = process()
    assert alone.refused("first", USED)
    assert list(await alone.used_up()) == ["first"]  # it was told so itself, and asks no second time
    assert await process().used_up() == {}


def test_of_what_two_processes_were_told_the_later_counts(tmp_path: Path):
    names = {"first": service("first")}
    one, two = (RestFile(tmp_path / "rests", names) for _ in range(2))
    one.note("first", NOON + 60)
    two.note("first", NOON + 30)
    assert (one.until("first"), two.until("first")) == (NOON + 60, NOON + 30)
    two.note("first", NOON + 90)
    assert one.until("first") == NOON + 90


@pytest.mark.parametrize(
    "error", [ServiceError(FailureKind.QUOTA, "used up"), ServiceError(FailureKind.BUSY, "busy", retry_after_s=9.0)]
)
async def test_other_failures_do_not_rest_a_service(error: ServiceError):
    book, _ = quotas(Clock(), first=None)
    assert not book.refused("first", error)
    assert await book.used_up() == {}


async def test_a_minute_s_quota_is_free_again_when_the_oldest_request_that_counts_is_a_minute_old():
    moment = Clock()
    book, _ = quotas(moment, first=Quota(per_minute=2))
    for _ in range(2):
        assert await book.used_up() == {}
        await book.reserve("first")
        moment.now += 10
    assert (await book.used_up())["first"].free_at == NOON + 60
    with pytest.raises(ServiceError) as refused:
        await book.reserve("first")
    assert refused.value.retry_after_s == 40.0, "an analysis waits that out instead of giving the service up"
    moment.now = NOON + 60
    assert await book.used_up() == {}


async def test_a_service_that_is_switched_off_needs_no_count():
    book = Quotas({"off": service("off", enabled=False, quota=Quota(per_day=1))}, never)
    assert await book.used_up() == {}


async def test_today_s_use_tells_what_is_left():
    moment = Clock()
    book, _ = quotas(moment, both=Quota(per_minute=2, per_day=5), none=None)
    for _ in range(2):
        await book.reserve("both")
        moment.now += 59
    both, none = await book.today("both"), await book.today("none")

    assert (both.use.requests, both.left_today, both.left_this_minute) == (2, 3, 1)
    assert (none.use, none.left_today, none.left_this_minute) == (ServiceUse(), None, None)
    assert both.to_dict() == {
        "requests": 2,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost": None,
        "requests_left_today": 3,
        "requests_left_this_minute": 1,
        "free_at": None,
    }


async def test_no_two_requests_count_from_the_same_moment():
    moment = Clock()
    book, _ = quotas(moment, first=None)
    moments = [await book.reserve("first") for _ in range(3)]
    assert len({round(moment * 1e6) for moment in moments}) == 3
    moment.now -= 3600  # the clock was set back
    assert await book.reserve("first") == moment.now


def test_a_day_begins_and_ends_at_midnight_here():
    assert midnight(NOON) == at_noon(0, 0)
    assert midnight(NOON, days=1) == at_noon(0, 0, day=5)
    assert list(limits_of(Quota(per_minute=3, per_day=9), NOON)) == [
        Limit(3, NOON - 60, "in the last minute"),
        Limit(9, at_noon(0, 0), "today", at_noon(0, 0, day=5)),
    ]
    assert list(limits_of(None, NOON)) == []


def test_times_are_told_as_people_do():
    assert clock(NOON + 0.5, NOON) == "12:00:31"
    assert clock(at_noon(12, 5), NOON) == "12:05"
    assert clock(at_noon(18, 0, 7), NOON) == "18:00"


def test_the_first_that_is_free_is_named():
    assert first_free({}) == ""
    found = {"late": UsedUp("x", at_noon(15, 0)), "soon": UsedUp("y", at_noon(14, 0))}
    assert first_free(found) == "soon is free again at 14:00."
