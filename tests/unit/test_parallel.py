"""An analysis: who reads what, what is lost and found again, what one answer is made of, what the receipt says."""

import asyncio
from pathlib import Path

import pytest

from oxide_desktop.core.context import Context
from oxide_desktop.core.errors import FailureKind, RouteError, ServiceError, StoreError, UsageError
from oxide_desktop.core.events import AnalysisProgress, AttemptStarted
from oxide_desktop.core.model import Analysis, Locality, Preferences, Source, Strategy, TaskType
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.record import AttemptStatus, TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.shares import ShareKeeper
from tests.fakes.reading_adapter import ReadingAdapter, files_of
from tests.unit.test_orchestrator import House, request

FAILS = ServiceError(FailureKind.TRANSIENT, "broken answered 500", "Internal error.")
SIGNED_OUT = ServiceError(FailureKind.AUTH, "gone is signed out", "401.")
PROMPT = "What is wrong here?"
READ, TRUNCATED, SKIPPED = ReadStatus.READ, ReadStatus.TRUNCATED, ReadStatus.SKIPPED


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Twenty modules with their tests, some 100 tokens each."""
    for number in range(20):
        write(tmp_path, f"src/part{number % 4}/mod{number}.py", f"# module {number}\n" + "value = 1\n" * 30)
        write(tmp_path, f"tests/part{number % 4}/test_mod{number}.py", f"# tests of {number}\n" + "assert True\n" * 30)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def raising(error: Exception):
    def trouble(call: object) -> None:
        raise error

    return trouble


async def analyse(house: House, root: Path, *files: str, prompt: str = PROMPT, **analysis: object) -> RunningTask:
    task = await house.orchestrator.submit(
        request(prompt, files=files or (".",), cwd=root, analysis=Analysis(**analysis))
    )
    await task.finished()
    return task


def by_status(record: TaskRecord) -> dict[ReadStatus, list[str]]:
    found: dict[ReadStatus, list[str]] = {}
    for item in record.receipt:
        found.setdefault(item.status, []).append(item.path)
    return found


def shares_of(house: House, record: TaskRecord) -> list[TaskRecord]:
    return [item for item in house.history.records.values() if item.parent == record.id]


# -- sharing out -------------------------------------------------------------------------------------------------------


async def test_every_file_is_read_once_and_the_receipt_says_by_whom(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two) as house:
        record = (await analyse(house, tree)).record
    read = [path for adapter in (one, two) for share in adapter.shares for path in share]
    assert sorted(read) == sorted(item.path for item in record.receipt)
    assert len(read) == len(set(read)) == 40
    for item in record.receipt:
        share = house.history.records[item.task_id or ""]
        assert (item.status, item.service) == (READ, share.service)
        assert str(tree / item.path) in share.files
    assert one.shares
    assert two.shares


async def test_the_parts_become_one_answer_that_is_the_task_s_result(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two) as house:
        task = await analyse(house, tree)
        streamed = [chunk.text async for chunk in task.chunks()]
    assert task.record.status is TaskStatus.COMPLETED
    assert task.record.result == "".join(streamed)
    assert task.record.result.startswith("merged: ")
    assert all(f"mod{number}.py:1" in task.record.result for number in range(20))
    assert len(one.merging) + len(two.merging) == 1
    assert task.record.analysis == Analysis()


async def test_each_share_leaves_a_record_of_its_own_and_the_analysis_adds_them_up(tree: Path):
    async with House(ReadingAdapter("one"), ReadingAdapter("two")) as house:
        record = (await analyse(house, tree)).record
    shares = shares_of(house, record)
    assert {share.status for share in shares} == {TaskStatus.COMPLETED}
    assert {share.source for share in shares} == {"python"}
    assert len(record.attempts) == len(shares) + 1
    assert record.tokens is not None
    assert record.tokens.input == 10 * len(record.attempts)
    assert all(share.prompt.startswith(PROMPT) and "of 40 files" in share.prompt for share in shares)


async def test_what_fits_one_share_is_asked_in_the_caller_s_words_and_not_merged(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1\n")
    one = ReadingAdapter("one")
    async with House(one) as house:
        record = (await analyse(house, tmp_path)).record
    assert len(one.calls) == 1
    assert one.calls[0].prompt.startswith(PROMPT + "\n\nFile: a.py")
    assert record.result == "a.py:1 is seen by one. "


async def test_a_module_and_its_tests_go_to_the_same_service(tree: Path):
    adapters = ReadingAdapter("one"), ReadingAdapter("two"), ReadingAdapter("three")
    async with House(*adapters) as house:
        record = (await analyse(house, tree)).record
    task_of = {item.path: item.task_id for item in record.receipt}
    apart = [path for path in task_of if path.startswith("src/") and task_of[path] != task_of[_test_of(path)]]
    assert not apart


def _test_of(path: str) -> str:
    folder, name = path.removeprefix("src/").split("/")
    return f"tests/{folder}/test_{name}"


async def test_no_more_than_the_wished_number_of_requests_is_in_flight(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two, max_parallel_workers=2) as house:
        await analyse(house, tree)
        assert one.most_at_once + two.most_at_once <= 3
        await analyse(house, tree, workers=1)
    assert house.orchestrator.running() == ()


async def test_a_single_service_is_given_as_much_as_it_bears(tree: Path):
    one = ReadingAdapter("one", max_concurrency=2)
    async with House(one, max_parallel_workers=8) as house:
        await analyse(house, tree)
    assert one.most_at_once == 2


async def test_a_last_resort_reads_only_where_there_is_nothing_else(tree: Path):
    strong, weak = ReadingAdapter("strong"), ReadingAdapter("weak", last_resort=True)
    async with House(strong, weak) as house:
        house.settings.routing.per_type.clear()  # type: ignore[attr-defined]
        await analyse(house, tree)
        assert not weak.calls
        strong.trouble = raising(SIGNED_OUT)
        record = (await analyse(house, tree, services=("weak",))).record
    assert record.status is TaskStatus.COMPLETED
    assert weak.calls


async def test_only_the_services_that_were_named_take_part(tree: Path):
    one, two, three = ReadingAdapter("one"), ReadingAdapter("two"), ReadingAdapter("three")
    async with House(one, two, three) as house:
        await analyse(house, tree, services=("one", "three"))
        assert one.calls
        assert three.calls
        assert not two.calls
        unknown = await analyse(house, tree, services=("four",))
    assert isinstance(unknown.error, UsageError)
    assert "'four' is not configured" in str(unknown.error)


async def test_a_service_that_is_switched_off_cannot_be_named(tree: Path):
    async with House(ReadingAdapter("one"), ReadingAdapter("off", enabled=False)) as house:
        task = await analyse(house, tree, services=("off",))
    assert "off is not enabled" in str(task.error)


async def test_without_files_or_workers_there_is_no_analysis():
    with pytest.raises(UsageError, match="No files were named"):
        request(analysis=Analysis())
    with pytest.raises(UsageError, match="0 workers"):
        Analysis(workers=0)


async def test_no_service_at_all_is_said_as_for_any_task(tree: Path):
    async with House() as house:
        task = await analyse(house, tree)
    assert isinstance(task.error, RouteError)


async def test_fallback_being_switched_off_does_not_leave_an_analysis_with_one_service(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two) as house:
        object.__setattr__(house.settings.routing, "fallback_enabled", False)
        await analyse(house, tree)
    assert one.calls
    assert two.calls


# -- what is lost ------------------------------------------------------------------------------------------------------


async def test_what_a_broken_service_loses_is_read_by_the_others(tree: Path):
    one, two, broken = ReadingAdapter("one"), ReadingAdapter("two"), ReadingAdapter("broken")
    broken.trouble = raising(FAILS)
    async with House(broken, one, two) as house:
        record = (await analyse(house, tree)).record
    assert by_status(record).keys() == {READ}
    assert len(record.receipt) == 40
    assert {item.service for item in record.receipt} == {"one", "two"}
    assert record.status is TaskStatus.COMPLETED
    failed = [attempt for attempt in record.attempts if attempt.status is AttemptStatus.FAILED]
    assert failed
    assert {attempt.service for attempt in failed} == {"broken"}


async def test_a_service_that_is_given_up_is_named_once_with_the_reason(tree: Path):
    one, gone = ReadingAdapter("one"), ReadingAdapter("gone")
    gone.trouble = raising(SIGNED_OUT)
    async with House(gone, one) as house:
        record = (await analyse(house, tree, workers=2)).record
    assert [note for note in record.notes if "gone" in note] == [
        "gone is out of this analysis (gone is signed out: 401). Others read its files."
    ]
    assert len(gone.calls) == 1


async def test_a_service_that_is_too_busy_rests_and_goes_on(tree: Path):
    busy = ReadingAdapter("busy")
    answers = iter([ServiceError(FailureKind.BUSY, "busy", "429.", retry_after_s=0.05)] * 3)

    def trouble(call: object) -> None:
        if error := next(answers, None):
            raise error

    busy.trouble = trouble
    async with House(busy) as house:
        record = (await analyse(house, tree)).record
    assert by_status(record).keys() == {READ}
    assert record.status is TaskStatus.COMPLETED


async def test_where_no_service_is_left_to_merge_the_note_says_so_and_blames_no_lane(tree: Path):
    only = ReadingAdapter("only")

    def trouble(call: object) -> None:
        if len(only.calls) > 2:
            raise SIGNED_OUT

    only.trouble = trouble
    async with House(only) as house:
        record = (await analyse(house, tree, workers=1)).record
    assert "The parts were not merged (Nobody is left: " in " ".join(record.notes)
    assert by_status(record).keys() == {READ, SKIPPED}


async def test_an_analysis_ends_when_its_last_service_is_left_alone_after_failing(tree: Path):
    only = ReadingAdapter("only", max_concurrency=1)
    only.trouble = raising(ServiceError(FailureKind.BUSY, "busy", "429.", retry_after_s=0.01))
    async with House(only) as house:
        record = (await analyse(house, tree)).record
    assert record.status is TaskStatus.FAILED
    assert "only: failed 5 times in a row" in (record.error or "")
    assert len(record.receipt) == 40


async def test_a_file_that_no_service_bears_is_given_up_alone(tree: Path):
    write(tree, "src/part0/poison.py", "poison = True\n")

    def trouble(call: object) -> None:
        if "src/part0/poison.py" in files_of(call.prompt):  # type: ignore[attr-defined]
            raise ServiceError(FailureKind.POLICY, "refused", "The content is refused.")

    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    one.trouble = two.trouble = trouble
    async with House(one, two, max_retries=3) as house:
        record = (await analyse(house, tree)).record
    found = by_status(record)
    assert found[SKIPPED] == ["src/part0/poison.py"]
    assert len(found[READ]) == 40
    reason = next(item.reason for item in record.receipt if item.status is SKIPPED)
    assert "one: " in reason
    assert "two: " in reason


async def test_where_nothing_could_be_read_the_analysis_fails_and_says_why_for_each_file(tree: Path):
    gone = ReadingAdapter("gone")
    gone.trouble = raising(SIGNED_OUT)
    async with House(gone) as house:
        task = await analyse(house, tree)
    assert task.record.status is TaskStatus.FAILED
    assert str(task.error).startswith("Nothing could be read: gone is signed out: 401.")
    assert by_status(task.record).keys() == {SKIPPED}
    assert len(task.record.receipt) == 40


async def test_a_service_whose_breaker_is_open_is_given_nothing(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two) as house:
        breakers = house.orchestrator._executor.breakers

        def open_breaker(call: object) -> None:
            for _ in range(5):
                breakers.failed("two", FailureKind.TRANSIENT)

        one.trouble = open_breaker
        two.trouble = lambda call: asyncio.sleep(0)
        record = (await analyse(house, tree, workers=1)).record
    assert by_status(record).keys() == {READ}
    assert {item.service for item in record.receipt} == {"one"}


async def test_a_share_that_is_stopped_while_it_is_being_recorded_does_not_stay_open():
    async with House(ReadingAdapter("one")) as house:
        analysis = await house.orchestrator.submit(request())
        await analysis.finished()
        house.history.gate, house.history.gate_only = asyncio.Event(), TaskStatus.RUNNING
        house.history.waiting.clear()
        keeper = ShareKeeper(house.orchestrator._executor, house.settings.execution, lambda: house.history)
        asking = asyncio.ensure_future(keeper.ask(analysis, "one", Context(prompt=PROMPT), retried=False))
        await house.history.waiting.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert [share.status for share in shares_of(house, analysis.record)] == [TaskStatus.CANCELLED]


async def test_a_share_that_could_not_be_recorded_is_not_asked(tree: Path):
    one = ReadingAdapter("one")
    async with House(one) as house:
        house.bus.listen(lambda event: setattr(house.history, "full", isinstance(event, AnalysisProgress)))
        task = await analyse(house, tree)
    assert isinstance(task.error, StoreError)
    assert not one.calls


async def test_the_end_of_a_share_that_cannot_be_recorded_costs_nothing(tree: Path):
    one = ReadingAdapter("one")
    async with House(one) as house:
        save = house.history.save

        async def no_shares(record: TaskRecord) -> None:
            if record.parent and record.status.ended:
                raise StoreError("The disk is full", "No space left.")
            await save(record)

        house.history.save = no_shares  # type: ignore[method-assign]
        record = (await analyse(house, tree)).record
    assert record.status is TaskStatus.COMPLETED


async def test_stopping_an_analysis_stops_its_shares(tree: Path):
    one = ReadingAdapter("one")
    begun = asyncio.Event()

    async def stall(call: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    one.trouble = stall
    async with House(one) as house:
        task = await house.orchestrator.submit(request(files=(".",), cwd=tree, analysis=Analysis()))
        await begun.wait()
        record = await house.orchestrator.cancel(task.id)
    assert record.status is TaskStatus.CANCELLED
    assert one.closed == len(one.calls) > 0
    assert {share.status for share in shares_of(house, record)} == {TaskStatus.CANCELLED}


async def test_what_was_answered_before_an_analysis_was_stopped_is_kept(tree: Path):
    one = ReadingAdapter("one")
    waits = asyncio.Event()

    async def second_waits() -> None:
        waits.set()
        await asyncio.Event().wait()

    one.trouble = lambda call: second_waits() if len(one.calls) > 1 else None
    async with House(one) as house:
        task = await house.orchestrator.submit(request(files=(".",), cwd=tree, analysis=Analysis(workers=1)))
        await waits.wait()
        record = await house.orchestrator.cancel(task.id)
    found = by_status(record)
    assert found[READ] == [path for path in found[READ] if path in one.shares[0]]
    assert {item.reason for item in record.receipt if item.status is SKIPPED} == {"stopped before it was read"}
    assert len(record.receipt) == 40
    assert record.result is not None
    assert all(f"{path}:1 is seen by one" in record.result for path in found[READ])


async def test_an_analysis_that_is_stopped_while_its_parts_are_merged_keeps_them(tree: Path):
    one = ReadingAdapter("one")
    merging = asyncio.Event()

    async def merging_waits() -> None:
        merging.set()
        await asyncio.Event().wait()

    one.trouble = lambda call: merging_waits() if "--- Part 1 of" in call.prompt else None
    async with House(one) as house:
        task = await house.orchestrator.submit(request(files=(".",), cwd=tree, analysis=Analysis()))
        await merging.wait()
        record = await house.orchestrator.cancel(task.id)
    assert record.status is TaskStatus.CANCELLED
    assert by_status(record).keys() == {READ}
    assert record.result is not None
    assert record.result.startswith("## one: ")


async def test_a_merge_that_goes_on_for_ever_ends_with_the_task_s_time_and_the_parts_stand(tree: Path):
    one = ReadingAdapter("one")

    async def never_done() -> None:
        await asyncio.Event().wait()

    one.trouble = lambda call: never_done() if "--- Part 1 of" in call.prompt else None
    async with House(one, timeout_seconds=2, start_timeout_seconds=600, first_byte_timeout_seconds=600) as house:
        record = (await analyse(house, tree)).record
    assert record.status is TaskStatus.COMPLETED
    assert any("The parts were not merged (The task ran out of time" in note for note in record.notes)
    assert (record.result or "").startswith("## one: ")


# -- windows -----------------------------------------------------------------------------------------------------------


async def test_a_file_larger_than_any_window_is_read_in_pieces(tmp_path: Path):
    write(tmp_path, "big.py", "".join(f"line_{number} = {number}\n" for number in range(4_000)))
    write(tmp_path, "small.py", "x = 1\n")
    one = ReadingAdapter("one", window=4_000)
    async with House(one) as house:
        record = (await analyse(house, tmp_path)).record
    assert by_status(record) == {READ: ["big.py", "small.py"]}
    text = "".join(call.prompt for call in one.calls)
    assert all(f"line_{number} = {number}\n" in text for number in range(4_000))
    assert "File: big.py (lines 1-" in text
    assert all(call.input_tokens < 4_000 for call in one.calls)


async def test_a_lost_piece_makes_its_file_truncated(tmp_path: Path):
    write(tmp_path, "big.py", "".join(f"line_{number} = {number}\n" for number in range(4_000)))

    def trouble(call: object) -> None:
        if "line_0 = 0\n" in call.prompt:  # type: ignore[attr-defined]
            raise ServiceError(FailureKind.POLICY, "refused", "The content is refused.")

    one = ReadingAdapter("one", window=4_000)
    one.trouble = trouble
    async with House(one) as house:
        record = (await analyse(house, tmp_path)).record
    (item,) = record.receipt
    assert item.status is TRUNCATED
    assert "parts were read; the others: one: failed on it each time" in item.reason


async def test_a_line_longer_than_any_window_is_cut_and_said_so(tmp_path: Path):
    write(tmp_path, "min.js", "x" * 40_000)
    async with House(ReadingAdapter("one", window=4_000)) as house:
        record = (await analyse(house, tmp_path)).record
    (item,) = record.receipt
    assert item.status is TRUNCATED
    assert "to fit this service" in item.reason


async def test_a_question_that_leaves_no_room_for_files_is_said(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1\n")
    async with House(ReadingAdapter("one", window=1_000)) as house:
        task = await analyse(house, tmp_path, prompt="why? " * 500)
    assert "the question leaves no room in its window" in str(task.error)


# -- lanes -------------------------------------------------------------------------------------------------------------


async def test_what_must_stay_is_read_and_merged_on_this_machine(tree: Path):
    write(tree, "src/part0/.env", "PASSWORD=x\n")
    local, cloud = ReadingAdapter("local"), ReadingAdapter("cloud", locality=Locality.CLOUD)
    async with House(cloud, local) as house:
        record = (await analyse(house, tree, ".", "src/part0/.env")).record
    owner = next(item for item in record.receipt if item.path.endswith(".env"))
    assert (owner.status, owner.service) == (READ, "local")
    assert cloud.shares
    assert not cloud.merging
    assert len(local.merging) == 1


async def test_what_must_stay_is_left_out_where_no_local_service_takes_part(tree: Path):
    write(tree, "src/part0/.env", "PASSWORD=x\n")
    cloud = ReadingAdapter("cloud", locality=Locality.CLOUD)
    async with House(cloud) as house:
        record = (await analyse(house, tree, ".", "src/part0/.env")).record
    found = by_status(record)
    assert found[SKIPPED] == ["src/part0/.env"]
    assert len(found[READ]) == 40
    assert "PASSWORD" not in "".join(call.prompt for call in cloud.calls)


async def test_parts_that_nobody_may_see_together_stand_one_after_another(tree: Path):
    write(tree, "src/part0/.env", "PASSWORD=x\n")
    local, cloud = ReadingAdapter("local"), ReadingAdapter("cloud", locality=Locality.CLOUD)
    read = asyncio.Event()

    def once(call: object) -> None:
        if read.is_set():
            raise SIGNED_OUT
        read.set()

    local.trouble = once
    async with House(local, cloud) as house:
        record = (await analyse(house, tree, "src/part0/.env", ".", workers=2)).record
    assert record.result is not None
    assert "## local: " in record.result
    assert "## cloud: " in record.result
    assert any("The parts were not merged (Nobody may see them all" in note for note in record.notes)
    assert not cloud.merging


# -- merging -----------------------------------------------------------------------------------------------------------


async def test_references_that_merging_loses_are_named_at_the_end(tree: Path):
    one = ReadingAdapter("one")
    one.merges = lambda prompt: "all is well, see src/part0/mod0.py:1"
    async with House(one) as house:
        record = (await analyse(house, tree)).record
    assert record.result is not None
    merged, also = record.result.split("\n\nAlso named in the parts: ")
    assert merged == "merged: all is well, see src/part0/mod0.py:1"
    assert "src/part0/mod0.py:1" not in also
    assert also.count(".py:1") == 39


async def test_parts_too_long_for_one_window_are_merged_in_rounds(tree: Path):
    one = ReadingAdapter("one", window=1_200)
    async with House(one) as house:
        record = (await analyse(house, tree)).record
    assert len(one.merging) > 1
    assert record.result is not None
    assert all(f"mod{number}.py:1" in record.result for number in range(20))
    assert all(call.input_tokens <= 1_200 for call in one.calls)


async def test_a_part_that_fits_no_round_waits_for_the_next_one(tmp_path: Path):
    for number, answer_chars in enumerate([300, 300, 2_000]):
        write(tmp_path, f"{number}.py", f"# answer {answer_chars}\n" + "x = 1\n" * 300)
    one = ReadingAdapter("one", window=1_300)
    usual = one.execute

    async def execute(call):
        if "--- Part 1 of" in call.prompt:
            async for output in usual(call):
                yield output
            return
        one.calls.append(call)
        yield files_of(call.prompt)[0] + ":1 " + "w" * int(call.prompt.split("# answer ")[1].split()[0])

    one.execute = execute  # type: ignore[method-assign]
    async with House(one, max_parallel_workers=1) as house:
        record = (await analyse(house, tmp_path)).record
    assert len(one.merging) == 2
    assert record.result is not None
    assert all(f"{number}.py:1" in record.result for number in range(3))


async def test_parts_that_cannot_be_merged_for_their_length_stand_as_they_are(tree: Path):
    one = ReadingAdapter("one", window=1_500)
    long = "word " * 1_200

    async with House(one) as house:
        one.execute = _answering(one, long)  # type: ignore[method-assign]
        record = (await analyse(house, tree)).record
    assert any("The parts are too long" in note for note in record.notes)
    assert record.result is not None
    assert record.result.count(long.strip()) == len(shares_of(house, record))


def _answering(adapter: ReadingAdapter, text: str):
    async def execute(call):
        adapter.calls.append(call)
        yield text

    return execute


@pytest.mark.parametrize("begun", [False, True], ids=["before its text", "in its text"])
async def test_where_merging_fails_the_parts_stand_as_they_are(tree: Path, begun: bool):
    one = ReadingAdapter("one")
    usual = one.execute

    async def execute(call):
        if "--- Part 1 of" not in call.prompt:
            async for output in usual(call):
                yield output
            return
        if begun:
            yield "merged: so far"
        raise ServiceError(FailureKind.CRASHED, "one crashed", "Out of memory.")

    one.execute = execute  # type: ignore[method-assign]
    async with House(one) as house:
        record = (await analyse(house, tree)).record
    assert record.status is TaskStatus.COMPLETED
    assert any("not merged (one crashed: Out of memory)" in note for note in record.notes)
    assert record.result is not None
    assert record.result.startswith("merged: so far\n\n---\n\n## one: " if begun else "## one: ")
    assert all(f"mod{number}.py:1" in record.result for number in range(20))


async def test_a_failed_round_of_merging_leaves_the_parts_as_they_are(tree: Path):
    one = ReadingAdapter("one", window=1_200)

    def trouble(call) -> None:
        if "--- Part 1 of" in call.prompt:
            raise FAILS

    one.trouble = trouble
    async with House(one, max_retries=0) as house:
        record = (await analyse(house, tree)).record
    assert any("The parts were not merged (broken answered 500" in note for note in record.notes)


# -- broadcast ---------------------------------------------------------------------------------------------------------


async def test_a_broadcast_gives_every_service_every_file_and_shows_the_answers_side_by_side(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two) as house:
        record = (await analyse(house, tree, strategy=Strategy.BROADCAST)).record
    assert len(record.receipt) == 80
    assert {(item.service, item.status) for item in record.receipt} == {("one", READ), ("two", READ)}
    assert [len(share) for share in (*one.shares, *two.shares)] == [40, 40]
    assert record.result is not None
    assert record.result.startswith("## ")
    assert "## one\n\n" in record.result
    assert "## two\n\n" in record.result
    assert all(call.prompt.startswith(PROMPT + "\n\nFile: ") for call in (*one.calls, *two.calls))


async def test_a_broadcast_goes_on_without_the_service_that_fails(tree: Path):
    one, gone = ReadingAdapter("one"), ReadingAdapter("gone")
    gone.trouble = raising(SIGNED_OUT)
    async with House(one, gone) as house:
        record = (await analyse(house, tree, strategy=Strategy.BROADCAST, workers=1)).record
    assert record.status is TaskStatus.COMPLETED
    assert record.result is not None
    assert "##" not in record.result
    skipped = [item for item in record.receipt if item.status is SKIPPED]
    assert {item.service for item in skipped} == {"gone"}
    assert len(skipped) == 40
    assert any(note.startswith("gone did not answer (") for note in record.notes)


async def test_a_broadcast_says_what_a_small_window_did_not_take(tree: Path):
    async with House(ReadingAdapter("small", window=3_000)) as house:
        record = (await analyse(house, tree, strategy=Strategy.BROADCAST)).record
    found = by_status(record)
    assert found[SKIPPED]
    assert len(found.get(READ, [])) + len(found.get(TRUNCATED, [])) + len(found[SKIPPED]) == 40
    assert {item.reason for item in record.receipt if item.status is SKIPPED} == {"no room was left for it"}


async def test_a_broadcast_that_nobody_answers_fails(tree: Path):
    gone = ReadingAdapter("gone")
    gone.trouble = raising(SIGNED_OUT)
    async with House(gone) as house:
        task = await analyse(house, tree, strategy=Strategy.BROADCAST)
    assert str(task.error).startswith("Nothing could be read")


# -- what fronts see ---------------------------------------------------------------------------------------------------


async def test_progress_counts_files_and_never_runs_back(tree: Path):
    async with House(ReadingAdapter("one"), ReadingAdapter("two")) as house:
        task = await analyse(house, tree)
    seen = [event for event in house.events if isinstance(event, AnalysisProgress)]
    assert [event.files_done for event in seen] == sorted(event.files_done for event in seen)
    assert (seen[0].files_done, seen[0].left_s) == (0, None)
    assert (seen[-1].files_done, seen[-1].files_total, seen[-1].parts_running) == (40, 40, 0)
    assert task.progress == seen[-1]
    assert any(event.left_s for event in seen)


async def test_only_the_analysis_is_announced_not_its_shares(tree: Path):
    async with House(ReadingAdapter("one")) as house:
        task = await analyse(house, tree)
    started = [event.task_id for event in house.events if isinstance(event, AttemptStarted)]
    assert started == [task.id]


async def test_what_gitignore_leaves_out_is_not_read_and_counted(tree: Path):
    write(tree, ".gitignore", "src/part0/\n*.log\n")
    write(tree, "noise.log", "noise\n")
    one = ReadingAdapter("one")
    async with House(one) as house:
        record = (await analyse(house, tree)).record
    paths = [item.path for item in record.receipt]
    assert "noise.log" not in paths
    assert not [path for path in paths if path.startswith("src/part0/")]
    assert "2 entries are left out by .gitignore." in record.notes


async def test_a_folder_that_is_named_itself_is_read_though_gitignore_leaves_it_out(tree: Path):
    write(tree, ".gitignore", "build/\n")
    write(tree, "build/.gitignore", "*.log\n")
    write(tree, "build/made.py", "x = 1\n")
    write(tree, "build/noise.log", "noise\n")
    async with House(ReadingAdapter("one")) as house:
        record = (await analyse(house, tree, "build")).record
    assert [item.path for item in record.receipt] == ["build/.gitignore", "build/made.py"]


async def test_asking_again_analyses_again(tree: Path):
    async with House(ReadingAdapter("one")) as house:
        first = (await analyse(house, tree, workers=2)).record
        again = await house.orchestrator.retry(first.id, Source.CLI)
        record = await again.finished()
    assert record.analysis == Analysis(workers=2)
    assert len(record.receipt) == len(first.receipt)


async def test_a_record_of_an_analysis_survives_its_json(tree: Path):
    async with House(ReadingAdapter("one")) as house:
        record = (await analyse(house, tree, strategy=Strategy.SPLIT, services=("one",))).record
    again = TaskRecord.from_dict(record.to_dict())
    assert (again.receipt, again.analysis) == (record.receipt, record.analysis)
    share = shares_of(house, record)[0]
    assert TaskRecord.from_dict(share.to_dict()).parent == record.id


async def test_a_file_that_cannot_be_opened_stands_in_the_receipt_too(tree: Path):
    write(tree, "picture.png", "x")
    async with House(ReadingAdapter("one")) as house:
        record = (await analyse(house, tree)).record
    assert record.receipt[-1] == FileReceipt("picture.png", SKIPPED, "binary")


async def test_a_preferred_service_reads_everything(tree: Path):
    one, two = ReadingAdapter("one"), ReadingAdapter("two")
    async with House(one, two) as house:
        wishes = Preferences(preferred_service="two", task_type=TaskType.CODE_REVIEW)
        task = await house.orchestrator.submit(request(files=(".",), cwd=tree, analysis=Analysis(), preferences=wishes))
        record = await task.finished()
    assert not one.calls
    assert record.task_type == "code_review"
