"""One file, opened once, from its bytes to text. Nothing here blocks on a pipe or follows a link at the last moment."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass
from pathlib import PurePath

from oxide_desktop.core.search import explain

MOST_BYTES = 8 * 1024 * 1024
# What Windows lacks is not needed there: no pipe or device has a place in its folders.
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)

# The four-byte marks first: one of them begins like a two-byte one.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY_SUFFIXES = frozenset({
    ".7z", ".a", ".avi", ".bin", ".bmp", ".bz2", ".class", ".dll", ".dmg", ".doc", ".docx", ".dylib", ".ear", ".eot",
    ".exe", ".flac", ".gguf", ".gif", ".gz", ".heic", ".icns", ".ico", ".iso", ".jar", ".jpeg", ".jpg", ".lib", ".m4a",
    ".mkv", ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".npy", ".npz", ".o", ".obj", ".odp", ".ods", ".odt", ".ogg",
    ".onnx", ".otf", ".parquet", ".pdf", ".pickle", ".pkl", ".png", ".ppt", ".pptx", ".psd", ".pt", ".pyc", ".pyd",
    ".rar", ".safetensors", ".so", ".sqlite", ".sqlite3", ".tar", ".tgz", ".tif", ".tiff", ".ttf", ".war", ".wasm",
    ".wav", ".webm", ".webp", ".whl", ".woff", ".woff2", ".xls", ".xlsx", ".xz", ".zip", ".zst",
})  # fmt: skip


class UnreadableError(Exception):
    """A file that cannot be taken in; its text says why, as a short phrase."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """What a file holds.

    Attributes:
        size: Bytes read.
        encoding: How it was read, where it is not UTF-8.
        clipped: Whether more was there than may be read.
    """

    text: str
    size: int
    encoding: str | None = None
    clipped: bool = False


def read_text(real_path: str, room: int = MOST_BYTES) -> ReadText:
    """Read at most `room` bytes of a regular file of text. `real_path` must have its links resolved.

    Raises:
        UnreadableError: It is not there, no regular file, not text, or may not be read.
    """
    if PurePath(real_path).suffix.lower() in _BINARY_SUFFIXES:
        raise UnreadableError("binary")
    try:
        data = _read_bytes(real_path, room + 1)
    except OSError as error:
        raise UnreadableError(explain(error)) from error
    clipped = len(data) > room
    return _decode(data[:room], clipped=clipped)


def _read_bytes(real_path: str, most: int) -> bytes:
    descriptor = os.open(real_path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError("not a regular file")
        if not _is_still(real_path, descriptor):
            raise UnreadableError("another file took its place while it was opened")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most) or b""  # None where it would have to be waited for, as for some files of /proc
    finally:
        os.close(descriptor)


def _is_still(real_path: str, descriptor: int) -> bool:
    """Whether what was opened stands at that path: a folder above it may have become a link meanwhile."""
    link = f"/proc/self/fd/{descriptor}"  # only Linux tells
    return not os.path.lexists(link) or os.path.realpath(link) == real_path


def _decode(data: bytes, *, clipped: bool) -> ReadText:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = codecs.getincrementaldecoder(encoding)("replace").decode(data[len(mark) :], final=not clipped)
            return ReadText(text, len(data), None if encoding == "utf-8" else encoding, clipped)
    if b"\0" in data:
        raise UnreadableError("binary, or UTF-16 without a byte order mark" if _like_utf_16(data) else "binary")
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=not clipped)
    except UnicodeDecodeError:
        text, encoding = _decode_old(data)
        return ReadText(text, len(data), encoding, clipped)
    return ReadText(text, len(data), None, clipped)


def _like_utf_16(data: bytes) -> bool:
    """Whether most second bytes, and hardly any others, are zero, as those of Latin letters are."""
    start = data[:1024]
    few, many = sorted((start[::2].count(0), start[1::2].count(0)))
    return many > len(start) * 3 // 8 and few <= len(start) // 64


def _decode_old(data: bytes) -> tuple[str, str]:
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"
