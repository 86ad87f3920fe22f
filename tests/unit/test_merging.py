"""What is asked about a share, and how answers become one."""

from oxide_desktop.core.merging import (
    Part,
    also_named,
    batches,
    lost_references,
    merge_need,
    merge_prompt,
    one_after_another,
    share_prompt,
    side_by_side,
)


def part(text: str, *paths: str, service: str = "qwen") -> Part:
    return Part(service, paths or ("a.py",), text)


def test_who_is_given_all_files_is_asked_in_the_caller_s_words():
    assert share_prompt("Why?", 3, 3) == "Why?"


def test_who_is_given_some_is_told_so_and_asked_for_places():
    asked = share_prompt("Why?", 3, 1_200)
    assert asked.startswith("Why?\n\nBelow are 3 of 1,200 files;")
    assert "path:line" in asked


def test_merging_shows_every_part_with_its_files():
    asked = merge_prompt("Why?", [part("first", "a.py", "b.py"), part("second", *(f"{n}.py" for n in range(9)))])
    assert asked.startswith("Why?\n")
    assert "--- Part 1 of 2, on a.py, b.py ---\nfirst\n" in asked
    assert "--- Part 2 of 2, on 0.py, 1.py, 2.py, 3.py and 5 more ---\nsecond\n" in asked


def test_batches_hold_as_many_parts_as_fit_and_lose_none():
    parts = [part("word " * 100) for _ in range(5)]
    room = merge_need("Why?", parts[:2])
    found = batches("Why?", parts, room)
    assert [len(batch) for batch in found] == [2, 2, 1]
    assert [item for batch in found for item in batch] == parts


def test_a_part_too_long_for_any_batch_stands_alone():
    assert [len(batch) for batch in batches("Why?", [part("word " * 900), part("word " * 900)], 100)] == [1, 1]


def test_unmerged_parts_keep_their_files_and_services():
    text = one_after_another([part("first\n", "a.py"), part("second", "b.py", service="gemini")])
    assert text == "## qwen: a.py\n\nfirst\n\n## gemini: b.py\n\nsecond"
    assert one_after_another([part("only")]) == "only"


def test_answers_side_by_side_stand_under_their_services():
    assert side_by_side([part("yes"), part("no", service="gemini")]) == "## qwen\n\nyes\n\n## gemini\n\nno"
    assert side_by_side([part("only")]) == "only"


def test_only_references_to_known_files_that_are_missing_count_as_lost():
    parts = [
        part("See src/a.py:12, `src/b.py:7` and http://x:8000.", "src/a.py", "src/b.py"),
        part("Makefile:3", "Makefile"),
    ]
    assert lost_references(parts, "Only src/a.py:12 matters.", ["src/a.py", "src/b.py", "Makefile"]) == [
        "src/b.py:7",
        "Makefile:3",
    ]


def test_a_reference_that_several_parts_name_is_named_once():
    parts = [part("a.py:1 a.py:1"), part("a.py:1")]
    assert lost_references(parts, "", ["a.py"]) == ["a.py:1"]


def test_very_many_lost_references_are_counted():
    assert also_named(["a.py:1"]) == "\n\nAlso named in the parts: a.py:1.\n"
    assert also_named([f"a.py:{n}" for n in range(305)]).endswith("a.py:299 and 5 more.\n")
