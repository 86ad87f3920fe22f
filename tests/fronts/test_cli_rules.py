"""`oxide rules`: assignments of types to services, and that they are obeyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.fronts.cli.text import width
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, install_broken_adapter, only


@pytest.fixture
def oxide(tmp_path: Path) -> Iterator[Oxide]:
    with (
        OpenAIServer(models=["model-a"]) as one,
        OpenAIServer(models=["model-a"]) as two,
        Oxide(tmp_path / "home", tmp_path) as program,
    ):
        program.configure(only(one=one.base_url, two=two.base_url))
        yield program


def test_without_rules_every_type_is_automatic(oxide: Oxide) -> None:
    lines = oxide("rules").stdout.splitlines()
    assert len(lines) == 9
    assert all("automatic" in line and len(line) <= 80 for line in lines[1:])
    assert oxide.json("rules", "list") == {
        "rules": [],
        "stats": {"total_rules": 0, "rules_by_service": {}, "task_types": []},
    }


def test_a_rule_is_kept_in_the_file_shown_and_obeyed(oxide: Oxide) -> None:
    done = oxide("rules", "set", "coding", "two")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((oxide.home / "routing_rules.json").read_text(encoding="utf-8")) == {"coding": "two"}
    assert oxide.json("rules")["rules"] == [{"task_type": "coding", "service": "two"}]
    assert oxide.json("rules")["stats"]["rules_by_service"] == {"two": 1}
    assert "two" in oxide("rules", "list").stdout.splitlines()[1]
    record = oxide.json("run", "Write a function that sorts", "--type", "coding")
    assert (record["service"], record["route"]["candidates"][0]["service"]) == ("two", "two")
    assert record["route"]["rule"] == "coding → two"


def test_rules_can_be_taken_back_one_by_one_or_all_at_once(oxide: Oxide) -> None:
    for task_type in ("coding", "general", "quick_query"):
        oxide("rules", "set", task_type, "one")
    assert oxide("rules", "remove", "general").returncode == 0
    assert "2 rules removed." in oxide("rules", "clear").stderr
    assert oxide.json("rules")["rules"] == []
    assert oxide("rules", "remove", "general").returncode == 2


@pytest.mark.parametrize("args", [["coding", "nobody"], ["nonsense", "one"], ["coding"]])
def test_nonsense_is_refused(oxide: Oxide, args: list[str]) -> None:
    done = oxide("rules", "set", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (oxide.home / "routing_rules.json").exists()


def test_a_word_that_is_no_command_is_refused(oxide: Oxide) -> None:
    done = oxide("rules", "sett")
    assert done.returncode == 2
    assert "sett" in done.stderr


def test_what_stands_in_the_file_by_mistake_can_be_removed_as_doctor_says(oxide: Oxide) -> None:
    (oxide.home / "routing_rules.json").write_text('{"nonsense": "one", "my type": "two"}', encoding="utf-8")
    assert "Fix: Remove it with `oxide rules remove nonsense`." in oxide("doctor", "--no-ask").stdout
    listed = oxide("rules")
    assert (listed.returncode, listed.stderr.count("A rule is not used")) == (0, 2)
    assert oxide("rules", "remove", "nonsense").returncode == 0
    assert oxide("rules", "remove", "nonsense").returncode == 2
    assert oxide("rules", "clear").stderr == "1 rule removed.\n"
    assert json.loads((oxide.home / "routing_rules.json").read_text(encoding="utf-8")) == {}


def test_damaged_rules_are_told_and_asking_goes_on_without_them(oxide: Oxide) -> None:
    file = oxide.home / "routing_rules.json"
    file.write_text('{"coding": "two"', encoding="utf-8")
    done = oxide("run", "Write a function that sorts", "--type", "coding")
    assert (done.returncode, done.stderr.count("The rules cannot be read")) == (0, 1)
    shown = oxide("explain", "What is 2+2?", "--json")
    assert (shown.returncode, shown.stderr.count("The rules cannot be read")) == (0, 1)
    assert "`oxide rules clear`" in done.stderr
    assert "`oxide rules clear`" in oxide("doctor", "--no-ask").stdout
    assert file.read_text(encoding="utf-8") == '{"coding": "two"'
    assert "set aside in" in oxide("rules", "clear").stderr
    (kept,) = (oxide.home / "quarantine").glob("*/*")
    assert kept.read_text(encoding="utf-8") == '{"coding": "two"'
    assert "rules" not in oxide("run", "Write a function that sorts", "--type", "coding").stderr


def test_a_rule_for_a_service_that_is_switched_off_is_set_with_a_warning(oxide: Oxide) -> None:
    done = oxide("rules", "set", "coding", "gemini")
    assert (done.returncode, "switched off in the settings" in done.stderr) == (0, True)
    assert oxide.json("rules")["rules"] == [{"task_type": "coding", "service": "gemini"}]


def test_a_rule_for_a_service_without_its_adapter_is_set_with_a_warning(oxide: Oxide) -> None:
    install_broken_adapter(oxide)
    oxide.configure(only(one="http://127.0.0.1:9/v1", mars={"api_type": "from_mars"}))
    done = oxide.process("rules", "set", "coding", "mars")
    assert (done.returncode, "mars cannot be used" in done.stderr) == (0, True)


def test_a_rule_can_be_tried_on_the_history_before_it_is_set(oxide: Oxide) -> None:
    for number in range(3):
        assert (
            oxide("run", f"Write function {number} that sorts 日本語 " + "very " * 40, "-t", "coding").returncode == 0
        )
    assert oxide("run", "Write another one", "-t", "coding", "-s", "one").returncode == 0
    assert oxide("run", "Hello", "-t", "general").returncode == 0
    went_to = oxide.json("history", "list", "--limit", "5")["tasks"][2]["service"]
    other = {"one": "two", "two": "one"}[went_to]

    shown = oxide("rules", "try", "coding", other)
    lines = shown.stdout.splitlines()
    assert shown.returncode == 0
    assert all(width(line) <= 80 for line in lines)
    assert [line.split()[0] for line in lines[:1]] == ["ID"]
    assert all(went_to in line and "Write function" in line for line in lines[1:4])
    assert f"coding → {other} would have moved 3 of the last 5 tasks." in lines
    assert any("1 task would have stayed: you asked for one." in line for line in lines) or other == "one"

    told = oxide.json("rules", "try", "coding", other, "--last", "2")
    assert (told["looked_at"], told["moved"]) == (2, [])
    assert "moved 0 of the last 2 tasks" in oxide("rules", "try", "coding", went_to, "--last", "2").stdout
    assert oxide.json("rules", "try", "coding", went_to)["already_there"] == 3
    assert oxide.json("rules")["rules"] == []
    done = oxide("rules", "try", "coding", "nobody")
    assert done.returncode == 2
    assert "'nobody' is not one of" in done.stderr


def test_what_would_have_gone_in_part_or_not_at_all_is_said(oxide: Oxide) -> None:
    with OpenAIServer(models=["model-a"]) as server:
        cloud = {"base_url": server.base_url, "locality": "cloud"}
        oxide.configure(only(near=server.base_url, cloud=cloud) + "privacy: {local_only: [held.txt]}\n")
        for name in ("held.txt", "free.txt"):
            (oxide.cwd / name).write_text("text", encoding="utf-8")
        oxide("rules", "set", "coding", "near")
        for files in (["-f", "held.txt", "-f", "free.txt"], ["-f", "held.txt"]):
            assert oxide("run", "Write a function", "-t", "coding", *files).returncode == 0
        shown = oxide("rules", "try", "coding", "cloud").stdout
    assert "moved 1 of the last 2 tasks." in shown
    assert "1 task of these only in part: files are held back, or cut to fit." in shown
    assert "1 task could not have gone there: " in shown
