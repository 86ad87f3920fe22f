"""The corpus is read as it is written, the list of ideas is well-formed, and learning is repeatable."""

import re

import numpy as np
import pytest

from oxide_desktop.core import lexicon
from oxide_desktop.core.asked import take_apart, with_pasted
from training.corpus import Sample, load, read
from training.learn import TYPES, learn, seen


def test_a_line_of_the_corpus_is_a_prompt_with_its_language_and_its_files(tmp_path):
    path = tmp_path / "style.txt"
    path.write_text(
        "# a style\n# lang: fr\n== coding\nécris un test\n[de] schreib\\neinen Test || src/a.py docs/*3\n"
        "== bug_search\n[角色] if (a || b) fails || c`?\nwhy || *12\n",
        encoding="utf-8",
    )
    first, second, third, fourth = read(path)
    assert first == Sample("coding", "fr", "style", "écris un test")
    assert (second.lang, second.prompt) == ("de", "schreib\neinen Test")
    assert [name for name, _ in second.files] == ["src/a.py", "docs/part_0.py", "docs/part_1.py", "docs/part_2.py"]
    assert (third.lang, third.prompt, third.files) == ("fr", "[角色] if (a || b) fails || c`?", ())
    assert len(fourth.files) == 12


def test_every_prompt_of_the_corpus_has_a_known_type_and_language():
    for sample in load():
        assert sample.label in TYPES, sample
        assert re.fullmatch("[a-z]{2}", sample.lang), sample
        assert sample.prompt.strip(), sample


def test_every_entry_of_the_ideas_can_be_found():
    text = lexicon._IDEAS_FILE.read_text(encoding="utf-8")
    for idea, entries in lexicon.read_ideas(text).items():
        assert len(entries) == len(set(entries)), idea
        for entry in entries:
            gap = "" if entry[0] >= lexicon._FIRST_UNSPACED else " "
            written = entry.rstrip("*").replace("_", gap)
            assert entry == entry.lower(), entry
            assert idea in {found for token in lexicon.tokens(written) for found in token.ideas}, (idea, entry)


def test_a_sentence_that_a_template_has_set_in_is_no_code():
    found = take_apart("Act as a senior developer.\n        Then refactor the code with best practices.\n    x = f(1)")
    assert found.lines == ("        Then refactor the code with best practices.",)
    assert found.code_lines == 1


@pytest.mark.parametrize(
    "line",
    [
        'with open(path, "r") as handle:', "except ValueError as error:", 'raise ValueError("bad value given here")',
        "async def run(self, name):", "static void run(int a, int b) {", "git push origin main now",
        "SELECT id, name FROM users WHERE x", "at new Foo (/x/y.js:3:4)", "Error: cannot read property of undefined",
        "Return the sum of all of them", "# 这里把结果写进文件",
    ],
)  # fmt: skip
def test_code_that_is_set_in_is_code_without_a_fence(line):
    found = take_apart(f"what does this do?\n    {line}\n    x = 1")
    assert found.lines == ("what does this do?",)
    assert found.code_lines == 2


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("You are a senior developer.\n    Refactor the parser, keep the API", "Refactor the parser, keep the API"),
        ("Task:\n    Write a poem about the sea, in four lines", "Write a poem about the sea, in four lines"),
        (
            "You are a tester.\n    Write tests for the cart: cover discounts",
            "Write tests for the cart: cover discounts",
        ),
        ("당신은 전문가입니다.\n    이 코드를 리팩토링해 주세요.", "이 코드를 리팩토링해 주세요."),
        ("Ты опытный разработчик.\n    Ёлку нарисуй в консоли на питоне.", "Ёлку нарисуй в консоли на питоне."),
    ],
)
def test_a_request_that_is_set_in_below_a_role_or_a_label_is_what_is_asked(prompt, asked):
    assert [line.strip() for line in take_apart(prompt).lines] == [asked]


@pytest.mark.parametrize("much", [1, 400])
def test_prose_that_is_piped_in_does_not_drown_the_request_out_and_code_tells_something(much):
    prose, code = "The crash is recorded, and every bug is told.\n" * much, "def f(x):\n    return x + 1;\n" * much
    assert with_pasted("write a poem", prose) == "write a poem"
    assert take_apart(with_pasted("what is this?", code)).lines == ("what is this?",)
    assert take_apart(with_pasted("what is this?", code)).fenced
    assert take_apart(with_pasted("why?", "Traceback (most recent call last)\n" + prose)).trace
    assert with_pasted(" ", prose) == prose


def test_only_the_names_of_errors_are_errors():
    assert take_apart("ENOENT: no such file").trace
    assert not take_apart("EXAMPLE: a birthday card\nENTWURF: ein Brief").trace


@pytest.fixture(scope="module")
def samples():
    pairs = (("coding", "write a parser"), ("general", "write a poem"), ("bug_search", "why does it crash"))
    return [Sample(label, "en", "any", f"{prompt} {extra}") for label, prompt in pairs for extra in "abcdefgh" * 60]


def test_words_are_learned_sooner_than_ideas_near_one_another_and_those_sooner_than_the_rest():
    counts = {
        "w:word": 5,
        "w:rare": 4,
        "z:piece": 5,
        "g:near+ideas": 8,
        "g:seldom+near": 7,
        "i:idea": 12,
        "e:other": 11,
    }
    rows = [["s:list", *(name for name, count in counts.items() if number < count)] for number in range(12)]
    learned = learn(rows, ["coding", "general"] * 6, runs=1)
    assert learned.names == ["g:near+ideas", "i:idea", "s:list", "w:word", "z:piece"]


def test_the_same_samples_give_the_same_weights_which_tell_their_types(samples):
    rows, labels = [seen(sample) for sample in samples], [sample.label for sample in samples]
    learned, again = learn(rows, labels, runs=2), learn(rows, labels, runs=2)
    assert learned.names == again.names
    assert np.array_equal(learned.table, again.table)
    assert [TYPES[best] for best in learned.scores(rows).argmax(axis=1)] == labels
