"""What `.gitignore` files leave out, as git reads them."""

import sys
from pathlib import Path

import pytest

from oxide_desktop.core.ignored import GitIgnored


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git" / "info").mkdir(parents=True)
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\nbuild/\n/only_here.txt\n")
    (tmp_path / "sub" / ".gitignore").write_text("!loud.log\nsecret.txt\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "folder", "out"),
    [
        ("a.log", False, True),
        ("keep.log", False, False),
        ("sub/deep/a.log", False, True),
        ("sub/loud.log", False, False),
        ("sub/deep/secret.txt", False, True),
        ("secret.txt", False, False),
        ("build", True, True),
        ("build", False, False),
        ("only_here.txt", False, True),
        ("sub/only_here.txt", False, False),
        ("a.py", False, False),
    ],
)
def test_nested_patterns_and_exceptions_hold_as_in_git(repository: Path, path: str, folder: bool, out: bool):
    assert GitIgnored()(str(repository / path), folder=folder) is out


def test_what_only_this_clone_leaves_out_counts_too(repository: Path):
    (repository / ".git" / "info" / "exclude").write_text("notes.md\n")
    assert GitIgnored()(str(repository / "notes.md"), folder=False)


def test_a_repository_within_another_one_has_its_own_rules(repository: Path):
    (repository / "sub" / ".git").mkdir()
    assert not GitIgnored()(str(repository / "sub" / "a.log"), folder=False)


def test_outside_a_repository_the_topmost_file_counts(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".gitignore").write_text("*.tmp\n")
    assert GitIgnored()(str(tmp_path / "sub" / "a.tmp"), folder=False)


def test_without_any_such_file_nothing_is_left_out(tmp_path: Path):
    assert not GitIgnored()(str(tmp_path / "a.log"), folder=False)


def test_each_path_is_counted_once(repository: Path):
    ignored = GitIgnored()
    for _ in range(3):
        ignored(str(repository / "a.log"), folder=False)
    ignored(str(repository / "b.log"), folder=False)
    ignored(str(repository / "a.py"), folder=False)
    assert ignored.count == 2


@pytest.mark.skipif(sys.platform != "linux", reason="a file that opens and cannot be read is of Linux")
def test_a_gitignore_that_breaks_while_it_is_read_leaves_nothing_out(repository: Path):
    (repository / "sub" / ".gitignore").unlink()
    (repository / "sub" / ".gitignore").symlink_to("/proc/self/mem")
    assert not GitIgnored()(str(repository / "sub" / "secret.txt"), folder=False)


def test_a_gitignore_that_is_no_file_leaves_nothing_out(repository: Path):
    (repository / "sub" / ".gitignore").unlink()
    (repository / "sub" / ".gitignore").mkdir()
    assert not GitIgnored()(str(repository / "sub" / "secret.txt"), folder=False)
