"""A home that can only be read: looking works, and what would write says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, only, without_rights_of_root

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="capabilities and modes as Linux has them")
NOTICE = "can only be read: what is there can be looked at, nothing can be asked."


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    """A home with a task and a rule, whose files and folders nobody may write."""
    with OpenAIServer(models=["model-a"]) as server, Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(fake=server.base_url))
        assert program("run", "Hello").returncode == 0
        assert program("rules", "set", "coding", "fake").returncode == 0
        everything = [program.home, *program.home.rglob("*")]
        for path in everything:
            path.chmod(0o500 if path.is_dir() else 0o400)
        yield program
        for path in filter(Path.exists, everything):
            path.chmod(0o700 if path.is_dir() else 0o600)


LOOKS = {
    "history list": "Hello",
    "history search Hello": "Hello",
    "history show": "Hello, world.",
    "rules list": "fake",
    "explain Hello": "fake",
    "services": "fake",
    "keys list": "",
    "status": "not running",
}


@pytest.mark.parametrize("words", LOOKS)
def test_looking_works_and_one_line_tells_of_it(oxide: Oxide, words: str) -> None:
    args = words.split()
    if words == "history show":
        args.append(without_rights_of_root(oxide, "history", "list").stdout.split()[7])
    before = sorted(path.name for path in oxide.home.rglob("*"))
    done = without_rights_of_root(oxide, *args)
    assert done.returncode == 0, done.stderr
    assert LOOKS[words] in done.stdout
    assert (done.stderr.count(NOTICE), done.stderr.count("cannot")) == (1, 0)
    assert sorted(path.name for path in oxide.home.rglob("*")) == before


@pytest.mark.parametrize("words", ["run Hello", "rules set coding fake", "rules clear", "history clear", "serve"])
def test_what_would_write_says_what_cannot_be_written_and_what_to_do(oxide: Oxide, words: str) -> None:
    done = without_rights_of_root(oxide, *words.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert str(oxide.home) in done.stderr
    assert "Give your user the right to write" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_looks_at_it_all_and_names_the_home(oxide: Oxide) -> None:
    done = without_rights_of_root(oxide, "doctor", "--no-ask")
    assert done.returncode == 1
    assert "✕ home" in done.stdout
    assert "✓ history   1 task" in done.stdout


def test_a_home_without_a_history_has_an_empty_one(oxide: Oxide) -> None:
    oxide.home.chmod(0o700)
    (oxide.home / "oxide.db").unlink()
    oxide.home.chmod(0o500)
    done = without_rights_of_root(oxide, "history", "list", "--json")
    assert (done.returncode, '"total": 0' in done.stdout) == (0, True)


def test_what_a_crash_left_in_the_log_is_read_too(oxide: Oxide) -> None:
    oxide.home.chmod(0o700)
    for name in ("oxide.db-wal", "oxide.db-shm"):
        (oxide.home / name).touch(mode=0o400)
    (oxide.home / "oxide.db-wal").chmod(0o600)
    (oxide.home / "oxide.db-wal").write_bytes(b"half a frame")
    oxide.home.chmod(0o500)
    assert "Hello" in without_rights_of_root(oxide, "history", "list").stdout
