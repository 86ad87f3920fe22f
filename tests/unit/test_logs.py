from __future__ import annotations

import logging
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.config.logs import KEPT_FILES, LARGEST_BYTES, close_logs, configure_logs
from oxide_desktop.config.masking import MASK, hide, masked
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.settings import LoggingSettings, LogLevel

log = logging.getLogger("oxide_desktop.test")
FILE_ONLY = LoggingSettings()
CONFIGURE = """
import logging, sys
from pathlib import Path
from oxide_desktop.config.logs import configure_logs
from oxide_desktop.config.paths import Paths
from oxide_desktop.core.settings import LoggingSettings
configure_logs(LoggingSettings(), Paths(Path(sys.argv[1])))
""".strip()


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    yield Paths(tmp_path)
    close_logs()
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("oxide_desktop").setLevel(logging.NOTSET)


def test_lines_go_to_a_file_that_only_its_owner_can_read_and_nowhere_else(
    paths: Paths, capfd: pytest.CaptureFixture[str]
):
    configure_logs(FILE_ONLY, paths)
    log.info("hello %s", "there")
    file = paths.home / "oxide.log"
    assert file.read_text().endswith(" oxide_desktop.test: hello there\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert capfd.readouterr() == ("", "")


def test_a_log_that_others_could_read_is_closed_to_them(paths: Paths):
    file = paths.home / "oxide.log"
    file.write_text("of an ancestor\n")
    file.chmod(0o644)
    configure_logs(FILE_ONLY, paths)
    log.info("hello")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("of an ancestor\n")


def test_the_console_is_standard_error_and_never_standard_output(paths: Paths, capfd: pytest.CaptureFixture[str]):
    configure_logs(LoggingSettings(console=True, file=""), paths)
    log.warning("hello")
    close_logs()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("oxide_desktop.test: hello\n")
    assert list(paths.home.iterdir()) == []


def test_with_neither_file_nor_console_nothing_is_shown(paths: Paths, capfd: pytest.CaptureFixture[str]):
    configure_logs(LoggingSettings(file=""), paths)
    log.error("hello")
    assert capfd.readouterr() == ("", "")


def test_a_program_without_standard_error_logs_to_its_file(paths: Paths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", None)
    configure_logs(LoggingSettings(console=True), paths)
    log.warning("hello")
    assert "hello" in (paths.home / "oxide.log").read_text()


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        (LogLevel.DEBUG, "DIWE", "WE"),
        (LogLevel.INFO, "IWE", "WE"),
        (LogLevel.WARNING, "WE", "WE"),
        (LogLevel.ERROR, "E", "E"),
    ],
)
def test_libraries_are_heard_from_warning_up(paths: Paths, level: LogLevel, ours: str, theirs: str):
    configure_logs(LoggingSettings(level=level), paths)
    for name in ("oxide_desktop.x", "library"):
        for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger(name).log(number, "line")
    lines = (paths.home / "oxide.log").read_text().splitlines()
    assert [line.split()[2][0] for line in lines if "oxide_desktop.x" in line] == list(ours)
    assert [line.split()[2][0] for line in lines if "library" in line] == list(theirs)


def test_configuring_again_replaces_the_first_file(paths: Paths):
    configure_logs(LoggingSettings(file="one.log"), paths)
    log.info("first")
    configure_logs(LoggingSettings(file="logs/two.log"), paths)
    log.info("second")
    assert "second" not in (paths.home / "one.log").read_text()
    assert "second" in (paths.home / "logs" / "two.log").read_text()


def test_an_absolute_file_and_a_tilde_are_taken_as_they_are(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    configure_logs(LoggingSettings(file="~/x.log"), paths)
    log.info("hello")
    assert (tmp_path / "person" / "x.log").exists()


def test_keys_are_masked_in_messages_and_in_traces(paths: Paths):
    hide("some-secret-value")
    configure_logs(FILE_ONLY, paths)
    try:
        int("sk-abcdefghijklmnop")
    except ValueError:
        log.exception("with %s", "some-secret-value")
    text = (paths.home / "oxide.log").read_text()
    assert "abcdefghijklmnop" not in text
    assert "some-secret-value" not in text
    assert f"with {MASK}" in text
    assert f"ValueError: invalid literal for int() with base 10: 'sk-{MASK}'" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-proj-AbC_123456789 used", f"key sk-{MASK} used"),
        ("Authorization: Bearer abc.def-123456==", f"Authorization: Bearer {MASK}"),
        ("AIzaSyA1234567890", f"AIza{MASK}"),
        ("ghp_abcdefghijkl", f"ghp_{MASK}"),
        ("GET /v1beta/models?key=abcdefghij&x=1", f"GET /v1beta/models?key={MASK}&x=1"),
        ("http://me:word@host/x", f"http://me:{MASK}@host/x"),
        ("http://localhost:8000/x", "http://localhost:8000/x"),
        ("a task-abcdefghijklmnop and a risk-assessment", "a task-abcdefghijklmnop and a risk-assessment"),
        ("tokens: 12", "tokens: 12"),
    ],
)
def test_what_looks_like_a_key_is_masked_and_the_rest_is_not(text: str, shown: str):
    assert masked(text) == shown


