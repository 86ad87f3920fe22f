from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from oxide_desktop.core.reading import UnreadableError, read_text


def reason(path: Path | str) -> str:
    with pytest.raises(UnreadableError) as caught:
        read_text(str(path))
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        ("żółć\n".encode(), "żółć\n", None),
        (b"\xef\xbb\xbfabc", "abc", None),
        ("añb".encode("utf-16"), "añb", "utf-16-le"),
        (b"\xfe\xff" + "añb".encode("utf-16-be"), "añb", "utf-16-be"),
        ("añb".encode("utf-32"), "añb", "utf-32-le"),
        (b"\x00\x00\xfe\xff" + "añb".encode("utf-32-be"), "añb", "utf-32-be"),
        (b"caf\xe9 \x80", "café €", "cp1252"),
        (b"\x81\xe9", "\x81é", "latin-1"),
        (b"", "", None),
    ],
)
def test_text_is_read_in_the_encoding_it_has(tmp_path, data, text, encoding):
    path = tmp_path / "x.txt"
    path.write_bytes(data)
    found = read_text(str(path))
    assert (found.text, found.encoding, found.size, found.clipped) == (text, encoding, len(data), False)


def test_a_long_file_is_read_up_to_the_limit_without_a_broken_character(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("ab€", encoding="utf-8")
    found = read_text(str(path), 4)
    assert (found.text, found.size, found.clipped) == ("ab", 4, True)


def test_a_pipe_a_socket_a_device_and_a_folder_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert reason(tmp_path / "s") == "no such device or address"
    assert reason(tmp_path / "pipe") == "not a regular file"
    assert reason("/dev/zero") == "not a regular file"
    assert reason(tmp_path) == "not a regular file"


def test_a_link_put_there_at_the_last_moment_is_not_followed(tmp_path):
    (tmp_path / "real.txt").write_text("x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    assert reason(tmp_path / "link.txt") == "too many levels of symbolic links"


def test_binaries_and_files_that_vanished_are_refused(tmp_path):
    (tmp_path / "x.dat").write_bytes(b"ab\0c")
    (tmp_path / "x.PNG").write_text("not really")
    assert reason(tmp_path / "x.dat") == "binary"
    assert reason(tmp_path / "x.PNG") == "binary"
    assert reason(tmp_path / "gone.txt") == "no such file"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_does_not_say_so_is_refused_with_what_it_lacks(tmp_path, encoding):
    (tmp_path / "x.txt").write_bytes("A plain line, naïve.\r\n".encode(encoding))
    assert reason(tmp_path / "x.txt") == "binary, or UTF-16 without a byte order mark"


def test_no_descriptor_is_left_open(tmp_path):
    (tmp_path / "x.txt").write_text("x")
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    for _ in range(20):
        read_text(str(tmp_path / "x.txt"))
        reason(tmp_path)
    again = os.open(os.devnull, os.O_RDONLY)
    os.close(again)
    assert again == lowest
