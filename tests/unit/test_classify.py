from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oxide_desktop.core.classify import classify
from oxide_desktop.core.features import look_at
from oxide_desktop.core.model import TaskType

TRACE = """
Traceback (most recent call last):
  File "app/main.py", line 12, in <module>
    run()
ValueError: bad port
"""
DIFF = """
diff --git a/x.py b/x.py
--- a/x.py
+++ b/x.py
@@ -1 +1 @@
-x = 1
+x = 2
"""
EXAMPLES = [
    (TaskType.CODING, "Write a Python function to sort a list"),
    (TaskType.CODING, "implement oauth login"),
    (TaskType.CODING, "Write unit tests for the cart"),
    (TaskType.CODING, "Schreibe eine Funktion, die eine Liste sortiert"),
    (TaskType.CODING, "напиши функцию для сортировки массива"),
    (TaskType.CODING, "配列をソートする関数を書いてください"),
    (TaskType.CODING, "리스트를 정렬하는 함수를 작성해줘"),
    (TaskType.CODING, "napisz funkcję sortującą listę"),
    (TaskType.CODE_REVIEW, "Review this function for bugs"),
    (TaskType.CODE_REVIEW, "Review src/auth.py for bugs"),
    (TaskType.CODE_REVIEW, "bitte prüfe diesen PR auf Sicherheitslücken"),
    (TaskType.CODE_REVIEW, "revisa este código"),
    (TaskType.CODE_REVIEW, f"ok to merge?\n{DIFF}"),
    (TaskType.BUG_SEARCH, "tests are failing on CI but pass locally"),
    (TaskType.BUG_SEARCH, f"what now\n{TRACE}"),
    (TaskType.BUG_SEARCH, "Finde den Fehler in diesem Code"),
    (TaskType.BUG_SEARCH, "代码报错了请修复"),
    (TaskType.BUG_SEARCH, "it doesn\N{RIGHT SINGLE QUOTATION MARK}t work since the update"),
    (TaskType.REFACTORING, "split this 800 line class into smaller ones"),
    (TaskType.REFACTORING, "simplifie cette fonction sans changer son comportement"),
    (TaskType.REFACTORING, "重构这个类"),
    (TaskType.DOCUMENTATION, "write a commit message for these changes"),
    (TaskType.DOCUMENTATION, "ajoute des commentaires à ce code"),
    (TaskType.DOCUMENTATION, "Schreibe eine README für dieses Projekt"),
    (TaskType.CODEBASE_ANALYSIS, "Analyze this codebase for architecture patterns"),
    (TaskType.CODEBASE_ANALYSIS, "Explain how everything in src/ fits together in this repo"),
    (TaskType.CODEBASE_ANALYSIS, "explica la arquitectura de este proyecto"),
    (TaskType.QUICK_QUERY, "What is 2+2?"),
    (TaskType.QUICK_QUERY, "What is quantum computing?"),
    (TaskType.QUICK_QUERY, "¿Cuál es la capital de Francia?"),
    (TaskType.QUICK_QUERY, "Что такое рекурсия?"),
    (TaskType.QUICK_QUERY, "日本の首都はどこですか\N{FULLWIDTH QUESTION MARK}"),
    (TaskType.GENERAL, "write a poem about autumn"),
    (TaskType.GENERAL, "Translate this to French: good morning, my friend"),
    (TaskType.GENERAL, "Schreibe eine E-Mail an meinen Chef"),
]


@pytest.mark.parametrize(("task_type", "prompt"), EXAMPLES)
def test_plain_requests_are_told_apart(task_type, prompt):
    found = classify(prompt)
    assert found.task_type is task_type
    assert found.reasons


def test_designing_an_architecture_is_no_quick_query():
    found = classify("Design the architecture of a payment system")
    assert TaskType.QUICK_QUERY not in (found.task_type, found.second)
    assert found.complexity > classify("What is 2+2?").complexity


