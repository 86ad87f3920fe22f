from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oxide_desktop.core.context import Context, _Reader, gather
from oxide_desktop.core.errors import FailureKind, ServiceError, UsageError
from oxide_desktop.core.fitting import fit
from oxide_desktop.core.model import Locality, Request, Source
from oxide_desktop.core.privacy import check_prompt
from oxide_desktop.core.project import ProjectLanes
from oxide_desktop.core.reading import MOST_BYTES
from oxide_desktop.core.receipts import OUTSIDE, SAME_FILE, SAME_FOLDER, ReadStatus
from oxide_desktop.core.settings import PrivacySettings
from oxide_desktop.core.tokens import estimate_tokens

OPEN = PrivacySettings()
SECRET = 'db_password = "x9Kf2-pQz7w"\n'


def asked(cwd: Path, *files: str, prompt: str = "Why?", roots: Sequence[Path] | None = None) -> Request:
    return Request(
        prompt=prompt, files=files, source=Source.PYTHON, cwd=cwd, roots=None if roots is None else tuple(roots)
    )


def read(cwd: Path, *files: str, privacy: PrivacySettings = OPEN, **more) -> Context:
    return gather(asked(cwd, *files, **more), privacy, ProjectLanes(None))


def skipped(context: Context) -> dict[str, str]:
    return {item.path: item.reason for item in context.skipped}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path.resolve() / "project"
    (project / "src").mkdir(parents=True)
    (project / "src/a.py").write_text("a = 1\n")
    (project / "src/b.py").write_text("b = 2\n")
    (project / "notes.md").write_text("```\nx\n```\n")
    return project


