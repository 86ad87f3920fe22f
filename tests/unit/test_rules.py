from __future__ import annotations

import json
import os

import pytest

from oxide_desktop.core.errors import NotFoundError, StoreError, UsageError
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.ports import Rules
from oxide_desktop.store.rules import RuleFile
from tests.fakes.history_program import Program

SERVICES = ("gemini", "ollama_local", "qwen")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "routing_rules.json"


@pytest.fixture
def rules(file):
    return RuleFile(file, SERVICES)


def test_rules_of_an_ancestor_are_read_as_they_stand(file, rules):
    file.write_text('{"coding": "qwen", "code_review": "gemini", "bug_search": "qwen", "quick_query": "ollama_local"}')
    assert rules.all() == {
        TaskType.CODING: "qwen",
        TaskType.CODE_REVIEW: "gemini",
        TaskType.BUG_SEARCH: "qwen",
        TaskType.QUICK_QUERY: "ollama_local",
    }
    assert rules.problems() == ()


def test_without_a_file_there_are_no_rules_and_none_is_made(file, rules):
    assert (rules.all(), rules.problems(), rules.clear()) == ({}, (), 0)
    assert not file.exists()


def test_what_is_set_is_in_the_file_and_seen_by_others(file, rules):
    rules.set(TaskType.CODING, "qwen")
    rules.set(TaskType.CODING, "gemini")
    assert json.loads(file.read_text()) == {"coding": "gemini"}
    assert RuleFile(file, SERVICES).all() == {TaskType.CODING: "gemini"}


def test_a_rule_can_be_taken_back(file, rules):
    rules.set(TaskType.CODING, "qwen")
    rules.set(TaskType.GENERAL, "qwen")
    rules.remove(TaskType.CODING)
    assert rules.all() == {TaskType.GENERAL: "qwen"}
    with pytest.raises(NotFoundError, match="No service is assigned to coding"):
        rules.remove(TaskType.CODING)


def test_nonsense_is_not_stored(file, rules):
    """The ancestor stored any rule whatever."""
    with pytest.raises(UsageError, match="'gpt' is not one of gemini, ollama_local, qwen"):
        rules.set(TaskType.CODING, "gpt")
    with pytest.raises(UsageError, match="'cooking' is not one of coding, code_review"):
        rules.set("cooking", "qwen")
    with pytest.raises(UsageError, match="'cooking' is not one of"):
        rules.remove("cooking")
    assert not file.exists()


def test_entries_that_make_no_sense_are_named_and_kept_but_not_used(file, rules):
    file.write_text('{"cooking": "qwen", "coding": "gone", "general": 5, "refactoring": "qwen"}')
    assert rules.all() == {TaskType.REFACTORING: "qwen"}
    cooking, coding, general = rules.problems()
    assert "'cooking' is not one of coding, " in cooking.message
    assert cooking.hint == "Remove it with `oxide rules remove cooking`."
    assert "'gone' (for coding) is not one of gemini, ollama_local, qwen" in coding.message
    assert "5 (for general)" in general.message
    rules.set(TaskType.DOCUMENTATION, "gemini")
    assert json.loads(file.read_text()) == {
        "cooking": "qwen",
        "coding": "gone",
        "general": 5,
        "refactoring": "qwen",
        "documentation": "gemini",
    }
    rules.remove(TaskType.CODING)
    rules.remove("cooking")
    assert [problem.message[-72:] for problem in rules.problems()] == [general.message[-72:]]
    assert rules.clear() == 3
    assert json.loads(file.read_text()) == {}
    assert rules.problems() == ()


DAMAGED = pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"coding"',
        b"\xff\xfe",
        b'{"coding": "qwen"',
        b"[" * 100_000,
        b'{"coding": "qwen"} x',
    ],
)


@DAMAGED
def test_a_damaged_file_is_told_and_never_overwritten(file, rules, content):
    """The ancestor read damaged JSON as empty, and the next write made that true."""
    file.write_bytes(content)
    assert rules.all() == {}
    (problem,) = rules.problems()
    assert isinstance(problem, StoreError)
    assert "or set it aside with `oxide rules clear`" in problem.hint
    attempts = (
        lambda: rules.set(TaskType.CODING, "qwen"),
        lambda: rules.remove(TaskType.CODING),
    )
    for attempt in attempts:
        with pytest.raises(StoreError, match=r"routing_rules\.json.*no rule of yours is used\. Mend the file"):
            attempt()
    assert file.read_bytes() == content


