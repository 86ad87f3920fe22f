"""What is known of a service: bounded looks, lessons from attempts, and an event only when something changed."""

import asyncio
import time

import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.events import Event, EventBus, ServiceStatusChanged
from oxide_desktop.core.health import Depth, Health, Tier
from oxide_desktop.core.servers import ServerStart
from oxide_desktop.runtime.health import CHECK_LIMIT_S, HealthBoard
from oxide_desktop.runtime.lateness import lateness
from tests.fakes.scripted_adapter import ScriptedAdapter, service

SIGNED_OUT = ServiceError(FailureKind.AUTH, "stub is signed out", "401.", "Sign in.")


class Hanging(ScriptedAdapter):
    """A service whose check never answers."""

    async def check(self, depth: Depth) -> Health:
        await asyncio.Event().wait()
        raise AssertionError


class Board(HealthBoard):
    """A board over one scripted service, with the events it published."""

    def __init__(self, adapter: ScriptedAdapter) -> None:
        bus = EventBus()
        self.events: list[Event] = []
        bus.listen(self.events.append)
        super().__init__({"stub": adapter}, bus)


@pytest.fixture
def adapter() -> ScriptedAdapter:
    return ScriptedAdapter(service())


def finding(tier: Tier | None, failing: Tier | None = None, age_s: float = 0.0) -> Health:
    return Health(service="stub", tier=tier, failing=failing, message="found", checked_at=time.time() - age_s)


async def test_nobody_has_looked_at_first(adapter: ScriptedAdapter):
    assert Board(adapter).last("stub") is None


async def test_a_finding_is_kept_and_told(adapter: ScriptedAdapter):
    board = Board(adapter)
    found = await board.check("stub", Depth.PROBE)

    assert board.last("stub") == found == adapter.health
    assert board.events == [ServiceStatusChanged(found)]


async def test_the_same_finding_again_is_not_told_again(adapter: ScriptedAdapter):
    board = Board(adapter)
    await board.check("stub", Depth.PROBE)
    await board.check("stub", Depth.PROBE)

    assert len(board.events) == 1


async def test_a_check_that_hangs_ends_at_its_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(CHECK_LIMIT_S, Depth.GLANCE, 0.05)
    async with asyncio.timeout(60):
        found = await Board(Hanging(service())).check("stub", Depth.GLANCE)

    assert (found.tier, found.failing) == (Tier.INSTALLED, Tier.STARTS)
    assert "within 0.05 s" in found.message
    assert found.fix


class Unheard(ScriptedAdapter):
    """Its answers are not heard in time: because the loop is held up, or because none came."""

    holds_up = True

    async def check(self, depth: Depth) -> Health:
        if self.holds_up:
            time.sleep(0.3)  # noqa: ASYNC251 - this is what is shown
            await asyncio.sleep(0)
        return Health(service="stub", tier=None, failing=Tier.STARTS, message="Nothing came.", late=True)


async def test_a_service_is_not_found_down_because_we_were_too_busy_to_hear_it():
    adapter = Unheard(service())
    board = Board(adapter)
    board.attempt_succeeded("stub")
    assert (await board.check("stub", Depth.PROBE)).healthy
    assert board.last("stub").healthy
    adapter.holds_up = False
    async with asyncio.timeout(60):
        while (await board.check("stub", Depth.PROBE)).healthy:  # a machine that stands still holds the loop up too
            pass
    assert not board.last("stub").healthy


async def test_what_was_not_heard_twice_in_a_row_is_believed_though_we_were_busy():
    board = Board(Unheard(service()))
    board.attempt_succeeded("stub")
    first = await board.check("stub", Depth.PROBE)
    assert (first.healthy, first.message) == (
        True,
        "It answered. Oxide looked again and was too busy itself to hear an answer.",
    )
    assert board.last("stub") is first
    board.attempt_succeeded("stub")
    assert (await board.check("stub", Depth.PROBE)).healthy  # an answer came between the two
    assert not (await board.check("stub", Depth.PROBE)).healthy
    assert not board.last("stub").healthy


async def test_that_we_did_not_hear_is_said_until_we_do_hear():
    adapter = Unheard(service())
    board = Board(adapter)
    board.attempt_succeeded("stub")
    assert "too busy" in (await board.check("stub", Depth.PROBE)).message
    assert (await board.check("stub", Depth.GLANCE)).message.count("too busy") == 1
    heard = Board(ScriptedAdapter(service()))
    heard._last["stub"] = board.last("stub")
    assert (await heard.check("stub", Depth.GLANCE)).message == "It answered."


async def test_what_a_busy_loop_did_not_hear_counts_where_nothing_else_is_known():
    board = Board(Unheard(service()))
    assert not (await board.check("stub", Depth.PROBE)).healthy


async def test_a_loop_that_goes_on_being_held_up_was_busy():
    with lateness() as late:
        assert not late.was_busy
        async with asyncio.timeout(60):
            while not late.was_busy:
                time.sleep(0.1)  # noqa: ASYNC251 - as above
                await asyncio.sleep(0)


async def test_only_what_is_stale_is_looked_at_again(adapter: ScriptedAdapter):
    board = Board(adapter)
    await board.refresh(["stub"], Depth.GLANCE, max_age_s=15)
    adapter.health = finding(None, Tier.INSTALLED)
    await board.refresh(["stub"], Depth.GLANCE, max_age_s=15)
    kept = board.last("stub")
    await board.refresh(["stub"], Depth.GLANCE)

    assert kept.healthy
    assert not board.last("stub").healthy