@pytest.fixture
def unreadable_link() -> Iterator[Path]:
    """A link that is there and cannot be read, for root neither: the folder of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield Path(f"/proc/{process.pid}/cwd")
    process.wait()


# -- gathering -----------------------------------------------------------------------------------


def test_a_link_that_cannot_be_read_costs_itself_alone_and_is_named(project, unreadable_link):
    context = read(project, "notes.md", str(unreadable_link.parent), f"{unreadable_link.parent}/[c]wd")
    assert "notes.md" in [file.path for file in context.files]
    assert skipped(context)[str(unreadable_link)] == "no such file"


def test_a_link_that_could_be_read_a_moment_ago_is_named_too(project, unreadable_link):
    reader = _Reader(asked(project), OPEN, ProjectLanes(None))
    reader.search.found[str(unreadable_link)] = True
    reader.take_all()
    assert [(item.path, item.reason) for item in reader.receipts()] == [(str(unreadable_link), "no such file")]


def test_a_link_that_cannot_be_read_is_out_of_bounds_where_there_are_bounds(project, unreadable_link):
    context = read(project, "notes.md", str(unreadable_link), roots=[project])
    assert skipped(context) == {str(unreadable_link): OUTSIDE}


def test_files_are_read_once_in_the_order_asked_for_with_paths_from_the_callers_folder(project, tmp_path):
    (tmp_path / "other.txt").write_text("o")
    (project / "same.py").symlink_to(project / "src/a.py")
    context = read(project, "notes.md", "src/*.py", "same.py", "./src/a.py", "../other.txt")
    assert [file.path for file in context.files] == ["notes.md", "src/a.py", "src/b.py", f"{project}/../other.txt"]
    assert context.sizes[:2] == (("notes.md", 10), ("src/a.py", 6))
    assert context.tokens == estimate_tokens("Why?") + sum(estimate_tokens(file.text) for file in context.files)
    assert context.notes == ()


def test_every_name_of_a_file_and_of_a_folder_is_told_and_read_once_under_its_own(project):
    (project / "inlink.py").symlink_to(project / "src/a.py")
    (project / "src/up").symlink_to("..")
    (project / "early").symlink_to("src")
    context = read(project, ".")
    assert [file.path for file in context.files] == ["notes.md", "src/a.py", "src/b.py"]
    assert skipped(context) == {"inlink.py": SAME_FILE, "early": SAME_FOLDER, "src/up": SAME_FOLDER}
    assert context.notes == ()
    named = read(project, "src", "inlink.py")
    assert [file.path for file in named.files] == ["src/b.py", "inlink.py"]
    assert skipped(named)["src/a.py"] == SAME_FILE


def test_a_link_that_is_named_itself_reads_what_its_folder_would_hold_back(project):
    (project / ".env").write_text("A=1\n")
    (project / "link").symlink_to(".env")
    assert [file.path for file in read(project, "link", ".").files][:1] == ["link"]
    assert ".env" in skipped(read(project, "."))


def test_a_tilde_is_the_home_folder(project, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(project))
    assert [file.text for file in read(tmp_path, "~/src/a.py").files] == ["a = 1\n"]


def test_a_neighbour_whose_name_begins_like_a_root_is_outside(tmp_path):
    for name in ("root", "rootevil"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    context = read(tmp_path / "root", "x.txt", "../rootevil/x.txt", roots=[tmp_path / "root"])
    assert [file.text for file in context.files] == ["root"]
    assert list(skipped(context).values()) == ["outside the folders that may be read"]


def test_links_do_not_lead_out_of_the_roots(project, tmp_path):
    (tmp_path / "private.txt").write_text("p")
    (project / "src/link.py").symlink_to(tmp_path / "private.txt")
    context = read(project, "src/*.py", privacy=PrivacySettings(allowed_roots=(project,)))
    assert skipped(context) == {"src/link.py": "outside the folders that may be read"}


@pytest.mark.parametrize("given", ["src", "src/*", "src/**"])
def test_a_link_that_leads_out_of_what_was_named_is_not_followed(project, given):
    (project / "src/link.md").symlink_to(project / "notes.md")
    context = read(project, given)
    assert [file.path for file in context.files] == ["src/a.py", "src/b.py"]
    assert context.notes == (
        "Left out: src/link.md (a link that leads out of the folder; name it itself to include it).",
    )
    assert next(file.path for file in read(project, "src/link.md", given).files) == "src/link.md"


def test_the_callers_roots_do_not_widen_those_of_the_settings(project):
    privacy = PrivacySettings(allowed_roots=(project / "src",))
    context = read(project, "src/a.py", "notes.md", privacy=privacy, roots=[project])
    assert list(skipped(context)) == ["notes.md"]


def test_no_file_is_left_out_without_a_word(project):
    os.mkfifo(project / "pipe")
    (project / "x.png").write_text("x")
    for number in range(5):
        (project / f"gone{number}").symlink_to(project / "nowhere")
    context = read(project, "src/a.py", "pipe", "x.png", "missing.py", *(f"gone{number}" for number in range(5)))
    assert skipped(context)["pipe"] == "not a regular file"
    assert skipped(context)["missing.py"] == "no such file"
    assert "Left out: x.png (binary)." in context.notes
    assert "Left out: gone0, gone1, gone2 and 2 more (a link to nothing)." in context.notes
    assert {item.status for item in context.skipped} == {ReadStatus.SKIPPED}


def test_an_explicit_wish_for_files_never_becomes_a_question_without_files(project):
    with pytest.raises(UsageError) as caught:
        read(project, "nothing.py", "*.rs")
    assert caught.value.message == "nothing.py (no such file). *.rs (no file matches)."


def test_credentials_are_read_only_if_they_are_named_themselves(project):
    (project / ".env").write_text("A=1\n")
    (project / "src/tls.key").write_text("k")
    context = read(project, "src", ".env")
    assert [file.path for file in context.files] == ["src/a.py", "src/b.py", ".env"]
    assert skipped(context) == {"src/tls.key": "a file of credentials (*.key), read only if it is named itself"}


def test_what_is_odd_about_a_file_is_said(project):
    (project / "old.txt").write_bytes(b"caf\xe9\n")
    (project / "long.txt").write_bytes(b"0123456\n" * 1024 * 1024 + b"more")
    context = read(project, "old.txt", "long.txt")
    assert context.notes == (
        "old.txt is not UTF-8, read as cp1252.",
        "long.txt is too long, only its first 8,388,608 bytes were read.",
    )
    fitted = fit(context, window_tokens=None, locality=Locality.LOCAL, privacy=OPEN)
    assert [(item.status, item.reason) for item in fitted.receipt] == [
        (ReadStatus.READ, ""),
        (ReadStatus.TRUNCATED, "cut to its first 8,388,608 bytes"),
    ]
    assert fitted.notes == ()


def test_all_files_together_are_bounded(project):
    big = "x" * 1023 + "\n"
    for number in range(10):
        (project / f"{number}.txt").write_text(big * 8 * 1024)
    context = read(project, *(f"{number}.txt" for number in range(10)), privacy=PrivacySettings(scan_secrets=False))
    assert len(context.files) == 8
    assert skipped(context) == {"8.txt": "more than 64 MB in all", "9.txt": "more than 64 MB in all"}


def test_a_file_name_cannot_pass_for_anything_else(project):
    (project / "a\n```\nobey.txt").write_text("x")
    assert [file.path for file in read(project, "a\n```\nobey.txt").files] == ["a\ufffd```\ufffdobey.txt"]


# -- fitting -------------------------------------------------------------------------------------


def test_without_files_the_prompt_is_what_was_typed_byte_for_byte(project):
    context = read(project, prompt="  Why @x?\r\n\n")
    fitted = fit(context, window_tokens=8192, locality=Locality.CLOUD, privacy=OPEN)
    assert (fitted.prompt, fitted.notes, fitted.receipt) == ("  Why @x?\r\n\n", (), ())
    assert fitted.tokens == estimate_tokens(fitted.prompt)


def test_files_follow_the_prompt_in_fences_they_cannot_break(project):
    fitted = fit(read(project, "notes.md"), window_tokens=8192, locality=Locality.LOCAL, privacy=OPEN)
    assert fitted.prompt == "Why?\n\nFile: notes.md\n````\n```\nx\n```\n````\n"


def test_what_does_not_fit_is_cut_fairly_and_said(project):
    (project / "big.py").write_text("".join(f"line = {number}\n" for number in range(5000)))
    context = read(project, "big.py", "src/a.py", "nothing.py")
    fitted = fit(context, window_tokens=2000, locality=Locality.LOCAL, privacy=OPEN)
    assert fitted.tokens <= 1500
    assert "lines left out …]" in fitted.prompt
    assert "a = 1" in fitted.prompt
    assert [item.status for item in fitted.receipt] == [ReadStatus.TRUNCATED, ReadStatus.READ, ReadStatus.SKIPPED]
    assert fitted.notes[0].startswith("big.py was cut to its first ")
    assert fitted.notes[0].endswith(" of 5,000 lines to fit this service.")


def test_files_for_which_no_room_is_left_are_named(project):
    for number in range(100):
        (project / f"src/{number:03}.py").write_text("value = 1\n" * 300)
    fitted = fit(read(project, "src"), window_tokens=2000, locality=Locality.LOCAL, privacy=OPEN)
    left_out = [item for item in fitted.receipt if item.reason == "no room was left for it"]
    assert len(fitted.receipt) == 102
    assert 70 < len(left_out) < 102
    assert fitted.tokens <= 1500
    assert any("no room was left for it" in note for note in fitted.notes)


def test_a_prompt_is_never_cut(project):
    context = read(project, prompt="word " * 10_000)
    with pytest.raises(ServiceError) as caught:
        fit(context, window_tokens=8192, locality=Locality.LOCAL, privacy=OPEN)
    assert caught.value.kind is FailureKind.CONTEXT
    assert "8,192" in caught.value.message


def test_a_prompt_that_leaves_no_room_for_its_files_does_not_fit(project):
    (project / "big.py").write_text("line\n" * 5000)
    context = read(project, "big.py", prompt="word " * 4280)
    with pytest.raises(ServiceError) as caught:
        fit(context, window_tokens=8192, locality=Locality.LOCAL, privacy=OPEN)
    assert (caught.value.kind, caught.value.message) == (FailureKind.CONTEXT, "It leaves no room for its files.")


def test_a_local_only_file_goes_to_local_services_alone(project):
    privacy = PrivacySettings(local_only=("src/a.py",))
    context = read(project, "src/a.py", "src/b.py", privacy=privacy)
    cloud = fit(context, window_tokens=8192, locality=Locality.CLOUD, privacy=privacy)
    assert "a = 1" not in cloud.prompt
    assert "b = 2" in cloud.prompt
    assert cloud.receipt[0].reason == "local only: matches src/a.py"
    assert cloud.notes == ("Left out: src/a.py (local only: matches src/a.py).",)
    assert "a = 1" in fit(context, window_tokens=8192, locality=Locality.LOCAL, privacy=privacy).prompt


def test_a_link_with_an_innocent_name_does_not_leak_its_target(project):
    (project / "public.txt").symlink_to(project / "src/a.py")
    privacy = PrivacySettings(local_only=("src/**",))
    context = read(project, "public.txt", "notes.md", privacy=privacy)
    assert [item.path for item in context.held(privacy)] == ["public.txt"]


def test_looking_from_a_subfolder_does_not_leak(project):
    privacy = PrivacySettings(local_only=("src/**",))
    context = read(project / "src", "a.py", privacy=privacy)
    with pytest.raises(ServiceError) as caught:
        fit(context, window_tokens=None, locality=Locality.CLOUD, privacy=privacy)
    assert caught.value.kind is FailureKind.HELD
    assert caught.value.message == "a.py (local only: matches src/**)."


def test_a_file_with_a_secret_is_held_back_whole_and_the_secret_not_shown(project):
    (project / "conf.py").write_text("x = 1\n" + SECRET)
    context = read(project, "conf.py", "src/a.py")
    cloud = fit(context, window_tokens=None, locality=Locality.CLOUD, privacy=OPEN)
    assert cloud.receipt[0].reason == "local only: holds what looks like a password or key (line 2)"
    assert "x9Kf2" not in cloud.prompt + str(cloud.notes)
    assert "x9Kf2" in fit(context, window_tokens=None, locality=Locality.LOCAL, privacy=OPEN).prompt


def test_a_prompt_with_a_secret_is_held_back_from_the_cloud_alone(project):
    context = read(project, prompt=f"Is this strong?\n{SECRET}")
    assert context.prompt_findings == check_prompt(context.prompt, OPEN)
    with pytest.raises(ServiceError) as caught:
        fit(context, window_tokens=None, locality=Locality.CLOUD, privacy=OPEN)
    assert caught.value.kind is FailureKind.HELD
    assert not caught.value.kind.final
    assert not caught.value.kind.retriable
    assert caught.value.message == "The prompt holds what looks like a password or key (line 2)."
    assert fit(context, window_tokens=None, locality=Locality.LOCAL, privacy=OPEN).prompt == context.prompt


def test_a_context_that_was_not_scanned_is_scanned_before_it_leaves():
    with pytest.raises(ServiceError):
        fit(Context(prompt=SECRET), window_tokens=None, locality=Locality.CLOUD, privacy=OPEN)


def test_files_that_were_not_scanned_are_scanned_before_they_leave(project):
    (project / "conf.py").write_text(SECRET)
    context = read(project, "conf.py", privacy=PrivacySettings(scan_secrets=False))
    assert context.held(OPEN)[0].reason.startswith("local only: holds what looks like")


def test_the_scan_can_be_switched_off(project):
    (project / "conf.py").write_text(SECRET)
    privacy = PrivacySettings(scan_secrets=False)
    context = read(project, "conf.py", prompt=SECRET, privacy=privacy)
    assert "x9Kf2" in fit(context, window_tokens=None, locality=Locality.CLOUD, privacy=privacy).prompt


def test_a_cloud_service_is_named_only_files_that_were_scanned_whole_by_their_real_paths(project, tmp_path):
    (project / "long.log").write_text("x\n" * (MOST_BYTES // 2) + SECRET)
    (project / "conf.py").write_text(SECRET)
    (project / "same.py").symlink_to(project / "src/a.py")
    context = read(project, "same.py", "long.log", "conf.py")
    named = {
        locality: fit(context, window_tokens=None, locality=locality, privacy=OPEN).files
        for locality in (Locality.CLOUD, Locality.LOCAL)
    }
    assert named[Locality.CLOUD] == (project / "src/a.py",)
    assert named[Locality.LOCAL] == tuple(project / name for name in ("src/a.py", "long.log", "conf.py"))


def test_a_file_for_which_no_room_was_left_is_not_named_to_the_service(project):
    (project / "big.txt").write_text("line of text\n" * 4000)
    (project / "bigger.txt").write_text("line of text\n" * 5000)
    context = read(project, "big.txt", "bigger.txt")
    fitted = fit(context, window_tokens=150, locality=Locality.CLOUD, privacy=OPEN)
    assert [item.status for item in fitted.receipt] == [ReadStatus.TRUNCATED, ReadStatus.SKIPPED]
    assert fitted.files == (project / "big.txt",)


def test_threads_may_ask_at_once_what_is_held(project):
    privacy = PrivacySettings(local_only=("src/b.py",))
    for number in range(50):
        (project / f"src/{number}.py").write_text(SECRET if number % 2 else "x\n")
    context = read(project, "src", privacy=privacy)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: context.held(privacy), range(8)))
    assert found == [context.held(privacy)] * 8
    assert len(found[0]) == 26


def test_of_a_log_that_does_not_fit_its_end_is_kept_too(project):
    (project / "run.log").write_text("".join(f"step {number}\n" for number in range(4000)) + "it broke here\n")
    context = read(project, "run.log")
    fitted = fit(context, window_tokens=600, locality=Locality.LOCAL, privacy=OPEN)
    assert "\nstep 0\n" in fitted.prompt
    assert "it broke here\n```\n" in fitted.prompt
    assert " of 4,001 lines to fit this service." in fitted.notes[0]


def test_of_a_log_that_was_not_read_to_its_end_only_the_beginning_is_kept(project):
    (project / "run.log").write_text("step\n" * (MOST_BYTES // 5 + 1))
    fitted = fit(read(project, "run.log"), window_tokens=600, locality=Locality.LOCAL, privacy=OPEN)
    assert fitted.prompt.rstrip("`\n").endswith("lines left out …]")
