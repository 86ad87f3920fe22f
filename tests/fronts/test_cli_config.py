"""`oxide config`: the place, what is in force, and what is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from oxide_desktop.config.paths import Paths, resource
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.config.settings import load_config
from tests.fronts.cli_program import Oxide

SECRETS = """
services:
  lmstudio:
    base_url: http://me:hunter2@127.0.0.1:1234/v1
    api_key: sk-literal-0123456789
  gemini:
    api_key: keyring:gemini
    env: {GEMINI_API_KEY: AIza-literal, LANG: C}
execution: {max_retries: 1}
"""


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        yield program


def test_the_place_is_printed_alone_even_where_there_is_no_file(oxide: Oxide) -> None:
    assert oxide("config", "path").stdout == f"{oxide.home / 'config.yaml'}\n"


def test_what_is_in_force_is_shown_in_the_words_of_the_file(oxide: Oxide) -> None:
    oxide.configure(SECRETS)
    shown = yaml.safe_load(oxide("config").stdout)
    assert shown["execution"]["max_retries"] == 1
    assert shown["services"]["gemini"]["api_type"] == "gemini"
    assert shown["routing_rules"]["prefer_local"] is True
    assert shown["routing_rules"]["coding"]["primary"] == "qwen"
    assert shown == oxide.json("config", "show")


def test_keys_and_passwords_are_not_shown(oxide: Oxide) -> None:
    oxide.configure(SECRETS)
    text = oxide("config", "show").stdout
    assert not [secret for secret in ("hunter2", "sk-literal", "AIza") if secret in text]
    shown = yaml.safe_load(text)["services"]
    assert shown["gemini"]["api_key"] == "keyring:gemini"
    assert shown["gemini"]["env"]["LANG"] == "C"


def test_what_is_shown_can_be_used_as_settings(oxide: Oxide, tmp_path: Path) -> None:
    file = tmp_path / "copy.yaml"
    file.write_text(oxide("config", "show").stdout, encoding="utf-8")
    assert load_config(file) == load_config(resource("config", "default.yaml"))


def test_settings_that_can_be_used_are_called_so(oxide: Oxide) -> None:
    done = oxide("config", "check")
    assert done.returncode == 0
    assert done.stdout.startswith("✓ ")
    assert oxide.json("config", "check") == {"ok": True, "problems": [], "remarks": []}


KEYS = """
services:
  gemini:
    api_key: keyring:absent
  lmstudio:
    api_key: ${OXIDE_TEST_ABSENT}
  qwen:
    env: {OPENAI_API_KEY: "keyring:there"}
  off:
    enabled: false
    api_type: gemini
    api_key: keyring:absent
  lab:
    type: http
    base_url: http://lab.local:8080
"""


def test_keys_that_are_not_there_are_named_with_their_place_and_what_to_do(oxide: Oxide) -> None:
    oxide.configure(KEYS)
    KeyStore(Paths(oxide.home)).set("there", "a-key")
    done = oxide("config", "check")
    assert (done.returncode, done.stdout) == (2, "")
    file = oxide.home / "config.yaml"
    named = "services.gemini.api_key: no key named absent is stored: run `oxide keys set absent`."
    assert f"{file}:4: {named}" in done.stderr
    assert f"{file}:6: services.lmstudio.api_key: The environment variable OXIDE_TEST_ABSENT is not set." in done.stderr
    assert "services.qwen" not in done.stderr
    told = json.loads(oxide("config", "check", "--json").stdout)
    assert [(item["line"], item["key"]) for item in told["problems"]] == [
        (4, "services.gemini.api_key"),
        (6, "services.lmstudio.api_key"),
    ]
    assert [item["key"] for item in told["remarks"]] == ["services.lab.api_type", "services.off.api_key"]
    oxide.extra["OXIDE_TEST_ABSENT"] = "x"
    KeyStore(Paths(oxide.home)).set("absent", "b-key")
    done = oxide("config", "check")
    assert done.returncode == 0
    assert "services.lab.api_type: is not given" in done.stderr
    assert "Allowed: ollama, openai_compatible" in done.stderr


def test_a_store_of_keys_that_cannot_be_looked_into_is_remarked(oxide: Oxide) -> None:
    oxide.configure("services: {gemini: {api_key: 'keyring:mine'}}")
    (oxide.home / "keys.json").write_text("[", encoding="utf-8")
    done = oxide("config", "check")
    assert done.returncode == 0
    assert "services.gemini.api_key: The keys cannot be used" in done.stderr


def test_every_problem_is_named_with_file_line_key_and_what_is_allowed(oxide: Oxide) -> None:
    oxide.configure("execution:\n  max_retries: many\nlogging:\n  level: LOUD\n")
    done = oxide("config", "check")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{oxide.home / 'config.yaml'}:2: execution.max_retries:" in done.stderr
    assert "INFO" in done.stderr
    told = json.loads(oxide("config", "check", "--json").stdout)
    assert told["ok"] is False
    assert [(problem["line"], problem["key"]) for problem in told["problems"]] == [
        (2, "execution.max_retries"),
        (4, "logging.level"),
    ]


def test_broken_settings_do_not_keep_the_other_commands_from_working(oxide: Oxide) -> None:
    oxide.configure("services: 3\n")
    for args in (["config", "path"], ["status"], ["keys"], ["completion", "bash"], ["--help"]):
        assert oxide(*args).returncode == 0


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = Oxide(tmp_path / "file" / "home", tmp_path)("config", "path")
    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr


def test_a_pipe_in_the_place_of_the_settings_is_refused_and_holds_nobody_up(oxide: Oxide) -> None:
    oxide.home.mkdir(exist_ok=True)
    (oxide.home / "config.yaml").unlink(missing_ok=True)
    os.mkfifo(oxide.home / "config.yaml")
    done = oxide.process("config", "check")
    assert (done.returncode, "it is not a file" in done.stderr) == (2, True)


def test_the_log_tells_which_settings_were_refused_and_not_what_they_held(oxide: Oxide) -> None:
    oxide.configure("services:\n  gemini:\n    max_retries: s3cret-pasted-here\n")
    assert oxide.process("run", "hi").returncode == 2
    written = (oxide.home / "oxide.log").read_text(encoding="utf-8")
    assert f"the settings cannot be used, see {oxide.home / 'config.yaml'}:3: services.gemini.max_retries" in written
    assert "s3cret" not in written
