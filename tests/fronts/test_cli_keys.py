"""`oxide keys`: kept without ever being an argument, shown by name only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fronts.cli_program import Oxide


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        yield program


def test_a_key_that_is_piped_in_is_kept_listed_and_removed(oxide: Oxide) -> None:
    done = oxide.process("keys", "set", "gemini", stdin="s3cret\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert "keyring:gemini" in done.stderr
    listed = oxide("keys")
    assert listed.stdout == "gemini\n"
    assert oxide.json("keys", "list")["names"] == ["gemini"]
    assert "s3cret" not in done.stderr + listed.stderr
    assert oxide("keys", "remove", "gemini").returncode == 0
    assert oxide.json("keys", "list")["names"] == []


def test_a_key_that_is_typed_is_not_shown(oxide: Oxide) -> None:
    shown = oxide.on_terminal("keys", "set", "gemini", types=("Key for gemini: ", b"s3cret\n"))
    assert shown.returncode == 0
    assert "Key for gemini: " in shown.screen
    assert "s3cret" not in shown.screen
    assert oxide.json("keys", "list")["names"] == ["gemini"]


def test_a_key_is_no_argument(oxide: Oxide) -> None:
    assert oxide("keys", "set", "gemini", "s3cret").returncode == 2


def test_no_key_at_all_is_refused(oxide: Oxide) -> None:
    done = oxide.process("keys", "set", "gemini", stdin="\n")
    assert done.returncode == 2
    assert oxide.json("keys", "list")["names"] == []


def test_a_key_that_is_not_there_cannot_be_removed(oxide: Oxide) -> None:
    done = oxide("keys", "remove", "nobody")
    assert done.returncode == 2
    assert "nobody" in done.stderr
