"""A task from request to record: who is asked, in which order, what is kept, and what never happens."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from oxide_desktop.core import orchestrator
from oxide_desktop.core.attempt import LONGEST_ANSWER_CHARS
from oxide_desktop.core.breaker import FAILURES_TO_OPEN
from oxide_desktop.core.errors import (
    Bug,
    CancelledTaskError,
    FailureKind,
    NotFoundError,
    OxideError,
    RouteError,
    ServiceError,
    StoreError,
    UsageError,
)
from oxide_desktop.core.events import (
    AttemptStarted,
    Chunk,
    Event,
    EventBus,
    HistoryChanged,
    RulesChanged,
    ServiceStatusChanged,
    TaskEnded,
    TaskNoted,
    TaskQueued,
    TaskRouted,
)
from oxide_desktop.core.health import Depth, Health, Tier
from oxide_desktop.core.model import Locality, Preferences, Request, Source, TaskType
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.ports import Note, Projects, Started, Usage
from oxide_desktop.core.reading import MOST_BYTES
from oxide_desktop.core.record import AttemptStatus, TaskRecord, TaskStatus, Tokens
from oxide_desktop.core.settings import ExecutionSettings, Price, RoutingSettings, Settings, TypeRouting
from oxide_desktop.runtime.health import HealthBoard
from tests.fakes.memory import MemoryHistory, MemoryRules, NoChildren
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter, service

BUSY = ServiceError(FailureKind.BUSY, "stub is busy", "429.", retry_after_s=0.0)
BROKEN = ServiceError(FailureKind.TRANSIENT, "stub broke", "Connection reset.")
SIGNED_OUT = ServiceError(FailureKind.AUTH, "stub is signed out", "401.", "Sign in.")
REFUSED = ServiceError(FailureKind.INVALID, "stub refused the input", "400.")


class House:
    """An orchestrator with scripted services in a fixed order."""

    def __init__(self, *adapters: ScriptedAdapter, projects: Projects | None = None, **execution: Any) -> None:
        self.adapters = {adapter.settings.name: adapter for adapter in adapters}
        names = tuple(self.adapters)
        order = TypeRouting(primary=names[0], fallback=names[1:]) if names else TypeRouting()
        self.settings = Settings(
            services={name: adapter.settings for name, adapter in self.adapters.items()},
            routing=RoutingSettings(per_type=dict.fromkeys(TaskType, order)),
            execution=ExecutionSettings(**execution),
        )
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.listen(self.events.append)
        self.history = MemoryHistory()
        self.rules = MemoryRules(names)
        self.opened = 0
        self.orchestrator = Orchestrator(
            settings=self.settings,
            bus=self.bus,
            adapters=self.adapters,
            health=HealthBoard(self.adapters, self.bus),
            rules=self.rules,
            spawner=NoChildren(),
            open_history=self._open,
            projects=projects,
        )

    async def _open(self) -> MemoryHistory:
        self.opened += 1
        return self.history

    async def ask(self, prompt: str = "What is 2+2?", **values: Any) -> TaskRecord:
        task = await self.orchestrator.submit(request(prompt, **values))
        return await task.finished()

    async def ended(self, count: int) -> None:
        """Until so many tasks have ended."""
        with self.bus.subscribe() as events:
            while sum(isinstance(event, TaskEnded) for event in self.events) < count:
                await events.next()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.orchestrator.aclose()


def request(prompt: str = "What is 2+2?", **values: Any) -> Request:
    return Request(**{"prompt": prompt, "source": Source.PYTHON, "cwd": Path.cwd(), **values})


def stub(*scenes: Any, name: str = "stub", window: int | None = None, **values: Any) -> ScriptedAdapter:
    return ScriptedAdapter(service(name, **values), *scenes, window=window)


# -- the good way ------------------------------------------------------------------------------------------------------


async def test_an_answer_is_streamed_and_its_record_tells_everything():
    async with House(stub(["Four", ".", Usage(9, 2)], price=Price(input=1_000_000, output=2_000_000))) as house:
        record = await house.ask(source=Source.CLI, preferences=Preferences(task_type=TaskType.QUICK_QUERY))

    assert record.status is TaskStatus.COMPLETED
    assert record.result == "Four."
    assert (record.service, record.model, record.task_type, record.source) == (
        "stub",
        "scripted-1",
        "quick_query",
        "cli",
    )
    assert record.tokens is not None
    assert (record.tokens.input, record.tokens.output, record.tokens.estimated) == (9, 2, False)
    assert record.cost == 13
    assert record.created_at <= record.started_at <= record.completed_at
    assert record.duration == pytest.approx(record.completed_at - record.started_at)
    (attempt,) = record.attempts
    assert (attempt.status, attempt.chars, attempt.error) == (AttemptStatus.COMPLETED, 5, None)
    assert attempt.started_at <= attempt.first_chunk_at <= attempt.ended_at
    assert [candidate.service for candidate in record.route.candidates] == ["stub"]
    assert house.history.records[record.id] == record


async def test_events_come_in_the_order_of_the_flow():
    async with House(stub(["a", Note("by the way"), "b"])) as house:
        await house.ask()

    kinds = [type(event) for event in house.events if not isinstance(event, Health)]
    wanted = [TaskQueued, TaskRouted, AttemptStarted, Chunk, TaskNoted, Chunk, TaskEnded]
    assert [kind for kind in kinds if kind in wanted] == wanted


async def test_the_record_is_open_before_anything_else_happens():
    async with House(stub([STALL])) as house:
        task = await house.orchestrator.submit(request())

        assert house.history.records[task.id].status is TaskStatus.QUEUED


async def test_the_record_says_where_a_task_went_before_the_service_has_answered():
    async with House(stub([STALL])) as house:
        await house.orchestrator.submit(request())
        async with asyncio.timeout(30):
            stored = await house.history.newest(TaskStatus.RUNNING)

        assert stored.service == "stub"
        assert stored.route is not None


async def test_tokens_are_estimated_and_marked_so_where_the_service_does_not_count():
    async with House(stub(["A short answer."])) as house:
        record = await house.ask()

    assert record.tokens.estimated
    assert record.tokens.output > 0
    assert record.cost is None


async def test_what_failed_and_partial_attempts_cost_is_counted_where_the_service_counted_it():
    price = Price(input=1_000_000, output=2_000_000)
    first = stub([Usage(7, 0), SIGNED_OUT], [], name="first", price=price)
    second = stub(["Fo", Usage(9, 2), BROKEN], name="second", price=price)
    async with House(first, second) as house:
        record = await house.ask()

    assert [attempt.status for attempt in record.attempts] == [AttemptStatus.FAILED, AttemptStatus.PARTIAL]
    assert [(attempt.tokens, attempt.cost) for attempt in record.attempts] == [(Tokens(7, 0), 7), (Tokens(9, 2), 13)]
    assert (record.tokens, record.cost) == (Tokens(16, 2), 20)


async def test_what_a_service_did_not_count_of_a_failed_attempt_is_not_guessed():
    async with House(stub(["Fo", BROKEN], price=Price(input=1, output=1))) as house:
        record = await house.ask()

    assert record.attempts[0].chars == 2
    assert (record.attempts[0].tokens, record.tokens, record.cost) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"locality": Locality.CLOUD}, True),
        ({"base_url": "http://192.168.1.7:11434"}, True),
        ({"base_url": "http://localhost:11434"}, False),
        ({}, False),
    ],
)
async def test_a_record_tells_whether_anything_left_the_machine(values: dict[str, Any], left: bool):
    async with House(stub(**values)) as house:
        record = await house.ask()

    assert record.attempts[0].left_machine is record.left_machine is left
    assert record.to_dict()["left_machine"] is left


async def test_each_note_is_kept_once():
    async with House(stub([Note("the server truncated"), Note("the server truncated"), "ok"])) as house:
        record = await house.ask()

    assert record.notes.count("the server truncated") == 1


async def test_the_caller_may_name_type_and_model():
    async with House(stub(["ok"])) as house:
        wishes = Preferences(task_type=TaskType.CODE_REVIEW, model="big-1")
        record = await house.ask(preferences=wishes)

    assert record.task_type == "code_review"
    assert house.adapters["stub"].calls[0].model == "big-1"
    assert record.preferences == {"task_type": "code_review", "model": "big-1"}


# -- retry and fallback ------------------------------------------------------------------------------------------------


async def test_bad_luck_is_retried_on_the_same_service():
    async with House(stub([BROKEN], [BUSY], ["third time lucky"])) as house:
        record = await house.ask()

    assert record.result == "third time lucky"
    assert [attempt.status for attempt in record.attempts] == ["failed", "failed", "completed"]
    assert [attempt.kind for attempt in record.attempts] == ["transient", "busy", None]


async def test_after_three_tries_the_next_service_is_asked():
    async with House(stub([BROKEN], name="a"), stub(["from b"], name="b")) as house:
        record = await house.ask()

    assert [attempt.service for attempt in record.attempts] == ["a", "a", "a", "b"]
    assert (record.service, record.result) == ("b", "from b")


@pytest.mark.parametrize(
    "kind", [FailureKind.AUTH, FailureKind.QUOTA, FailureKind.LICENCE, FailureKind.MISSING, FailureKind.TIMEOUT]
)
async def test_what_another_try_would_meet_again_falls_back_at_once(kind: FailureKind):
    async with House(stub([ServiceError(kind, "no")], name="a"), stub(["from b"], name="b")) as house:
        record = await house.ask()

    assert [attempt.service for attempt in record.attempts] == ["a", "b"]


async def test_an_input_that_is_refused_goes_nowhere_else():
    async with House(stub([REFUSED], name="a"), stub(["from b"], name="b")) as house:
        record = await house.ask()

    assert record.status is TaskStatus.FAILED
    assert [attempt.service for attempt in record.attempts] == ["a"]
    assert house.adapters["b"].calls == []


async def test_after_the_first_visible_byte_no_other_service_continues():
    async with House(stub(["Half an ans", BROKEN], name="a"), stub(["from b"], name="b")) as house:
        record = await house.ask()

    assert record.status is TaskStatus.FAILED
    assert record.result == "Half an ans"
    (attempt,) = record.attempts
    assert (attempt.service, attempt.status, attempt.chars) == ("a", AttemptStatus.PARTIAL, 11)
    assert house.adapters["b"].calls == []


async def test_an_end_without_text_is_a_failure():
    async with House(stub([], name="a"), stub(["", "from b"], name="b")) as house:
        record = await house.ask()

    assert record.result == "from b"
    assert "answered nothing" in record.attempts[0].error


async def test_when_every_service_broke_the_error_names_each():
    async with House(stub([BROKEN], name="a", max_retries=0), stub([SIGNED_OUT], name="b")) as house:
        task = await house.orchestrator.submit(request())
        record = await task.finished()

    assert isinstance(task.error, ServiceError)
    assert "stub broke" in record.error
    assert "stub is signed out" in record.error
    assert task.error.hint == "Sign in."


async def test_when_nobody_was_able_to_take_it_the_error_says_no_service():
    async with House(stub([SIGNED_OUT], name="a"), stub([SIGNED_OUT], name="b")) as house:
        task = await house.orchestrator.submit(request())
        await task.finished()

    assert isinstance(task.error, RouteError)
    assert task.error.exit_code == 3


async def test_the_only_service_s_own_error_is_told_as_it_is():
    async with House(stub([BROKEN], max_retries=0)) as house:
        task = await house.orchestrator.submit(request())
        await task.finished()

    assert task.error is BROKEN


async def test_a_service_that_failed_five_times_is_left_alone():
    async with House(stub([BROKEN], name="a", max_retries=FAILURES_TO_OPEN - 1), stub(["b"], name="b")) as house:
        await house.ask()
        record = await house.ask()

    assert [attempt.service for attempt in record.attempts] == ["b"]
    assert ("a", True) in [(item.service, "in a row" in item.reason) for item in record.route.skipped]


async def test_a_breaker_that_opens_during_the_retries_ends_them():
    async with House(stub([BROKEN], name="a", max_retries=9), stub(["b"], name="b")) as house:
        record = await house.ask()

    assert [attempt.service for attempt in record.attempts] == ["a"] * FAILURES_TO_OPEN + ["b"]


async def test_the_real_error_is_told_even_where_the_breaker_opened_meanwhile():
    async with House(stub([BROKEN], max_retries=9)) as house:
        task = await house.orchestrator.submit(request())
        await task.finished()

    assert task.error is BROKEN


async def test_what_one_caller_insists_on_takes_the_service_from_nobody():
    wrong = ServiceError(FailureKind.MISSING, "stub has no model gpt9")
    wrong.about_request = True
    adapter = stub([wrong])
    async with House(adapter) as house:
        for _ in range(FAILURES_TO_OPEN + 1):
            await house.ask(preferences=Preferences(model="gpt9"))
        adapter.scenes = [["fine"]]

        assert (await house.ask()).result == "fine"


async def test_a_prompt_too_large_for_one_service_is_for_the_next():
    small, large = stub(["small"], name="small", window=3000), stub(["large"], name="large")
    async with House(small, large) as house:
        record = await house.ask("word " * 5000)

    assert record.result == "large"
    assert small.calls == []


async def test_no_service_at_all_is_kept_as_a_failed_record():
    async with House() as house:
        task = await house.orchestrator.submit(request())
        record = await task.finished()

    assert isinstance(task.error, RouteError)
    assert record.status is TaskStatus.FAILED
    assert "no service is configured" in record.error
    assert house.history.records[record.id] == record


async def test_where_the_service_that_was_asked_for_cannot_take_it_only_its_own_reason_is_told():
    cloud = stub(["never"], name="cloud", locality=Locality.CLOUD)
    async with House(cloud, stub(["x"], name="a"), stub(["x"], name="b")) as house:
        wishes = Preferences(preferred_service="cloud")
        task = await house.orchestrator.submit(request("sign in with AKIA" + "QWERTYUIOPASDFGH", preferences=wishes))
        record = await task.finished()

    assert isinstance(task.error, RouteError)
    assert task.error.message.startswith("cloud: the prompt holds")
    assert "you asked for" not in task.error.message
    assert len(record.route.skipped) == 3


async def test_an_unhealthy_service_is_skipped_with_its_own_words():
    down = stub(["never"], name="down")
    down.health = Health(service="down", tier=Tier.INSTALLED, failing=Tier.STARTS, message="It is not running.")
    async with House(down, stub(["up"], name="up")) as house:
        record = await house.ask()

    assert record.service == "up"
    assert any(item.service == "down" and "not running" in item.reason for item in record.route.skipped)


async def test_a_service_takes_no_more_at_once_than_it_bears():
    adapter = stub([STALL], max_concurrency=1)
    async with House(adapter) as house:
        first = await house.orchestrator.submit(request())
        await adapter.stalled.wait()
        second = await house.orchestrator.submit(request())
        adapter.scenes = [["done"]]
        first.cancel()
        record = await second.finished()

        assert record.result == "done"
        assert record.attempts[0].started_at >= first.record.attempts[0].ended_at


async def test_what_was_cut_for_the_service_that_answered_is_noted(tmp_path: Path):
    (tmp_path / "long.py").write_text("x = 1\n" * 20_000)
    async with House(stub(["ok"], window=4000)) as house:
        record = await house.ask("Review this", files=("long.py",), cwd=tmp_path)

    assert any("long.py was cut" in note for note in record.notes)


async def test_an_answer_that_never_ends_is_ended():
    endless = ["x" * (LONGEST_ANSWER_CHARS // 4)] * 8
    async with House(stub(endless)) as house:
        record = await house.ask()

    assert "would not stop answering" in record.error
    assert record.attempts[0].status is AttemptStatus.PARTIAL
    assert LONGEST_ANSWER_CHARS < len(record.result) < LONGEST_ANSWER_CHARS * 2


async def test_a_model_named_late_is_kept_and_changes_no_deadline():
    scene = ["begun", Started("late-1"), STALL]
    async with House(stub(scene), idle_timeout_seconds=0.05, first_byte_timeout_seconds=60) as house:
        record = await house.ask()

    assert record.model == "late-1"
    assert "stopped coming" in record.error


# -- deadlines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "limit", "said"),
    [
        ([STALL], {"start_timeout_seconds": 0.05}, "did not take the request"),
        ([Started("m"), STALL], {"first_byte_timeout_seconds": 0.05}, "no text came"),
        ([Started("m"), "begun", STALL], {"idle_timeout_seconds": 0.05}, "stopped coming"),
    ],
)
async def test_each_deadline_ends_the_attempt_and_its_generator(scene: Any, limit: dict[str, float], said: str):
    async with House(stub(scene), **limit) as house:
        record = await house.ask()

        assert record.status is TaskStatus.FAILED
        assert said in record.error
        assert house.adapters["stub"].closed == 1


async def test_the_whole_task_has_a_deadline_over_all_its_attempts():
    async with House(stub([BROKEN], retry_delay=60.0), timeout_seconds=0.1) as house:
        record = await house.ask()

    assert "not done within 0.1 s" in record.error
    assert record.status is TaskStatus.FAILED


async def test_reading_is_under_the_deadline_as_well():
    async with House(stub(["never"]), timeout_seconds=0.02) as house:
        record = await house.ask("word " * 4_000_000)

    assert "not done within 0.02 s" in record.error
    assert record.attempts == ()


async def test_a_steady_stream_is_not_cut_by_the_idle_deadline_but_by_the_total_one():
    steady = [str(number) for number in range(100_000)]
    async with House(stub(steady), idle_timeout_seconds=5, timeout_seconds=60) as house:
        record = await house.ask()

    assert record.result == "".join(steady)


# -- cancel ------------------------------------------------------------------------------------------------------------


async def test_cancelling_stops_the_service_and_keeps_what_came():
    adapter = stub(["so far", STALL])
    async with House(adapter) as house:
        task = await house.orchestrator.submit(request())
        await adapter.stalled.wait()
        record = await house.orchestrator.cancel(task.id)

        assert (record.status, record.result) == (TaskStatus.CANCELLED, "so far")
        assert record.attempts[0].status is AttemptStatus.CANCELLED
        assert isinstance(task.error, CancelledTaskError)
        assert adapter.closed == 1
        assert house.orchestrator.running() == ()


async def test_a_task_cancelled_before_its_first_step_still_closes_its_record():
    async with House(stub(["never"])) as house:
        task = await house.orchestrator.submit(request())
        record = await house.orchestrator.cancel(task.id)

    assert record.status is TaskStatus.CANCELLED
    assert record.attempts == ()
    assert house.adapters["stub"].calls == []


async def test_a_caller_that_goes_away_while_its_task_is_recorded_leaves_no_task_behind():
    async with House(stub(["never"])) as house:
        house.history.gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(house.orchestrator.submit(request()))
            await house.history.waiting.wait()
            asking.cancel()
        house.history.gate.set()
        await house.ended(1)

        (record,) = house.history.records.values()
        assert record.status is TaskStatus.CANCELLED
        assert house.orchestrator.running() == ()


async def test_a_task_that_is_recorded_while_oxide_ends_is_closed_as_cancelled():
    house = House(stub(["never"]))
    await house.orchestrator.start()
    house.history.gate = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(house.orchestrator.submit(request()))
        await house.history.waiting.wait()
        closing = group.create_task(house.orchestrator.aclose())
        await asyncio.sleep(0)
        house.history.gate.set()
    task = asking.result()
    await task.finished()

    assert closing.done()
    assert task.record.status is TaskStatus.CANCELLED
    with pytest.raises(CancelledTaskError, match="closed"):
        await house.orchestrator.submit(request())


async def test_a_cancel_that_comes_while_the_record_is_closed_changes_nothing():
    async with House(stub(["done"])) as house:
        task = await house.orchestrator.submit(request())
        house.history.gate = asyncio.Event()
        house.history.gate_only = TaskStatus.COMPLETED
        await house.history.waiting.wait()
        task.cancel()
        house.history.gate.set()
        record = await task.finished()

    assert (record.status, record.result, task.error) == (TaskStatus.COMPLETED, "done", None)


async def test_there_is_nothing_to_cancel_once_it_has_ended():
    async with House(stub(["done"])) as house:
        record = await house.ask()
        with pytest.raises(NotFoundError):
            await house.orchestrator.cancel(record.id)


async def test_a_cancel_says_nothing_about_the_service():
    adapter = stub([STALL], ["fine"])
    async with House(adapter) as house:
        for _ in range(FAILURES_TO_OPEN + 1):
            adapter.scenes, adapter.calls = [[STALL]], []
            adapter.stalled.clear()
            task = await house.orchestrator.submit(request())
            await adapter.stalled.wait()
            await house.orchestrator.cancel(task.id)
        adapter.scenes = [["fine"]]

        assert (await house.ask()).result == "fine"


async def test_closing_the_engine_ends_its_tasks_and_their_records():
    adapter = stub([STALL])
    house = House(adapter)
    task = await house.orchestrator.submit(request())
    await adapter.stalled.wait()
    await house.orchestrator.aclose()

    assert task.record.status is TaskStatus.CANCELLED
    assert "Oxide was closed" in task.record.error
    assert house.history.closed


async def test_a_task_that_does_not_heed_its_end_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(orchestrator, "STOP_LIMIT_S", 0.05)
    gives_in = asyncio.Event()

    class Stubborn(ScriptedAdapter):
        async def aclose(self) -> None:
            gives_in.set()

        async def execute(self, *args: Any, **values: Any) -> Any:
            self.stalled.set()
            while not gives_in.is_set():
                with suppress(asyncio.CancelledError):
                    await gives_in.wait()
            yield Chunk("t", 1, "stub", "late")

    adapter = Stubborn(service("stub"))
    house = House(adapter)
    task = await house.orchestrator.submit(request())
    await adapter.stalled.wait()
    await house.orchestrator.end_tasks()
    assert not task.ended
    monkeypatch.setattr(orchestrator, "STOP_LIMIT_S", 1000.0)  # were it waited for anew, this would take for ever
    async with asyncio.timeout(60):
        await house.orchestrator.aclose()
    assert gives_in.is_set()
    assert f"task {task.id} did not end in {orchestrator.A_MOMENT_S} s" in caplog.text
    await asyncio.wait([task.work])


# -- bugs and full disks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mistake", [KeyError("oops"), TimeoutError("its own"), ValueError("of a third party")])
async def test_an_adapters_mistake_costs_its_own_attempt_only(mistake: Exception, caplog: pytest.LogCaptureFixture):
    async with House(stub([mistake], name="a"), stub(["from b"], name="b")) as house:
        record = await house.ask()

    assert (record.service, record.result) == ("b", "from b")
    assert (record.attempts[0].status, record.attempts[0].kind) == (AttemptStatus.FAILED, "crashed")
    assert "the adapter of a made a mistake" in caplog.text


class Careless(ScriptedAdapter):
    """A third party's adapter whose check and close raise what they like."""

    async def check(self, depth: Depth) -> Health:
        raise ValueError("check")

    async def aclose(self) -> None:
        raise ValueError("close")