def test_many_files_are_a_feature_and_no_override():
    files = [(f"src/{number}.py", 4000) for number in range(200)]
    assert classify("rename getUser to fetchUser everywhere", files).task_type is TaskType.REFACTORING
    assert classify("explain how it all connects", files).task_type is TaskType.CODEBASE_ANALYSIS
    assert classify("explain how it all connects", files[:12]).task_type is TaskType.CODEBASE_ANALYSIS
    assert classify("explain how it all connects").task_type is not TaskType.CODEBASE_ANALYSIS


def test_what_is_asked_counts_and_not_the_words_of_pasted_code():
    code = "```python\ndef fix_bug():\n    # error, crash, debug, exception\n    raise ValueError('broken')\n```"
    assert classify(f"Add docstrings to this\n{code}").task_type is TaskType.DOCUMENTATION


def test_the_role_that_a_template_gives_counts_little():
    prompt = "You are a senior code reviewer and security auditor.\nWrite a poem about the sea."
    assert classify(prompt).task_type is TaskType.GENERAL


def test_the_end_of_a_very_long_prompt_still_counts():
    prompt = "lorem ipsum dolor sit amet\n" * 40_000 + "Now refactor the class into modules"
    assert classify(prompt).task_type is TaskType.REFACTORING


def test_a_close_second_is_named_and_a_distant_one_is_not():
    assert classify("Write a commit message").second is None
    close = classify("Explain quantum computing")
    assert {close.task_type, close.second} == {TaskType.QUICK_QUERY, TaskType.GENERAL}


def test_what_makes_a_task_hard_makes_it_complex():
    easy = classify("rename foo to bar").complexity
    listed = classify("Refactor:\n" + "- split the module\n" * 6).complexity
    hard = classify("Refactor the concurrency of the distributed lock manager, mind deadlocks and security").complexity
    many = classify("rename foo to bar", [(f"{number}.py", 50_000) for number in range(60)]).complexity
    assert easy < listed
    assert easy < hard
    assert easy < many
    assert classify(f"fix it\n{TRACE}").complexity > classify("fix it").complexity


def test_every_reason_is_short_and_told_once():
    for _, prompt in EXAMPLES:
        reasons = classify(prompt).reasons
        assert len(reasons) == len(set(reasons)) <= 4
        assert all(0 < len(reason) < 60 for reason in reasons)


def test_a_long_question_about_names_in_code_needs_the_code():
    prompt = (
        "Where does the RequestParser class hand the parsed headers to the connection pool, and which method of it"
        " decides that a connection may be used again after an error?"
    )
    assert classify(prompt).task_type is TaskType.CODEBASE_ANALYSIS


@given(some.text(max_size=500), some.lists(some.tuples(some.text(max_size=10), some.integers(0, 10**9)), max_size=5))
def test_any_text_is_classified(prompt, files):
    found = classify(prompt, files)
    assert 0 < found.confidence <= 1
    assert 0 <= found.complexity <= 1
    assert math.isfinite(found.complexity)
    assert found == classify(prompt, files)


@pytest.mark.parametrize("unit", ["a", "\n", "错误", "`", "a_", "a/", "@", "Error", "{ ", "- x\n", "\t", "1+"])
def test_a_megabyte_of_anything_is_only_looked_at_in_part(unit):
    features = look_at(unit * (1_000_000 // len(unit)))
    assert features.asked <= 6_001
    assert len(features.cues) < 3_000


def test_the_classifier_needs_nothing_but_the_standard_library():
    script = (
        "import sys; before = set(sys.modules); import oxide_desktop.core.classify; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    packages = {name.split(".")[0] for name in done.stdout.split()}
    assert packages - set(sys.stdlib_module_names) == {"oxide_desktop"}


def test_words_are_told_apart_from_running_text_without_a_space_between_them():
    found = {cue.words for cue in look_at("python的代码'错误'bug、コード・レビュー").cues}
    assert {"python", "bug", "代码", "错误"} <= found
    assert "代码" in {cue.words for cue in look_at("代'码").cues}