@DAMAGED
def test_clearing_sets_a_damaged_file_aside_and_loses_nothing(file, rules, content):
    file.write_bytes(content)
    assert rules.clear() == 0
    assert (rules.all(), rules.problems(), file.exists()) == ({}, (), False)
    (kept,) = (file.parent / "quarantine").glob("*/routing_rules.json")
    assert kept.read_bytes() == content


def test_a_pipe_in_the_place_of_the_file_holds_nobody_up(file, rules):
    os.mkfifo(file)
    assert rules.all() == {}
    assert "it is not a file" in rules.problems()[0].message


def test_a_mended_file_is_read_again(file, rules):
    file.write_text("{")
    assert (rules.all(), len(rules.problems())) == ({}, 1)
    file.write_text('{"coding": "qwen"}')
    assert rules.all() == {TaskType.CODING: "qwen"}


def test_a_byte_order_mark_does_no_harm(file, rules):
    file.write_text('{"coding": "qwen"}', encoding="utf-8-sig")
    assert rules.all() == {TaskType.CODING: "qwen"}


def test_a_change_by_somebody_else_is_seen_at_once(file, rules):
    other = RuleFile(file, SERVICES)
    rules.set(TaskType.CODING, "qwen")
    assert other.all() == {TaskType.CODING: "qwen"}
    rules.set(TaskType.CODING, "gemini")
    assert other.all() == {TaskType.CODING: "gemini"}
    file.unlink()
    assert other.all() == {}


def test_a_file_that_has_not_changed_is_not_read_again(file, rules):
    rules.set(TaskType.CODING, "qwen")
    first = rules.all()
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(b'{"coding"; ')
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert rules.all() == first


def test_setting_what_is_set_leaves_the_file_alone(file, rules):
    rules.set(TaskType.CODING, "qwen")
    before = file.stat()
    rules.set(TaskType.CODING, "qwen")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_to_the_file_stays_a_link_and_rights_stay(file, rules, tmp_path):
    target = tmp_path / "dotfiles" / "rules.json"
    target.parent.mkdir()
    target.write_text("{}")
    target.chmod(0o640)
    file.symlink_to(target)
    rules.set(TaskType.CODING, "qwen")
    assert file.is_symlink()
    assert json.loads(target.read_text()) == {"coding": "qwen"}
    assert target.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in target.parent.iterdir()] == ["rules.json"]


def test_a_folder_in_the_place_of_the_file_is_named(file, rules):
    file.mkdir()
    assert (rules.all(), "it is not a file" in rules.problems()[0].message) == ({}, True)
    file.rmdir()
    file.symlink_to(file)
    assert (rules.all(), "routing_rules.json" in rules.problems()[0].message) == ({}, True)


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "home").write_text("a file")
    rules = RuleFile(tmp_path / "home" / "routing_rules.json", SERVICES)
    with pytest.raises(StoreError, match=r"The rules cannot be .*routing_rules\.json"):
        rules.set(TaskType.CODING, "qwen")


def test_a_write_that_fails_leaves_the_old_rules_and_no_rubbish(tmp_path):
    with Program(tmp_path) as program:
        assert program.ask("set-rules coding=qwen") == "done"
        program.ask("limit-files 10")
        answer = program.ask("set-rules coding=gemini")
        assert answer.startswith("The rules cannot be written: ")
    assert json.loads((tmp_path / "routing_rules.json").read_text()) == {"coding": "qwen"}
    assert not list(tmp_path.glob(".routing_rules*"))


def test_no_update_is_lost_when_several_processes_write(tmp_path):
    types = [task_type.value for task_type in TaskType]
    programs = [Program(tmp_path).opened() for _ in range(4)]
    try:
        for program, pair in zip(programs, zip(types[::2], types[1::2], strict=True), strict=True):
            own = " ".join(f"{task_type}={service}" for service in SERVICES * 5 for task_type in pair)
            print(f"set-rules {own}", file=program.process.stdin, flush=True)
        assert [program.answer() for program in programs] == ["done"] * 4
    finally:
        for program in programs:
            program.close()
    assert RuleFile(tmp_path / "routing_rules.json", SERVICES).all() == dict.fromkeys(TaskType, "qwen")


def test_the_file_is_what_the_port_asks_for():
    assert {name for name in vars(Rules) if not name.startswith("_")} <= set(vars(RuleFile))