async def test_an_adapter_whose_check_raises_costs_its_own_service_only(caplog: pytest.LogCaptureFixture):
    good = stub(["fine"], name="good")
    async with House(Careless(service("bad")), good) as house:
        record = await house.ask()

    assert record.service == "good"
    assert any(item.service == "bad" and "not running" in item.reason for item in record.route.skipped)


async def test_an_adapter_whose_close_raises_stops_no_other(caplog: pytest.LogCaptureFixture):
    good = stub(["fine"], name="good")
    house = House(Careless(service("bad")), good)
    await house.ask(preferences=Preferences(preferred_service="good"))
    await house.orchestrator.aclose()

    assert good.let_go
    assert house.history.closed
    assert "bad could not be closed" in caplog.text


async def test_an_adapter_that_raises_an_error_of_another_kind_costs_its_own_attempt_alone():
    wrong = UsageError("The key is missing", "It is stored nowhere.", "Store it.")
    async with House(stub([wrong], name="bad"), stub(["fine"], name="good")) as house:
        record = await house.ask()

    assert (record.status, record.result, record.service) == (TaskStatus.COMPLETED, "fine", "good")
    assert [(item.status, item.error) for item in record.attempts] == [
        (AttemptStatus.FAILED, str(wrong)),
        (AttemptStatus.COMPLETED, None),
    ]


