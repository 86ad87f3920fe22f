"""The OpenAPI document keeps its word: whatever is asked, no answer is a 500 or of a shape that it does not name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.server import WebFront
from tests.fronts.front_house import front_house
from tests.fronts.web_house import stub

EXAMPLES = 4
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@contextmanager
def served_beside(home: Path) -> Iterator[WebFront]:
    """An engine and its server on a loop in a thread of their own: schemathesis asks from this one, and waits."""
    front: list[WebFront] = []
    up, loop = threading.Event(), asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        async with front_house(home, stub()) as house, server.serve(house, house.paths, house.settings) as own:
            front.append(own)
            up.set()
            await done.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert up.wait(30)
        yield front[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)


def test_whatever_is_asked_no_answer_is_a_500_or_of_another_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with served_beside(tmp_path / "home") as front:
        headers = {"Authorization": f"Bearer {front.token}"}
        schema = schemathesis.openapi.from_url(f"{front.url}/openapi.json", headers=headers)
        asked: set[str] = set()
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in GenerationMode:

                @hypothesis.settings(
                    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                    suppress_health_check=list(hypothesis.HealthCheck),
                )  # fmt: skip
                @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
                def ask(case: schemathesis.Case) -> None:
                    case.call_and_validate(headers=headers, checks=CHECKS)
                    asked.add(case.operation.label)

                with suppress(hypothesis.errors.Unsatisfiable):  # nothing can be wrong about it
                    ask()
    assert len(asked) >= 30
