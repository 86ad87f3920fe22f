"""What belongs together, and how much goes to whom."""

from pathlib import Path

import pytest

from oxide_desktop.core.context import ContextFile
from oxide_desktop.core.sharding import LEAST_TOKENS, MOST_TOKENS, Piece, Pool, group_of, pieces_of
from oxide_desktop.core.tokens import estimate_tokens


def file(path: str, text: str = "x = 1\n") -> ContextFile:
    where = Path("/project", path)
    return ContextFile(
        path=path, named=where, real=where, text=text, size=len(text), tokens=estimate_tokens(text), findings=()
    )


def piece(path: str, tokens: int = 100, *, held: str | None = None) -> Piece:
    return Piece(file(path), path, group_of(path), tokens, held)


def take(pool: Pool, target: int = 1_000, room: int = 10_000) -> list[str]:
    return [item.path for item in pool.take(target, room, lambda _: True)]


@pytest.mark.parametrize(
    "test",
    [
        "src/auth/test_login.py",
        "src/auth/tests/test_login.py",
        "tests/auth/login_test.go",
        "auth/login.test.ts",
        "auth/login.spec.js",
        "auth/__tests__/login.js",
        "test/auth/loginTest.java",
    ],
)
def test_a_test_belongs_to_its_module(test: str):
    assert group_of(test) == group_of("src/auth/login.py") == ("auth", "login")


def test_a_name_that_only_looks_like_a_test_keeps_its_own_group():
    assert group_of("src/contest.py")[1] == "contest"
    assert group_of("src/latest.py")[1] == "latest"
    assert group_of("tests/test.py")[1] == "test"


def test_tests_in_one_flat_folder_join_the_only_module_of_their_name():
    pool = Pool([piece("pkg/sub/login.py"), piece("pkg/other/model.py"), piece("tests/test_login.py")])
    assert take(pool, target=100) == ["pkg/other/model.py"]
    assert take(pool, target=100) == ["pkg/sub/login.py", "tests/test_login.py"]


def test_a_test_of_a_name_that_several_modules_have_stays_where_it_is():
    pool = Pool([piece("a/login.py"), piece("b/login.py"), piece("tests/test_login.py")])
    assert take(pool, target=100) == ["tests/test_login.py"]


def test_a_group_is_not_torn_apart_at_the_target_but_at_the_window():
    together = [piece("auth/login.py"), piece("auth/test_login.py"), piece("auth/other.py")]
    assert take(Pool(together), target=100) == ["auth/login.py", "auth/test_login.py"]
    assert take(Pool(together), target=100, room=150) == ["auth/login.py"]


def test_something_is_always_taken_however_large():
    assert take(Pool([piece("big.py", tokens=99_999)]), target=10, room=20) == ["big.py"]


def test_who_may_not_take_a_piece_is_given_the_next_one():
    pool = Pool([piece("a.py", held="local_only"), piece("b.py")])
    taken = pool.take(1_000, 10_000, lambda item: item.held is None)
    assert [item.path for item in taken] == ["b.py"]
    assert len(pool) == 1
    assert pool.take(1_000, 10_000, lambda item: item.held is None) == []


def test_what_was_lost_goes_first_and_alone_once_it_was_lost_twice():
    pool = Pool([piece(f"{name}.py") for name in "abc"])
    lost = pool.take(150, 10_000, lambda _: True)
    lost[0].failed_on("one")
    pool.give_back(lost)
    assert take(pool) == ["a.py", "b.py", "c.py"]
    lost[0].failed_on("two")
    pool.give_back([*lost, piece("d.py")])
    assert take(pool) == ["a.py"]
    assert take(pool) == ["d.py"]


def test_a_piece_that_stands_alone_ends_the_share_before_it():
    pool = Pool([piece("a.py"), piece("b.py")])
    pool.waiting()[1].failed_on("one")
    pool.waiting()[1].failed_on("one")
    assert take(pool) == ["a.py"]
    assert take(pool) == ["b.py"]


def test_what_nobody_can_read_is_taken_out():
    pool = Pool([piece("a.py"), piece("b.py")])
    assert [item.path for item in pool.give_up(lambda item: item.path == "a.py")] == ["a.py"]
    assert take(pool) == ["b.py"]


def test_shares_get_smaller_towards_the_end_within_bounds():
    pool = Pool([piece(f"{number:03}.py", tokens=1_000) for number in range(100)])
    first = pool.target_tokens(workers=2)
    for _ in range(4):
        take(pool, target=20_000, room=20_000)
    assert first > pool.target_tokens(workers=2) >= LEAST_TOKENS
    assert Pool([piece("a.py", tokens=10)]).target_tokens(workers=3) == LEAST_TOKENS
    assert Pool([piece("a.py", tokens=10_000_000)]).target_tokens(workers=3) == MOST_TOKENS


def test_a_file_that_fits_is_one_piece():
    (only,) = pieces_of(file("a.py"), 1_000, None)
    assert (only.path, only.file.path) == ("a.py", "a.py")
    assert pieces_of(file("a.py", "x" * 100_000), None, None)[0].file.path == "a.py"


def test_a_long_file_is_cut_at_the_ends_of_lines_and_nothing_is_lost():
    text = "".join(f"line {number}\n" for number in range(2_000))
    found = pieces_of(file("a.py", text), 1_000, "local_only")
    assert "".join(item.file.text for item in found) == text
    assert all(item.tokens <= 1_000 for item in found)
    assert {item.path for item in found} == {"a.py"}
    assert {item.held for item in found} == {"local_only"}
    assert found[0].file.path.startswith("a.py (lines 1-")
    assert found[-1].file.path.endswith("-2000)")


def test_a_line_longer_than_the_room_is_a_piece_of_its_own():
    found = pieces_of(file("a.js", "short\n" + "x" * 20_000 + "\nshort\n"), 1_000, None)
    assert [item.file.path for item in found] == ["a.js (lines 1-1)", "a.js (lines 2-2)", "a.js (lines 3-3)"]
