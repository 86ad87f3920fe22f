from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring.core
import pytest
from filelock import FileLock

from oxide_desktop.config.masking import MASK, masked
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.core.errors import NotFoundError, UsageError
from tests.fakes.keyrings import BlockingKeyring

Choose = Callable[[str], KeyStore]
NONE = "keyring.backends.fail.Keyring"
FILE = "tests.fakes.keyrings.FileKeyring"
BLOCKING = "tests.fakes.keyrings.BlockingKeyring"
REFUSING = "tests.fakes.keyrings.RefusingKeyring"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "home")


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, paths: Paths) -> Iterator[Choose]:
    """A store over the keyring of that name, chosen as a person would: by the environment."""
    monkeypatch.setenv("FAKE_KEYRING_FILE", str(tmp_path / "keyring.json"))

    def choose(backend: str) -> KeyStore:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
        keyring.core.init_backend()
        return KeyStore(paths, look_up_timeout_s=0.2, change_timeout_s=0.2, lock_timeout_s=0.1)

    yield choose
    BlockingKeyring.answered.set()
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NONE)
    keyring.core.init_backend()
    BlockingKeyring.answered.clear()


@pytest.mark.parametrize("backend", [NONE, "keyring.backends.null.Keyring"])
async def test_without_a_keyring_a_key_is_kept_in_a_file_that_only_its_owner_can_read(
    choose: Choose, paths: Paths, backend: str
):
    store = choose(backend)
    store.set("GEMINI_KEY", "AIza-very-secret")
    assert await store.resolve("keyring:GEMINI_KEY") == "AIza-very-secret"
    assert stat.S_IMODE(paths.keys_file.stat().st_mode) == 0o600
    assert json.loads(paths.keys_file.read_text()) == {"GEMINI_KEY": "AIza-very-secret"}
    assert store.place == f"the file {paths.keys_file}, which only you can read, since this system has no keyring"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_a_file_of_keys_that_others_could_read_is_closed_before_it_is_used(choose: Choose, paths: Paths):
    store = choose(NONE)
    store.set("ABC", "very-secret")
    paths.keys_file.chmod(0o644)
    assert store.names() == ("ABC",)
    assert stat.S_IMODE(paths.keys_file.stat().st_mode) == 0o600


def test_a_new_key_may_be_used_at_once_whatever_the_old_one_s_service_has_said(choose: Choose, paths: Paths):
    paths.prepare()
    paths.rests_file.write_text("{}")
    choose(NONE).set("ABC", "very-secret")
    assert not paths.rests_file.exists()


async def test_with_a_keyring_the_file_holds_names_only(choose: Choose, paths: Paths, tmp_path: Path):
    store = choose(FILE)
    store.set("GEMINI_KEY", "very-secret")
    assert await store.resolve("keyring:GEMINI_KEY") == "very-secret"
    assert json.loads((tmp_path / "keyring.json").read_text()) == {"oxide-desktop/GEMINI_KEY": "very-secret"}
    assert json.loads(paths.keys_file.read_text()) == {"GEMINI_KEY": None}
    assert store.place == "the keyring of the system (fake FileKeyring)"


@pytest.mark.parametrize("backend", [NONE, FILE])
async def test_a_key_can_be_replaced_listed_and_removed(choose: Choose, backend: str):
    store = choose(backend)
    assert store.names() == ()
    store.set("ZED", "first-key")
    store.set("ZED", " second-key\n")
    store.set("ABC", "other-key")
    assert store.names() == ("ABC", "ZED")
    assert await store.resolve("keyring:ZED") == "second-key"
    store.remove("ZED")
    assert store.names() == ("ABC",)
    with pytest.raises(UsageError, match="No key named ZED is stored"):
        await store.resolve("keyring:ZED")


@pytest.mark.parametrize("backend", [NONE, FILE])
async def test_a_missing_key_is_refused_with_the_command_that_sets_it(choose: Choose, backend: str):
    with pytest.raises(UsageError) as refused:
        await choose(backend).resolve("keyring:NOPE")
    assert refused.value.hint == "Run `oxide keys set NOPE`."