async def test_a_history_that_is_being_opened_while_oxide_ends_is_closed_again():
    house = House(stub(["never"]))
    opening, may_open = asyncio.Event(), asyncio.Event()
    opened = house.orchestrator._open_history

    async def slowly() -> MemoryHistory:
        opening.set()
        await may_open.wait()
        return await opened()

    house.orchestrator._open_history = slowly
    starting = asyncio.create_task(house.orchestrator.start())
    await opening.wait()
    await house.orchestrator.aclose()
    may_open.set()
    with pytest.raises(CancelledTaskError, match="closed"):
        await starting
    assert house.history.closed


async def test_a_bug_of_ours_ends_the_task_and_is_called_a_bug(caplog: pytest.LogCaptureFixture):
    async with House(stub(["never"])) as house:
        house.rules.broken = True
        task = await house.orchestrator.submit(request())
        record = await task.finished()

    assert isinstance(task.error, Bug)
    assert record.status is TaskStatus.FAILED
    assert "met a bug" in caplog.text


async def test_nobody_is_told_of_a_task_before_its_record_is_on_the_disk_though_a_service_here_is_asked_meanwhile():
    adapter = stub(["the answer", STALL])
    async with House(adapter) as house:
        house.history.gate = asyncio.Event()
        house.history.gate_only = TaskStatus.QUEUED
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(house.orchestrator.submit(request()))
            await adapter.asked.wait()
            await turns()
            told = [event for event in house.events if not isinstance(event, ServiceStatusChanged)]
            assert (told, house.orchestrator.running(), asking.done()) == ([], (), False)
            house.history.gate.set()
        await adapter.stalled.wait()

        kinds = [type(event) for event in house.events if not isinstance(event, ServiceStatusChanged)]
        assert kinds == [TaskQueued, TaskRouted, AttemptStarted, Chunk]
        assert [event.record.status for event in house.events if isinstance(event, TaskQueued)] == [TaskStatus.QUEUED]


