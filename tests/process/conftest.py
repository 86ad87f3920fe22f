"""What the tests of children share."""

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.runtime.processes import GuardedSpawner

AWKWARD = Path(__file__).parents[1] / "fakes" / "awkward.py"


@pytest.fixture
async def spawner(tmp_path: Path) -> AsyncIterator[GuardedSpawner]:
    made = GuardedSpawner(tmp_path / "run", uuid.uuid4().hex)  # a run of that name may go on beside this one
    yield made
    await made.aclose()


@pytest.fixture
def awkward() -> Callable[..., ChildSpec]:
    def make(habit: str, *arguments: str, **more: object) -> ChildSpec:
        argv = [sys.executable, "-I", "-S", str(AWKWARD), habit, *arguments]
        return ChildSpec(argv=argv, purpose="awkward program", **more)  # type: ignore[arg-type]  # a test's own words

    return make