@pytest.mark.parametrize("backend", [NONE, FILE])
def test_removing_what_is_not_there_names_what_is(choose: Choose, backend: str):
    store = choose(backend)
    with pytest.raises(NotFoundError, match="Stored are: none"):
        store.remove("NOPE")
    store.set("ABC", "other-key")
    with pytest.raises(NotFoundError, match="Stored are: ABC"):
        store.remove("NOPE")


async def test_a_key_that_was_kept_in_the_file_moves_to_the_keyring_once_there_is_one(choose: Choose, paths: Paths):
    choose(NONE).set("ABC", "in-the-file")
    store = choose(FILE)
    assert await store.resolve("keyring:ABC") == "in-the-file"
    store.set("ABC", "in-the-keyring")
    assert json.loads(paths.keys_file.read_text()) == {"ABC": None}
    assert await store.resolve("keyring:ABC") == "in-the-keyring"


def test_a_key_that_somebody_took_out_of_the_keyring_can_still_be_removed(choose: Choose, tmp_path: Path):
    store = choose(FILE)
    store.set("ABC", "other-key")
    (tmp_path / "keyring.json").unlink()
    store.remove("ABC")
    assert store.names() == ()


def test_a_key_that_another_program_put_into_our_service_can_be_removed(choose: Choose):
    store = choose(FILE)
    keyring.set_password("oxide-desktop", "FOREIGN", "other-key")
    store.remove("FOREIGN")
    assert keyring.get_password("oxide-desktop", "FOREIGN") is None


async def test_a_locked_keyring_that_waits_for_its_password_does_not_hold_up_the_caller(choose: Choose, paths: Paths):
    store = choose(BLOCKING)
    async with asyncio.timeout(60):
        with pytest.raises(UsageError, match=r"said nothing for 0\.2 seconds"):
            await store.resolve("keyring:ABC")
    with pytest.raises(UsageError, match="does not answer"):
        store.set("ABC", "other-key")
    with pytest.raises(UsageError, match="does not answer"):
        store.remove("ABC")
    assert not paths.keys_file.exists(), "a key must not land in a file because the keyring is locked"


async def test_a_keyring_that_refuses_is_told_from_a_missing_key(choose: Choose, paths: Paths):
    store = choose(REFUSING)
    with pytest.raises(UsageError, match="is locked: It was not unlocked: the collection is locked"):
        await store.resolve("keyring:ABC")
    with pytest.raises(UsageError, match="keyring's own password"):
        store.set("ABC", "other-key")
    assert not paths.keys_file.exists()


