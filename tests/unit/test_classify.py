from __future__ import annotations

import math
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from oxide_desktop.core import weights
from oxide_desktop.core.asked import take_apart
from oxide_desktop.core.classify import classify
from oxide_desktop.core.complexity import ADDS, EASY, HARD, STARTS
from oxide_desktop.core.errors import Bug
from oxide_desktop.core.features import look_at
from oxide_desktop.core.lexicon import tokens
from oxide_desktop.core.mentions import mentions
from oxide_desktop.core.model import TaskType

sys.path.insert(0, str(Path(__file__).parents[2]))
from training import rate
from training.corpus import HELD_OUT, digest, load

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
    found = classify("how does it all connect", files)
    assert found.task_type is TaskType.CODEBASE_ANALYSIS
    assert "200 files" in found.reasons
    assert classify("review this", files[:1]).task_type is TaskType.CODE_REVIEW


def test_code_to_explain_is_a_question_or_a_tree_by_its_size_and_a_text_to_keep_is_documentation():
    tree = [(f"src/{number}.py", 4000) for number in range(40)]
    assert classify("explain this code").task_type is TaskType.QUICK_QUERY
    assert classify("explain this code", tree).task_type is TaskType.CODEBASE_ANALYSIS
    assert classify("explain this code in the README").task_type is TaskType.DOCUMENTATION


def test_what_the_files_are_is_seen():
    assert "n:log" in look_at("why", [("logs/app.log", 1), ("a.py", 1)]).names
    assert "n:docs" in look_at("why", [("README.md", 1), ("b.rst", 1)]).names


def test_what_is_asked_counts_and_not_the_words_of_pasted_code():
    code = "```python\ndef fix_bug():\n    # error, crash, debug, exception\n    raise ValueError('broken')\n```"
    assert classify(f"Add docstrings to this\n{code}").task_type is TaskType.DOCUMENTATION


def test_the_role_that_a_template_gives_counts_little():
    prompt = "You are a senior code reviewer and security auditor.\nWrite a poem about the sea."
    assert classify(prompt).task_type is TaskType.GENERAL


def test_a_role_is_told_apart_from_the_request():
    found = take_apart(
        "**Role:** a strict reviewer\n\n**Task:** You are a poet. Write a haiku.\nDu bist ein Tester. Los!"
    )
    assert found.role == "**Role:** a strict reviewer Du bist ein Tester."
    assert found.lines == ("You are a poet. Write a haiku.", "Los!")
    assert take_apart("You are a senior engineer.").lines == ("You are a senior engineer.",)


def test_a_list_is_no_diff_and_its_lines_are_asked_for():
    found = take_apart("Please:\n- add a test;\n- update the docs;\n\n    x = 1\n")
    assert not found.diff
    assert found.listed == 2
    assert found.lines == ("Please:", "- add a test;", "- update the docs;")
    changed = take_apart("Fine?\n-retries = 3\n+retries = 5\n")
    assert changed.diff
    assert changed.lines == ("Fine?",)


def test_the_end_of_a_very_long_prompt_still_counts():
    prompt = "lorem ipsum dolor sit amet\n" * 40_000 + "Now refactor the class into modules"
    assert classify(prompt).task_type is TaskType.REFACTORING


def test_the_end_of_a_very_long_line_still_counts():
    prompt = "lorem ipsum dolor sit amet " * 40 + "Now refactor the class into modules"
    assert classify(prompt).task_type is TaskType.REFACTORING


def test_a_close_second_is_named_and_a_distant_one_is_not():
    assert classify("Write a commit message").second is None
    mixed = (
        "check the error in the docs",
        "review and rewrite this",
        "find problems with this code",
        "make this better",
        "have a look at the parser",
        "is there a faster way",
        "clean up and test it",
        "what about the tests?",
        "help me with this function",
        "compare the two versions of the report",
    )
    seconds = [classify(prompt).second for prompt in mixed]
    assert any(seconds)
    assert all(
        second is None or second is not classify(prompt).task_type
        for prompt, second in zip(mixed, seconds, strict=True)
    )