def test_a_longer_key_is_masked_before_the_shorter_one_that_it_begins_with():
    hide("prefix-of-a-key")
    hide("prefix-of-a-key-and-more")
    assert masked("prefix-of-a-key-and-more") == MASK


def test_a_very_short_value_is_not_masked_everywhere():
    hide("a")
    assert masked("banana") == "banana"


@pytest.mark.parametrize("file", ["/dev/full", "/proc/oxide.log", "oxide.log/in/a/file"])
def test_a_log_that_cannot_be_written_is_said_once_and_stops_nothing(
    paths: Paths, capfd: pytest.CaptureFixture[str], file: str
):
    (paths.home / "oxide.log").write_text("")
    configure_logs(LoggingSettings(file=file), paths)
    log.error("first")
    log.error("second")
    close_logs()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("oxide: the log cannot be written to") == 1
    assert err.count("\n") == 1


def test_a_log_that_cannot_be_written_harms_nobody_without_standard_error(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
):
    (paths.home / "lasting.log").symlink_to("/dev/full")
    configure_logs(LoggingSettings(file="lasting.log"), paths)
    with monkeypatch.context() as without:
        without.setattr(sys, "stderr", None)
        log.error("lost")
    (paths.home / "lasting.log").unlink()
    close_logs()
    configure_logs(LoggingSettings(file="lasting.log"), paths)
    log.error("hello")
    close_logs()
    assert "hello" in (paths.home / "lasting.log").read_text()


def test_a_wrong_log_call_is_shown_as_ever(paths: Paths):
    program = f"{CONFIGURE}; logging.getLogger('oxide_desktop').error('%d', 'no number')"
    done = subprocess.run(
        [sys.executable, "-c", program, str(paths.home)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Logging error" in done.stderr
    assert "the log cannot be written" not in done.stderr


def test_a_full_file_begins_anew_and_old_ones_go(paths: Paths):
    file = paths.home / "oxide.log"
    configure_logs(FILE_ONLY, paths)
    for number in range(KEPT_FILES + 2):
        with file.open("ab") as filler:
            filler.truncate(LARGEST_BYTES)
        log.info("line %d", number)
        assert file.stat().st_size < 200
    kept = {path.name for path in paths.home.iterdir()}
    assert kept == {"oxide.log", *(f"oxide.log.{number}" for number in range(1, KEPT_FILES + 1))}


def test_a_full_file_that_cannot_be_renamed_is_written_on(paths: Paths):
    file = paths.home / "oxide.log"
    (paths.home / "oxide.log.1").mkdir()
    (paths.home / "oxide.log.1" / "x").write_text("")
    (paths.home / "oxide.log.2").mkdir()
    (paths.home / "oxide.log.2" / "x").write_text("")
    (paths.home / "oxide.log.3").mkdir()
    configure_logs(FILE_ONLY, paths)
    with file.open("wb") as filler:
        filler.truncate(LARGEST_BYTES)
    log.info("goes on")
    assert file.stat().st_size > LARGEST_BYTES


def test_the_file_that_another_process_has_begun_is_followed(paths: Paths):
    file = paths.home / "oxide.log"
    configure_logs(FILE_ONLY, paths)
    log.info("first")
    file.rename(paths.home / "oxide.log.1")
    log.info("second")
    assert "second" in file.read_text()
    file.rename(paths.home / "oxide.log.2")
    file.write_text("")
    log.info("third")
    assert "third" in file.read_text()


def test_several_processes_write_whole_lines_to_one_file(paths: Paths):
    program = f"{CONFIGURE}; [logging.getLogger('oxide_desktop').info('x' * 500) for _ in range(50)]"
    writers = [subprocess.Popen([sys.executable, "-c", program, str(paths.home)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = (paths.home / "oxide.log").read_text().splitlines()
    assert len(lines) == 150
    assert all(line.endswith(": " + "x" * 500) for line in lines)