def test_a_keyring_that_cannot_be_loaded_is_named_in_the_place(
    choose: Choose, paths: Paths, monkeypatch: pytest.MonkeyPatch
):
    program = (
        "import sys; from pathlib import Path; from oxide_desktop.config.paths import Paths;"
        "from oxide_desktop.config.secrets import KeyStore; print(KeyStore(Paths(Path(sys.argv[1]))).place)"
    )
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no_such_module.Keyring")
    done = subprocess.run(
        [sys.executable, "-c", program, str(paths.home)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "cannot be used now (It answered ModuleNotFoundError: No module named 'no_such_module')" in done.stdout


def test_the_program_ends_although_a_keyring_still_waits(paths: Paths, monkeypatch: pytest.MonkeyPatch):
    program = (
        "import asyncio, sys; from pathlib import Path; from oxide_desktop.config.paths import Paths;"
        "from oxide_desktop.config.secrets import KeyStore;"
        "asyncio.run(KeyStore(Paths(Path(sys.argv[1])), look_up_timeout_s=0.1).resolve('keyring:ABC'))"
    )
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", BLOCKING)
    done = subprocess.run(
        [sys.executable, "-c", program, str(paths.home)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "The keyring of the system does not answer" in done.stderr


async def test_a_literal_is_its_own_value(choose: Choose):
    assert await choose(NONE).resolve("literal-key") == "literal-key"


async def test_a_variable_that_was_not_set_at_the_start_is_read_when_it_is_needed(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
):
    store = choose(NONE)
    monkeypatch.delenv("MY_LLM_API_KEY", raising=False)
    with pytest.raises(UsageError, match="MY_LLM_API_KEY is not set") as refused:
        await store.resolve("${MY_LLM_API_KEY}")
    assert "oxide keys set MY_LLM_API_KEY" in refused.value.hint
    monkeypatch.setenv("MY_LLM_API_KEY", "now-it-is-set")
    assert await store.resolve("${MY_LLM_API_KEY}") == "now-it-is-set"


async def test_a_key_that_was_given_out_is_masked_from_then_on(choose: Choose):
    store = choose(NONE)
    store.set("ABC", "unlike-any-known-key")
    assert masked("with unlike-any-known-key") == "with unlike-any-known-key"
    await store.resolve("keyring:ABC")
    assert masked("with unlike-any-known-key") == f"with {MASK}"


@pytest.mark.parametrize("name", ["", "two words", "-option", "a/b", "x" * 101])
def test_a_bad_name_is_refused(choose: Choose, name: str):
    with pytest.raises(UsageError, match="cannot be the name of a key"):
        choose(NONE).set(name, "other-key")


@pytest.mark.parametrize("value", ["", "  \n", "two\nlines", "bell\a"])
def test_what_cannot_be_a_key_is_refused(choose: Choose, value: str):
    with pytest.raises(UsageError, match="is empty, or no key"):
        choose(NONE).set("ABC", value)


def test_a_pipe_in_the_place_of_the_keys_is_refused_instead_of_waited_for(choose: Choose, paths: Paths):
    store = choose(NONE)
    paths.home.mkdir(parents=True)
    os.mkfifo(paths.keys_file)
    with pytest.raises(UsageError, match="is not a file"):
        store.names()


@pytest.mark.parametrize("content", ["{", "[]", '{"ABC": 1}', "\xff"])
def test_a_damaged_file_is_refused_and_never_read_as_empty(choose: Choose, paths: Paths, content: str):
    store = choose(NONE)
    paths.home.mkdir()
    paths.keys_file.write_text(content, encoding="latin-1")
    for call in (store.names, lambda: store.set("NEW", "other-key"), lambda: store.remove("ABC")):
        with pytest.raises(UsageError, match="is damaged"):
            call()
    assert paths.keys_file.read_text(encoding="latin-1") == content


def test_a_file_that_cannot_be_read_is_named(choose: Choose, paths: Paths):
    paths.keys_file.mkdir(parents=True)
    with pytest.raises(UsageError, match=r"keys\.json is not a file"):
        choose(NONE).names()


def test_a_home_that_cannot_be_made_is_named(choose: Choose, tmp_path: Path):
    choose(NONE)
    (tmp_path / "file").write_text("")
    store = KeyStore(Paths(tmp_path / "file" / "home"))
    with pytest.raises(UsageError, match="cannot be"):
        store.set("ABC", "other-key")


def test_a_key_that_cannot_be_written_leaves_the_old_file_as_it_was(choose: Choose, paths: Paths):
    store = choose(NONE)
    store.set("ABC", "first-key")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(UsageError, match=r"keys\.json cannot be written: File too large"):
            store.set("ABC", "x" * 50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert json.loads(paths.keys_file.read_text()) == {"ABC": "first-key"}
    assert sorted(file.name for file in paths.home.iterdir() if not file.name.endswith(".lock")) == ["keys.json"]


def test_another_process_that_changes_the_keys_is_waited_for_within_bounds(choose: Choose, paths: Paths):
    store = choose(NONE)
    paths.home.mkdir()
    with FileLock(paths.home / "keys.lock"), pytest.raises(UsageError, match="Another Oxide is changing the keys"):
        store.set("ABC", "other-key")
    store.set("ABC", "other-key")
    assert store.names() == ("ABC",)