def test_what_makes_a_task_hard_makes_it_complex():
    easy = classify("rename foo to bar").complexity
    listed = classify("Refactor:\n" + "- split the module\n" * 6).complexity
    hard = classify("Refactor the concurrency of the distributed lock manager, mind deadlocks and security").complexity
    many = classify("rename foo to bar", [(f"{number}.py", 50_000) for number in range(60)]).complexity
    assert classify("rename foo to bar, quickly and simply").complexity < easy
    assert easy < listed
    assert easy < hard
    assert easy < many
    assert classify(f"fix it\n{TRACE}").complexity > classify("fix it").complexity


def test_a_pasted_piece_is_not_harder_for_its_length():
    asked = classify("Rename the variables so that they are understood").complexity
    long = "Rename the variables so that they are understood\n```python\n" + "total = total + 1\n" * 40 + "```"
    assert classify(long).complexity <= asked


def test_an_easy_question_is_for_a_small_model_and_a_whole_system_for_a_strong_one():
    assert classify("What is the capital of France?").complexity < EASY
    hard = classify(
        "Redesign the architecture of the whole system: split the application into services, keep the protocol,"
        " and migrate the distributed database without downtime. Explain how the parts interact."
    )
    assert hard.complexity >= HARD
    assert any(reason.startswith("hard: ") for reason in hard.reasons)
    assert not any(reason.startswith("hard") for reason in classify("fix the typo").reasons)


def test_complexity_is_what_was_learned_from_the_ratings_and_orders_others_as_people_do():
    rated = rate.load()
    ratings = [rating for _, rating in rated]
    learned = rate.learn(rate.rows([sample for sample, _ in rated]), np.array(ratings))
    shipped = [*(STARTS[item] for item in TaskType), *(ADDS[name] for name in rate.names())]
    assert list(learned) == pytest.approx(shipped, abs=0.002), "Take over what training/rate.py prints."
    assert rate.rank_correlation(rate.held_out(rated), ratings) > 0.65


def test_items_of_a_list_are_heeded_and_do_not_outweigh_what_is_asked():
    criteria = "\n- optimized\n- good error handling\n- clear comments\n- tests\n- performance"
    assert classify(f"Write a function that merges two files{criteria}").task_type is TaskType.CODING
    assert classify(f"Bitte prüfe diesen Code{criteria}").task_type is TaskType.CODE_REVIEW


def test_tags_and_slots_of_a_template_are_no_code():
    tagged = "<role>You are a teacher.</role>\n<task>Explain the rules of chess</task>\n<steps>1. Begin with the board."
    found = take_apart(tagged)
    assert found.code_lines == 0
    assert "Explain the rules of chess" in " ".join(found.lines)
    assert "teacher" in found.role
    assert take_apart("Write a letter.\nTo: {name}\nAbout: {{topic}}").code_lines == 0
    assert take_apart("if (x) {\n  y = {a: 1};\n}\nwhat is this").code_lines == 3


def test_every_reason_is_short_and_told_once():
    for _, prompt in EXAMPLES:
        reasons = classify(prompt).reasons
        assert len(reasons) == len(set(reasons)) <= 5
        assert all(0 < len(reason) < 60 for reason in reasons)


def test_reasons_are_words_of_the_prompt_or_what_was_seen_in_it():
    assert any("Fehler".lower() in reason for reason in classify("Finde den Fehler in diesem Code").reasons)
    assert any(reason.startswith("“prüfe") for reason in classify("prüfe bitte diesen Code").reasons)
    assert "nothing about software" not in classify("Finde heraus, warum der Export seit gestern leer ist").reasons
    assert "an error message" in classify(f"what now\n{TRACE}").reasons
    assert "a diff" in classify(f"ok to merge?\n{DIFF}").reasons
    assert classify("You are a senior engineer. Go on").reasons


