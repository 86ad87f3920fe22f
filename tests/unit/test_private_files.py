"""Files that are replaced whole or not at all, and that nobody else can read."""

from __future__ import annotations

import resource
import stat
from pathlib import Path

import pytest

from oxide_desktop.config.private_files import private_folder, write_atomically


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_for_its_owner_alone_and_alone_in_its_folder(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", b"one")
    write_atomically(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"two"
    assert mode_of(tmp_path / "file") == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_file_gets_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", b"one", 0o640)
    assert mode_of(tmp_path / "file") == 0o640


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_atomically(tmp_path / "file", b"x" * 50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_missing_folders_are_made_and_all_of_them_private(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b")
    private_folder(tmp_path / "a" / "b")
    assert [mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")] == [0o700, 0o700]
