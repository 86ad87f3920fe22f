"""How quick a service has been."""

from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus, Tokens
from oxide_desktop.core.speed import Speed, speed_of


def answered(first: float | None, ended: float | None, tokens: int | None, service: str = "qwen", **values) -> Attempt:
    counted = Tokens(10, tokens) if tokens is not None else None
    values = {"status": AttemptStatus.COMPLETED, **values}
    return Attempt(service=service, started_at=0.0, first_chunk_at=first, ended_at=ended, tokens=counted, **values)


def record(*attempts: Attempt) -> TaskRecord:
    return TaskRecord(id="1", status=TaskStatus.COMPLETED, prompt="x", created_at=0.0, source="cli", attempts=attempts)


def test_the_median_of_waits_and_rates_is_told():
    records = [record(answered(1.0, 3.0, 100)), record(answered(2.0, 4.0, 20)), record(answered(9.0, 10.0, 30))]
    assert speed_of("qwen", records) == Speed(3, 2.0, 30.0)


def test_other_services_and_failed_attempts_tell_nothing():
    failed = answered(0.1, 0.2, 5, status=AttemptStatus.FAILED)
    assert speed_of("qwen", [record(failed, answered(1.0, 2.0, 7, service="gemini"))]) == Speed()


def test_what_was_not_measured_is_left_open():
    records = [record(answered(None, 3.0, 100)), record(answered(1.0, None, 100)), record(answered(1.0, 2.0, None))]
    assert speed_of("qwen", records) == Speed(3, 1.0, None)


def test_an_answer_that_came_in_one_piece_has_no_rate():
    assert speed_of("qwen", [record(answered(1.0, 1.01, 100))]) == Speed(1, 1.0, None)
