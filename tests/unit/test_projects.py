"""A project's own `.oxide.yaml`: found above folders, checked, never trusted, read again when it changes."""

import os
import textwrap
from pathlib import Path

import pytest

from oxide_desktop.config.projects import LONGEST_BYTES, ProjectFiles
from oxide_desktop.core.errors import ConfigError
from oxide_desktop.core.model import TaskType


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "project" / "src").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def files() -> ProjectFiles:
    return ProjectFiles(("qwen", "ollama"))


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ".oxide.yaml"
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file


def problems(files: ProjectFiles, folder: Path) -> list[str]:
    """`line key: message [allowed]` of everything that is refused in `folder`'s own file."""
    with pytest.raises(ConfigError) as caught:
        files.above(folder)
    assert {problem.file for problem in caught.value.problems} == {str(folder / ".oxide.yaml")}
    return [
        f"{problem.line} {problem.key}: {problem.message}" + (f" [{problem.allowed}]" if problem.allowed else "")
        for problem in caught.value.problems
    ]


def test_without_a_file_there_is_no_project(tree: Path, files: ProjectFiles) -> None:
    assert files.above(tree / "src") == ()
    assert files.above(tree / "not" / "there") == ()


def test_the_nearest_file_comes_first_and_the_search_ends_at_home(tree: Path, files: ProjectFiles) -> None:
    above_home = write(tree.parent.parent, "rules: {nonsense: qwen}")
    try:
        write(tree.parent, "local_only: [all/]")
        write(tree, "rules: {coding: qwen, general: ollama}\nlocal_only: ['clients/', '/top.txt']")
        write(tree / "src", "")
        found = files.above(tree / "src")
    finally:
        above_home.unlink()
    assert [item.file.parent for item in found] == [tree / "src", tree, tree.parent]
    assert found[1].rules == {TaskType.CODING: "qwen", TaskType.GENERAL: "ollama"}
    assert found[1].local_only == ("clients/", "/top.txt")
    assert (found[0].rules, found[0].local_only) == ({}, ())


def test_outside_the_home_the_search_goes_up_to_the_root(
    tree: Path, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tree / "src"))
    monkeypatch.setenv("USERPROFILE", str(tree / "src"))
    write(tree.parent, "local_only: [all/]")
    assert [item.file.parent for item in files.above(tree)] == [tree.parent]


def test_what_is_wrong_is_told_with_line_key_and_what_is_allowed(tree: Path, files: ProjectFiles) -> None:
    write(
        tree,
        """\
        rules:
          codng: qwen
          coding: gpt
          general: [qwen]
        local_only: [1, "", "~/x", "../y", "a/../../b", "!c", "${HOME}/d", "C:/e"]
        privacy: {}
        """,
    )
    types = ", ".join(TaskType)
    assert problems(files, tree) == [
        "6 privacy: there is no key 'privacy' in a project's file. [rules, local_only]",
        f"2 rules.codng: there is no task type 'codng'. [{types}]",
        "3 rules.coding: must be the name of a service in your settings. [qwen, ollama]",
        "4 rules.general: must be the name of a service in your settings. [qwen, ollama]",
        "5 local_only[0]: must be a glob, such as `*.pem` or `clients/**`.",
        "5 local_only[1]: must be a glob, such as `*.pem` or `clients/**`.",
        "5 local_only[2]: '~/x' leads out of the project's folder; `/` at the start means its top.",
        "5 local_only[3]: '../y' leads out of the project's folder; `/` at the start means its top.",
        "5 local_only[4]: 'a/../../b' leads out of the project's folder; `/` at the start means its top.",
        "5 local_only[5]: '!c' would lift something; a project's file can only hold back.",
        "5 local_only[6]: '${HOME}/d' refers to a variable, which a project's file may not.",
        "5 local_only[7]: 'C:/e' leads out of the project's folder; `/` at the start means its top.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [coding]", "1 rules: must hold types with services, such as `coding: qwen`."),
        ("local_only: secrets/", '1 local_only: must be a list of globs. [a list such as ["secrets/"]]'),
        ("- a", "1 (file): the file must hold keys with values"),
        ("a: b: c", "1 (file): this is not YAML: "),
        ("#" + "x" * LONGEST_BYTES, f"None (file): the file is longer than {LONGEST_BYTES:,} bytes; "),
    ],
)
def test_a_file_of_another_shape_is_refused(tree: Path, files: ProjectFiles, text: str, message: str) -> None:
    write(tree, text)
    (told,) = problems(files, tree)
    assert told.startswith(message)


def test_keys_without_a_value_say_nothing(tree: Path, files: ProjectFiles) -> None:
    write(tree, "rules:\nlocal_only:\n")
    (found,) = files.above(tree)
    assert (found.rules, found.local_only) == ({}, ())


def test_what_is_no_regular_text_file_is_refused_and_never_waited_for(tree: Path, files: ProjectFiles) -> None:
    (tree / ".oxide.yaml").mkdir()
    assert "cannot be read" in problems(files, tree)[0]
    (tree / ".oxide.yaml").rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tree / ".oxide.yaml")
        assert problems(files, tree) == ["None (file): the file cannot be read: not a regular file."]
        (tree / ".oxide.yaml").unlink()
    (tree / ".oxide.yaml").write_bytes(b"local_only: [caf\xe9]")
    assert problems(files, tree) == ["None (file): the file is not UTF-8 text."]


def test_a_link_is_followed_within_its_folder_only(tree: Path, files: ProjectFiles) -> None:
    (tree / "conf").mkdir()
    (tree / "conf" / "oxide.yaml").write_text("local_only: [a/]", encoding="utf-8")
    (tree / ".oxide.yaml").symlink_to("conf/oxide.yaml")
    assert files.above(tree)[0].local_only == ("a/",)
    for target in ("../other.yaml", "/dev/zero"):
        (tree / ".oxide.yaml").unlink()
        (tree / ".oxide.yaml").symlink_to(target)
        assert problems(files, tree) == ["None (file): the file is a link that leads out of its folder."]
    (tree / ".oxide.yaml").unlink()
    (tree / ".oxide.yaml").symlink_to("gone.yaml")
    assert "cannot be read" in problems(files, tree)[0]


def test_a_name_that_cannot_be_looked_at_is_told(tree: Path, files: ProjectFiles) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        files.above(tree / ("x" * 300))


def test_a_changed_file_counts_from_the_next_request_on(tree: Path, files: ProjectFiles) -> None:
    file = write(tree, "rules: {coding: qwen}")
    first = files.above(tree)[0]
    assert files.above(tree)[0] is first
    file.write_text("rules: {coding: ollama}", encoding="utf-8")
    assert files.above(tree)[0].rules == {TaskType.CODING: "ollama"}
    file.unlink()
    assert files.above(tree) == ()


def test_many_projects_are_not_all_remembered(tree: Path, files: ProjectFiles) -> None:
    places = [tree / str(number) for number in range(300)]
    for place in places:
        write(place, "local_only: [a/]")
    assert all(files.above(place)[0].local_only == ("a/",) for place in places)