@pytest.mark.parametrize("prompt", ["", "   \n", "🙂🙃🔥", "?!", "\x00\x01\x02", "…"])
def test_what_says_nothing_is_general_and_unsure(prompt):
    found = classify(prompt)
    assert found.task_type is TaskType.GENERAL
    assert found.confidence < 0.3
    assert found.reasons == ("it says nothing",)
    assert found.second is None


def test_what_can_hardly_be_weighed_has_a_reason_too():
    assert classify("zzyzx").reasons


def test_a_stack_trace_alone_is_a_bug_and_a_diff_alone_a_review():
    assert classify(TRACE).task_type is TaskType.BUG_SEARCH
    assert classify(DIFF).task_type is TaskType.CODE_REVIEW


@pytest.mark.parametrize(
    "prompt", ["src/auth.py", "https://example.org/a?b=c", "مرحبا، كيف الحال؟", "C:\\Users\\x\\y.txt"]
)
def test_anything_else_is_of_some_type(prompt):
    assert classify(prompt).reasons


def test_a_long_question_about_names_in_code_needs_the_code():
    prompt = (
        "Where does the RequestParser class hand the parsed headers to the connection pool, and which method of it"
        " decides that a connection may be used again after an error?"
    )
    assert classify(prompt).task_type is TaskType.CODEBASE_ANALYSIS


@given(some.text(max_size=500), some.lists(some.tuples(some.text(max_size=10), some.integers(0, 10**9)), max_size=5))
def test_any_text_is_classified(prompt, files):
    found = classify(prompt, files)
    assert 0 < found.confidence <= 0.99
    assert 0 <= found.complexity <= 1
    assert math.isfinite(found.complexity)
    assert found == classify(prompt, files)