async def test_a_clock_that_is_set_back_hides_nothing(adapter: ScriptedAdapter):
    board = Board(adapter)
    adapter.health = finding(Tier.STARTS, age_s=-3600)
    for max_age_s in (0, 0, 15):
        await board.refresh(["stub"], Depth.GLANCE, max_age_s)
    assert adapter.depths == [Depth.GLANCE] * 3


async def test_many_who_ask_at_once_share_one_look():
    class Counting(ScriptedAdapter):
        async def check(self, depth: Depth) -> Health:
            await asyncio.sleep(0)
            self.depths.append(depth)
            return finding(Tier.STARTS)

    adapter = Counting(service())
    board = Board(adapter)
    await asyncio.gather(*(board.refresh(["stub"], Depth.GLANCE, max_age_s=age_s) for age_s in [0, 15] * 25))
    assert adapter.depths == [Depth.GLANCE]


async def test_a_deeper_look_that_is_asked_for_meanwhile_is_made_and_holds_up_no_glance():
    class Slow(ScriptedAdapter):
        async def check(self, depth: Depth) -> Health:
            self.depths.append(depth)
            if depth is Depth.PROBE:
                probing.set()
                await may_end.wait()
            return finding(Tier.STARTS)

    probing, may_end = asyncio.Event(), asyncio.Event()
    adapter = Slow(service())
    board = Board(adapter)
    async with asyncio.TaskGroup() as group:
        group.create_task(board.refresh(["stub"], Depth.PROBE))
        await probing.wait()
        await board.refresh(["stub"], Depth.GLANCE)
        may_end.set()
    await board.refresh(["stub"], Depth.PROBE)
    assert adapter.depths == [Depth.PROBE, Depth.GLANCE, Depth.PROBE]


async def test_an_answer_proves_every_tier(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_succeeded("stub")

    assert (board.last("stub").tier, board.last("stub").healthy) == (Tier.ANSWERS, True)


@pytest.mark.parametrize(
    ("kind", "reached", "failing"),
    [
        (FailureKind.MISSING, Tier.INSTALLED, Tier.STARTS),
        (FailureKind.AUTH, Tier.STARTS, Tier.AUTHENTICATED),
        (FailureKind.QUOTA, Tier.AUTHENTICATED, Tier.ANSWERS),
    ],
)
async def test_a_failure_that_will_come_again_lowers_the_tier(
    adapter: ScriptedAdapter, kind: FailureKind, reached: Tier, failing: Tier
):
    board = Board(adapter)
    board.attempt_failed("stub", ServiceError(kind, "It failed", "Because.", "Do this."))
    known = board.last("stub")

    assert (known.tier, known.failing, known.message, known.fix) == (
        reached,
        failing,
        "It failed: Because.",
        "Do this.",
    )


async def test_bad_luck_changes_nothing(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_failed("stub", ServiceError(FailureKind.TRANSIENT, "reset"))

    assert board.last("stub") is None


async def test_a_glance_does_not_forget_that_the_service_is_signed_out(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_failed("stub", SIGNED_OUT)
    found = await board.check("stub", Depth.GLANCE)

    assert found.failing is Tier.AUTHENTICATED


async def test_a_deeper_finding_outweighs_a_glance_for_five_minutes_only(adapter: ScriptedAdapter):
    board = Board(adapter)
    adapter.health = finding(Tier.STARTS, Tier.AUTHENTICATED, age_s=400)
    await board.check("stub", Depth.PROBE)
    adapter.health = finding(Tier.STARTS)

    assert (await board.check("stub", Depth.GLANCE)).healthy


async def test_a_probe_does_replace_what_an_attempt_showed(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_failed("stub", SIGNED_OUT)

    assert (await board.check("stub", Depth.PROBE)).healthy


async def test_a_glance_that_finds_it_down_counts_at_once(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_succeeded("stub")
    adapter.health = finding(Tier.INSTALLED, Tier.STARTS)

    assert (await board.check("stub", Depth.GLANCE)).failing is Tier.STARTS


async def test_a_glance_that_finds_it_up_again_counts_at_once(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_failed("stub", ServiceError(FailureKind.MISSING, "stub is not running"))

    assert (await board.check("stub", Depth.GLANCE)).healthy


async def test_a_glance_keeps_the_higher_tier_that_was_proven(adapter: ScriptedAdapter):
    board = Board(adapter)
    board.attempt_succeeded("stub")

    assert (await board.check("stub", Depth.GLANCE)).tier is Tier.ANSWERS


async def test_watching_goes_on_when_an_adapter_makes_a_mistake():
    class Mistaken(ScriptedAdapter):
        startable = True
        tries = asyncio.Event()

        async def start(self, *, insist: bool = False) -> ServerStart:
            raise AssertionError

        async def recover(self) -> bool:
            self.tries.set()
            raise RuntimeError("out of line")

    mistaken = Mistaken(service())
    board = Board(mistaken)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        watching = group.create_task(board.watch(interval_s=0.01))
        for _ in range(2):
            await mistaken.tries.wait()
            mistaken.tries.clear()
        watching.cancel()


async def test_watching_probes_again_and_again(adapter: ScriptedAdapter):
    board = Board(adapter)
    looked = asyncio.Event()
    board._bus.listen(lambda event: looked.set())
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        watching = group.create_task(board.watch(interval_s=0.01))
        await looked.wait()
        looked.clear()
        adapter.health = finding(Tier.INSTALLED, Tier.STARTS)
        await looked.wait()
        watching.cancel()

    assert not board.last("stub").healthy
