from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.core import search
from oxide_desktop.core.ignored import GitIgnored
from oxide_desktop.core.receipts import LEADS_OUT, OUTSIDE
from oxide_desktop.core.search import FileSearch


def anywhere(_path: str) -> bool:
    return True


def find(cwd: Path, *given: str) -> FileSearch:
    found = FileSearch(cwd, anywhere)
    for item in given:
        found.add(item)
    return found


def names(found: FileSearch, cwd: Path) -> list[str]:
    return [Path(path).relative_to(cwd).as_posix() for path in found.found]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "a.py",
        "b.txt",
        ".hidden.py",
        "src/c.py",
        "src/deep/d.py",
        "src/deep/e.ts",
        ".dot/f.py",
        "app/[id]/g.ts",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.fixture(params=[0o000, 0o311, 0o444])
def closed(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that may not be entered, or not be listed, seen as somebody who is not root; another one beside it."""
    with tempfile.TemporaryDirectory() as name:
        closed = Path(name, "all/closed")
        (closed / "below").mkdir(parents=True)
        (closed / "x.py").write_text("x")
        (closed / "below/y.py").write_text("y")
        (closed.parent / "open.py").write_text("o")
        Path(name).chmod(0o755)
        closed.chmod(request.param)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield closed
        finally:
            if root:
                os.seteuid(0)
            closed.chmod(0o755)


def test_a_glob_means_files_in_order_and_leaves_hidden_ones_alone(tree):
    assert names(find(tree, "*"), tree) == ["a.py", "b.txt"]
    assert names(find(tree, ".*"), tree) == [".hidden.py"]


def test_two_stars_mean_any_depth(tree):
    assert names(find(tree, "**/*.py"), tree) == ["a.py", "src/c.py", "src/deep/d.py"]
    assert names(find(tree, "src/**"), tree) == ["src/c.py", "src/deep/d.py", "src/deep/e.ts"]
    assert names(find(tree, "**/**/deep/*.ts"), tree) == ["src/deep/e.ts"]


def test_a_star_in_the_middle_stands_for_one_folder(tree):
    assert names(find(tree, "*/deep/*.py"), tree) == ["src/deep/d.py"]
    assert names(find(tree, "s?c/[a-c].py"), tree) == ["src/c.py"]


def test_braces_are_spelled_out(tree):
    assert names(find(tree, "src/{c,deep/d}.py", "src/**/*.{ts,tsx}"), tree) == [
        "src/c.py",
        "src/deep/d.py",
        "src/deep/e.ts",
    ]


def test_braces_without_end_are_bounded(tree):
    found = find(tree, "{a,b}" * 30)
    assert found.missing == [("{a,b}" * 30, "no file matches")]


def test_a_name_that_looks_like_a_glob_is_taken_as_it_stands_if_it_is_there(tree):
    (tree / "[x].py").write_text("x")
    assert names(find(tree, "[x].py"), tree) == ["[x].py"]
    assert names(find(tree, "app/[id]/*.ts"), tree) == ["app/[id]/g.ts"]


def test_an_absolute_glob_and_a_glob_in_the_home_folder_work(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))
    assert names(find(Path("/"), f"{tree}/src/*.py"), tree) == ["src/c.py"]
    assert names(find(Path("/"), "~/src/*.py", "~/a.py"), tree) == ["src/c.py", "a.py"]


def test_a_folder_means_all_files_in_it_hidden_ones_too(tree):
    assert names(find(tree, "src", ".dot"), tree) == ["src/c.py", "src/deep/d.py", "src/deep/e.ts", ".dot/f.py"]


def test_folders_of_tools_are_passed_over_and_said(tree):
    for name in (".git/config", "node_modules/x/i.js", "env/pyvenv.cfg", "env/lib/y.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    found = find(tree, str(tree))
    assert not [name for name in names(found, tree) if name.split("/")[0] in (".git", "node_modules", "env")]
    assert found.notes == ("Folders that were not looked into: .git, env, node_modules.",)
    assert names(find(tree, "node_modules/x/*.js"), tree) == ["node_modules/x/i.js"]


def test_a_loop_of_links_is_walked_once(tree):
    (tree / "src/deep/loop").symlink_to(tree / "src")
    (tree / "aa").symlink_to(tree / "src")
    assert names(find(tree, "src"), tree) == ["src/c.py", "src/deep/d.py", "src/deep/e.ts"]
    assert names(find(tree, "**/*.py"), tree) == ["a.py", "src/c.py", "src/deep/d.py"]


def test_a_link_to_itself_is_left_to_the_reader(tree):
    (tree / "src/self.py").symlink_to("self.py")
    assert "src/self.py" in names(find(tree, "src/*.py"), tree)


def test_what_is_not_there_is_named_with_the_reason(tree):
    (tree / "gone").symlink_to(tree / "nowhere")
    given = (
        "missing.py",
        "*.rs",
        "gone",
        "",
        "a\0b",
        "half \ud83d",
        "x" * 5000,
        "a.py/b",
        "a.py/*/c",
        "nodir/*.py",
        "~nobody_of_this_name/x",
    )
    reasons = dict(find(tree, *given).missing)
    assert reasons == {
        "missing.py": "no such file",
        "*.rs": "no file matches",
        "gone": "a link to nothing",
        "": "not a path",
        "a\\0b": "not a path",
        "half \ud83d": "not a path",
        "x" * 5000: "file name too long",
        "a.py/b": "not a directory",
        "a.py/*/c": "no file matches",
        "nodir/*.py": "no file matches",
        "~nobody_of_this_name/x": "no such file",
    }


def test_a_folder_of_the_caller_that_is_gone_finds_nothing(tree):
    assert find(tree / "gone", "*.py").missing == [("*.py", "no file matches")]


def test_an_empty_folder_is_said(tree):
    (tree / "empty").mkdir()
    assert find(tree, "empty").missing == [("empty", "no file is there")]


@pytest.mark.parametrize("ignored", [None, GitIgnored()])
@pytest.mark.parametrize("given", ["all", "all/**/*.py", "all/*/*.py"])
def test_a_folder_that_may_not_be_entered_is_said_and_the_rest_is_found(closed, given, ignored):
    found = FileSearch(closed.parents[1], anywhere, ignored)
    found.add(given)
    if given != "all/*/*.py":
        assert str(closed.parent / "open.py") in found.found
    listed = os.access(closed, os.R_OK, effective_ids=True)
    where = str(closed / "below") if listed else str(closed)
    assert found.missing == ([] if listed and given == "all/*/*.py" else [(where, "permission denied")])


def test_what_leads_out_of_a_folder_by_a_link_is_left_out_unless_it_is_named_itself(tree):
    (tree / "src/out.py").symlink_to(tree / "b.txt")
    (tree / "src/away").symlink_to(tree / ".dot")
    (tree / "src/within.py").symlink_to("deep/d.py")
    inside = ["src/c.py", "src/deep/d.py", "src/within.py"]
    out = [(str(tree / "src/away"), LEADS_OUT), (str(tree / "src/out.py"), LEADS_OUT)]
    for given in ("src/**/*.py", "./src/**/*.py", "{src/**/*.py,src/*.py}"):
        found = find(tree, given)
        assert (names(found, tree), sorted(found.missing)) == (inside, out)
    for order in (["src/**/*.py", "src/out.py"], ["src/out.py", "src/**/*.py"]):
        found = find(tree, *order)
        assert sorted(names(found, tree)) == sorted([*inside, "src/out.py"])
        assert found.missing == out[:1]
    assert names(find(tree, "src/away"), tree) == ["src/away/f.py"]
    assert names(find(tree, "src/away/*"), tree) == ["src/away/f.py"]
    assert find(tree, "*/away/*.py").missing == []
    assert names(find(tree, "**/*.txt", "**/out.py"), tree) == ["b.txt", "src/out.py"]


def test_alternatives_that_begin_in_the_same_folder_are_all_found(tree):
    assert names(find(tree, "src/{*.py,d*/*.ts}", "{*.py,*.txt}"), tree) == [
        "src/c.py",
        "src/deep/e.ts",
        "a.py",
        "b.txt",
    ]


def test_folders_outside_are_not_even_looked_into(tree):
    found = FileSearch(tree, lambda path: Path(path).is_relative_to(tree / "src"))
    for given in ("a.py", "*.py", "src/c.py"):
        found.add(given)
    assert names(found, tree) == ["src/c.py"]
    assert found.missing == [("a.py", OUTSIDE), (str(tree), OUTSIDE)]


def test_a_file_that_is_named_itself_counts_as_named_whatever_else_finds_it(tree):
    assert set(find(tree, "a.py", "*.py").found.values()) == {True}
    assert set(find(tree, "*.py", "a.py").found.values()) == {True}
    assert set(find(tree, "*.py").found.values()) == {False}


def test_a_search_stops_at_its_limits_and_says_so(tree):
    for number in range(search.MOST_FILES + 10):
        (tree / "src" / f"{number:05}.md").touch()
    found = find(tree, "src")
    assert len(found.found) == search.MOST_FILES
    assert "stopped at its limit" in found.notes[-1]
    found.add("src/deep/*")
    assert len(found.found) <= search.MOST_FILES + 1


def test_what_two_paths_lead_to_counts_once_and_nothing_is_lost_without_a_word(tree, monkeypatch):
    for folder, count in (("one", 30), ("two", 10), ("three", 11)):
        (tree / "src" / folder).mkdir()
        for number in range(count):
            (tree / "src" / folder / f"{number}.md").touch()
    monkeypatch.setattr(search, "MOST_FILES", 40)
    both = find(tree, "src/one", "src/{one,two}/*")
    assert (len(both.found), both.notes) == (40, ())
    too_many = find(tree, "src/one", "src/{one,three}/*", "src/two/*.md")
    assert len(too_many.found) == 40
    assert "stopped at its limit, 40 files were found" in too_many.notes[-1]
    assert not too_many.missing