@pytest.mark.parametrize(
    "unit", ["a", "\n", "错误", "`", "a_", "a/", "@", "Error", "{ ", "- x\n", "\t", "1+", "a ", "x\n"]
)
def test_a_megabyte_of_anything_is_only_looked_at_in_part(unit):
    features = look_at(unit * (1_000_000 // len(unit)))
    assert features.chars <= 2_251
    assert len(features.names) < 3_000


def test_the_classifier_needs_nothing_but_the_standard_library():
    script = (
        "import sys; before = set(sys.modules); import oxide_desktop.core.classify; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    packages = {name.split(".")[0] for name in done.stdout.split()}
    assert packages - set(sys.stdlib_module_names) == {"oxide_desktop"}


def test_words_are_told_apart_from_running_text_without_a_space_between_them():
    found = {token.text for token in tokens("python的代码'错误'bug、コード・レビュー")}
    assert {"python", "bug", "代码", "错误", "的"} <= found
    assert "代码" in {token.text for token in tokens("代'码 代码")}


def test_one_idea_is_found_in_many_languages():
    for words in ("write tests", "schreibe Tests", "écris des tests", "напиши тесты", "テストを書いて", "테스트 작성"):
        ideas = {idea for token in tokens(words) for idea in token.ideas}
        assert {"write", "test"} <= ideas, words


def test_phrases_are_found_whole_and_by_their_beginning():
    assert "not_working" in tokens("it does not work")[1].ideas
    assert "security" in tokens("hardcoded secrets")[0].ideas
    assert "not_working" not in tokens("it does not")[1].ideas
    assert "not_working" not in tokens("it does")[1].ideas


def test_korean_phrases_are_found_with_and_without_the_space_in_them():
    for line in ("로그인이 안 돼요", "로그인이 안돼요"):
        assert "not_working" in {idea for token in tokens(line) for idea in token.ideas}
    for line, absent in (("다시 한번 확인해줘", "poem"), ("나머지 전부 번역해줘", "before_push")):
        assert absent not in {idea for token in tokens(line) for idea in token.ideas}


def test_a_date_is_no_sum():
    assert "s:sum" in look_at("what is 17*23").names
    for dated in ("what happened on 2026-11-28", "due 3/4/2025"):
        assert "s:sum" not in look_at(dated).names


def test_paths_and_names_from_code_are_found_and_ordinary_words_with_dots_and_slashes_are_not():
    found = mentions(
        "@lib and src/a/b.py, docs/, README.md, `x`, getUser, snake_case, os.pathSep and/or e.g. etc. 1.5 .."
    )
    assert found.paths == {"@lib", "src/a/b.py", "docs/", "README.md"}
    assert found.folders == 2
    assert found.names == 4
    assert "README.md" in found.plain
    assert "b.py" not in found.plain
    assert not found.url
    assert mentions("see https://example.org").url


def test_the_shipped_weights_are_those_of_the_corpus_that_is_there():
    header, table = weights.unpack(weights.FILE.read_bytes())
    assert header["corpus"] == digest(), "The corpus has changed since: run make train."
    assert header["features"] == len(table.rows)
    assert set(table.types) == set(TaskType)
    assert weights.FILE.stat().st_size < 400_000


def test_damaged_weights_are_refused():
    header = {"types": ["coding", "general"], "step": 0.5, "bias": [0.3, -0.3]}
    good = weights.pack(header, ["a"], [[1], [-1]])
    assert weights.unpack(good)[1].scores(["a", "unknown"]).keys() == {TaskType.CODING, TaskType.GENERAL}
    other = weights.pack(header, ["b"], [[1], [-1]])
    changed = good.replace(b"[0.3, -0.3]", b"[9.3, -0.3]")
    assert changed != good
    swapped = good.partition(b"\n")[0] + b"\n" + other.partition(b"\n")[2]
    for content in (b"", b"{}", b"[]\n", changed, swapped, good[:-9], good[:40]):
        with pytest.raises(Bug, match="damaged"):
            weights.unpack(content)


@given(numbers=some.lists(some.tuples(*[some.integers(-7, 7)] * 2), min_size=1, max_size=40))
def test_scores_and_pulls_are_sums_of_what_each_feature_says(numbers):
    names = [f"f{number}" for number in range(len(numbers))]
    header = {"types": ["coding", "general"], "step": 0.5, "bias": [0.3, -0.3]}
    columns = [[row[place] for row in numbers] for place in range(2)]
    table = weights.unpack(weights.pack(header, names, columns))[1]
    share = weights.damping(len(names))
    told = 0.5 * share * np.array(numbers)
    assert list(table.scores([*names, "unknown"]).values()) == pytest.approx(
        told.sum(axis=0) + np.array(header["bias"])
    )
    assert table.pulls([*names, "unknown"], TaskType.GENERAL) == {
        name: 0.5 * row[1] for name, row in zip(names, numbers, strict=True)
    }


def test_the_corpus_is_no_heap_of_copies():
    samples = load()
    assert len(samples) > 40_000
    assert {sample.label for sample in samples} == set(TaskType)
    assert len({sample.prompt for sample in samples}) > 0.98 * len(samples)
    held_out = [re.sub(r"\W+", "", sample.prompt.casefold()) for sample in load(HELD_OUT)]
    assert len(set(held_out)) == len(held_out)
    assert not set(held_out) & {re.sub(r"\W+", "", sample.prompt.casefold()) for sample in samples}


def test_a_test_is_seen_wherever_it_stands_among_the_files_that_are_named():
    named = [f"src/part_{number}.py" for number in range(6)]
    for place in range(7):
        prompt = "Look at " + " ".join([*named[:place], "tests/one.py", *named[place:]])
        assert "s:path-test" in look_at(prompt).names
    assert "s:path-test" not in look_at("Look at " + " ".join(named)).names


def test_an_accent_may_be_a_character_of_its_own():
    for prompt in ("écris un test pour la méthode", "Überprüfe die Änderungen", "コードのバグを直して"):
        assert classify(unicodedata.normalize("NFD", prompt)) == classify(unicodedata.normalize("NFC", prompt))


def test_a_turkish_capital_i_begins_a_word_like_a_small_one():
    assert [token.text for token in tokens("İncele bu kodu")] == ["incele", "bu", "kodu"]