@pytest.mark.parametrize(
    "elsewhere", [{"locality": Locality.CLOUD}, {"base_url": "http://10.1.2.3:8000"}], ids=["cloud", "another machine"]
)
async def test_nothing_leaves_this_machine_before_its_record_is_on_the_disk(elsewhere: dict[str, Any]):
    adapter = stub(["the answer"], **elsewhere)
    async with House(adapter) as house:
        house.history.gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(house.orchestrator.submit(request()))
            await house.history.waiting.wait()
            await turns()
            assert adapter.calls == []
            house.history.gate.set()

        assert (await asking.result().finished()).result == "the answer"


async def test_what_turns_out_not_to_be_recorded_is_stopped_and_nobody_hears_of_it():
    adapter = stub(["never", STALL])
    async with House(adapter) as house:
        house.history.gate, house.history.full_after_gate = asyncio.Event(), True
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(_refusal_of(house.orchestrator.submit(request())))
            await adapter.asked.wait()
            house.history.gate.set()

        assert asking.result().title == "The history could not be written"
        assert (adapter.closed, house.orchestrator.running(), house.history.records) == (1, (), {})
        assert [event for event in house.events if not isinstance(event, ServiceStatusChanged)] == []


async def test_a_record_that_is_still_not_written_when_oxide_ends_holds_its_end_up_no_longer():
    house = House(stub(["never", STALL]))
    house.history.gate = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_refusal_of(house.orchestrator.submit(request())))
        await house.history.waiting.wait()
        await house.orchestrator.aclose()

    assert asking.result() is None
    assert [event for event in house.events if not isinstance(event, ServiceStatusChanged)] == []


