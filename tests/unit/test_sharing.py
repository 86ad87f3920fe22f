"""Who uses something together, known by locks on files."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from oxide_desktop.runtime.sharing import Sharing

USER = """
import sys
from pathlib import Path
from oxide_desktop.runtime.sharing import Sharing
with Sharing(Path(sys.argv[1]), "thing").using():
    print("uses it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def sharing(tmp_path: Path) -> Sharing:
    return Sharing(tmp_path, "thing")


def test_it_is_in_use_as_long_as_somebody_uses_it(sharing: Sharing, tmp_path: Path) -> None:
    assert not sharing.in_use()
    with sharing.using():
        with sharing.using():
            assert sharing.in_use()
        assert sharing.in_use()
        assert not Sharing(tmp_path, "other").in_use()
    assert not sharing.in_use()
    assert list(tmp_path.iterdir()) == []


async def test_waiting_ends_with_the_last_user(sharing: Sharing) -> None:
    with sharing.using():
        waiting = asyncio.create_task(sharing.until_unused(30))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
    async with asyncio.timeout(60):
        await waiting


async def test_waiting_has_an_end(sharing: Sharing) -> None:
    async with asyncio.timeout(60):
        with sharing.using():
            await sharing.until_unused(0.05)


def test_a_user_that_was_killed_is_none_and_leaves_nothing(sharing: Sharing, tmp_path: Path) -> None:
    command = [sys.executable, "-c", USER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"uses it\n"
        assert sharing.in_use()
        process.kill()
    assert not sharing.in_use()
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_it_is_used_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Sharing(tmp_path / "none", "thing").using():
        assert "cannot be written" in caplog.text