async def _refusal_of(asking: Any) -> OxideError | None:
    try:
        await asking
    except OxideError as error:
        return error
    except asyncio.CancelledError:  # its opening was broken off
        return None
    raise AssertionError("it was taken")


async def turns(count: int = 50) -> None:
    """As many as anything that does not wait needs by far."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_cannot_be_recorded_is_not_started():
    async with House(stub(["never"])) as house:
        house.history.full = True
        with pytest.raises(StoreError):
            await house.orchestrator.submit(request())

        assert house.adapters["stub"].calls == []
        assert house.orchestrator.running() == ()


async def test_an_answer_that_cannot_be_recorded_is_still_given_and_says_so(caplog: pytest.LogCaptureFixture):
    async with House(stub(["the answer"])) as house:
        house.history.full_after = 1
        record = await house.ask()

    assert record.result == "the answer"
    assert any("not in the history" in note for note in record.notes)
    assert len(house.history.versions) == 1
    assert "could not be recorded" in caplog.text


async def test_a_service_that_asks_for_patience_is_waited_for_and_that_is_told():
    busy = ServiceError(FailureKind.BUSY, "stub is busy", "429.", retry_after_s=30.0)
    async with House(stub([busy])) as house:
        with house.bus.subscribe() as events:
            task = await house.orchestrator.submit(request())
            while not isinstance(event := await events.next(), TaskNoted):
                pass
        task.cancel()
        record = await task.finished()

    assert re.fullmatch(r"stub is busy: asked again at \d\d:\d\d:\d\d, after 3\d s\.", event.note)
    assert event.note in record.notes


async def test_that_a_task_has_ended_is_recorded_where_there_is_no_room_for_its_answer():
    async with House(stub(["the answer"]), stub([BROKEN], name="broken")) as house:
        house.history.room_chars = 5
        record = await house.ask(preferences=Preferences(preferred_service="stub"))
        kept = house.history.records[record.id]

    assert record.result == "the answer"
    assert (kept.status, kept.result, kept.completed_at) == (TaskStatus.COMPLETED, None, record.completed_at)
    assert kept.notes == record.notes
    assert "not in the history" in kept.notes[-1]


# -- Python API --------------------------------------------------------------------------------------------------------


async def test_execute_task_streams_text():
    async with House(stub(["Four", "."])) as house:
        pieces = [piece async for piece in house.orchestrator.execute_task("What is 2+2?")]

    assert pieces == ["Four", "."]
    (record,) = house.history.records.values()
    assert record.source == "python"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"files": "a.py"}, "'a.py' is no list"),
        ({"files": Path("a.py")}, "is no list"),
        ({"files": [None]}, "None is no text"),
        ({"preferences": "stub"}, "must be a mapping"),
        ({"prompt": None}, "must be text"),
    ],
)
async def test_what_is_of_the_wrong_kind_is_refused_with_a_sentence_and_nothing_is_read(
    wrong: dict[str, Any], told: str
):
    async with House(stub(["never"])) as house:
        with pytest.raises(UsageError, match=told):
            async for _ in house.orchestrator.execute_task(**{"prompt": "hi", **wrong}):
                pass
        assert house.adapters["stub"].calls == []


async def test_paths_may_be_paths(tmp_path: Path):
    (tmp_path / "a.py").write_text("x = 1\n")
    async with House(stub(["fine"])) as house:
        assert [text async for text in house.orchestrator.execute_task("hi", files=[tmp_path / "a.py"])] == ["fine"]


async def test_execute_task_raises_after_what_came():
    async with House(stub(["Half", BROKEN])) as house:
        pieces = []
        with pytest.raises(ServiceError, match="stub broke"):
            async for piece in house.orchestrator.execute_task("What is 2+2?"):
                pieces.append(piece)

    assert pieces == ["Half"]


async def test_an_abandoned_stream_cancels_its_task():
    adapter = stub(["begun", STALL])
    async with House(adapter) as house:
        stream = house.orchestrator.execute_task("What is 2+2?")
        assert await anext(stream) == "begun"
        await stream.aclose()

        (record,) = house.history.records.values()
        assert record.status is TaskStatus.CANCELLED
        assert adapter.closed == 1


async def test_a_preferred_service_is_the_only_one_asked():
    async with House(stub(["a"], name="a"), stub([BROKEN], name="b", max_retries=0)) as house:
        with pytest.raises(ServiceError):
            async for _ in house.orchestrator.execute_task("hi", preferences={"preferred_service": "b"}):
                pass

        assert house.adapters["a"].calls == []


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ({"favourite": "b"}, "favourite is not one of"),
        ({"model": 7}, "non-empty string"),
        ({"task_type": "poetry"}, "not one of coding"),
    ],
)
async def test_bad_preferences_are_refused(preferences: dict[str, Any], said: str):
    async with House(stub(["a"])) as house:
        with pytest.raises(UsageError, match=said):
            await anext(house.orchestrator.execute_task("hi", preferences=preferences))


async def test_a_preference_of_null_is_no_preference():
    async with House(stub(["a"])) as house:
        pieces = [p async for p in house.orchestrator.execute_task("hi", preferences={"preferred_service": None})]

    assert pieces == ["a"]


async def test_an_empty_prompt_is_refused():
    async with House(stub(["a"])) as house:
        with pytest.raises(UsageError, match="prompt is empty"):
            await anext(house.orchestrator.execute_task("  \n"))


# -- looking and keeping -----------------------------------------------------------------------------------------------


async def test_explain_routes_and_sends_nothing():
    async with House(stub(["a"])) as house:
        found = await house.orchestrator.explain(request(preferences=Preferences(task_type=TaskType.CODING)))

        assert found.profile.task_type is TaskType.CODING
        assert [candidate.service for candidate in found.route.candidates] == ["stub"]
        assert found.tokens > 0
        assert set(found.to_dict()) == {"profile", "route", "tokens", "notes"}
        assert house.adapters["stub"].calls == []
        assert house.history.records == {}


async def test_files_are_read_and_what_was_left_out_is_noted(tmp_path: Path):
    (tmp_path / "a.py").write_text("x = 1\n")
    async with House(stub(["ok"])) as house:
        record = await house.ask("Review this", files=("a.py", "missing.py"), cwd=tmp_path)

    assert "x = 1" in house.adapters["stub"].calls[0].prompt
    assert any("missing.py" in note for note in record.notes)
    assert record.files == ("a.py", "missing.py")


async def test_a_task_can_be_asked_again_elsewhere(tmp_path: Path):
    (tmp_path / "a.py").write_text("x = 1\n")
    async with House(stub(["from a"], name="a"), stub(["from b"], name="b")) as house:
        first = await house.ask("Review this", files=("a.py",), cwd=tmp_path)
        again = await house.orchestrator.retry(first.id, Source.DESKTOP, service="b")
        record = await again.finished()

        assert (record.result, record.source, record.id != first.id) == ("from b", "desktop", True)
        assert "x = 1" in house.adapters["b"].calls[0].prompt
        house.history.forget_cwd(first.id)
        assert (await house.orchestrator.retry(first.id, Source.CLI)).request.cwd == Path.cwd()


async def test_deleting_and_clearing_tell_who_listens():
    async with House(stub(["a"])) as house:
        first, second = await house.ask(), await house.ask()
        await house.orchestrator.forget(first.id)
        count = await house.orchestrator.clear_history(TaskStatus.COMPLETED)

    assert count == 1
    assert second.id not in house.history.records
    assert house.events.count(HistoryChanged()) == 2


async def test_rules_decide_and_tell_who_listens():
    async with House(stub(["a"], name="a"), stub(["b"], name="b")) as house:
        await house.orchestrator.set_rule(TaskType.CODING, "b")
        ruled = await house.ask(preferences=Preferences(task_type=TaskType.CODING))
        await house.orchestrator.remove_rule(TaskType.CODING)
        free = await house.ask(preferences=Preferences(task_type=TaskType.CODING))
        await house.orchestrator.set_rule(TaskType.CODING, "b")

        assert await house.orchestrator.clear_rules() == 1
    assert (ruled.service, free.service) == ("b", "a")
    assert ruled.route.rule == "coding → b"
    assert house.events.count(RulesChanged()) == 4


async def test_services_are_shown_as_last_seen_and_checked_on_request():
    async with House(stub(["a"], name="a")) as house:
        (before,) = house.orchestrator.services()
        health = await house.orchestrator.check_service("a", Depth.PROBE)
        (after,) = await house.orchestrator.check_services(Depth.PROBE)

        assert (before.health, before.healthy) == (None, False)
        assert health.tier is Tier.STARTS
        assert after.healthy
        assert after.to_dict()["healthy"] is True
        with pytest.raises(NotFoundError, match="Switched on: a"):
            await house.orchestrator.check_service("z", Depth.PROBE)


async def test_what_an_attempt_showed_is_known_of_the_service():
    async with House(stub([SIGNED_OUT], name="a"), stub(["ok"], name="b")) as house:
        await house.ask()
        a, b = house.orchestrator.services()

    assert (a.health.tier, a.health.failing, a.health.fix) == (Tier.STARTS, Tier.AUTHENTICATED, "Sign in.")
    assert (b.health.tier, b.health.failing) == (Tier.ANSWERS, None)


async def test_the_history_is_opened_once_and_maintained():
    async with House(stub(["a"])) as house:
        await asyncio.gather(house.orchestrator.start(), house.orchestrator.start())
        await house.ask()

        assert house.opened == 1
        assert house.history.maintained == 1


def test_a_history_that_is_not_open_is_a_bug_of_ours():
    with pytest.raises(Bug):
        _ = House().orchestrator.history


async def test_a_program_that_stays_watches_its_services():
    looked = asyncio.Event()
    async with House(stub(["a"])) as house:
        house.bus.listen(lambda event: looked.set())
        house.orchestrator.watch_services()
        await looked.wait()

        assert house.orchestrator.services()[0].healthy


async def test_a_program_that_stays_keeps_its_history_in_order_even_after_a_failure(caplog: pytest.LogCaptureFixture):
    async with House(stub(["a"])) as house:
        await house.orchestrator.start()
        house.history.maintenance_fails = 1
        house.orchestrator.watch_services(maintenance_interval_s=0.001)
        await house.history.maintained_often.wait()

    assert "the history could not be maintained" in caplog.text


async def test_the_engine_is_a_context_manager():
    house = House(stub(["a"]))
    async with house.orchestrator as oxide:
        assert oxide.history is house.history
    assert house.history.closed


async def test_a_service_is_told_where_its_files_really_are_and_a_cloud_service_of_those_it_may_have(tmp_path: Path):
    folder = tmp_path.resolve()
    (folder / "real.py").write_text("x = 1\n")
    (folder / "link.py").symlink_to(folder / "real.py")
    (folder / "long.log").write_text("x\n" * (MOST_BYTES // 2 + 1))
    cloud = stub([BROKEN], name="cloud", locality=Locality.CLOUD, max_retries=0)
    local = stub(["read"], name="local")
    async with House(cloud, local) as house:
        await house.ask(files=("link.py", "long.log"), cwd=folder)

    assert cloud.calls[0].files == (folder / "real.py",)
    assert local.calls[0].files == (folder / "real.py", folder / "long.log")


# -- what does not fit -------------------------------------------------------------------------------------------------


async def test_a_prompt_that_is_too_long_for_every_service_is_refused_with_its_length_and_who_takes_most():
    small, larger = stub(name="small", window=2000), stub(name="larger", window=4000)
    async with House(small, larger) as house:
        record = await house.ask("word " * 4000)
        asked = len(small.calls) + len(larger.calls)

    assert (record.status, asked) == (TaskStatus.FAILED, 0)
    assert record.error == (
        "The prompt is too long: It has about 5,715 tokens (20,000 characters); larger, which takes most of the "
        "services that could be asked, takes 3,000 beside its answer. Shorten it, or pass the long part as a file or "
        "by a pipe: those are cut to fit."
    )


async def test_what_was_piped_in_is_cut_like_a_file_and_said_so():
    piped = "".join(f"line {number}\n" for number in range(5000))
    adapter = stub(["ok"], window=4000)
    async with House(adapter) as house:
        record = await house.ask(f"Explain this:\n\n{piped}", piped=len(piped))
        again = await house.orchestrator.retry(record.id, Source.CLI)
        await again.finished()

    assert record.status is TaskStatus.COMPLETED
    assert adapter.calls[0].prompt.startswith("Explain this:\n\nline 0\n")
    assert adapter.calls[0].prompt.endswith(" lines left out …]\n")
    assert record.notes[0].startswith("Standard input was cut to its first ")
    assert record.prompt.endswith("line 4999\n")  # the record keeps all of it
    assert adapter.calls[1].prompt == adapter.calls[0].prompt


async def test_what_was_piped_in_and_files_share_the_room(tmp_path: Path):
    (tmp_path / "short.py").write_text("x = 1\n")
    adapter = stub(["ok"], window=4000)
    async with House(adapter) as house:
        record = await house.ask("Why?\n\n" + "y\n" * 20_000, piped=40_000, files=("short.py",), cwd=tmp_path)

    assert "x = 1" in adapter.calls[0].prompt
    assert len(record.notes) == 1


async def test_what_was_piped_in_and_fits_is_left_as_it_is():
    adapter = stub(["ok"], window=4000)
    async with House(adapter) as house:
        record = await house.ask("Why?\n\na log", piped=5)

    assert (adapter.calls[0].prompt, record.notes) == ("Why?\n\na log", ())


async def test_where_not_even_a_bit_of_what_was_piped_in_has_room_the_service_is_too_small():
    async with House(stub(["ok"], window=400)) as house:
        record = await house.ask("w " * 500 + "y" * 5000, piped=5000)

    assert "It leaves no room for what was piped in." in record.error


async def test_a_character_that_a_service_cuts_in_two_is_whole_in_the_stream_and_in_the_record():
    async with House(stub(["a", "\ud83d", "\ude00b", "\ud83d"])) as house:
        task = await house.orchestrator.submit(request())
        record = await task.finished()
        streamed = [chunk.text async for chunk in task.chunks()]

    assert record.result == "".join(streamed) == "a\N{GRINNING FACE}b\ufffd"


async def test_an_engine_whose_folder_has_been_deleted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    async with House(stub(["4"])) as house:
        assert [text async for text in house.orchestrator.execute_task("What is 2+2?")] == ["4"]
        (record,) = house.history.records.values()
    assert record.cwd == str(tmp_path)


# -- pausing -----------------------------------------------------------------------------------------------------------


async def noted(house: House) -> None:
    """Wait until something is noted of a task, as that it waits for the end of a pause."""
    with house.bus.subscribe() as events:
        while not any(isinstance(event, TaskNoted) for event in house.events):
            await events.next()


async def test_a_task_that_comes_while_paused_waits_recorded_says_so_and_begins_when_that_is_over():
    async with House(stub(["Four."])) as house:
        house.orchestrator.pause()
        assert house.orchestrator.is_paused
        task = await house.orchestrator.submit(request())
        await noted(house)
        assert house.history.records[task.id].status is TaskStatus.QUEUED
        assert house.adapters["stub"].calls == []
        house.orchestrator.resume()
        record = await task.finished()

    assert record.result == "Four."
    assert any("paused" in note for note in record.notes)


async def test_winding_down_finishes_what_runs_cancels_what_waits_and_refuses_what_is_new():
    adapter = stub(["begun", STALL], ["more"])
    async with House(adapter) as house:
        running = await house.orchestrator.submit(request())
        await adapter.stalled.wait()
        house.orchestrator.pause()
        waiting = await house.orchestrator.submit(request())
        await noted(house)
        house.orchestrator.wind_down()
        record = await waiting.finished()
        with pytest.raises(CancelledTaskError, match="about to quit"):
            await house.orchestrator.submit(request())
        assert house.orchestrator.running() == (running,)
        house.orchestrator.resume()
        with pytest.raises(CancelledTaskError, match="about to quit"):
            await house.orchestrator.submit(request())
        house.orchestrator.call_off()
        assert (await house.ask()).result == "more"

    assert record.status is TaskStatus.CANCELLED
    assert "about to quit" in (record.error or "")
    assert running.record.status is TaskStatus.CANCELLED


async def test_a_task_that_was_taken_just_before_winding_down_does_not_wait_for_a_pause_to_end():
    async with House(stub(["never"])) as house:
        await house.orchestrator.start()
        house.orchestrator.pause()
        submitting = asyncio.ensure_future(house.orchestrator.submit(request()))
        await asyncio.sleep(0)  # it is taken, and has not taken its first step
        house.orchestrator.wind_down()
        record = await (await submitting).finished()

    assert record.status is TaskStatus.CANCELLED
    assert "about to quit" in (record.error or "")


async def test_calling_winding_down_off_keeps_a_pause():
    async with House(stub(["Four."])) as house:
        house.orchestrator.pause()
        house.orchestrator.wind_down()
        house.orchestrator.call_off()
        assert house.orchestrator.is_paused
        task = await house.orchestrator.submit(request())
        await noted(house)
        house.orchestrator.resume()
        assert (await task.finished()).result == "Four."


async def test_a_task_that_waits_because_of_a_pause_can_be_cancelled():
    async with House(stub(["never"])) as house:
        house.orchestrator.pause()
        task = await house.orchestrator.submit(request())
        record = await house.orchestrator.cancel(task.id)

    assert record.status is TaskStatus.CANCELLED
    assert house.adapters["stub"].calls == []
